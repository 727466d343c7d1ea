//! The client of model servers, and runs of tags with it, against a server that
//! shows every behaviour that servers have.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fimd::config::{ApiKey, Endpoint, EndpointKind, Settings};
use fimd::endpoint::{EndpointError, ModelClient, ModelPrompt, ModelRequest};
use fimd::engine::tags::{RunError, RunLog, RunOutcome, Runner, prepare};
use fimd::model::ContextFile;
use futures_util::StreamExt;
use proptest::prelude::*;
use serde_json::json;

use crate::common::model_server::{ModelServer, ReceivedRequest, Reply, event};

fn endpoint(server: &ModelServer, kind: EndpointKind) -> Endpoint {
    Endpoint {
        url: server.url.clone(),
        kind,
        model: Some("tiny".into()),
        ..Endpoint::default()
    }
}

fn fim() -> ModelPrompt {
    ModelPrompt::Fim {
        before: "a".into(),
        after: "b".into(),
    }
}

fn request(prompt: ModelPrompt) -> ModelRequest {
    ModelRequest {
        prompt,
        max_tokens: 7,
        temperature: Some(0.5),
        top_p: None,
        seed: None,
        stop: ["1", "2", "3", "4", "5"].map(String::from).into(),
        max_write_ms: Some(500),
        slot: Some(1),
        lora: Vec::new(),
    }
}

/// The whole text of an answer. The deltas before an error count as well.
async fn answer(endpoint: &Endpoint) -> (String, Option<EndpointError>) {
    let client = match ModelClient::new(endpoint) {
        Ok(client) => client,
        Err(error) => return (String::new(), Some(error)),
    };
    let mut deltas = pin!(client.stream(request(fim())));
    let mut text = String::new();
    while let Some(delta) = deltas.next().await {
        match delta {
            Ok(delta) => text.push_str(&delta.text),
            Err(error) => return (text, Some(error)),
        }
    }
    (text, None)
}

#[tokio::test]
async fn each_kind_is_asked_in_its_own_words() {
    let say = |asked: &ReceivedRequest, answer: &mut Reply| match asked.path.as_str() {
        "/v1/completions" => {
            answer.stream();
            answer.text("hi");
            answer.done();
        }
        "/infill" => {
            answer.stream();
            answer.send("data: {\"content\":\"h\",\"stop\":false}\n\n");
            answer.send("data: {\"content\":\"i\",\"stop\":true,\"stopping_word\":\"\"}\n\n");
        }
        _ => {
            answer.head("200 OK", "application/x-ndjson");
            answer.send("{\"response\":\"h\",\"done\":false}\n\n");
            answer.send("{\"response\":\"i\",\"done\":true}\n");
        }
    };
    let four = json!(["1", "2", "3", "4"]);
    for (kind, base, path, body) in [
        (
            EndpointKind::Completions,
            "",
            "/v1/completions",
            json!({
                "model": "tiny", "stream": true, "max_tokens": 7, "temperature": 0.5,
                "stop": four, "prompt": "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
            }),
        ),
        (
            EndpointKind::Infill,
            "/infill",
            "/infill",
            json!({
                "model": "tiny", "stream": true, "n_predict": 7, "temperature": 0.5,
                "stop": four, "input_prefix": "a", "input_suffix": "b",
            }),
        ),
        (
            EndpointKind::Ollama,
            "/base/",
            "/base/api/generate",
            json!({
                "model": "tiny", "stream": true, "prompt": "a", "suffix": "b",
                "keep_alive": "30m", "truncate": false,
                "options": {
                    "num_predict": 7, "temperature": 0.5, "stop": four, "num_ctx": 8192,
                },
            }),
        ),
    ] {
        let server = ModelServer::start(say);
        let mut endpoint = endpoint(&server, kind);
        endpoint.url.push_str(base);
        endpoint.api_key = Some(ApiKey::from("the-key".to_owned()));
        assert_eq!(answer(&endpoint).await, ("hi".into(), None));
        let asked = server.asked();
        assert_eq!((asked.path.as_str(), &asked.body), (path, &body));
        let head = asked.head.to_lowercase();
        assert!(head.contains("authorization: bearer the-key\n"), "{head}");
    }
}

#[tokio::test]
async fn llama_is_asked_for_what_it_was_seen_to_have() {
    let say = |asked: &ReceivedRequest, answer: &mut Reply| {
        answer.stream();
        match asked.path.as_str() {
            "/infill" => answer.send(
                "data: {\"content\":\"hi\",\"stop\":true,\"timings\":{\"cache_n\":3,\
                 \"prompt_n\":4,\"prompt_ms\":2.5,\"predicted_n\":1,\"predicted_ms\":1.5}}\n\n",
            ),
            _ => {
                answer.text("hi");
                answer.done();
            }
        }
    };
    let props = r#"{"default_generation_settings":{"n_ctx":4096},"total_slots":2}"#;
    let all = json!(["1", "2", "3", "4", "5"]);
    let mut bodies = Vec::new();
    for kind in [EndpointKind::Completions, EndpointKind::Infill] {
        let server = ModelServer::with_props(Some(props), say);
        let client = ModelClient::new(&endpoint(&server, kind)).unwrap();
        let prompt = ModelPrompt::Code {
            context: vec![ContextFile {
                path: "b.php".into(),
                header: "// --- b.php ---\n".into(),
                text: "class B;\n".into(),
            }],
            before: "a".into(),
            after: "b".into(),
        };
        let prompt = match kind {
            EndpointKind::Infill => prompt,
            _ => fim(),
        };
        client.features().await;
        let mut deltas = pin!(client.stream(request(prompt)));
        let delta = deltas.next().await.unwrap().unwrap();
        let work = delta
            .work
            .map(|work| (work.read_tokens, work.reused_tokens));
        bodies.push((server.asked().body, work));
    }
    let (body, work) = &bodies[0];
    assert_eq!((&body["stop"], &body["cache_prompt"]), (&all, &json!(true)));
    assert_eq!(
        (&body["t_max_predict_ms"], &body["id_slot"]),
        (&json!(500), &json!(1))
    );
    assert_eq!(*work, None);
    let (body, work) = &bodies[1];
    assert_eq!(
        body["input_extra"],
        json!([{ "filename": "b.php", "text": "class B;\n" }])
    );
    assert_eq!((&body["stop"], &body["input_prefix"]), (&all, &json!("a")));
    assert_eq!(*work, Some((4, Some(3))));
}

#[tokio::test]
async fn a_prompt_that_ollama_cuts_is_an_error() {
    let server = ModelServer::start(|_, answer| {
        answer.head("200 OK", "application/x-ndjson");
        answer.send("{\"response\":\"h\",\"done\":false}\n");
        answer.send("{\"response\":\"i\",\"done\":true,\"prompt_eval_count\":8192}\n");
    });
    let (text, error) = answer(&endpoint(&server, EndpointKind::Ollama)).await;
    assert_eq!(text, "h");
    let said = error.unwrap().to_string();
    assert!(said.contains("has cut the prompt to 8192 tokens"), "{said}");
}

#[test]
fn without_text_behind_or_tokens_the_model_goes_on_from_what_is_before() {
    let plain = |endpoint: &Endpoint, after: &str| {
        ModelPrompt::new(endpoint, "a".into(), after.into()) == ModelPrompt::Plain("a".into())
    };
    let mut endpoint = Endpoint::default();
    assert!(plain(&endpoint, "") && plain(&endpoint, " \n\t"));
    assert!(!plain(&endpoint, "b"));
    endpoint.family.prefix.clear();
    endpoint.family.suffix.clear();
    endpoint.family.middle.clear();
    assert!(plain(&endpoint, "b"));
    endpoint.kind = EndpointKind::Infill;
    assert!(!plain(&endpoint, "b"), "the server has the tokens");
}

/// What a server does, the text that arrives, and the error message.
type Fault = (
    &'static str,
    fn(&ReceivedRequest, &mut Reply),
    &'static str,
    &'static str,
);

const FAULTS: &[Fault] = &[
    (
        "an error with a message",
        |_, answer| {
            let body = r#"{"error":{"code":500,"message":"no\nroom"}}"#;
            answer.whole("500 Internal Server Error", "application/json", body);
        },
        "",
        "/v1/completions: 500 Internal Server Error: no room; see its log",
    ),
    (
        "a key that is refused, and repeated",
        |_, answer| {
            let body = r#"{"error":"wrong key the-key"}"#;
            answer.whole("401 Unauthorized", "application/json", body);
        },
        "",
        "401 Unauthorized: wrong key [the key]; set FIMD_API_KEY",
    ),
    (
        "a key that is repeated in capitals, as JSON in text",
        |_, answer| {
            let body = r#"bad: {\"token\":\"THE-KEY\"}"#;
            answer.whole("401 Unauthorized", "text/plain", body);
        },
        "",
        r#"401 Unauthorized: bad: {\"token\":\"[the key]\"}; set FIMD_API_KEY"#,
    ),
    (
        "a redirection that repeats the key",
        |_, answer| {
            answer.send(
                "HTTP/1.1 307 X\r\nLocation: http://127.0.0.2:1/?k=the-key\r\nContent-Length: 0\r\n\r\n",
            );
        },
        "",
        "the server redirects to http://127.0.0.2:1/?k=[the key], which is not followed",
    ),
    (
        "a path that is not there",
        |_, answer| answer.whole("404 Not Found", "text/plain", "File Not Found"),
        "",
        "404 Not Found: File Not Found; see whether kind and url",
    ),
    (
        "a web page",
        |_, answer| {
            let page = "<!DOCTYPE html>\n<HTML><head><Title lang=en>It works\n!</TITLE></head>";
            answer.whole("200 OK", "text/html; charset=utf-8", page);
        },
        "",
        "no model server answers here: it sent an HTML page: It works !; set url under [endpoint]",
    ),
    (
        "a web server without a page at this path",
        |_, answer| answer.whole("405 Not Allowed", "text/html", "<html>no title"),
        "",
        "no model server answers here: it sent an HTML page; set url",
    ),
    (
        "a proxy before a model server that is down",
        |_, answer| {
            let page = "<html><title>502 Bad Gateway</title><h1>nginx</h1>";
            answer.whole("502 Bad Gateway", "text/html", page);
        },
        "",
        "/v1/completions: 502 Bad Gateway: 502 Bad Gateway; see its log",
    ),
    (
        "another service",
        |_, answer| answer.whole("200 OK", "application/json", r#"{"message":"hello"}"#),
        "",
        "no model server of this kind answers here: expected an answer of type text/event-stream, \
         found application/json: hello; see whether kind and url under [endpoint]",
    ),
    (
        "a service that does not speak HTTP",
        |_, answer| answer.send("SSH-2.0-OpenSSH_9.2\r\n"),
        "",
        "no model server answers here: its answer is not HTTP (",
    ),
    (
        "a redirection elsewhere",
        |_, answer| {
            answer.send(
                "HTTP/1.1 307 X\r\nLocation: http://127.0.0.2:1/\r\nContent-Length: 0\r\n\r\n",
            );
        },
        "",
        "the server redirects to http://127.0.0.2:1/, which is not followed",
    ),
    (
        "a stream that ends too soon",
        |_, answer| {
            answer.stream();
            answer.text("some");
        },
        "some",
        "the answer ended before it was complete",
    ),
    (
        "an event that is cut",
        |_, answer| {
            answer.stream();
            answer.text("some");
            answer.send("data: {\"choices\":[{\"te");
        },
        "some",
        "the answer ended before it was complete",
    ),
    (
        "a connection that breaks",
        |_, answer| {
            answer.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 999\r\n\r\n",
            );
            answer.text("some");
        },
        "some",
        "the connection broke: ",
    ),
    (
        "an error in the middle",
        |_, answer| {
            answer.stream();
            answer.text("some");
            answer.send("data: {\"error\":{\"message\":\"out of memory\"}}\n\n");
        },
        "some",
        "the server gave up: out of memory; see its log",
    ),
    (
        "no JSON",
        |_, answer| {
            answer.stream();
            answer.send("data: hello\n\n");
        },
        "",
        "the answer cannot be read: expected value",
    ),
    (
        "another kind of server",
        |_, answer| {
            answer.stream();
            answer.send("data: {\"content\":\"some\"}\n\n");
        },
        "",
        "the answer has no choices; see whether kind",
    ),
    (
        "no UTF-8",
        |_, answer| {
            answer.stream();
            answer.text("some");
            answer.send(b"data: \xff\xff\n\n");
        },
        "some",
        "the answer is not UTF-8",
    ),
    (
        "a server that says nothing",
        |_, answer| answer.hang(),
        "",
        "no text came for 300 ms; see whether the server is at work, or raise first_byte_timeout_ms",
    ),
    (
        "a stream that does not begin",
        |_, answer| {
            answer.stream();
            answer.hang();
        },
        "",
        "no text came for 300 ms; see whether the server is at work, or raise first_byte_timeout_ms",
    ),
    (
        "a stream that stops",
        |_, answer| {
            answer.stream();
            answer.text("some");
            answer.hang();
        },
        "some",
        "no text came for 200 ms; see whether the server is at work, or raise idle_timeout_ms",
    ),
];

#[tokio::test]
async fn what_goes_wrong_is_said_in_one_line() {
    for (name, act, text, says) in FAULTS {
        let server = ModelServer::start(act);
        let mut endpoint = Endpoint {
            api_key: Some(ApiKey::from("the-key".to_owned())),
            ..endpoint(&server, EndpointKind::Completions)
        };
        // Only the cases that test timeouts have short timeouts.
        if says.ends_with("first_byte_timeout_ms") {
            endpoint.first_byte_timeout_ms = 300;
        } else if says.ends_with("idle_timeout_ms") {
            endpoint.idle_timeout_ms = 200;
        }
        let (came, error) = answer(&endpoint).await;
        let error = error.unwrap_or_else(|| panic!("{name}: no error"));
        assert_eq!(came, *text, "{name}");
        let said = error.to_string();
        assert!(
            said.starts_with(&server.url) && said.contains(says),
            "{name}: {said}"
        );
        assert_eq!(said.lines().count(), 1, "{name}: {said}");
        let shown = format!("{said} {error:?} {endpoint:?}");
        assert!(!shown.contains("the-key"), "{name}: {shown}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_and_a_url_that_is_none_are_said() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let url = |url: String| Endpoint {
        url,
        ..Endpoint::default()
    };
    let unreachable = url(format!("http://127.0.0.1:{port}"));
    let said = answer(&unreachable).await.1.unwrap().to_string();
    assert!(
        said.contains("cannot reach the model server: Connection refused"),
        "{said}"
    );
    for (wrong, says) in [
        ("nothing", "relative URL without a base"),
        ("ftp://x/", "expected http://HOST or https://HOST"),
        ("http://me:secret@x/", "a key goes into api_key"),
    ] {
        let said = answer(&url(wrong.into())).await.1.unwrap().to_string();
        assert!(said.contains(says) && !said.contains("secret"), "{said}");
    }
    let nameless = Endpoint {
        kind: EndpointKind::Ollama,
        ..Endpoint::default()
    };
    let said = answer(&nameless).await.1.unwrap().to_string();
    assert!(said.contains("Ollama needs the name of a model"), "{said}");
}

#[tokio::test]
async fn keep_alives_and_line_ends_of_any_kind_mean_nothing() {
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        answer.send(": ping\n\n");
        answer.send("event: x\r\ndata: {\"choices\":[{\"text\":\"a\"}]}\r\n\r\n");
        answer.send(": ping\n\ndata: {\"choices\":[]}\n\n");
        answer.send("data: {\"choices\":[{\"text\":\"b\"}]}\n\ndata: [DONE]\n\n");
        answer.text("too late");
    });
    let endpoint = endpoint(&server, EndpointKind::Completions);
    assert_eq!(answer(&endpoint).await, ("ab".into(), None));
}

#[tokio::test]
async fn a_redirection_on_the_same_server_is_followed() {
    let server = ModelServer::start(|asked, answer| match asked.path.as_str() {
        "/here" => {
            answer.stream();
            answer.text("hi");
            answer.done();
        }
        _ => answer.send(
            "HTTP/1.1 308 X\r\nLocation: /here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ),
    });
    let endpoint = endpoint(&server, EndpointKind::Completions);
    assert_eq!(answer(&endpoint).await, ("hi".into(), None));
    let (first, second) = (server.asked(), server.asked());
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_costs_no_question() {
    let asked = AtomicUsize::new(0);
    let server = ModelServer::start(move |_, answer| {
        // The server closes the first connection without an answer.
        if asked.fetch_add(1, Ordering::Relaxed) > 0 {
            answer.stream();
            answer.text("hi");
            answer.done();
        }
    });
    let endpoint = endpoint(&server, EndpointKind::Completions);
    assert_eq!(answer(&endpoint).await, ("hi".into(), None));
    let (first, second) = (server.asked(), server.asked());
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        answer.text("some");
        answer.hang();
    });
    let client = ModelClient::new(&endpoint(&server, EndpointKind::Completions)).unwrap();
    let mut deltas = Box::pin(client.stream(request(fim())));
    assert_eq!(deltas.next().await.unwrap().unwrap().text, "some");
    drop(deltas);
    tokio::task::spawn_blocking(move || server.left())
        .await
        .unwrap();
}

/// Runs the tag at byte `at`; also returns the text that was shown meanwhile.
async fn run(
    settings: &Settings,
    content: &str,
    at: usize,
    log: Option<RunLog>,
) -> (Result<RunOutcome, RunError>, String) {
    let prepared = prepare(content.into(), at, settings, String::new()).unwrap();
    let shown = Arc::new(Mutex::new(String::new()));
    let show = |text: String| {
        assert!(!text.is_empty());
        shown.lock().unwrap().push_str(&text);
        std::future::ready(())
    };
    let runner = Runner::new(settings, log).unwrap();
    let outcome = runner.run(&prepared, show).await;
    let shown = shown.lock().unwrap().clone();
    (outcome, shown)
}

fn settings(server: &ModelServer) -> Settings {
    Settings {
        endpoint: endpoint(server, EndpointKind::Completions),
        ..Settings::default()
    }
}

#[tokio::test]
async fn stop_keeps_its_pattern_chop_does_not_and_nothing_is_taken_back() {
    for (tag, text, stopped_by) in [
        ("[[[9;stop(\"END\")]]]", "one END", Some("END")),
        ("[[[9;chop(\"END\")]]]", "one ", Some("END")),
        (
            "[[[9;append(\"!\");prepend(\">\")]]]",
            ">one END two!",
            None,
        ),
        ("[[[9]]]", "one END two", None),
    ] {
        let server = ModelServer::saying(&["on", "e E", "N", "D tw", "o"]);
        let content = format!("[[[prefix]]]a {tag} b");
        let (outcome, shown) = run(&settings(&server), &content, 15, None).await;
        let outcome = outcome.unwrap();
        assert_eq!(
            (outcome.text.as_str(), shown.as_str()),
            (text, text),
            "{tag}"
        );
        assert_eq!(outcome.stopped_by.as_deref(), stopped_by, "{tag}");
        assert_eq!(outcome.content, format!("a {text} b"), "{tag}");
        assert_eq!(outcome.end(), 2 + text.len(), "{tag}");
    }
}

#[test]
fn what_cannot_be_run_asks_nobody() {
    let server = ModelServer::saying(&["hello"]);
    for (content, says) in [
        ("a\n[[[9;stp(\"x\")]]]", "2:6: unknown function stp; "),
        (
            "a\n[[[9;temp(\"3\")]]]",
            "2:11: temp: expected a number from 0 to 2, found \"3\"; ",
        ),
        ("a\n[[[(no)]]]", "2:1: this is a comment tag; "),
        ("a\n[[9]]", "no tag at line 2, column 3; "),
    ] {
        let refused = prepare(content.into(), 4, &settings(&server), String::new());
        let said = refused.unwrap_err().to_string();
        assert!(said.starts_with(says), "{said}");
    }
    assert!(server.is_unasked());
}

#[tokio::test]
async fn a_run_that_breaks_off_changes_nothing_unless_what_has_come_is_to_be_kept() {
    let breaks = |_: &ReceivedRequest, answer: &mut Reply| {
        answer.stream();
        answer.text("so far E");
    };
    let server = ModelServer::start(breaks);
    let mut settings = settings(&server);
    let content = "a [[[9;chop(\"END\");append(\"!\")]]] b";
    let (outcome, shown) = run(&settings, content, 3, None).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.partial(), "so far E");
    assert_eq!(shown, "so far ", "the rest could still have been a match");
    let said = error.to_string();
    assert!(
        said.contains("; 8 characters had come and are not kept"),
        "{said}"
    );

    settings.tags.keep_partial = true;
    let (outcome, shown) = run(&settings, content, 3, None).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.content, "a so far E b");
    assert_eq!(shown, "so far E");
    assert!(matches!(
        outcome.broken,
        Some(EndpointError::Incomplete { .. })
    ));
}

#[tokio::test]
async fn the_last_runs_are_remembered_without_keys() {
    let folder = tempfile::tempdir().unwrap();
    let log = RunLog::new(&folder.path().join("fimd"));
    let server = ModelServer::saying(&["hello"]);
    let mut settings = settings(&server);
    settings.endpoint.api_key = Some(ApiKey::from("the-key".to_owned()));
    settings.tags.log_runs = 2;
    for n in 1..=3 {
        let content = format!("{n} [[[{n}]]] behind");
        run(&settings, &content, 3, Some(log.clone()))
            .await
            .0
            .unwrap();
    }
    settings.endpoint.url = "http://127.0.0.1:1".into();
    run(&settings, "x [[[4]]]", 3, Some(log.clone()))
        .await
        .0
        .unwrap_err();
    let runs = log.read().unwrap();
    let tags: Vec<_> = runs.iter().map(|run| run.tag.as_str()).collect();
    assert_eq!(tags, ["[[[3]]]", "[[[4]]]"]);
    assert_eq!(
        (runs[0].answer.as_str(), &*runs[0].window.after),
        ("hello", " behind")
    );
    assert!(runs[0].time.ends_with('Z') && runs[0].error.is_none());
    assert!(runs[1].error.as_deref().unwrap().contains("cannot reach"));
    let file = folder.path().join("fimd/tags.jsonl");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("the-key"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    settings.tags.log_runs = 0;
    run(&settings, "x [[[5]]]", 3, Some(log.clone()))
        .await
        .0
        .unwrap_err();
    assert_eq!(log.read().unwrap().len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The outcome does not depend on how the server and the network cut an
    /// answer, and the text that was shown is the text of the outcome.
    #[test]
    fn chunks_change_nothing(
        text in "[abE\u{e9}\u{1F600}]{0,30}",
        deltas in prop::collection::vec(1usize..5, 0..12),
        writes in prop::collection::vec(1usize..90, 0..24),
        stops in prop::collection::vec(("[abE\u{e9}]{1,3}", any::<bool>()), 0..3),
    ) {
        let calls: String = stops
            .iter()
            .map(|(stop, keep)| format!(";{}(\"{stop}\")", if *keep { "stop" } else { "chop" }))
            .collect();
        let content = format!("x [[[9{calls}]]] y");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut outcomes = Vec::new();
        for (deltas, writes) in [(vec![], vec![]), (deltas, writes)] {
            let mut wire = Vec::new();
            let mut chars = text.chars();
            for delta in deltas {
                wire.extend(event(&chars.by_ref().take(delta).collect::<String>()).bytes());
            }
            wire.extend(event(chars.as_str()).bytes());
            // Characters are not escaped, so that they can be cut.
            let wire = String::from_utf8(wire).unwrap() + "data: [DONE]\n\n";
            let server = ModelServer::start(move |_, answer| {
                answer.stream();
                let mut rest = wire.as_bytes();
                for write in &writes {
                    let (now, later) = rest.split_at((*write).min(rest.len()));
                    answer.send(now);
                    rest = later;
                }
                answer.send(rest);
            });
            let (outcome, shown) = runtime.block_on(run(&settings(&server), &content, 3, None));
            let outcome = outcome.unwrap();
            prop_assert_eq!(&outcome.text, &shown);
            outcomes.push(outcome);
        }
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
    }
}

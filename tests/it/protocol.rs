//! The NDJSON framing, spoken to the real binary over pipes and over a socket.

mod scenarios;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fimd::config::Settings;
use fimd::engine::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use scenarios::{
    EMPTY, INITIALIZE, INITIALIZED, call, failed, get, notify, project, result, scenario, scenarios,
};

use crate::common::daemon::Daemon;
use crate::common::{Client, ServerExit, fimd};

#[test]
fn scenarios_over_stdio() {
    let project = project();
    for scenario in scenarios() {
        // Even with the finest log level, stdout holds only answers.
        let mut client = Client::start(fimd().args(["--log-level", "trace"]));
        client.send(scenario.bytes(&project));
        let ServerExit { answers, code, log } = client.close();
        assert_eq!(code, Some(0), "{}: {log}", scenario.name);
        scenario.check(&project, answers);
    }
}

#[test]
fn scenarios_over_a_socket() {
    let project = project();
    let daemon = Daemon::start();
    for scenario in scenarios() {
        let answers = daemon.ask(&scenario.bytes(&project));
        scenario.check(&project, answers.lines().map(String::from).collect());
    }
}

/// Other unsaved buffers stand in for their files in one answer.
#[test]
fn a_client_tells_of_other_unsaved_buffers() {
    let project = project();
    let edited = "<?php\nnamespace Shop;\nclass Greeter { public function salute(): void {} }\n";
    let content = "<?php\nuse Shop\\Greeter;\n$greeter = new Greeter();\n$greeter->";
    let ask = |id: u32, buffers: serde_json::Value| {
        let params = serde_json::json!({
            "filepath": "x.php",
            "content": content,
            "cursor_offset": content.len(),
            "buffers": buffers,
        });
        call(&id.to_string(), "getContext", &params.to_string())
    };
    let one = |path: &str, text: &str| serde_json::json!([{"filepath": path, "content": text}]);
    let absolute = project.path().join("src/Greeter.php");
    let large = "x".repeat((16 << 20) + 1);
    let input = [
        project.fill(INITIALIZE),
        ask(1, one("src/Greeter.php", edited)),
        ask(2, one(absolute.to_str().unwrap(), edited)),
        ask(3, serde_json::json!([])),
        ask(4, one("src/New.php", "<?php\n")),
        ask(5, serde_json::json!([{"filepath": 5}])),
        ask(6, one("src/Greeter.php", &large)),
    ];
    let mut client = Client::start(&mut fimd());
    client.send(input.join("\n") + "\n");
    let ServerExit { answers, .. } = client.close();
    let answer = |id: u32| -> serde_json::Value {
        let mut all = answers
            .iter()
            .map(|line| serde_json::from_str(line).unwrap());
        all.find(|answer: &serde_json::Value| answer["id"] == id)
            .unwrap()
    };
    for (id, shown, hidden) in [
        (1, "salute()", "greet("),
        (2, "salute()", "greet("),
        (3, "greet(", "salute("),
        (4, "greet(", "salute("),
    ] {
        let answer = answer(id);
        let context = answer["result"]["context"].as_str().unwrap();
        assert!(context.contains(shown), "{id}: {context}");
        assert!(!context.contains(hidden), "{id}: {context}");
    }
    for (id, message) in [
        (5, "buffers: expected an array"),
        (6, "buffers: src/Greeter.php has"),
    ] {
        let answer = answer(id);
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        let said = answer["error"]["message"].as_str().unwrap();
        assert!(said.starts_with(message), "{said}");
    }
}

/// The answers of a server in this process, when `input` arrives cut at `cuts`.
async fn served(engine: &Engine, input: &[u8], cuts: &[usize]) -> Vec<String> {
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let (input_end, output_end) = tokio::io::split(theirs);
    let server = fimd::server::serve(
        engine.clone(),
        input_end,
        output_end,
        std::future::pending(),
    );
    let (mut answers, mut requests) = tokio::io::split(ours);
    let client = async {
        let mut start = 0;
        for &end in cuts.iter().chain([&input.len()]) {
            if requests.write_all(&input[start..end]).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
            start = end;
        }
        requests.shutdown().await.unwrap();
    };
    let mut text = String::new();
    let (ended, (), read) = tokio::join!(server, client, answers.read_to_string(&mut text));
    ended.unwrap();
    read.unwrap();
    text.lines().map(String::from).collect()
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 96,
        failure_persistence: None,
        ..Default::default()
    })]
    #[test]
    fn any_chunking_gives_the_same_answers(
        which in proptest::sample::select((0..scenarios().len()).collect::<Vec<_>>()),
        cuts in proptest::collection::vec(proptest::prelude::any::<proptest::sample::Index>(), 0..40),
    ) {
        let project = project();
        let scenario = &scenarios()[which];
        let input = scenario.bytes(&project);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = Engine::new(Settings::default(), None).unwrap();
        let answers = runtime.block_on(served(&engine, &input, &cuts));
        scenario.check(&project, answers);
    }
}

#[test]
fn input_that_is_not_utf_8_is_a_parse_error() {
    let mut client = Client::start(&mut fimd());
    client.send(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}\n");
    let message = "not UTF-8: invalid byte at offset 34";
    assert_eq!(client.answer(), failed("null", -32700, message));
    assert_eq!(client.close().code, Some(0));
}

#[test]
fn a_message_needs_no_line_break_at_the_end_of_the_input() {
    let mut client = Client::start(&mut fimd());
    client.send(call("1", "shutdown", "{}"));
    let ended = client.close();
    assert_eq!(ended.answers, [result("1", "null")]);
    assert_eq!(ended.code, Some(0));
}

#[test]
fn a_message_may_have_64_mib_and_not_one_byte_more() {
    let mut client = Client::start(&mut fimd());
    let mut message = call("1", "nope", "{}");
    message += &" ".repeat((64 << 20) - message.len());
    client.send(format!(
        "{message}\r\n{message} \n{}\n",
        call("2", "nope", "{}")
    ));
    let scenario = scenario(
        "the limit",
        [],
        [
            &failed("1", -32601, "*"),
            &failed(
                "null",
                -32600,
                "a message may have 67108864 bytes; this one was skipped; raise max_message_bytes under [limits] in the settings file",
            ),
            &failed("2", -32601, "*"),
        ],
    );
    let ended = client.close();
    assert_eq!(ended.code, Some(0));
    scenario.check(&project(), ended.answers);
}

#[test]
fn a_cancelled_request_is_answered_once() {
    let project = project();
    let mut client = Client::start(&mut fimd());
    let mut cancelled = 0;
    for round in 0..20 {
        let id = format!(r#""a{round}""#);
        let cancel = notify("$/cancelRequest", &format!(r#"{{"id":"\u0061{round}"}}"#));
        let lines = [
            project.fill(INITIALIZE),
            get(&id, ""),
            cancel,
            call("2", "nope", "{}"),
        ];
        client.send(lines.join("\n") + "\n");
        let mut answers = [client.answer(), client.answer(), client.answer()];
        answers.sort();
        let [answered, initialized, nope] = answers;
        if answered == failed(&id, -32800, "cancelled") {
            cancelled += 1;
        } else {
            assert_eq!(answered, result(&id, EMPTY));
        }
        assert_eq!(nope, failed("2", -32601, r#"unknown method \"nope\""#));
        assert_eq!(initialized, INITIALIZED);
    }
    assert!(client.close().answers.is_empty());
    // The request waits until files are read, but the server reads its
    // cancellation at once.
    assert!(cancelled > 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_from() {
    const REQUESTS: usize = 20_000;
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let (input, output) = tokio::io::split(theirs);
    let engine = Engine::new(Settings::default(), None).unwrap();
    let server = fimd::server::serve(engine, input, output, std::future::pending());
    let server = tokio::spawn(server);
    let (mut answers, mut requests) = tokio::io::split(ours);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let client = tokio::spawn(async move {
        for id in 0..REQUESTS {
            let line = call(&id.to_string(), "nope", "{}") + "\n";
            requests.write_all(line.as_bytes()).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        }
        requests.shutdown().await.unwrap();
    });
    // Everything runs on this thread. When nothing changes for a thousand turns,
    // nothing can.
    let mut before = usize::MAX;
    while before != sent.load(Ordering::Relaxed) {
        before = sent.load(Ordering::Relaxed);
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    }
    assert!(
        (1..REQUESTS / 2).contains(&before),
        "{before} requests were read"
    );

    let mut text = String::new();
    answers.read_to_string(&mut text).await.unwrap();
    client.await.unwrap();
    server.await.unwrap().unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), REQUESTS);
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), REQUESTS, "an id was answered twice");
}

#[test]
fn the_context_of_a_buffer_is_answered_with_its_sources() {
    let project = project();
    let mut client = Client::start(&mut fimd());
    let content = r"<?php\nuse Shop\\Greeter;\n$greeter = new Greeter();\n$greeter->";
    let params = format!(
        r#"{{"filepath":"x.php","content":"{content}","cursor_offset":60,"explain":true}}"#
    );
    let initialize = call(
        "1",
        "initialize",
        r#"{"project_root":"{root}","bm25":true}"#,
    );
    client.send(project.fill(&initialize) + "\n" + &call("2", "getContext", &params) + "\n");

    let initialized: serde_json::Value = serde_json::from_str(&client.answer()).unwrap();
    assert_eq!(initialized["result"]["file_count"], 2);
    assert!(initialized["result"]["bm25_chunks"].as_u64().unwrap() > 0);

    let answer: serde_json::Value = serde_json::from_str(&client.answer()).unwrap();
    let context = answer["result"]["context"].as_str().unwrap();
    assert!(
        context.contains("// --- src/Greeter.php ---\n"),
        "{context}"
    );
    assert!(
        context.contains("function greet(string $name): string"),
        "{context}"
    );
    let snippet = &answer["result"]["snippets"][0];
    assert_eq!(snippet["path"], "src/Greeter.php");
    assert_eq!(snippet["source"], "dependency");
    assert!(snippet["end"].as_u64() > snippet["start"].as_u64());
    assert!(snippet["score"].is_number() && snippet["chars"].is_number());
    assert!(answer["result"]["dropped"].is_array());
    assert_eq!(client.close().code, Some(0));
}

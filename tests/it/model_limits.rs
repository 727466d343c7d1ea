//! Model servers that misbehave: they never end, send far too much, or send control
//! tokens. Each is one error of the model server, in every method and framing, and no
//! control token reaches a document.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::lsp_client::{self, Transport};
use crate::common::model_server::{ModelServer, ReceivedRequest, Reply, event};
use crate::common::{Client, Project, fimd};

/// How a server misbehaves, and what of it the error says.
type Fault = (fn(&ReceivedRequest, &mut Reply), &'static str);

/// Sends `text` again and again, with a pause that is shorter than any time limit.
fn slowly(answer: &mut Reply, text: &str) {
    for _ in 0..6000 {
        answer.send(text);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends `text` until 100 MB are sent.
fn much(answer: &mut Reply, text: &str) {
    let block = text.repeat((1 << 16) / text.len());
    for _ in 0..1600 {
        answer.send(&block);
    }
}

const FAULTS: &[Fault] = &[
    (
        |_, answer| {
            answer.stream();
            slowly(answer, ": ping\n\n");
        },
        "no text came for 300 ms; see whether the server is at work, or raise first_byte_timeout_ms",
    ),
    (
        |_, answer| {
            answer.stream();
            slowly(answer, &event(""));
        },
        "no text came for 300 ms; see whether the server is at work, or raise first_byte_timeout_ms",
    ),
    (
        |_, answer| {
            answer.stream();
            answer.text("$a");
            slowly(answer, &format!(": ping\n\n{}", event("")));
        },
        "no text came for 300 ms; see whether the server is at work, or raise idle_timeout_ms",
    ),
    (
        |_, answer| {
            answer.stream();
            slowly(answer, &event("a"));
        },
        "the answer was not complete after 900 ms; see whether the server is at work, or raise \
         total_timeout_ms",
    ),
    (
        |_, answer| {
            answer.stream();
            answer.send("data: ");
            much(answer, "x");
        },
        "the answer has a message of more than 8388608 bytes",
    ),
    (
        |_, answer| {
            answer.stream();
            much(answer, "data: xxxxxxxx\r\n");
        },
        "the answer has a message of more than 8388608 bytes",
    ),
    (
        |_, answer| {
            answer.stream();
            answer.send(event(&"a".repeat(1 << 20)));
            answer.hang();
        },
        "the answer has more than 2304 bytes of text",
    ),
];

/// Settings for this server. Only the time limit that `says` names is short.
fn settings(server: &ModelServer, says: &str) -> Project {
    let limits = match says {
        _ if says.ends_with("first_byte_timeout_ms") => {
            "first_byte_timeout_ms = 300\nconnect_timeout_ms = 100\n"
        }
        _ if says.ends_with("idle_timeout_ms") => "idle_timeout_ms = 300\n",
        _ if says.ends_with("total_timeout_ms") => "total_timeout_ms = 900\n",
        _ => "",
    };
    let settings = format!(
        "[endpoint]\nurl = \"{}\"\n{limits}[completion]\nmax_tokens = 9\n",
        server.url
    );
    Project::new(&[("settings.toml", &settings), ("a.php", "<?php\n")])
}

fn ndjson(project: &Project) -> Client {
    let file = project.path().join("settings.toml");
    let mut command = fimd();
    command.env("XDG_STATE_HOME", project.path());
    let mut client = Client::start(
        command
            .args(["--log-level", "error", "--settings"])
            .arg(file),
    );
    let root = json!({ "project_root": project.path() });
    call(&mut client, "initialize", &root);
    client
}

/// The answer to a request, and the texts of the notifications before it.
fn call(client: &mut Client, method: &str, params: &Value) -> (Value, Vec<String>) {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    client.send(format!("{request}\n"));
    let mut texts = Vec::new();
    loop {
        let message: Value = serde_json::from_str(&client.answer()).unwrap();
        if message["id"] == 1 {
            return (message, texts);
        }
        let text = message["params"]["text"].as_str().unwrap_or_default();
        texts.push(text.to_owned());
    }
}

fn completion() -> Value {
    json!({ "filepath": "a.php", "content": "<?php\n", "cursor_offset": 6 })
}

fn tag() -> Value {
    json!({ "content": "[[[9]]]", "cursor_offset": 3 })
}

#[test]
fn what_never_ends_is_given_up_as_the_servers_fault_everywhere() {
    for (act, says) in FAULTS {
        let server = ModelServer::start(act);
        let project = settings(&server, says);
        let check = |answer: &Value, method: &str| {
            let error = &answer["error"];
            assert_eq!(error["code"], -32001, "{method}: {says}: {answer}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(says), "{method}: {message}");
        };
        let mut client = ndjson(&project);
        check(&call(&mut client, "complete", &completion()).0, "complete");
        check(&call(&mut client, "tags/run", &tag()).0, "tags/run");
        drop(client);

        let file = project.path().join("settings.toml");
        let mut client = lsp_client::Client::with(
            &Transport::Stdio,
            fimd()
                .env("XDG_STATE_HOME", project.path())
                .args(["--log-level", "error", "--settings"])
                .arg(file),
        );
        let root = format!("file://{}", project.path().display());
        client.call("initialize", json!({ "rootUri": root, "capabilities": {} }));
        client.notify("initialized", json!({}));
        let uri = format!("{root}/a.php");
        client.open(&uri, "<?php\n");
        let place = json!({
            "textDocument": { "uri": uri },
            "position": { "line": 1, "character": 0 },
            "context": { "triggerKind": 1 },
        });
        for (method, params) in [
            ("textDocument/inlineCompletion", place.clone()),
            ("complete", place),
            ("tags/run", tag()),
        ] {
            let id = client.request(method, params);
            let answer = loop {
                let message = client.receive();
                if message["id"] == id {
                    break message;
                }
            };
            check(&answer, method);
        }
        client.exit();
    }
}

#[test]
fn an_answer_that_is_too_large_is_given_up_even_if_no_message_is() {
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        much(answer, &format!(": {}\n", "x".repeat(1000)));
    });
    let (answer, _) = call(&mut ndjson(&settings(&server, "")), "tags/run", &tag());
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("the answer has more than 67108864 bytes"),
        "{message}"
    );
}

#[test]
fn control_tokens_that_come_in_pieces_reach_no_document() {
    const PIECES: &[&[&str]] = &[
        &["echo 1;", "<", "|fim_mid", "dle|", ">", "more"],
        &["echo 1;<|endof", "text|>"],
        &["echo 1;<|", "file_sep|>a.php\n"],
    ];
    for pieces in PIECES {
        let server = ModelServer::saying(pieces);
        let project = settings(&server, "");
        let mut client = ndjson(&project);
        let (answer, texts) = call(&mut client, "tags/run", &tag());
        assert_eq!(answer["result"]["text"], "echo 1;", "{answer}");
        assert_eq!(texts.concat(), "echo 1;");
        assert!(answer["result"]["stopped_by"].is_null(), "{answer}");
        let (answer, _) = call(&mut client, "complete", &completion());
        assert_eq!(answer["result"]["items"][0]["text"], "echo 1;", "{answer}");
    }
    let server = ModelServer::saying(&["a < b <", "| c <|fim", "_ d"]);
    let (answer, texts) = call(&mut ndjson(&settings(&server, "")), "tags/run", &tag());
    assert_eq!(answer["result"]["text"], "a < b <| c <|fim_ d", "{answer}");
    assert_eq!(texts.concat(), "a < b <| c <|fim_ d");
}

#[test]
fn a_large_answer_may_come_byte_by_byte() {
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        let message = event(&"a b ".repeat(500)) + &event("!");
        for byte in message.as_bytes().chunks(1) {
            answer.send(byte);
        }
        answer.done();
    });
    let (answer, _) = call(&mut ndjson(&settings(&server, "")), "tags/run", &tag());
    assert_eq!(
        answer["result"]["text"],
        "a b ".repeat(500) + "!",
        "{answer}"
    );
}

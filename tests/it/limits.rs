//! Every limit has a message that names it when it is reached. The log and the
//! status hold no source code.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Command;

use serde_json::{Value, json};

use crate::common::daemon::{Daemon, wait_for};
use crate::common::{Client, Project, fimd, matches};

/// This text stands in buffers and files, and must not stand in the log.
const MARKER: &str = "SecretSauce";

fn initialize(project: &Project) -> String {
    let root = project.path().to_str().unwrap();
    request(
        0,
        "initialize",
        &json!({ "project_root": root, "bm25": true }),
    )
}

fn request(id: u32, method: &str, params: &Value) -> String {
    let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    format!("{request}\n")
}

fn framed(message: &Value) -> String {
    let message = message.to_string();
    format!("Content-Length: {}\r\n\r\n{message}", message.len())
}

/// A settings file with these limits. It is deleted with the returned folder.
fn settings(limits: &str) -> (tempfile::TempDir, Command) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, format!("[limits]\n{limits}\n")).unwrap();
    let mut command = fimd();
    command.arg("--settings").arg(file);
    (folder, command)
}

fn project() -> Project {
    Project::new(&[
        ("a.php", "<?php\nclass A { public function run() {} }\n"),
        ("b.php", "<?php\nclass B extends A {}\n"),
    ])
}

/// The error with which a server with these limits answers the last of
/// `requests`.
fn error(limits: &str, requests: &[String]) -> (i64, String) {
    let (_settings, mut command) = settings(limits);
    let mut client = Client::start(&mut command);
    let mut answer = String::new();
    for request in requests {
        client.send(request);
        answer = client.answer();
    }
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let error = &answer["error"];
    let message = error["message"].as_str().unwrap_or_default();
    (error["code"].as_i64().unwrap_or_default(), message.into())
}

#[test]
fn a_project_beyond_the_limits_is_not_opened() {
    let project = project();
    let ask = [initialize(&project)];
    for (limits, pattern) in [
        (
            "max_files = 1",
            "*: more PHP files than the 1 of max_files; leave *",
        ),
        (
            "max_project_bytes = 20",
            "* bytes of memory, more than the 20 of max_project_bytes; leave *",
        ),
        // More than the two texts, but less than the index that is made of them.
        (
            "max_project_bytes = 200",
            "* bytes of memory, more than the 200 of max_project_bytes; leave *",
        ),
    ] {
        let (code, message) = error(limits, &ask);
        assert!(
            code == -32603 && matches(pattern, &message),
            "{code} {message}"
        );
    }
    assert_eq!(error("max_files = 2", &ask), (0, String::new()));
}

#[test]
fn a_context_longer_than_the_limit_is_refused() {
    let project = project();
    let get = |max_chars: u32| {
        let params = json!({ "filepath": "x.php", "content": "<?php", "max_chars": max_chars });
        [initialize(&project), request(1, "getContext", &params)]
    };
    assert_eq!(
        error("max_context_chars = 50", &get(50)),
        (0, String::new())
    );
    let (code, message) = error("max_context_chars = 50", &get(51));
    assert_eq!(code, -32602);
    assert!(
        matches(
            "max_chars: expected at most 50, found 51; raise *",
            &message
        ),
        "{message}"
    );
}

#[test]
fn a_message_longer_than_the_limit_is_refused() {
    let long = request(1, "getContext", &json!({ "content": "x".repeat(300) }));
    let (code, message) = error("max_message_bytes = 200", &[long]);
    assert_eq!(code, -32600);
    assert!(
        matches("a message may have 200 bytes; *", &message),
        "{message}"
    );
}

#[test]
fn a_client_above_the_limit_is_told_and_let_go() {
    let project = project();
    let (_settings, mut command) = settings("max_clients = 1");
    let daemon = Daemon::start_with(&mut command);
    // The connection that tested whether the daemon listens may still be open.
    let served = |client: &mut std::os::unix::net::UnixStream| {
        client.write_all(initialize(&project).as_bytes()).unwrap();
        let mut said = String::new();
        BufReader::new(client).read_line(&mut said).unwrap();
        said.contains("file_count")
    };
    let place = || {
        let mut client = daemon.connect();
        served(&mut client).then_some(client)
    };
    let first = wait_for("a place", place);

    let lines = initialize(&project);
    let headers = framed(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize" }));
    for (ask, start) in [(lines, ""), (headers, "Content-Length: *\r\n\r\n")] {
        let mut refused = daemon.connect();
        refused.write_all(ask.as_bytes()).unwrap();
        let mut said = String::new();
        refused.read_to_string(&mut said).unwrap();
        let pattern = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"1 clients are connected already; *"}}"#;
        assert!(
            matches(&format!("{start}{pattern}"), said.trim_end()),
            "{said}"
        );
    }
    // A client that disconnects frees its place.
    drop(first);
    wait_for("a place", place);
}

#[test]
fn a_buffer_that_grows_beyond_the_limit_is_refused_until_it_is_given_again() {
    let project = project();
    let (_settings, mut command) = settings("max_buffer_bytes = 20");
    let mut server = Client::start(&mut command);
    let uri = format!("file://{}/b.php", project.path().to_str().unwrap());
    let notify = |method: &str, params: Value| {
        framed(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    };
    let change = |change: Value| {
        let document = json!({ "uri": uri, "version": 2 });
        notify(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [change] }),
        )
    };
    let zero = json!({ "line": 0, "character": 0 });
    let insert = |text: &str| json!({ "range": { "start": zero, "end": zero }, "text": text });
    let ask = |id: u32| {
        let params = json!({ "textDocument": { "uri": uri }, "position": zero });
        framed(&json!({ "jsonrpc": "2.0", "id": id, "method": "getContext", "params": params }))
    };
    let options = json!({ "project_root": project.path().to_str().unwrap() });
    let params = json!({ "capabilities": {}, "initializationOptions": options });
    server.send(framed(
        &json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }),
    ));
    let document = json!({ "uri": uri, "languageId": "php", "version": 1, "text": "<?php // b" });
    server.send(notify("initialized", json!({})));
    server.send(notify(
        "textDocument/didOpen",
        json!({ "textDocument": document }),
    ));
    server.send(ask(1));
    server.send(change(insert("0123456789+")));
    server.send(ask(2));
    server.send(change(insert("+")));
    server.send(ask(3));
    server.send(change(json!({ "text": "<?php // c" })));
    server.send(ask(4));
    let ended = server.close();
    let answers = ended.answers.join("\n");
    for (id, is_refused) in [(1, false), (2, true), (3, true), (4, false)] {
        let start = format!(r#"{{"jsonrpc":"2.0","id":{id},""#);
        let (_, answer) = answers.split_once(&start).unwrap();
        let refused = r#"error":{"code":-32602,"message":"textDocument: "#;
        assert_eq!(answer.starts_with(refused), is_refused, "{id}: {answers}");
        assert!(
            is_refused || answer.starts_with("result"),
            "{id}: {answers}"
        );
    }
    assert!(
        ended.log.contains("more than the 20 of max_buffer_bytes"),
        "{}",
        ended.log
    );
}

#[test]
fn wrong_settings_are_named_and_nothing_starts() {
    let (folder, mut command) = settings("\nmax_flies = 1");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let pattern = "fimd: */settings.toml:3: limits.max_flies: unknown; expected one of *\n";
    assert!(matches(pattern, &said), "{said}");
    drop(folder);
}

#[test]
fn the_users_settings_are_read_and_a_flag_overrules_them() {
    let project = project();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("fimd")).unwrap();
    let file = home.path().join("fimd/settings.toml");
    std::fs::write(file, "[limits]\nmax_file_bytes = 30\n").unwrap();
    let files = |more: &[&str]| {
        let mut command = fimd();
        command.env("XDG_CONFIG_HOME", home.path());
        let output = command.arg("files").arg(project.path()).args(more).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(files(&[]), "b.php\n");
    assert_eq!(files(&["--max-file-bytes", "1000"]), "a.php\nb.php\n");
}

#[test]
fn the_log_holds_no_code() {
    let secret = format!("<?php class {MARKER} {{ public ${MARKER}; }} // {MARKER}\n");
    let project = Project::new(&[("a.php", &secret), ("b.php", "<?php class B {}")]);
    let content = format!("<?php /* {MARKER} */ $a = new {MARKER}(); $a->{MARKER} = '{MARKER}");
    let get = json!({ "filepath": "b.php", "content": content, "explain": true });
    let wrong = json!({ "filepath": "b.php", "content": content, "cursor_offset": MARKER });
    for level in ["info", "debug", "trace"] {
        let mut lines = Client::start(fimd().args(["--log-level", level]));
        lines.send(initialize(&project));
        lines.answer();
        lines.send(request(1, "getContext", &get));
        assert!(lines.answer().contains(MARKER));
        lines.send(request(2, "getContext", &wrong));
        lines.send(format!("{{\"content\": {MARKER}\n"));
        lines.send(format!("[{{\"content\": \"{MARKER}\"}}]\n"));
        lines
            .send(json!({ "jsonrpc": "2.0", "method": "getContext", "params": wrong }).to_string());
        let log = lines.close().log;
        assert!(!log.contains(MARKER), "{level}: {log}");
        assert!(
            log.contains("getContext") && log.contains("bytes_in"),
            "{level}: {log}"
        );
        assert!(log.contains("project read"), "{level}: {log}");

        let mut headers = Client::start(fimd().args(["--log-level", level]));
        let root = project.path().to_str().unwrap();
        let params =
            json!({ "capabilities": {}, "initializationOptions": { "project_root": root } });
        let uri = format!("file://{root}/b.php");
        let document = json!({ "uri": uri, "languageId": "php", "version": 1, "text": content });
        let zero = json!({ "line": 0, "character": 0 });
        let edit = json!({ "range": { "start": zero, "end": zero }, "text": MARKER });
        let changed = json!({ "uri": uri, "version": 2 });
        let at_end = json!({ "textDocument": { "uri": uri }, "position": zero });
        for message in [
            json!({ "id": 0, "method": "initialize", "params": params }),
            json!({ "method": "initialized", "params": {} }),
            json!({ "method": "textDocument/didOpen", "params": { "textDocument": document } }),
            json!({ "method": "textDocument/didChange", "params": { "textDocument": changed, "contentChanges": [edit] } }),
            json!({ "id": 1, "method": "getContext", "params": at_end }),
            json!({ "id": 2, "method": "getContext", "params": wrong }),
            json!({ "method": "textDocument/didOpen", "params": { "text": content } }),
        ] {
            let mut message = message;
            message["jsonrpc"] = "2.0".into();
            headers.send(framed(&message));
        }
        let ended = headers.close();
        assert!(ended.answers.join("\n").contains(r#""id":1,"result""#));
        assert!(!ended.log.contains(MARKER), "{level}: {}", ended.log);
    }
}

#[test]
fn the_status_tells_what_the_daemon_holds() {
    let project = project();
    let daemon = Daemon::start();
    let status = |more: &[&str]| {
        let mut command = fimd();
        command.arg("status").arg("--socket").arg(daemon.path());
        command.args(more).output().unwrap()
    };
    let mut client = BufReader::new(daemon.connect());
    let get = json!({ "filepath": "x.php", "content": "<?php new " });
    let mut answer = String::new();
    for request in [initialize(&project), request(1, "getContext", &get)] {
        client.get_mut().write_all(request.as_bytes()).unwrap();
        client.read_line(&mut answer).unwrap();
    }
    client
        .get_mut()
        .write_all(request(2, "made up", &json!({})).as_bytes())
        .unwrap();
    client.read_line(&mut answer).unwrap();
    assert!(answer.contains(r#""file_count":2"#), "{answer}");

    let output = status(&["--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    let held = &told["projects"][0];
    assert_eq!(
        held["root"],
        project.path().canonicalize().unwrap().to_str().unwrap()
    );
    assert_eq!(
        (&held["clients"], &held["index"]["files"]),
        (&json!(1), &json!(2))
    );
    assert!(held["index"]["memory_bytes"].as_u64() > Some(67), "{told}");
    // This client's connection, and that of the status request.
    assert_eq!(told["clients"].as_array().unwrap().len(), 2, "{told}");
    for (method, requests) in [("initialize", 1), ("getContext", 1), ("other", 1)] {
        assert_eq!(told["methods"][method]["requests"], requests, "{told}");
    }
    assert!(
        told["methods"]["getContext"]["max_ms"].as_f64() > Some(0.0),
        "{told}"
    );

    let output = status(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "version  ",
        "uptime   ",
        "clients  2, ",
        "  getContext\n",
        "p99 ms",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn without_a_daemon_the_status_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let output = fimd()
        .arg("status")
        .arg("--socket")
        .arg(socket)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let pattern = "fimd: socket */s: no daemon listens here; *\n";
    assert!(matches(pattern, &said), "{said}");
}

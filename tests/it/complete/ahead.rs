//! `completion/readAhead`: the model server reads a prompt while nobody waits.

use std::sync::mpsc::Receiver;

use super::*;

const LLAMA: &str = r#"{"default_generation_settings":{"n_ctx":4096},"total_slots":1}"#;

/// A server of llama.cpp whose answers wait until the test lets each of them go.
fn server() -> (ModelServer, Sender<()>) {
    let (go, wait) = mpsc::channel();
    let wait: Mutex<Receiver<()>> = Mutex::new(wait);
    let server = ModelServer::with_props(Some(LLAMA), move |asked, answer| {
        // The test may have ended.
        let _ = wait.lock().unwrap().recv();
        let text = if asked.body["max_tokens"] == 0 {
            ""
        } else {
            "add($item);\n"
        };
        let message = json!({
            "choices": [{ "text": text, "finish_reason": "stop" }],
            "timings": {
                "cache_n": 0, "prompt_n": 100, "prompt_ms": 200.0,
                "predicted_n": 4, "predicted_ms": 20.0,
            },
        });
        answer.stream();
        answer.send(format!("data: {message}\n\n"));
    });
    (server, go)
}

/// A project with a page whose prompt takes several pieces to read, and that page.
fn project() -> (Project, String) {
    let page = format!(
        "<?php\n{}$cart = new Cart();\n$cart->|\n",
        "$a = 1;\n".repeat(200)
    );
    (Project::new(SHOP), page)
}

fn prompt(asked: &Value) -> String {
    asked["prompt"].as_str().unwrap().to_owned()
}

#[test]
fn a_prompt_is_read_in_pieces_before_it_is_asked_for() {
    let (project, page) = project();
    let (server, go) = server();
    let mut session = Session::new(project.path(), &server, "");
    session.send(None, "completion/readAhead", &at(&page));
    let mut read = String::new();
    let mut pieces = 0;
    // The last piece is the whole prompt.
    while !read.ends_with("<|fim_middle|>") {
        let asked = server.asked().body;
        assert_eq!(asked["max_tokens"], 0, "{asked}");
        assert_eq!(asked["cache_prompt"], true, "{asked}");
        let piece = prompt(&asked);
        assert!(piece.starts_with(&read) && piece != read, "{piece}");
        read = piece;
        pieces += 1;
        go.send(()).unwrap();
    }
    assert!(pieces > 2, "{pieces}");
    go.send(()).unwrap();
    let answer = session.complete(1, &page);
    assert_eq!(text(&answer), "add($item);");
    let asked = server.asked().body;
    assert_eq!(prompt(&asked), read);
    // What is read already is not read again, nor what is nearly the same.
    for code in [&page, &page.replace('|', "a|")] {
        session.send(None, "completion/readAhead", &at(code));
    }
    session.ask(2, "fimd/status", &json!({}));
    go.send(()).unwrap();
    session.complete(3, &page);
    assert_ne!(server.asked().body["max_tokens"], 0);
    assert!(server.is_unasked());
}

#[test]
fn nothing_more_is_read_ahead_once_an_answer_is_due() {
    let (project, page) = project();
    let (server, go) = server();
    let mut session = Session::new(project.path(), &server, "");
    session.send(None, "completion/readAhead", &at(&page));
    let asked = server.asked().body;
    assert_eq!(asked["max_tokens"], 0, "{asked}");
    session.send(Some(1), "complete", &at(&page));
    // It comes while the first piece is being read.
    let due = server.asked().body;
    assert_ne!(due["max_tokens"], 0, "{due}");
    session.send(
        None,
        "completion/readAhead",
        &at(&page.replace("$a = 1;\n", "")),
    );
    session.ask(2, "fimd/status", &json!({}));
    assert!(server.is_unasked(), "nothing for another place");
    go.send(()).unwrap();
    go.send(()).unwrap();
    assert_eq!(text(&session.answer(1)), "add($item);");
}

#[test]
fn only_a_server_that_can_read_alone_is_asked_and_only_if_the_settings_say_so() {
    let (project, page) = project();
    for (props, settings) in [
        (None, ""),
        (Some(LLAMA), "[completion]\nread_ahead = false\n"),
    ] {
        let server = ModelServer::with_props(props, |_, answer| {
            answer.stream();
            answer.text("add($item);\n");
            answer.done();
        });
        let mut session = Session::new(project.path(), &server, settings);
        session.send(None, "completion/readAhead", &at(&page));
        session.complete(1, &page);
        let asked = server.asked().body;
        assert_ne!(asked["max_tokens"], 0, "{asked}");
        assert!(server.is_unasked());
    }
}

#[test]
fn an_lsp_client_names_a_place_in_its_document() {
    let (project, page) = project();
    let (server, go) = server();
    let settings = project.path().join("settings.toml");
    fs::write(&settings, format!("[endpoint]\nurl = \"{}\"\n", server.url)).unwrap();
    let mut client = lsp_client::Client::with(
        &lsp_client::Transport::Stdio,
        fimd().arg("--settings").arg(&settings),
    );
    let root = format!("file://{}", project.path().to_str().unwrap());
    client.call("initialize", json!({ "rootUri": root, "capabilities": {} }));
    client.notify("initialized", json!({}));
    let uri = format!("{root}/src/page.php");
    client.open(&uri, &page.replace('|', ""));
    let line = page.lines().count() - 1;
    client.notify(
        "completion/readAhead",
        json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": 7 } }),
    );
    let mut read = String::new();
    while !read.ends_with("<|fim_middle|>") {
        read = prompt(&server.asked().body);
        go.send(()).unwrap();
    }
    assert!(read.contains("$cart-><|fim_suffix|>"), "{read}");
}

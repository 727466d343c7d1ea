//! Several texts for one cursor, texts that the user has declined, and asking again
//! by hand.

use super::*;

/// The texts of an answer, in order.
fn texts(answer: &Value) -> Vec<&str> {
    let items = answer["result"]["items"].as_array().unwrap();
    let texts = items.iter().map(|item| item["text"].as_str().unwrap());
    texts.collect()
}

fn asking_for(max_items: usize, code: &str) -> Value {
    let mut params = at(code);
    params["max_items"] = max_items.into();
    params
}

#[test]
fn who_asks_for_several_texts_gets_the_different_ones() {
    let project = Project::new(SHOP);
    let server = saying_in_turn(&["add($item);\n", "add($item);\nfoo();\n", "total();\n", "}"]);
    let mut session = Session::new(project.path(), &server, "");
    let answer = session.ask(1, "complete", &asking_for(4, CODE));
    assert_eq!(texts(&answer), ["add($item);", "total();"]);
    let items = &answer["result"]["items"];
    assert_eq!(items[0]["range"], items[1]["range"]);
    assert_ne!(items[0]["id"], items[1]["id"]);

    // The first request is the usual one. The others have the same prompt, a seed
    // of their own, and a temperature, since the settings have none.
    let asked = [(); 4].map(|()| server.asked().body);
    assert!(asked[0].get("seed").is_none() && asked[0]["temperature"] == 0.0);
    let seeds: Vec<_> = asked.iter().skip(1).map(|body| &body["seed"]).collect();
    assert_eq!(seeds, [1, 2, 3]);
    for body in &asked[1..] {
        assert_eq!(body["prompt"], asked[0]["prompt"]);
        assert_eq!(body["temperature"], 0.8);
    }
    assert!(server.is_unasked());

    // Whoever types one of them gets its rest, whichever it is.
    for (id, typed, rest) in [(2, "to", "tal();"), (3, "ad", "d($item);")] {
        let typed = CODE.replace('|', &format!("{typed}|"));
        let answer = session.ask(id, "complete", &automatic_at(&typed));
        assert_eq!(texts(&answer), [rest]);
        assert_eq!(answer["result"]["timings"]["cached"], true);
    }
    assert!(server.is_unasked());
}

#[test]
fn an_automatic_request_asks_once() {
    let project = Project::new(SHOP);
    let server = ModelServer::saying(&["add($item);\n"]);
    let mut session = Session::new(project.path(), &server, "");
    let mut params = automatic_at(CODE);
    params["max_items"] = 3.into();
    assert_eq!(texts(&session.ask(1, "complete", &params)), ["add($item);"]);
    server.asked();
    assert!(server.is_unasked());
}

#[test]
fn the_number_of_texts_has_a_limit() {
    let project = Project::new(SHOP);
    let server = ModelServer::saying(&[]);
    let mut session = Session::new(project.path(), &server, "");
    for (id, wrong) in [(1, json!(0)), (2, json!(9)), (3, json!("3"))] {
        let mut params = at(CODE);
        params["max_items"] = wrong;
        let error = session.ask(id, "complete", &params)["error"].clone();
        assert_eq!(error["code"], -32602);
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("max_items: expected an integer from 1 to 8"),
            "{message}"
        );
    }
    assert!(server.is_unasked());
}

#[test]
fn asking_again_by_hand_asks_the_model_for_something_else() {
    let project = Project::new(SHOP);
    let server = saying_in_turn(&["add($item);\n", "total();\n", "add($item);\n"]);
    let settings = "temperature = 0.3\n";
    let mut session = Session::new(project.path(), &server, settings);
    assert_eq!(text(&session.complete(1, CODE)), "add($item);");
    assert!(server.asked().body.get("seed").is_none());
    let again = session.complete(2, CODE);
    assert_eq!(text(&again), "total();");
    assert_eq!(again["result"]["timings"]["cached"], false);
    let asked = server.asked().body;
    assert_eq!(
        (&asked["seed"], &asked["temperature"]),
        (&json!(1), &json!(0.3))
    );
    // The newest answer stands first now.
    let answer = session.ask(3, "complete", &automatic_at(CODE));
    assert_eq!(text(&answer), "total();");
    assert_eq!(answer["result"]["timings"]["cached"], true);
}

/// A server may not know what a seed is, and may fail when it is asked again.
#[test]
fn a_server_that_refuses_a_seed_still_gives_one_text() {
    let project = Project::new(SHOP);
    let server = ModelServer::start(|asked, answer| {
        if asked.body.get("seed").is_some() {
            return answer.whole("400 Bad Request", "text/plain", "unknown: seed");
        }
        answer.stream();
        answer.text("add($item);\n");
        answer.done();
    });
    let mut session = Session::new(project.path(), &server, "");
    for id in [1, 2] {
        let answer = session.ask(id, "complete", &asking_for(3, CODE));
        assert_eq!(texts(&answer), ["add($item);"]);
    }
}

#[test]
fn declined_text_is_not_offered_again_at_its_place() {
    let project = Project::new(SHOP);
    let server = saying_in_turn(&[
        "add($item);\n",
        "add($item);\n",
        "add($item);\n",
        "total();\n",
        "add($item);\n",
    ]);
    let mut session = Session::new(project.path(), &server, "[completion]\ndebounce_ms = 1\n");
    let declined = |session: &mut Session, answer: &Value| {
        let id = answer["result"]["items"][0]["id"].clone();
        session.send(None, "completion/declined", &json!({ "id": id }));
    };
    let answer = session.ask(1, "complete", &automatic_at(CODE));
    assert_eq!(text(&answer), "add($item);");
    server.asked();
    declined(&mut session, &answer);
    // The same buffer: the model is not even asked.
    let answer = session.ask(2, "complete", &automatic_at(CODE));
    assert_eq!(text(&answer), "");
    assert!(server.is_unasked());
    // Whoever types its start wants it.
    let typed = CODE.replace('|', "ad|");
    let answer = session.ask(3, "complete", &automatic_at(&typed));
    assert_eq!(text(&answer), "d($item);");
    assert!(server.is_unasked());
    // Another buffer, but the same place: the model says the same again.
    let elsewhere = format!("{CODE}\n// more\n");
    let answer = session.ask(4, "complete", &automatic_at(&elsewhere));
    assert_eq!(text(&answer), "");
    server.asked();
    // Another place.
    let other = CODE.replace("$cart->|", "$x = $cart->|");
    let answer = session.ask(5, "complete", &automatic_at(&other));
    assert_eq!(text(&answer), "add($item);");
    server.asked();
    // Whoever asks by hand gets it, but last.
    let answer = session.ask(6, "complete", &asking_for(2, CODE));
    assert_eq!(texts(&answer), ["total();", "add($item);"]);
    // What is unknown is no error.
    session.send(None, "completion/declined", &json!({ "id": 9999 }));
    let answer = session.ask(7, "complete", &automatic_at(CODE));
    assert_eq!(text(&answer), "total();");
}

#[test]
fn a_prefetched_text_that_was_declined_there_stays_away() {
    let project = Project::new(SHOP);
    let server = ModelServer::saying(&["add($item);\n"]);
    let mut session = Session::new(project.path(), &server, "");
    let answer = session.complete(1, CODE);
    let id = answer["result"]["items"][0]["id"].clone();
    session.send(None, "completion/declined", &json!({ "id": id }));
    let elsewhere = format!("{CODE}\n// more\n");
    session.send(None, "completion/accepted", &at(&elsewhere));
    let answer = session.ask(2, "complete", &automatic_at(&elsewhere));
    assert_eq!(texts(&answer), Vec::<&str>::new());
}

/// An editor gets several items when its user asks, each with what is to be run once
/// it is accepted.
#[test]
fn an_lsp_client_gets_several_items_on_request() {
    let project = Project::new(SHOP);
    let server = saying_in_turn(&["add($item);\n", "total();\n", "add(\n    $item\n);\n"]);
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
    client.open(&uri, "<?php\n$cart = new Cart(); /* \u{1f600} */ $cart->\n");
    let ask = json!({
        "textDocument": { "uri": uri },
        "position": { "line": 1, "character": 36 },
        "context": { "triggerKind": 1 },
    });
    let answer = client.call("textDocument/inlineCompletion", ask.clone());
    let items = answer["result"]["items"].as_array().unwrap();
    let inserted: Vec<_> = items.iter().map(|item| &item["insertText"]).collect();
    assert_eq!(inserted, ["add($item);", "total();", "add(\n    $item\n);"]);
    let targets: Vec<_> = items
        .iter()
        .map(|item| &item["command"]["arguments"][0])
        .collect();
    let ends: Vec<_> = targets.iter().map(|target| &target["position"]).collect();
    let end = |line: u32, character: u32| json!({ "line": line, "character": character });
    assert_eq!(ends, [&end(1, 47), &end(1, 44), &end(3, 2)]);

    // The editor tells that the user wants none of them.
    for target in targets {
        client.notify("completion/declined", json!({ "id": target["id"] }));
    }
    let mut automatic = ask;
    automatic["context"]["triggerKind"] = 2.into();
    let answer = client.call("textDocument/inlineCompletion", automatic);
    assert_eq!(answer["result"]["items"], json!([]), "{answer}");
}

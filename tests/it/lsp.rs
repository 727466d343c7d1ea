//! The LSP framing, spoken to the real binary over pipes and over a socket, with
//! synchronised documents.

use serde_json::{Value, json};

use crate::common::Project;
use crate::common::daemon::Daemon;
use crate::common::lsp_client::{Client, Transport, over_both};

const GREETER: &str = "<?php\nnamespace Shop;\nclass Greeter\n{\n    public function greet(string $name): string\n    {\n        return \"Hello $name\";\n    }\n}\n";

/// A buffer that refers to the greeter, and the cursor in it.
const CALLER: &str = "<?php\nuse Shop\\Greeter;\n$greeter = new Greeter();\n$greeter->\n";
const PLACE: (u32, u32) = (3, 10);

fn project() -> Project {
    Project::new(&[
        ("src/Greeter.php", GREETER),
        ("src/caller.php", "<?php\n"),
        (".gitignore", "ignored/\n"),
    ])
}

fn uri(project: &Project, path: &str) -> String {
    let path = project.path().canonicalize().unwrap().join(path);
    format!("file://{}", path.to_str().unwrap())
}

fn root(project: &Project) -> Value {
    json!({"capabilities": {}, "rootUri": uri(project, "")})
}

fn with_encodings(project: &Project, encodings: &[&str]) -> Value {
    let mut params = root(project);
    params["capabilities"] = json!({"general": {"positionEncodings": encodings}});
    params
}

#[test]
fn a_plain_client_gets_a_session() {
    let project = project();
    over_both(|new| {
        let (mut client, answer) = Client::initialized(new, root(&project));
        let capabilities = &answer["capabilities"];
        assert_eq!(capabilities["positionEncoding"], "utf-16");
        assert_eq!(
            capabilities["textDocumentSync"],
            json!({"openClose": true, "change": 2})
        );
        assert_eq!(capabilities["experimental"]["fimd"]["file_count"], 2);
        assert_ne!(capabilities["experimental"]["fimd"]["bm25_chunks"], 0);
        assert_eq!(answer["serverInfo"]["name"], "fimd");

        let caller = uri(&project, "src/caller.php");
        client.open(&caller, CALLER);
        let context = client.context(&caller, PLACE.0, PLACE.1);
        assert!(context.contains("greet(string $name): string"), "{context}");
        assert_eq!(client.call("shutdown", Value::Null)["result"], Value::Null);
        for method in ["getContext", "complete", "tags/parse", "fimd/status"] {
            let refused = client.call(method, json!({}));
            assert_eq!(refused["error"]["code"], -32600, "{method}");
        }
        assert_ne!(client.exit(), Some(1));
    });
}

#[test]
fn exit_without_shutdown_is_exit_code_1() {
    for initialize in [false, true] {
        let project = project();
        let mut client = Client::new(&Transport::Stdio);
        if initialize {
            client.call("initialize", root(&project));
        }
        assert_eq!(client.exit(), Some(1));
    }
}

#[test]
fn the_end_of_the_input_is_a_clean_end() {
    let project = project();
    let mut client = Client::new(&Transport::Stdio);
    client.call("initialize", root(&project));
    client.input = None;
    assert_eq!(client.ended(), Some(0));
}

#[test]
fn the_project_is_the_one_that_is_named_first() {
    let (one, two) = (project(), Project::new(&[("a.php", "<?php")]));
    let folder = |project| json!([{"uri": uri(project, ""), "name": "x"}]);
    let path = |project: &Project| project.path().to_str().unwrap().to_owned();
    over_both(|new| {
        for (params, files) in [
            (json!({"rootUri": uri(&one, "")}), 2),
            (json!({"rootPath": path(&two)}), 1),
            (json!({"rootUri": null, "rootPath": path(&two)}), 1),
            (json!({"rootUri": uri(&one, ""), "rootPath": path(&two)}), 2),
            (
                json!({"rootUri": uri(&one, ""), "workspaceFolders": folder(&two)}),
                1,
            ),
            (
                json!({
                    "workspaceFolders": folder(&two),
                    "initializationOptions": {"project_root": path(&one), "bm25": false},
                }),
                2,
            ),
            (
                json!({
                    "rootUri": uri(&one, ""),
                    "initializationOptions": {"include_paths": [path(&two)]},
                }),
                3,
            ),
        ] {
            let mut params = params;
            params["capabilities"] = json!({});
            let (_client, answer) = Client::initialized(new, params);
            let counts = &answer["capabilities"]["experimental"]["fimd"];
            assert_eq!(counts["file_count"], files, "{answer}");
        }
    });
}

/// A client without a root: a file's project is the nearest folder above it that
/// looks like one.
#[test]
fn without_a_root_the_project_of_a_file_is_found_from_its_path() {
    let shop = Project::new(&[
        ("composer.json", "{}"),
        ("src/Greeter.php", GREETER),
        ("src/caller.php", "<?php\n"),
    ]);
    let hotel = Project::new(&[
        (".fimignore", ""),
        ("Greeter.php", &GREETER.replace("greet(", "welcome(")),
        ("caller.php", "<?php\n"),
    ]);
    let lone = Project::new(&[("Greeter.php", GREETER), ("caller.php", CALLER)]);
    over_both(|new| {
        for params in [
            json!({"capabilities": {}}),
            json!({"capabilities": {}, "rootUri": null, "rootPath": null}),
            json!({"capabilities": {}, "rootUri": null, "workspaceFolders": []}),
            json!({"capabilities": {}, "workspaceFolders": null}),
        ] {
            let (mut client, answer) = Client::initialized(new, params);
            let counts = &answer["capabilities"]["experimental"]["fimd"];
            assert_eq!(counts["file_count"], 0, "{answer}");
            let in_shop = uri(&shop, "src/caller.php");
            let in_hotel = uri(&hotel, "caller.php");
            client.open(&in_shop, CALLER);
            client.open(&in_hotel, CALLER);
            let context = client.context(&in_shop, PLACE.0, PLACE.1);
            assert!(context.contains("greet(string $name)"), "{context}");
            let context = client.context(&in_hotel, PLACE.0, PLACE.1);
            assert!(context.contains("welcome(string $name)"), "{context}");

            // Open buffers replace the files of their own project alone.
            let edited = GREETER.replace("greet(", "salute(");
            client.open(&uri(&shop, "src/Greeter.php"), &edited);
            let context = client.context(&in_shop, PLACE.0, PLACE.1);
            assert!(context.contains("salute(string $name)"), "{context}");
            let context = client.context(&in_hotel, PLACE.0, PLACE.1);
            assert!(context.contains("welcome(string $name)"), "{context}");

            // A file of no project and a buffer without a file have no context.
            for name in [uri(&lone, "caller.php"), "untitled:Untitled-1".to_owned()] {
                client.open(&name, CALLER);
                assert_eq!(client.context(&name, PLACE.0, PLACE.1), "", "{name}");
            }
            let content = format!("{CALLER}[[[5]]]");
            let ask = json!({
                "content": content,
                "cursor_offset": CALLER.len(),
                "filepath": in_hotel,
                "context": true,
            });
            let prompt = client.call("tags/prompt", ask);
            let context = prompt["result"]["context"].as_str();
            assert!(
                context.is_some_and(|text| text.contains("Greeter")),
                "{prompt}"
            );
            let refused = client.call("generateDataset", json!({"output": "/x/y"}));
            let said = refused["error"]["message"].as_str().unwrap();
            assert!(said.starts_with("project_root: expected"), "{said}");
        }
    });
}

#[test]
fn a_wrong_initialize_is_refused_and_may_be_tried_again() {
    let project = project();
    over_both(|new| {
        let mut client = new();
        for (options, message) in [
            (json!({"project_root": 5}), "project_root: expected"),
            (json!({"project_root": "/no/such"}), "project_root: "),
            (json!({"bm25": 1}), "bm25: expected true or false, found 1"),
            (json!([]), "params: expected an object, found an array"),
        ] {
            let mut params = root(&project);
            params["initializationOptions"] = options;
            let error = client.call("initialize", params)["error"].clone();
            assert_eq!(error["code"], -32602, "{error}");
            let said = error["message"].as_str().unwrap();
            assert!(said.starts_with(message), "{said}");
        }
        let early = client.call("getContext", json!({}));
        assert_eq!(early["error"]["code"], -32002);
        let opened = client.call("initialize", root(&project));
        assert!(opened["result"].is_object(), "{opened}");
        let again = client.call("initialize", root(&project));
        assert_eq!(again["error"]["code"], -32600);
    });
}

#[test]
fn before_initialize_every_request_is_refused_alike() {
    let project = project();
    over_both(|new| {
        let mut client = new();
        for method in [
            "getContext",
            "complete",
            "textDocument/inlineCompletion",
            "textDocument/hover",
            "workspace/executeCommand",
            "tags/parse",
            "tags/run",
            "tags/applyConfig",
            "fimd/status",
            "$/cancelRequest",
            "$/nope",
            "nope",
            "shutdown",
        ] {
            let refused = client.call(method, json!({"content": ""}));
            assert_eq!(refused["error"]["code"], -32002, "{method}: {refused}");
        }
        client.notify("nope", json!({}));
        client.open("file:///x.php", "<?php\n");
        let opened = client.call("initialize", root(&project));
        assert!(opened["result"].is_object(), "{opened}");
        let parsed = client.call("tags/parse", json!({"content": ""}));
        assert!(parsed["result"].is_object(), "{parsed}");
    });
}

/// The declarations of a PHP project mean nothing in another language.
#[test]
fn a_buffer_of_another_language_has_no_php_in_its_context() {
    let project = project();
    over_both(|new| {
        let (mut client, _) = Client::initialized(new, root(&project));
        for (language, name, has_context) in [
            ("javascript", "src/app.js", false),
            ("html", "src/page.html", false),
            ("php", "src/page.inc", true),
            ("blade", "src/page.blade.php", true),
            ("html", "src/page.php", true),
        ] {
            let uri = uri(&project, name);
            client.open_in(language, &uri, CALLER);
            let context = client.context(&uri, PLACE.0, PLACE.1);
            assert_eq!(context.contains("greet("), has_context, "{name}: {context}");
            assert_eq!(context.is_empty(), !has_context, "{name}: {context}");
        }
    });
}

#[test]
fn every_request_is_answered_once_and_bad_messages_are_survived() {
    let project = project();
    over_both(|new| {
        let (mut client, _) = Client::initialized(new, root(&project));
        for method in ["nope", "$/nope", "textDocument/definition"] {
            let unknown = client.call(method, json!({"textDocument": {"uri": "file:///x"}, "position": {"line": 0, "character": 0}}));
            assert_eq!(unknown["error"]["code"], -32601);
            let message = format!("unknown method {method:?}");
            assert_eq!(unknown["error"]["message"], message.as_str());
        }
        let wrong = client.call("getContext", json!({"filepath": 5, "content": ""}));
        assert_eq!(wrong["error"]["code"], -32602);
        assert_eq!(
            wrong["error"]["message"],
            "filepath: expected a path, found 5"
        );
        let missing = client.call("getContext", json!({"textDocument": {"uri": "file:///x"}}));
        let said = missing["error"]["message"].as_str().unwrap();
        assert!(said.contains("file:///x is not open"), "{said}");
        client.notify("nope", json!({}));
        client.notify("getContext", json!({}));

        for (bytes, code) in [
            (&b"Content-Length: 1\r\n\r\n{"[..], -32700),
            (b"Content-Length: 3\r\n\r\n\"\xff\"", -32700),
            (b"nonsense\r\n\r\n", -32700),
            (b"Content-Length: 2\r\n\r\n{}", -32600),
            (b"Content-Length: 3\r\n\r\n[5]", -32600),
        ] {
            client.raw(bytes);
            let answer = client.receive();
            assert_eq!(answer["error"]["code"], code, "{answer}");
            assert_eq!(answer["id"], Value::Null);
        }
        // An id that is used twice gets two answers, and comes back as the
        // client wrote it.
        let message = r#"{"jsonrpc":"2.0","id":1e3,"method":"nope"}"#;
        let message = format!("Content-Length: {}\r\n\r\n{message}", message.len());
        client.raw(message.repeat(2).as_bytes());
        for _ in 0..2 {
            let answer = client.receive();
            assert_eq!(answer["id"], 1e3);
            assert_eq!(answer["error"]["code"], -32601);
        }
        assert!(
            client.call("getContext", json!({"filepath": "x.php", "content": ""}))["result"]
                .is_object()
        );
    });
}

#[test]
fn a_request_that_follows_initialize_at_once_is_answered_after_it() {
    let project = project();
    over_both(|new| {
        let mut client = new();
        let first = client.request("initialize", root(&project));
        let params = json!({"filepath": "x.php", "content": CALLER, "cursor_offset": 66});
        let second = client.request("getContext", params);
        assert_eq!(client.receive()["id"], first);
        let answer = client.receive();
        assert_eq!(answer["id"], second);
        let context = answer["result"]["context"].as_str().unwrap();
        assert!(context.contains("greet(string $name)"), "{answer}");
    });
}

#[test]
fn a_cancelled_request_is_answered_once() {
    let project = project();
    over_both(|new| {
        let (mut client, _) = Client::initialized(new, root(&project));
        // The work takes long enough for the cancellation to arrive in time.
        let content = format!(
            "<?php\n{}$x->",
            "function f() { return [1, 2]; }\n".repeat(60_000)
        );
        let mut cancelled = 0;
        for _ in 0..5 {
            let params = json!({"filepath": "x.php", "content": content});
            let id = client.request("getContext", params);
            client.notify("$/cancelRequest", json!({"id": id}));
            let answer = client.receive();
            assert_eq!(answer["id"], id);
            if answer["error"]["code"] == -32800 {
                cancelled += 1;
            } else {
                assert!(answer["result"].is_object(), "{answer}");
            }
            assert_eq!(client.call("nope", json!({}))["error"]["code"], -32601);
        }
        assert!(cancelled > 0);
    });
}

/// The context of one buffer shows what the user typed into another open buffer,
/// in every position encoding. The text on disk counts again when that buffer is
/// closed.
#[test]
fn an_open_buffer_shadows_the_disk_until_it_is_closed() {
    let project = project();
    over_both(|new| {
        for (encodings, emoji) in [
            (vec!["utf-32", "utf-16"], 1),
            (vec!["utf-8"], 4),
            (vec!["utf-7", "utf-16"], 2),
            (vec![], 2),
        ] {
            let (mut client, answer) =
                Client::initialized(new, with_encodings(&project, &encodings));
            let encoding = match emoji {
                1 => "utf-32",
                2 => "utf-16",
                _ => "utf-8",
            };
            assert_eq!(answer["capabilities"]["positionEncoding"], encoding);
            let (caller, greeter) = (
                uri(&project, "src/caller.php"),
                uri(&project, "src/Greeter.php"),
            );
            client.open(&caller, CALLER);
            client.open(&greeter, GREETER);
            // `/*😀*/` before the name, then the name behind it.
            client.change(&greeter, (4, 20), (4, 20), "/*\u{1F600}*/");
            let name = 20 + 4 + emoji;
            client.change(&greeter, (4, name), (4, name + 5), "welcomes");
            let context = client.context(&caller, PLACE.0, PLACE.1);
            assert!(context.contains("welcomes(string $name)"), "{context}");
            assert!(!context.contains("greet(string"), "{context}");

            client.close(&greeter);
            let context = client.context(&caller, PLACE.0, PLACE.1);
            assert!(context.contains("greet(string $name)"), "{context}");
            assert!(!context.contains("welcomes("), "{context}");
        }
    });
}

#[test]
fn a_change_takes_effect_before_what_was_sent_after_it() {
    let project = project();
    over_both(|new| {
        let (mut client, _) = Client::initialized(new, root(&project));
        let (caller, greeter) = (
            uri(&project, "src/caller.php"),
            uri(&project, "src/Greeter.php"),
        );
        client.open(&caller, CALLER);
        client.open(&greeter, GREETER);
        let rounds = 200;
        let mut ids = Vec::new();
        for round in 0..rounds {
            // The name has the same length in each round.
            let end = if round == 0 { 25 } else { 26 };
            client.change(&greeter, (4, 20), (4, end), &format!("do{round:04}"));
            let params = json!({
                "textDocument": {"uri": caller},
                "position": {"line": PLACE.0, "character": PLACE.1},
            });
            ids.push(client.request("getContext", params));
        }
        for _ in 0..rounds {
            let answer = client.receive();
            let round = ids.iter().position(|&id| answer["id"] == id).unwrap();
            ids[round] = 0;
            let context = answer["result"]["context"].as_str().unwrap();
            let expected = format!("do{round:04}(string $name)");
            assert!(context.contains(&expected), "{round}: {context}");
        }
    });
}

/// Nothing is answered from a text that the client no longer has, and the user is told.
#[test]
fn a_change_that_cannot_be_applied_makes_the_text_unknown_until_it_comes_whole() {
    let project = project();
    over_both(|new| {
        let (mut client, _) = Client::initialized(new, root(&project));
        let caller = uri(&project, "src/caller.php");
        let change = |range: &str, text: &str| {
            let document = format!(r#"{{"uri":"{caller}","version":2}}"#);
            format!(
                r#"{{"jsonrpc":"2.0","method":"textDocument/didChange","params":{{"textDocument":{document},"contentChanges":[{{{range}"text":"{text}"}}]}}}}"#
            )
        };
        let range = |start: (u32, u32), end: (u32, u32)| {
            format!(
                r#""range":{{"start":{{"line":{},"character":{}}},"end":{{"line":{},"character":{}}}}},"#,
                start.0, start.1, end.0, end.1
            )
        };
        let lines = u32::try_from(CALLER.lines().count()).unwrap();
        for wrong in [
            // Half a surrogate pair.
            change(&range((0, 5), (0, 5)), r"\ud83d"),
            // A line that is not there.
            change(&range((lines + 2, 0), (lines + 2, 0)), "x"),
            change(&range((1, 0), (lines + 2, 0)), "x"),
            // An end before the start.
            change(&range((1, 0), (0, 0)), "x"),
            // Params of another shape.
            change(r#""range":5,"#, "x"),
        ] {
            client.open(&caller, CALLER);
            assert!(!client.context(&caller, PLACE.0, PLACE.1).is_empty());
            client.raw(format!("Content-Length: {}\r\n\r\n{wrong}", wrong.len()).as_bytes());
            let told = client.receive();
            assert_eq!(told["method"], "window/showMessage", "{told}");
            let told = told["params"]["message"].as_str().unwrap().to_owned();
            assert!(told.contains("close the file and open it again"), "{told}");
            // Later edits are of a text that fimd does not have.
            client.change(&caller, (0, 0), (0, 0), " ");
            let params = json!({
                "textDocument": {"uri": caller},
                "position": {"line": PLACE.0, "character": PLACE.1},
            });
            let refused = client.call("getContext", params);
            assert_eq!(refused["error"]["code"], -32602, "{refused}");
            let said = refused["error"]["message"].as_str().unwrap();
            assert!(said.contains("its text is not known"), "{said}");
            let whole = change("", &CALLER.replace('\\', "\\\\").replace('\n', "\\n"));
            client.raw(format!("Content-Length: {}\r\n\r\n{whole}", whole.len()).as_bytes());
            assert!(!client.context(&caller, PLACE.0, PLACE.1).is_empty());
            client.close(&caller);
        }
        // What is clear is applied: all of the text, a position past the end of a line, and
        // the line behind the last one.
        client.open(&caller, "");
        client.change(&caller, (0, 0), (lines + 9, 0), CALLER);
        client.change(&caller, (0, 99), (0, 99), " ");
        client.change(&caller, (lines, 0), (lines + 1, 0), "");
        assert!(!client.context(&caller, PLACE.0, PLACE.1).is_empty());
    });
}

#[test]
fn buffers_that_are_no_file_of_the_project_are_not_shown_to_others() {
    let project = project();
    over_both(|new| {
        let (mut client, _) = Client::initialized(new, root(&project));
        let caller = uri(&project, "src/caller.php");
        let (before, after) = CALLER.split_at(CALLER.len() - 11);
        client.open(
            &caller,
            &format!("{before}$new = new Fresh();\n$new->\n{after}"),
        );
        let class = |method: &str| {
            format!("<?php\nnamespace Shop;\nclass Fresh {{ public function {method}() {{}} }}\n")
        };
        client.open(&uri(&project, "vendor/Fresh.php"), &class("fromVendor"));
        client.open(&uri(&project, "ignored/Fresh.php"), &class("fromIgnored"));
        client.open("untitled:Fresh.php", &class("fromUntitled"));
        client.change(&caller, (1, 0), (1, 0), "use Shop\\Fresh;");
        let context = client.context(&caller, 4, 6);
        assert!(!context.contains("from"), "{context}");
        // A new file that was never saved belongs to the project.
        client.open(&uri(&project, "src/Fresh%2Ephp"), &class("fromSource"));
        let context = client.context(&caller, 4, 6);
        assert!(context.contains("fromSource()"), "{context}");
    });
}

#[test]
fn clients_of_a_daemon_have_buffers_of_their_own() {
    let project = project();
    let transport = Transport::Socket(Daemon::start());
    let new = || Client::new(&transport);
    let (mut one, _) = Client::initialized(&new, root(&project));
    let (mut two, _) = Client::initialized(&new, root(&project));
    let (caller, greeter) = (
        uri(&project, "src/caller.php"),
        uri(&project, "src/Greeter.php"),
    );
    one.open(&greeter, &GREETER.replace("greet(", "salute("));
    for (client, expected) in [(&mut one, "salute("), (&mut two, "greet(")] {
        client.open(&caller, CALLER);
        let context = client.context(&caller, PLACE.0, PLACE.1);
        assert!(context.contains(expected), "{context}");
    }
}

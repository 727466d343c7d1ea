//! Tags in an LSP editor without a plugin: the real binary, an editor in which
//! the user types while text is generated, and a model server whose answers the
//! test writes.

mod editor;

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};

use serde_json::{Value, json};

use crate::common::daemon::Daemon;
use crate::common::lsp_client::{Client, Transport};
use crate::common::model_server::ModelServer;
use crate::common::{Project, fimd};
use editor::{EditPolicy, Editor, edits, settings};

/// A server that streams the texts that the test sends it, and ends its answer
/// when the test does.
fn told_to_say() -> (ModelServer, Sender<&'static str>) {
    let (say, texts) = mpsc::channel::<&'static str>();
    let texts: Mutex<Receiver<_>> = Mutex::new(texts);
    let server = ModelServer::start(move |_, answer| {
        answer.stream();
        let texts = texts.lock().unwrap();
        while let Ok(text) = texts.recv() {
            match text {
                "hang" => return answer.hang(),
                "break" => return,
                text => answer.text(text),
            }
        }
        answer.done();
    });
    (server, say)
}

const NOTE: &str = "# 😀 Title\n[[[prefix]]]Once [[[(no)]]][[[40;stop(\"END\");append(\"!\")]]] after[[[suffix]]]\ntail\n";
const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn diagnostics_follow_the_text_where_tags_are_meant() {
    let mut editor = Editor::start(
        NOWHERE,
        "",
        "markdown",
        "😀 [[[5;stp(\"a\")]]]\n[[[99999]]] [[[5;keep()]]] [[[suffix hard]]]\n[[[{topP:\"2\"}]]]\n",
        EditPolicy::ChangeFirst,
    );
    let found = editor.diagnostics();
    let short: Vec<_> = found
        .iter()
        .map(|one| {
            json!([
                one["severity"],
                one["code"],
                one["range"]["start"],
                one["range"]["end"]
            ])
        })
        .collect();
    let place = |line, character| json!({"line": line, "character": character});
    assert_eq!(
        short,
        [
            json!([1, "invalid-tag", place(0, 8), place(0, 11)]),
            json!([2, "tag-warning", place(1, 3), place(1, 8)]),
            json!([4, "tag-extension", place(1, 17), place(1, 21)]),
            json!([4, "tag-extension", place(1, 30), place(1, 36)]),
            json!([1, "invalid-setting", place(2, 9), place(2, 10)]),
        ]
    );
    let said = found[0]["message"].as_str().unwrap();
    assert!(
        said.starts_with("unknown function stp; functions are"),
        "{said}"
    );
    // The user opens a comment before the first tag, so that the tag's own
    // `)]]]` ends it, and removes it again.
    editor.replace(0, 0, "[[[(");
    assert_eq!(editor.diagnostics().len(), 4);
    editor.replace(0, 4, "");
    assert_eq!(editor.diagnostics().len(), 5);
    let uri = editor.uri.clone();
    editor.client.close(&uri);
    let closed = editor.until(|told| told["params"].get("version").is_none());
    assert_eq!(closed["params"]["diagnostics"], json!([]));
}

#[test]
fn tags_work_in_a_text_file_of_an_editor_without_a_folder() {
    let server = ModelServer::saying(&["12"]);
    let initialize = |_: &Project| {
        let window = json!({"workDoneProgress": true});
        let features = json!({"window": window, "workspace": edits()});
        json!({"rootUri": null, "capabilities": features})
    };
    let policy = EditPolicy::ChangeFirst;
    let note = ("markdown", "[[[5]]] [[[5;stp(\"a\")]]]\n");
    let stdio = Transport::Stdio;
    let mut editor = Editor::initialized(&stdio, &server.url, "", note, policy, initialize);
    assert_eq!(editor.diagnostics().len(), 1);
    let answer = editor.execute("fimd.tags.generate", "5]]]");
    assert!(answer["result"]["run_id"].is_string(), "{answer}");
    assert_eq!(editor.run_end(), "done");
    assert_eq!(editor.text, "12 [[[5;stp(\"a\")]]]\n");
}

/// Hover and completion in PHP belong to other servers.
#[test]
fn what_only_tags_have_is_registered_for_their_languages_alone() {
    let project = Project::new(&[("a.php", "<?php\n")]);
    let root = format!("file://{}", project.path().to_str().unwrap());
    let initialized = |dynamic: bool| {
        let registers = json!({"dynamicRegistration": dynamic});
        let document = json!({
            "hover": registers,
            "completion": registers,
            "codeLens": registers,
            "semanticTokens": {
                "dynamicRegistration": dynamic,
                "requests": {},
                "tokenTypes": [],
                "tokenModifiers": [],
                "formats": [],
            },
        });
        let params = json!({"rootUri": root, "capabilities": {"textDocument": document}});
        Client::initialized(&|| Client::new(&Transport::Stdio), params)
    };
    let providers = [
        "hoverProvider",
        "completionProvider",
        "codeLensProvider",
        "semanticTokensProvider",
    ];
    let (_client, answer) = initialized(false);
    for provider in providers {
        assert!(answer["capabilities"].get(provider).is_some(), "{answer}");
    }

    let (mut client, answer) = initialized(true);
    for provider in providers {
        assert!(answer["capabilities"].get(provider).is_none(), "{answer}");
    }
    // A tag in PHP can be run, too.
    assert_eq!(answer["capabilities"]["codeActionProvider"], true);
    let asked = client.receive();
    assert_eq!(asked["method"], "client/registerCapability");
    let all = asked["params"]["registrations"].as_array().unwrap();
    let methods: Vec<_> = all.iter().map(|one| one["method"].clone()).collect();
    let expected = ["hover", "completion", "codeLens", "semanticTokens"];
    assert_eq!(methods, expected.map(|name| format!("textDocument/{name}")));
    for one in all {
        let selector = one["registerOptions"]["documentSelector"].to_string();
        assert!(selector.contains(r#"{"language":"markdown"}"#), "{one}");
        assert!(selector.contains(r#"{"language":"text"}"#), "{one}");
        assert!(!selector.contains("php"), "{one}");
    }
    let triggers = &all[1]["registerOptions"]["triggerCharacters"];
    assert_eq!(*triggers, json!(["[", ";", "{", ","]));
    client.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": null}));
    let note = format!("{root}/note.md");
    client.open_in("markdown", &note, "[[[5]]]");
    let hover = json!({"textDocument": {"uri": note}, "position": {"line": 0, "character": 4}});
    let id = client.request("textDocument/hover", hover);
    let answer = loop {
        let message = client.receive();
        if message["id"] == id {
            break message;
        }
    };
    assert!(answer["result"]["contents"].is_object(), "{answer}");
}

/// A client that shows no progress could not stop the run, and eglot may ask the
/// user to confirm each edit. Such clients get one edit.
#[test]
fn a_client_that_cannot_follow_gets_the_whole_text_in_one_edit() {
    for (client, progress, is_one) in [
        ("editor", true, false),
        ("editor", false, true),
        ("Eglot", true, true),
    ] {
        let (server, say) = told_to_say();
        let initialize = |project: &Project| {
            let window = json!({"workDoneProgress": progress});
            json!({
                "rootUri": format!("file://{}", project.path().to_str().unwrap()),
                "clientInfo": {"name": client},
                "capabilities": {"window": window, "workspace": edits()},
            })
        };
        let stdio = Transport::Stdio;
        let (note, policy) = (("markdown", "a [[[5]]] b"), EditPolicy::ChangeFirst);
        let mut editor = Editor::initialized(&stdio, &server.url, "", note, policy, initialize);
        editor.execute("fimd.tags.generate", "5]]]");
        say.send("one ").unwrap();
        if is_one {
            say.send("two").unwrap();
        } else {
            editor.until_text("one [[[5]]]");
            say.send("two").unwrap();
            editor.until_text("one two[[[5]]]");
        }
        drop(say);
        editor.until_text("a one two b");
        assert_eq!(editor.version == 2, is_one, "{client}: {}", editor.version);
    }
}

#[test]
fn code_of_markdown_has_no_diagnostics() {
    let text = "`[[[1, 2], [3, 4]]]`\n```\n[[[1, 2], [3, 4]]]\n```\n[[[5;no()]]]\n";
    let mut editor = Editor::start(NOWHERE, "", "markdown", text, EditPolicy::ChangeFirst);
    let lines = |found: Vec<Value>| -> Vec<u64> {
        let line = |one: &Value| one["range"]["start"]["line"].as_u64().unwrap();
        found.iter().map(line).collect()
    };
    assert_eq!(lines(editor.diagnostics()), [4]);
    let validated = editor.execute("fimd.tags.validate", "[[[5");
    assert_eq!(validated["result"]["tags"], 1);
    assert_eq!(validated["result"]["invalid"], 1);
    let hover = editor.at("1, 2");
    assert_eq!(
        editor.call("textDocument/hover", hover)["result"],
        Value::Null
    );
    // The user removes the first backtick.
    editor.replace(0, 1, "");
    assert_eq!(lines(editor.diagnostics()), [0, 4]);
}

#[test]
fn php_has_no_diagnostics_and_a_tag_in_it_can_be_run() {
    let server = ModelServer::saying(&["12"]);
    let text = "<?php\n$m = [[[1,2],[3,4]]];\n$n = [[[5]]];\n";
    let mut editor = Editor::start(&server.url, "", "php", text, EditPolicy::ChangeFirst);
    let lenses = json!({"textDocument": {"uri": editor.uri}});
    let lenses = editor.call("textDocument/codeLens", lenses);
    assert_eq!(lenses["result"], Value::Null);
    let hover = editor.at("5]]]");
    assert_eq!(
        editor.call("textDocument/hover", hover)["result"],
        Value::Null
    );
    let answer = editor.execute("fimd.tags.generate", "1,2");
    let said = answer["error"]["message"].as_str().unwrap();
    assert!(said.starts_with("2:10: "), "{said}");
    let answer = editor.execute("fimd.tags.generate", "5]]]");
    assert!(answer["result"]["run_id"].is_string(), "{answer}");
    assert_eq!(editor.run_end(), "done");
    assert_eq!(editor.text, text.replace("[[[5]]]", "12"));
    let published = |told: &Value| told["method"] == "textDocument/publishDiagnostics";
    assert!(!editor.told.iter().any(published));
}

#[test]
fn hover_says_what_a_tag_will_do() {
    let more = "temperature = 0.25\n";
    let mut editor = Editor::start(NOWHERE, more, "plaintext", NOTE, EditPolicy::ChangeFirst);
    let mut hover = |place: &str| {
        let params = editor.at(place);
        let answer = editor.call("textDocument/hover", params);
        answer["result"]["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let said = hover("40;");
    for part in [
        "**FIM**",
        "up to 40 tokens",
        "temperature: 0.25 (the settings')",
        "top_p: the server's own",
        "stops behind `END`",
        "appends `!`",
        "the soft tags that bound it vanish",
        "before: 5 characters, `Once `",
        "after: 6 characters, ` after`",
    ] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    assert!(hover("prefix").starts_with("**Soft prefix**"));
    assert!(hover("(no)").starts_with("**A comment**"));
    assert_eq!(hover("Title"), "");
}

#[test]
fn tokens_tell_the_parts_of_tags_apart() {
    let text = "😀 [[[5;stop(\"a\")]]]\n[[[(a\nb)]]][[[SUFFIX]]]\n[[[{font:\"x\"}]]]";
    let mut editor = Editor::start(NOWHERE, "", "fimpad", text, EditPolicy::ChangeFirst);
    let document = json!({"textDocument": {"uri": editor.uri}});
    let full = editor.call("textDocument/semanticTokens/full", document.clone());
    let data = full["result"]["data"].clone();
    let expected = [
        [0, 3, 3, 0, 0],
        [0, 3, 1, 7, 0],
        [0, 2, 4, 5, 0],
        [0, 5, 3, 6, 0],
        [0, 4, 3, 0, 0],
        [1, 0, 5, 2, 0],
        [1, 0, 5, 2, 0],
        [0, 5, 12, 1, 1],
        [1, 0, 3, 3, 0],
        [0, 3, 1, 3, 0],
        [0, 1, 4, 4, 0],
        [0, 5, 3, 6, 0],
        [0, 3, 1, 3, 0],
        [0, 1, 3, 3, 0],
    ];
    assert_eq!(data, json!(expected.concat()));
    let mut part = document;
    part["range"] =
        json!({"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 1}});
    let part = editor.call("textDocument/semanticTokens/range", part);
    assert_eq!(part["result"]["data"].as_array().unwrap().len(), 6 * 5);
}

#[test]
fn completion_offers_what_may_stand_there() {
    let text = "[[[\n[[[pre]]]\n[[[5;st]]]\n[[[{fo}]]]\n[[[5;stop(\"x\n[[[(a [[[x)]]]\nplain";
    let mut editor = Editor::start(NOWHERE, "", "fimpad", text, EditPolicy::ChangeFirst);
    let mut offered = |line: u32, character: u32| -> Vec<(String, String)> {
        let params = json!({
            "textDocument": {"uri": editor.uri},
            "position": {"line": line, "character": character},
        });
        let answer = editor.call("textDocument/completion", params);
        let items = answer["result"].as_array().unwrap().clone();
        let part = |value: &Value| value.as_str().unwrap().to_owned();
        let item = |item: &Value| (part(&item["label"]), part(&item["textEdit"]["newText"]));
        items.iter().map(item).collect()
    };
    let has = |offers: &[(String, String)], label: &str, text: &str| {
        assert!(
            offers.contains(&(label.into(), text.into())),
            "{label} {text} in {offers:?}"
        );
    };
    has(&offered(0, 3), "PREFIX", "PREFIX]]]");
    has(&offered(0, 3), "100;stop", "${1:100};stop(\"$2\")]]]");
    has(&offered(1, 6), "prefix", "prefix");
    has(&offered(2, 7), "stop", "stop(\"$1\")");
    has(&offered(3, 6), "fontSize", "fontSize:\"$1\"");
    for (line, character) in [(4, 12), (5, 9), (6, 3), (2, 4)] {
        assert_eq!(offered(line, character), [], "{line}:{character}");
    }
}

#[test]
fn lenses_and_actions_name_commands_that_work() {
    let server = ModelServer::saying(&["x"]);
    let text = "a [[[5]]] b [[[5;no()]]]\n[[[{font:\"x\"}]]]";
    let mut editor = Editor::start(&server.url, "", "fimpad", text, EditPolicy::ChangeFirst);
    let document = json!({"textDocument": {"uri": editor.uri}});
    let lenses = editor.call("textDocument/codeLens", document)["result"].clone();
    let titles = |items: &Value, path: &str| -> Vec<String> {
        let items = items.as_array().unwrap().iter();
        let title = |item: &Value| item.pointer(path).unwrap().as_str().unwrap().to_owned();
        items.map(title).collect()
    };
    assert_eq!(
        titles(&lenses, "/command/title"),
        ["Generate here", "Apply settings"]
    );
    let actions = |editor: &mut Editor, place: &str| {
        let position = editor.position(editor.find(place));
        let params = json!({
            "textDocument": {"uri": editor.uri},
            "range": {"start": position, "end": position},
            "context": {"diagnostics": []},
        });
        editor.call("textDocument/codeAction", params)["result"].clone()
    };
    let at_tag = actions(&mut editor, "5]]]");
    assert_eq!(
        titles(&at_tag, "/title"),
        ["Generate here", "Validate tags"]
    );
    let at_settings = actions(&mut editor, "font");
    assert_eq!(
        titles(&at_settings, "/title"),
        ["Apply settings", "Validate tags"]
    );

    let validated = editor.execute("fimd.tags.validate", "a ");
    assert_eq!(validated["result"]["tags"], 3);
    assert_eq!(validated["result"]["invalid"], 1);
    let said = editor.shown();
    assert!(
        said.contains("3 tags, errors: 1; line 1: unknown function no"),
        "{said}"
    );

    let nothing = editor.execute("fimd.tags.repeat", "b");
    assert!(
        nothing["error"]["message"]
            .as_str()
            .unwrap()
            .contains("no tag has run")
    );
    let command = &at_tag[0]["command"];
    let params = json!({"command": command["command"], "arguments": command["arguments"]});
    editor.call("workspace/executeCommand", params);
    editor.run_end();
    assert!(editor.text.starts_with("a x b"), "{}", editor.text);
    let now = actions(&mut editor, "b");
    let last = ["Validate tags", "Repeat last tag here", "Paste last tag"];
    assert_eq!(titles(&now, "/title"), last);
    editor.execute("fimd.tags.repeat", " b");
    editor.run_end();
    assert!(editor.text.starts_with("a xx b"), "{}", editor.text);
    editor.execute("fimd.tags.paste", " b");
    editor.until_text("a xx[[[5]]] b");

    for (command, place, said) in [
        ("fimd.tags.generate", "b ", "no tag at line 1, column 13;"),
        ("fimd.tags.generate", "no()", "unknown function no"),
        ("fimd.tags.generate", "font", "font: expected a font"),
        (
            "fimd.tags.nope",
            "b",
            "expected one of fimd.tags.generate, ",
        ),
    ] {
        let answer = editor.execute(command, place);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn settings_are_applied_all_or_none() {
    let text = "[[[{fontSize:\"20\"}]]] [[[{fontSize:\"21\"; fgColor:\"no\"}]]]";
    let mut editor = Editor::start(NOWHERE, "", "fimpad", text, EditPolicy::ChangeFirst);
    let file = editor.project.path().join("settings.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let refused = editor.execute("fimd.tags.applySettings", "fgColor");
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(said.contains("fgColor"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    for command in ["fimd.tags.applySettings", "fimd.tags.generate"] {
        std::fs::write(&file, &before).unwrap();
        let applied = editor.execute(command, "fontSize");
        assert_eq!(applied["result"]["applied"], json!({"fontSize": 20}));
        let told = editor.until(|told| told["method"] == "window/showMessage");
        assert_eq!(told["params"]["type"], 3, "information");
        let said = told["params"]["message"].as_str().unwrap();
        assert!(
            said.starts_with("fimd: applied fontSize = 20; written to "),
            "{said}"
        );
        let after = std::fs::read_to_string(&file).unwrap();
        assert!(after.contains("font_size = 20"), "{after}");
    }
    editor.until(|told| told["method"] == "fimd/settingsChanged");
    let refused = editor.execute("fimd.tags.generate", "fgColor");
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(said.contains("fgColor"), "{said}");
    assert_eq!(editor.text, text);
}

#[test]
fn an_editor_that_cannot_apply_versioned_edits_is_told_so() {
    let project = Project::new(&[]);
    let mut client = Client::new(&Transport::Stdio);
    let uri = format!("file://{}/note", project.path().to_str().unwrap());
    let root = format!("file://{}", project.path().to_str().unwrap());
    client.call("initialize", json!({"rootUri": root, "capabilities": {}}));
    client.open_in("php", &uri, "[[[5]]]");
    let place = json!({"uri": uri, "position": {"line": 0, "character": 3}});
    let params = json!({"command": "fimd.tags.generate", "arguments": [place]});
    let answer = client.call("workspace/executeCommand", params);
    let said = answer["error"]["message"].as_str().unwrap();
    assert!(said.contains("versioned documentChanges"), "{said}");
}

#[test]
fn a_run_leaves_what_tags_run_answers() {
    let said = &["", " upon", " a ti", "me E", "ND and more"];
    let server = ModelServer::saying(said);
    let daemon = || {
        let project = Project::new(&[]);
        let settings = settings(&project, &server.url, "");
        let daemon = Daemon::start_with(
            fimd()
                .arg("--log-level=error")
                .arg("--settings")
                .arg(settings),
        );
        (daemon, project)
    };
    let (daemon, _project) = daemon();
    for transport in [Transport::Stdio, Transport::Socket(daemon)] {
        for policy in [EditPolicy::ChangeFirst, EditPolicy::AnswerFirst] {
            let mut editor = Editor::over(&transport, &server.url, "", "markdown", NOTE, policy);
            let expected = editor.run_whole("40;");
            assert_eq!(
                expected,
                "# 😀 Title\nOnce [[[(no)]]] upon a time END! after\ntail\n"
            );
            editor.execute("fimd.tags.generate", "40;");
            let begin = editor.until(|told| told["params"]["value"]["kind"] == "begin");
            assert_eq!(begin["params"]["value"]["cancellable"], true);
            assert_eq!(editor.run_end(), "stopped by \"END\"");
            assert_eq!(editor.text, expected, "{policy:?}");
            assert_eq!(editor.refused, 0);
        }
    }
}

#[test]
fn a_run_survives_its_user_typing_elsewhere() {
    for policy in [
        EditPolicy::ChangeFirst,
        EditPolicy::AnswerFirst,
        EditPolicy::FalseSuccess,
    ] {
        let (server, say) = told_to_say();
        let mut editor = Editor::start(&server.url, "", "markdown", NOTE, policy);
        editor.execute("fimd.tags.generate", "40;");
        say.send(" one").unwrap();
        editor.until_text(" one[[[40");
        // The user types between two edits.
        editor.type_behind("Title", " 😀\nand more");
        editor.type_behind("tail", "s");
        say.send(" two").unwrap();
        editor.until_text(" one two[[[40");
        // The user types while an edit is on its way, so the edit is for an
        // older text.
        editor.typing = vec![("# ", "😀"), ("tails", "!"), ("and more", "\n")];
        say.send(" three").unwrap();
        editor.until_text(" one two three[[[40");
        assert!(editor.refused >= 1, "{policy:?}");
        editor.typing = vec![("and", "\n")];
        drop(say);
        editor.run_end();
        assert_eq!(
            editor.text,
            "# 😀😀 Title 😀\nand\n more\n\nOnce [[[(no)]]] one two three! after\ntails!\n",
            "{policy:?}"
        );
        assert!(editor.refused >= 2, "{policy:?}");
    }
}

#[test]
fn a_cancelled_run_leaves_the_document_as_it_was() {
    for (more, left) in [("", None), ("[tags]\nkeep_partial = true\n", Some(" one"))] {
        let (server, say) = told_to_say();
        let mut editor =
            Editor::start(&server.url, more, "markdown", NOTE, EditPolicy::AnswerFirst);
        let answer = editor.execute("fimd.tags.generate", "40;");
        let token = answer["result"]["run_id"].clone();
        say.send(" one").unwrap();
        say.send("hang").unwrap();
        editor.until_text(" one[[[40");
        editor.type_behind("tail", "s");
        editor
            .client
            .notify("window/workDoneProgress/cancel", json!({"token": token}));
        server.left();
        assert_eq!(editor.run_end(), "cancelled");
        let expected = match left {
            None => NOTE.replace("tail", "tails"),
            Some(left) => format!("# 😀 Title\nOnce [[[(no)]]]{left} after\ntails\n"),
        };
        assert_eq!(editor.text, expected);
    }
}

#[test]
fn a_run_that_fails_says_why_and_leaves_the_document_as_it_was() {
    let (server, say) = told_to_say();
    let mut editor = Editor::start(&server.url, "", "markdown", NOTE, EditPolicy::ChangeFirst);
    editor.execute("fimd.tags.generate", "40;");
    say.send(" one").unwrap();
    say.send("break").unwrap();
    let said = editor.shown();
    assert!(
        said.contains("4 characters had come and are not kept"),
        "{said}"
    );
    assert_eq!(editor.run_end(), "failed");
    assert_eq!(editor.text, NOTE);

    let mut editor = Editor::start(NOWHERE, "", "markdown", NOTE, EditPolicy::ChangeFirst);
    editor.execute("fimd.tags.generate", "40;");
    let said = editor.shown();
    assert!(said.contains("127.0.0.1:9"), "{said}");
    assert_eq!(editor.text, NOTE);
}

#[test]
fn who_types_into_the_generated_text_ends_the_run_and_keeps_it() {
    let (server, say) = told_to_say();
    let mut editor = Editor::start(&server.url, "", "markdown", NOTE, EditPolicy::ChangeFirst);
    editor.execute("fimd.tags.generate", "40;");
    let busy = editor.execute("fimd.tags.generate", "40;");
    assert!(
        busy["error"]["message"]
            .as_str()
            .unwrap()
            .contains("a tag runs there already")
    );
    say.send(" one").unwrap();
    editor.until_text(" one[[[40");
    editor.type_behind(" on", "X");
    say.send(" two").unwrap();
    say.send("hang").unwrap();
    let said = editor.shown();
    assert!(
        said.contains("edited where it was being generated"),
        "{said}"
    );
    server.left();
    assert_eq!(editor.run_end(), "failed");
    assert_eq!(editor.text, NOTE.replace("[[[40", " onXe[[[40"));
}

#[test]
fn a_run_ends_with_its_document() {
    let (server, say) = told_to_say();
    let mut editor = Editor::start(&server.url, "", "markdown", NOTE, EditPolicy::ChangeFirst);
    editor.execute("fimd.tags.generate", "40;");
    say.send(" one").unwrap();
    editor.until_text(" one[[[40");
    let uri = editor.uri.clone();
    editor.client.close(&uri);
    say.send(" two").unwrap();
    say.send("hang").unwrap();
    server.left();
    assert_eq!(editor.run_end(), "failed");
}

#[test]
fn a_run_ends_with_its_connection() {
    let (server, say) = told_to_say();
    let mut editor = Editor::start(&server.url, "", "markdown", NOTE, EditPolicy::ChangeFirst);
    editor.execute("fimd.tags.generate", "40;");
    say.send(" one").unwrap();
    editor.until_text(" one[[[40");
    say.send("hang").unwrap();
    editor.client.input = None;
    server.left();
}

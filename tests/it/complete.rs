//! `complete` of the real binary, with a model server whose answers the test
//! scripts: what the model gets, what the client gets of its answer, and what
//! happens when the user types on.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};

use serde_json::{Value, json};

use crate::common::lsp_client;
use crate::common::model_server::ModelServer;
use crate::common::{Client, Project, fimd};

mod ahead;
mod callee;
mod several;
mod target;

const SHOP: &[(&str, &str)] = &[
    (
        "src/Cart.php",
        "<?php\nclass Cart {\n    public function add(Item $item): void {}\n    \
         public function total(): int { return 0; }\n}\n",
    ),
    ("src/page.php", "<?php\n$cart = new Cart();\n$cart->\n"),
];

/// An NDJSON client that has opened `root`, with these settings.
struct Session {
    client: Client,
    _settings: tempfile::TempDir,
    others: Vec<Value>,
}

impl Session {
    fn new(root: &Path, server: &ModelServer, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        let endpoint = format!("[endpoint]\nurl = \"{}\"\n", server.url);
        fs::write(&file, endpoint + settings).unwrap();
        let mut command = fimd();
        command.arg("--settings").arg(&file);
        let mut session = Self {
            client: Client::start(&mut command),
            _settings: folder,
            others: Vec::new(),
        };
        let params = json!({ "project_root": root, "bm25": true });
        let answer = session.ask(0, "initialize", &params);
        assert!(answer["result"].is_object(), "{answer}");
        session
    }

    fn send(&mut self, id: Option<u64>, method: &str, params: &Value) {
        let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        if let Some(id) = id {
            message["id"] = id.into();
        }
        self.client.send(format!("{message}\n"));
    }

    /// The answer to the request with this id.
    fn answer(&mut self, id: u64) -> Value {
        if let Some(at) = self.others.iter().position(|answer| answer["id"] == id) {
            return self.others.remove(at);
        }
        loop {
            let answer: Value = serde_json::from_str(&self.client.answer()).unwrap();
            if answer["id"] == id {
                return answer;
            }
            self.others.push(answer);
        }
    }

    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        self.send(Some(id), method, params);
        self.answer(id)
    }

    /// The completion at the `|` of `code`.
    fn complete(&mut self, id: u64, code: &str) -> Value {
        self.ask(id, "complete", &at(code))
    }
}

/// The parameters of a request that the editor makes of its own accord.
fn automatic_at(code: &str) -> Value {
    let mut params = at(code);
    params["trigger"] = "automatic".into();
    params
}

/// The parameters of a request whose cursor is at the `|` of `code`.
fn at(code: &str) -> Value {
    let cursor = code.find('|').unwrap();
    let content = code.replacen('|', "", 1);
    json!({ "filepath": "src/page.php", "content": content, "cursor_offset": cursor })
}

fn text(answer: &Value) -> &str {
    let items = answer["result"]["items"].as_array().unwrap();
    assert!(items.len() <= 1, "{answer}");
    items
        .first()
        .map_or("", |item| item["text"].as_str().unwrap())
}

const CODE: &str = "<?php\n$cart = new Cart();\n$cart->|\n";

#[test]
fn what_is_shown_is_what_fits_and_the_model_is_not_kept_busy() {
    let project = Project::new(SHOP);
    // The model's answer does not end by itself.
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        for piece in ["add($i", "tem);", "\n", "$cart->total();", "\n"] {
            answer.text(piece);
        }
        answer.hang();
    });
    let mut session = Session::new(project.path(), &server, "");
    let answer = session.complete(1, CODE);
    server.left();
    assert_eq!(text(&answer), "add($item);");
    let range = &answer["result"]["items"][0]["range"];
    let cursor = CODE.find('|').unwrap();
    assert_eq!(range, &json!({ "start": cursor, "end": cursor }));
    assert!(answer["result"]["context_chars"].as_u64().unwrap() > 0);
    assert_eq!(answer["result"]["timings"]["cached"], false);

    let asked = server.asked().body;
    let prompt = asked["prompt"].as_str().unwrap();
    assert!(prompt.starts_with("<|fim_prefix|>// --- src/Cart.php ---\n"));
    assert!(prompt.ends_with("$cart-><|fim_suffix|>\n<|fim_middle|>"));
    assert!(prompt.contains("function total(): int;"));
    assert_eq!(asked["stop"][0], "<|endoftext|>");
    assert_eq!(asked["stop"][1], "\n// --- ", "the header of the next file");
    assert_eq!(asked["temperature"], 0.0, "a server would sample");
    assert_eq!(
        asked["cache_prompt"],
        Value::Null,
        "not seen to be llama.cpp"
    );

    // Before other code a completion ends with its line and repeats nothing that
    // follows the cursor.
    let code = CODE.replace("|\n", "|;\n");
    session.send(Some(2), "complete", &at(&code));
    assert_eq!(server.asked().body["stop"][0], "\n");
    assert_eq!(text(&session.answer(2)), "add($item)");
}

#[test]
fn who_types_what_is_shown_asks_nobody() {
    let project = Project::new(SHOP);
    let server = ModelServer::saying(&["add($item);\n"]);
    let mut session = Session::new(project.path(), &server, "");
    assert_eq!(text(&session.complete(1, CODE)), "add($item);");
    server.asked();
    let typed = CODE.replace('|', "ad|");
    let mut params = automatic_at(&typed);
    params["explain"] = true.into();
    let answer = session.ask(2, "complete", &params);
    assert_eq!(text(&answer), "d($item);");
    assert_eq!(answer["result"]["timings"]["cached"], true);
    let context = answer["result"]["context"].as_str().unwrap();
    assert!(context.starts_with("// --- src/Cart.php ---\n"), "{answer}");
    assert!(server.is_unasked());
    session.complete(3, &CODE.replace('|', "to|"));
    server.asked();
}

#[test]
fn who_types_otherwise_supersedes_what_the_editor_asked_of_its_own_accord() {
    let project = Project::new(SHOP);
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        answer.hang();
    });
    let mut session = Session::new(project.path(), &server, "[completion]\ndebounce_ms = 1\n");
    let automatic = |typed: &str| automatic_at(&CODE.replace('|', &format!("{typed}|")));
    session.send(Some(1), "complete", &automatic("a"));
    server.asked();
    session.send(Some(2), "complete", &automatic("b"));
    assert_eq!(text(&session.answer(1)), "");
    server.left();
    server.asked();
    // A completion that the user asked for explicitly is not cancelled.
    session.send(Some(3), "complete", &at(&CODE.replace('|', "x|")));
    assert_eq!(text(&session.answer(2)), "");
    server.left();
    server.asked();
    session.send(Some(4), "complete", &automatic("add"));
    server.asked();
    // A cancelled request closes its connection to the model server.
    session.send(None, "$/cancelRequest", &json!({ "id": 3 }));
    assert_eq!(session.answer(3)["error"]["code"], -32800);
    server.left();
    // So does one of the editor's own, if nobody types what it may say.
    session.send(None, "$/cancelRequest", &json!({ "id": 4 }));
    assert_eq!(session.answer(4)["error"]["code"], -32800);
    server.left();
}

/// A model server that says "ad", and the rest once the test tells it to.
fn saying_in_two(rest: &'static str) -> (ModelServer, Sender<()>) {
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let server = ModelServer::start(move |_, answer| {
        answer.stream();
        answer.text("ad");
        // The test may have ended.
        let _ = wait.lock().unwrap().recv();
        answer.text(rest);
        answer.done();
    });
    (server, go)
}

#[test]
fn who_types_what_comes_waits_for_the_rest_of_it() {
    let project = Project::new(SHOP);
    let (server, go) = saying_in_two("d($item);\n");
    let mut session = Session::new(project.path(), &server, "[completion]\ndebounce_ms = 1\n");
    let automatic = |typed: &str| automatic_at(&CODE.replace('|', &format!("{typed}|")));
    session.send(Some(1), "complete", &automatic(""));
    server.asked();
    // An editor cancels the request when a key is pressed, and asks again.
    session.send(None, "$/cancelRequest", &json!({ "id": 1 }));
    session.send(Some(2), "complete", &automatic("a"));
    session.send(Some(3), "complete", &automatic("add"));
    // Its answer is that it was cancelled, or that it was superseded.
    session.answer(1);
    assert_eq!(text(&session.answer(2)), "");
    go.send(()).unwrap();
    assert_eq!(text(&session.answer(3)), "($item);");
    assert!(server.is_unasked(), "the model was asked once");
    // What disagrees is asked for anew, and the old request ends.
    session.send(Some(4), "complete", &automatic("t"));
    server.asked();
    session.send(Some(5), "complete", &automatic("to"));
    server.asked();
    go.send(()).unwrap();
    go.send(()).unwrap();
    assert_eq!(text(&session.answer(4)), "");
}

#[test]
fn what_is_quick_enough_never_reaches_the_model() {
    let project = Project::new(SHOP);
    let server = ModelServer::saying(&["add($item);\n"]);
    let mut session = Session::new(
        project.path(),
        &server,
        "[completion]\ndebounce_ms = 10000\n",
    );
    for id in 1..20 {
        let params = automatic_at(&CODE.replace('|', &("a".repeat(id) + "|")));
        session.send(Some(id as u64), "complete", &params);
    }
    for id in 1..19 {
        assert_eq!(text(&session.answer(id)), "");
    }
    assert!(server.is_unasked());
}

#[test]
fn what_comes_behind_an_accepted_completion_is_asked_for_ahead() {
    let project = Project::new(SHOP);
    let server = ModelServer::saying(&["echo 1;\n"]);
    let mut session = Session::new(project.path(), &server, "");
    let accepted = CODE.replace('|', "add($item);\n|");
    session.send(None, "completion/accepted", &at(&accepted));
    let asked = server.asked().body;
    assert!(asked["prompt"].as_str().unwrap().contains("add($item);\n"));
    let answer = session.ask(1, "complete", &automatic_at(&accepted));
    assert_eq!(text(&answer), "echo 1;");
    assert_eq!(answer["result"]["timings"]["cached"], true);
    assert!(server.is_unasked());
}

#[test]
fn a_model_server_that_is_not_there_is_named() {
    let project = Project::new(SHOP);
    let server = ModelServer::start(|_, answer| {
        answer.whole("503 Service Unavailable", "text/plain", "loading the model");
    });
    let mut session = Session::new(project.path(), &server, "");
    let error = session.complete(1, CODE)["error"].clone();
    assert_eq!(error["code"], -32001, "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("loading the model"), "{message}");
    assert!(message.contains(&server.url), "{message}");
    let error = session.ask(2, "complete", &json!({ "filepath": "a.php" }))["error"].clone();
    assert_eq!(error["code"], -32602);
}

#[test]
fn sources_and_secrets_are_as_the_settings_say() {
    let project = Project::new(SHOP);
    let server = ModelServer::saying(&["total();\n"]);
    let off = "[context]\nenabled_sources = []\n";
    let mut session = Session::new(project.path(), &server, off);
    let secret = "$key = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';\n$cart->|\n";
    let answer = session.complete(1, &format!("<?php\n{secret}"));
    assert_eq!(answer["result"]["context_chars"], 0);
    let prompt = server.asked().body["prompt"].to_string();
    assert!(
        !prompt.contains("16C7e42F292c6912E7710c838347Ae178B4a"),
        "{prompt}"
    );
    assert!(prompt.contains("REDACTED_GITHUB_TOKEN_"), "{prompt}");
    let mut params = at(CODE);
    params["explain"] = true.into();
    let answer = session.ask(2, "complete", &params);
    assert_eq!(answer["result"]["context"], "");
    assert_eq!(answer["result"]["snippets"], json!([]));
}

/// LSP's own inline completion, in an editor without our plugins: UTF-16
/// positions in an open buffer, and a command when a completion is accepted.
#[test]
fn an_lsp_client_has_inline_completions() {
    let project = Project::new(SHOP);
    let server = ModelServer::saying(&["add($item); // \u{1f600}\n"]);
    let settings = project.path().join("settings.toml");
    fs::write(&settings, format!("[endpoint]\nurl = \"{}\"\n", server.url)).unwrap();
    let mut client = lsp_client::Client::with(
        &lsp_client::Transport::Stdio,
        fimd().arg("--settings").arg(&settings),
    );
    let root = format!("file://{}", project.path().to_str().unwrap());
    let params = json!({ "rootUri": root, "capabilities": {} });
    let answer = client.call("initialize", params);
    let can = &answer["result"]["capabilities"];
    assert_eq!(can["inlineCompletionProvider"], true);
    client.notify("initialized", json!({}));
    let uri = format!("{root}/src/page.php");
    client.open(&uri, "<?php\n$cart = new Cart(); /* \u{1f600} */ $cart->\n");
    let position = json!({ "line": 1, "character": 36 });
    let ask = json!({
        "textDocument": { "uri": uri },
        "position": position,
        "context": { "triggerKind": 2 },
    });
    let answer = client.call("textDocument/inlineCompletion", ask.clone());
    let item = answer["result"]["items"][0].clone();
    assert_eq!(item["insertText"], "add($item); // \u{1f600}", "{answer}");
    assert_eq!(item["range"], json!({ "start": position, "end": position }));
    assert_eq!(answer["result"]["timings"]["cached"], false, "{answer}");
    let end = json!({ "line": 1, "character": 53 });
    assert_eq!(
        item["command"]["arguments"][0],
        json!({ "uri": uri, "position": end, "id": 1 })
    );
    server.asked();

    // A position outside of the text counts as the nearest in it, and so does the
    // range of the answer.
    let outside = json!({ "line": 1, "character": 999 });
    let mut beyond = ask.clone();
    beyond["position"] = outside.clone();
    let answer = client.call("textDocument/inlineCompletion", beyond);
    let range = json!({ "start": position, "end": position });
    assert_eq!(answer["result"]["items"][0]["range"], range, "{answer}");
    let beyond =
        json!({ "textDocument": { "uri": uri }, "position": outside, "trigger": "automatic" });
    let answer = client.call("complete", beyond);
    assert_eq!(answer["result"]["items"][0]["range"], range, "{answer}");

    // The word that is selected in the editor's completion list is part of the
    // completion.
    let mut listed = ask;
    listed["context"]["selectedCompletionInfo"] = json!({
        "range": { "start": { "line": 1, "character": 29 }, "end": position },
        "text": "$cart->add(",
    });
    let answer = client.call("textDocument/inlineCompletion", listed);
    let text = &answer["result"]["items"][0]["insertText"];
    assert_eq!(text, "$cart->add($item); // \u{1f600}");
    assert_eq!(answer["result"]["timings"]["cached"], true, "{answer}");
    assert!(server.is_unasked());

    // fimd asks for what follows before the editor does.
    client.change(&uri, (1, 36), (1, 36), "add($item); // \u{1f600}");
    let accepted = json!({
        "command": item["command"]["command"],
        "arguments": item["command"]["arguments"],
    });
    client.call("workspace/executeCommand", accepted);
    let prompt = server.asked().body["prompt"].to_string();
    assert!(
        prompt.contains("add($item); // \u{1f600}<|fim_suffix|>"),
        "{prompt}"
    );
    let position = item["command"]["arguments"][0]["position"].clone();
    let params = json!({
        "textDocument": { "uri": uri },
        "position": position,
        "trigger": "automatic",
    });
    let answer = client.call("complete", params);
    assert_eq!(answer["result"]["timings"]["cached"], true, "{answer}");
    assert!(server.is_unasked());
}

/// A model server that answers with each of `answers` in turn, a few bytes at a
/// time.
fn saying_in_turn(answers: &[&str]) -> ModelServer {
    let answers: VecDeque<String> = answers.iter().map(|answer| (*answer).into()).collect();
    let answers = Mutex::new(answers);
    ModelServer::start(move |_, reply| {
        let answer = answers.lock().unwrap().pop_front().unwrap();
        reply.stream();
        let mut rest = &*answer;
        while !rest.is_empty() {
            let (piece, others) = rest.split_at(rest.ceil_char_boundary(5));
            reply.text(piece);
            rest = others;
        }
        reply.done();
    })
}

/// What a model says, and what is shown of it.
const UNTIDY: &[(&str, &str, &str)] = &[
    // Markdown.
    (
        "<?php\n// one\n|\n",
        "```php\n$one = 1;\n```\nThis sets one.",
        "$one = 1;",
    ),
    ("<?php\n// two\n$two = |\n", "2\n```\n", "2"),
    // A word begun before the cursor, and a chain.
    (
        "<?php\n$sum = array_s|\n",
        "array_sum($list);\n",
        "um($list);",
    ),
    ("<?php\n$cart->ad|\n", "$cart->add($item);\n", "d($item);"),
    // The line, and the lines above it.
    (
        "<?php\n    return max(|\n",
        "    return max($a, $b);\n",
        "$a, $b);",
    ),
    (
        "<?php\n$cart = new Cart();\n$cart->|\n",
        "<?php\n$cart = new Cart();\n$cart->total();\n",
        "total();",
    ),
    (
        "<?php\n$basket = new Cart();\n|\n",
        "$basket = new Cart();\n$basket->total();\n",
        "$basket->total();",
    ),
    // Indentation.
    (
        "<?php\nclass A\n{\n    function f()\n    {\n        |\n    }\n}\n",
        "        if ($a) {\n\t\t\tf();\n\t\t}\n",
        "if ($a) {\n            f();\n        }",
    ),
    // The next file of a context.
    (
        "<?php\nfunction g()\n{\n    |\n}\n",
        "f();\n// --- src/Cart.php ---\nclass Cart {\n",
        "f();",
    ),
    // Line breaks and a byte order mark.
    (
        "\u{feff}<?php\r\nfunction h()\r\n{\r\n    |\r\n}\r\n",
        "f();\n    g();\r\n    h();\n",
        "f();\r\n    g();\r\n    h();",
    ),
    // Correct code that repeats what stands above stays.
    (
        "<?php\nif ($a) {\n    if ($b) {\n        f();\n    }\n|\n",
        "}\n",
        "}",
    ),
    (
        "<?php\n$rows = [\n    [1, 0, 0],\n    |\n];\n",
        "[1, 0, 0],\n",
        "[1, 0, 0],",
    ),
    (
        "<?php\nfgetcsv($file);\n|\n",
        "fgetcsv($file);\n",
        "fgetcsv($file);",
    ),
    (
        "<?php\n$most = max(|\n",
        "max($a, $b), $c);\n",
        "max($a, $b), $c);",
    ),
];

#[test]
fn an_untidy_answer_is_tidied() {
    let project = Project::new(SHOP);
    let answers: Vec<&str> = UNTIDY.iter().map(|(_, answer, _)| *answer).collect();
    let server = saying_in_turn(&answers);
    let mut session = Session::new(project.path(), &server, "");
    let mut differing = Vec::new();
    for (id, (code, answer, expected)) in (1..).zip(UNTIDY) {
        let shown = session.complete(id, code);
        let shown = text(&shown);
        if shown != *expected {
            differing.push(format!("{code:?} + {answer:?} shows {shown:?}"));
        }
        let prompt = server.asked().body["prompt"].clone();
        let prompt = prompt.as_str().unwrap();
        assert!(!prompt.contains(['\r', '\u{feff}']), "{prompt:?}");
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// A model that writes Markdown has its code behind the first line, also where only
/// the rest of the line is wanted.
#[test]
fn code_in_markdown_is_found_where_a_line_is_wanted() {
    let project = Project::new(SHOP);
    // The server stops at the patterns as a real one does.
    let server = ModelServer::start(|asked, answer| {
        let said = "Here is the code:\n```php\nadd($item);\n```\nIt adds an item.";
        let stops = asked.body["stop"].as_array().unwrap();
        let ends_with_line = stops.contains(&json!("\n"));
        answer.stream();
        answer.text(
            said.lines()
                .next()
                .filter(|_| ends_with_line)
                .unwrap_or(said),
        );
        answer.done();
    });
    let mut session = Session::new(project.path(), &server, "");
    let code = CODE.replace("|\n", "|;\n");
    assert_eq!(text(&session.complete(1, &code)), "add($item)");
    let stops = [(); 2].map(|()| server.asked().body["stop"][0].clone());
    assert_eq!(stops, ["\n", "<|endoftext|>"]);
    // From now on fimd knows.
    let code = format!("{code}// more\n");
    assert_eq!(text(&session.complete(2, &code)), "add($item)");
    assert_ne!(server.asked().body["stop"][0], "\n");
    assert!(server.is_unasked());
}

/// What stands behind the cursor, and what a model says that goes on there.
const BEHIND: &[(&str, &str, &str)] = &[
    ("<?php\n$one = foo(|);\n", "$a, $b);\nbar();\n", "$a, $b"),
    ("<?php\n$two = 'a|';\n", "b';\nbar();\n", "b"),
    (
        "<?php\n$three = $query\n    |\n    ->get();\n",
        "->where(1);\n",
        "->where(1)",
    ),
    (
        "<?php\nif ($four) {\n    |\n}\n",
        "foo();\n}\nbar();\n",
        "foo();",
    ),
    ("<?php\n$five = [|];\n", "1, [2\n", "1,"),
    ("<?php\n$six = foo(|);\n", "$a, 'b", "$a,"),
];

/// The same by all ways: streamed, remembered and prefetched.
#[test]
fn what_stands_behind_the_cursor_is_not_broken() {
    let project = Project::new(SHOP);
    let answers: Vec<&str> = BEHIND
        .iter()
        .flat_map(|(_, answer, _)| [*answer, *answer])
        .collect();
    let server = saying_in_turn(&answers);
    let mut session = Session::new(project.path(), &server, "");
    for (id, (code, _, expected)) in (1..).step_by(3).zip(BEHIND) {
        let answer = session.complete(id, code);
        assert_eq!(text(&answer), *expected, "{code}");
        let answer = session.ask(id + 1, "complete", &automatic_at(code));
        assert_eq!(text(&answer), *expected, "{code}");
        assert_eq!(answer["result"]["timings"]["cached"], true);
        let other = format!("{code}// more\n");
        session.send(None, "completion/accepted", &at(&other));
        let answer = session.ask(id + 2, "complete", &automatic_at(&other));
        assert_eq!(text(&answer), *expected, "{other}");
        assert_eq!(answer["result"]["timings"]["cached"], true);
    }
}

/// Remembered and prefetched completions are tidied as well.
#[test]
fn tidied_text_is_remembered_and_prefetched() {
    let project = Project::new(SHOP);
    let server = saying_in_turn(&["array_sum($list);\n", "```php\n$x = 1;\n```\n"]);
    let mut session = Session::new(project.path(), &server, "");
    let code = "<?php\r\n$sum = array_s|\r\n";
    assert_eq!(text(&session.complete(1, code)), "um($list);");
    server.asked();
    let answer = session.ask(2, "complete", &automatic_at(&code.replace('|', "um|")));
    assert_eq!(text(&answer), "($list);");
    assert_eq!(answer["result"]["timings"]["cached"], true);

    let accepted = code.replace('|', "um($list);\r\n|");
    session.send(None, "completion/accepted", &at(&accepted));
    server.asked();
    let answer = session.ask(3, "complete", &automatic_at(&accepted));
    assert_eq!(text(&answer), "$x = 1;");
    assert_eq!(answer["result"]["timings"]["cached"], true);
    assert!(server.is_unasked());
}

/// The central promise: the prompt of a completion equals the prompt of a
/// training example.
#[test]
fn a_prompt_is_an_example_up_to_its_middle() {
    let project = format!("{}/tests/fixtures/shop", env!("CARGO_MANIFEST_DIR"));
    compare_prompts_with_examples(Path::new(&project));
}

/// The same in a project from Windows: neither has its line breaks or its byte
/// order marks.
#[test]
fn prompts_and_examples_have_plain_newlines() {
    let project = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
    let root = project.path().join("shop");
    copy_with_windows_text(&fixture, &root);
    let examples = compare_prompts_with_examples(&root);
    for example in examples {
        for field in ["text", "context", "prefix", "middle", "suffix"] {
            let text = example[field].as_str().unwrap();
            assert!(!text.contains(['\r', '\u{feff}']), "{field}: {text:?}");
        }
    }
}

/// Copies a folder. Its PHP files get a byte order mark and `\r\n`.
fn copy_with_windows_text(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_with_windows_text(&path, &copy);
        } else {
            let mut text = fs::read(&path).unwrap();
            let is_php = path.extension().is_some_and(|extension| extension == "php");
            if let Some(php) = str::from_utf8(&text).ok().filter(|_| is_php) {
                text = format!(
                    "\u{feff}{}",
                    php.replace("\r\n", "\n").replace('\n', "\r\n")
                )
                .into_bytes();
            }
            fs::write(&copy, text).unwrap();
        }
    }
}

/// Makes a dataset of `project` and verifies it. Asks for a completion at the hole
/// of each example, and compares the prompt with the example, which it returns.
fn compare_prompts_with_examples(project: &Path) -> Vec<Value> {
    let temp = tempfile::tempdir().unwrap();
    let output = temp.path().join("dataset");
    let run = fimd()
        .args([
            "generate",
            "--cross-file-context",
            "--bm25-context",
            "--val-split",
            "0",
        ])
        .arg(project)
        .arg("--output")
        .arg(&output)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    let run = fimd()
        .args(["verify", "--project"])
        .arg(project)
        .arg(&output)
        .output();
    let run = run.unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}");
    let examples = fs::read_to_string(output.join("train.jsonl")).unwrap();
    let examples: Vec<Value> = examples
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let server = ModelServer::saying(&["x"]);
    let mut session = Session::new(project, &server, "");
    let mut compared = 0;
    for (id, example) in (1..).zip(&examples) {
        let path = example["filepath"].as_str().unwrap();
        let file = fs::read_to_string(project.join(path)).unwrap();
        let at = |field: &str| usize::try_from(example[field].as_u64().unwrap()).unwrap();
        let (start, end) = (at("start_byte"), at("end_byte"));
        let mut ask = |step: u64, content: &str, cursor: usize| {
            let params = json!({ "filepath": path, "content": content, "cursor_offset": cursor });
            session.send(Some(2 * id + step), "complete", &params);
            let asked = server.asked().body;
            session.answer(2 * id + step);
            asked
        };
        // The hole is another place than the one of the request before.
        ask(0, "x", 1);
        let asked = ask(1, &[&file[..start], &file[end..]].concat(), start);
        let middle = example["middle"].as_str().unwrap();
        let shown = example["text"].as_str().unwrap();
        let shown = shown.strip_suffix("<|endoftext|>").unwrap();
        assert_eq!(
            asked["prompt"],
            shown.strip_suffix(middle).unwrap(),
            "{path}"
        );
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
    examples
}

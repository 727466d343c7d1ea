//! `tags/parse`, `tags/prompt` and `tags/run` in both framings, over pipes and
//! over a socket, against a model server whose answers the test writes.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::daemon::Daemon;
use crate::common::model_server::ModelServer;
use crate::common::{Project, fimd};

/// Tests wait this long only when the server hangs.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Framing {
    Ndjson,
    Lsp,
}

struct Client {
    framing: Framing,
    input: Box<dyn Write>,
    messages: Receiver<Value>,
    process: Option<Child>,
}

/// Runs a test over every transport and in every framing, with these settings and
/// without a project.
fn over_all(settings: &str, test: impl Fn(&mut Client)) {
    over_all_in(None, settings, test);
}

/// Like [`over_all`], in a project if there is one.
fn over_all_in(project: Option<&Project>, settings: &str, test: impl Fn(&mut Client)) {
    let test = |client: &mut Client| {
        client.initialize(project);
        test(client);
    };
    let folder = Project::new(&[("settings.toml", settings)]);
    let settings = folder.path().join("settings.toml");
    let program = || {
        let mut program = fimd();
        program.env("XDG_STATE_HOME", folder.path());
        program
            .args(["--log-level", "error", "--settings"])
            .arg(&settings);
        program
    };
    let daemon = Daemon::start_with(&mut program());
    for framing in [Framing::Ndjson, Framing::Lsp] {
        let stream = daemon.connect();
        let output = stream.try_clone().unwrap();
        test(&mut Client::new(framing, stream, output, None));
        let mut child = program()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        test(&mut Client::new(framing, input, output, Some(child)));
    }
}

impl Client {
    fn new(
        framing: Framing,
        input: impl Write + 'static,
        output: impl Read + Send + 'static,
        process: Option<Child>,
    ) -> Self {
        let (send, messages) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(framing, &mut output) {
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        Self {
            framing,
            input: Box::new(input),
            messages,
            process,
        }
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let framed = match self.framing {
            Framing::Ndjson => format!("{text}\n"),
            Framing::Lsp => format!("Content-Length: {}\r\n\r\n{text}", text.len()),
        };
        self.input.write_all(framed.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    fn call(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        let id = id.into();
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
    }

    fn next(&self) -> Value {
        self.messages.recv_timeout(PATIENCE).unwrap()
    }

    /// The answer to the only request in flight.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.call(1, method, params);
        let answer = self.next();
        assert_eq!(answer["id"], 1, "{answer}");
        answer
    }

    /// Opens a project with offsets in UTF-16 units. Without a project, NDJSON needs
    /// no `initialize`.
    fn initialize(&mut self, project: Option<&Project>) {
        let options = project
            .map(|project| json!({ "project_root": project.path(), "offset_encoding": "utf-16" }));
        let params = match (self.framing, options) {
            (Framing::Ndjson, None) => return,
            (Framing::Ndjson, Some(options)) => options,
            (Framing::Lsp, options) => {
                json!({ "capabilities": {}, "initializationOptions": options })
            }
        };
        let answer = self.ask("initialize", params);
        assert!(answer["result"].is_object(), "{answer}");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(child) = &mut self.process {
            // The process may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn read(framing: Framing, output: &mut impl BufRead) -> Option<Value> {
    let mut line = String::new();
    output.read_line(&mut line).ok().filter(|read| *read > 0)?;
    if framing == Framing::Ndjson {
        return Some(serde_json::from_str(&line).unwrap());
    }
    let length = line.strip_prefix("Content-Length: ").unwrap();
    let mut body = vec![0; length.trim().parse().unwrap()];
    output.read_line(&mut line).unwrap();
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

fn settings(server: &ModelServer) -> String {
    format!("[endpoint]\nurl = {:?}\n", server.url)
}

#[test]
fn tags_are_parsed_and_explained_without_a_project_in_bytes_and_with_one_in_its_units() {
    let project = Project::new(&[("a.php", "<?php")]);
    let content = "\u{1F600}[[[prefix]]][[[9;chop(\"x\")]]]b";
    for (project, start, at) in [(None, 4, 20), (Some(&project), 2, 18)] {
        over_all_in(project, "", |client| {
            let parsed = client.ask("tags/parse", json!({ "content": content }));
            let tags = &parsed["result"]["tags"];
            assert_eq!(
                tags[0],
                json!({
                    "kind": "prefix", "hard": false, "start": start, "end": start + 12,
                })
            );
            assert_eq!(tags[1]["kind"], "fim");
            assert_eq!(tags[1]["start"], start + 12);
            let asked = json!({ "content": content, "cursor_offset": at });
            let prompt = &client.ask("tags/prompt", asked)["result"];
            assert_eq!(prompt["mode"], "fim", "{prompt}");
            assert_eq!(
                prompt["prompt"],
                "<|fim_prefix|><|fim_suffix|>b<|fim_middle|>"
            );
            assert_eq!(
                prompt["deletes"],
                json!([{ "start": start, "end": start + 12 }])
            );
        });
    }
}

#[test]
fn wrong_parameters_are_named() {
    over_all("", |client| {
        for (method, params, says) in [
            ("tags/parse", json!({}), "content: expected"),
            (
                "tags/prompt",
                json!({ "content": "[[[1]]]" }),
                "cursor_offset: expected",
            ),
            (
                "tags/run",
                json!({ "content": "[[[1]]]", "cursor_offset": -1 }),
                "cursor_offset: ",
            ),
            (
                "tags/run",
                json!({ "content": "[[[1;x]]]", "cursor_offset": 1 }),
                "1:6: ",
            ),
            (
                "tags/run",
                json!({ "content": "a\nä", "cursor_offset": 4 }),
                "no tag at line 2, column 2;",
            ),
            (
                "tags/run",
                json!({ "content": "[[[1]]]", "cursor_offset": 1, "context": true }),
                "filepath: expected",
            ),
        ] {
            let error = client.ask(method, params)["error"].clone();
            assert_eq!(error["code"], -32602, "{error}");
            assert!(
                error["message"].as_str().unwrap().starts_with(says),
                "{error}"
            );
        }
        let context = json!({
            "content": "[[[1]]]", "cursor_offset": 1, "context": true, "filepath": "a.php",
        });
        let answer = client.ask("tags/prompt", context);
        match client.framing {
            Framing::Ndjson => assert_eq!(answer["error"]["code"], -1),
            // An LSP client has a session without a project, and the file is in none.
            Framing::Lsp => assert!(answer["result"].is_object(), "{answer}"),
        }
    });
}

#[test]
fn a_run_tells_its_text_as_it_comes_and_ends_with_the_edits() {
    let server = ModelServer::saying(&["\u{e4}on", "e E", "ND two"]);
    over_all(&settings(&server), |client| {
        let content = "\u{e4}[[[prefix]]]a [[[9;chop(\"END\");append(\"!\")]]] b";
        let params = json!({ "content": content, "cursor_offset": 20 });
        client.call("r", "tags/run", params);
        let mut told = String::new();
        let result = loop {
            let message = client.next();
            if message["id"] == "r" {
                break message["result"].clone();
            }
            assert_eq!(message["method"], "tags/delta");
            assert_eq!(message["params"]["run_id"], "r");
            told.push_str(message["params"]["text"].as_str().unwrap());
        };
        assert_eq!(told, "\u{e4}one !");
        assert_eq!(result["text"], told.as_str());
        assert_eq!(result["stopped_by"], "END");
        assert_eq!(result["content"], format!("\u{e4}a {told} b"));
        assert_eq!(
            result["edits"],
            json!([
                { "start": 2, "end": 14, "new_text": "" },
                { "start": 16, "end": content.len() - 2, "new_text": told },
            ])
        );
    });
}

#[test]
fn running_a_config_tag_applies_it() {
    over_all("", |client| {
        let content = "\u{e4}[[[{spellLang:\"xx_XX\"}]]]";
        let mut params = json!({ "content": content, "cursor_offset": content.len() });
        let refused = client.ask("tags/run", params.clone());
        let said = refused["error"]["message"].as_str().unwrap();
        assert!(said.starts_with("1:16: spellLang: "), "{refused}");
        params["spell_languages"] = json!(["xx_XX"]);
        client.call(2, "tags/run", params);
        let answer = loop {
            let message = client.next();
            if message["id"] == 2 {
                break message;
            }
            assert_eq!(message["method"], "fimd/settingsChanged");
        };
        assert_eq!(answer["result"]["applied"], json!({ "spellLang": "xx_XX" }));
        assert!(answer["result"]["file"].is_string(), "{answer}");
    });
}

#[test]
fn many_runs_at_once_keep_apart() {
    let server = ModelServer::start(|asked, answer| {
        let number = asked.body["max_tokens"].to_string();
        answer.stream();
        for _ in 0..5 {
            answer.text(&number);
        }
        answer.done();
    });
    over_all(&settings(&server), |client| {
        const RUNS: usize = 40;
        for n in 0..RUNS {
            let params = json!({
                "content": format!("[[[{n}]]]"), "cursor_offset": 3, "run_id": { "n": n },
            });
            client.call(n, "tags/run", params);
        }
        let mut told = vec![String::new(); RUNS];
        let mut answered = 0;
        while answered < RUNS {
            let message = client.next();
            if message["method"] == "tags/delta" {
                let n = message["params"]["run_id"]["n"].as_u64().unwrap() as usize;
                told[n].push_str(message["params"]["text"].as_str().unwrap());
            } else {
                let n = message["id"].as_u64().unwrap() as usize;
                assert_eq!(
                    message["result"]["text"],
                    n.to_string().repeat(5),
                    "{message}"
                );
                assert_eq!(told[n], n.to_string().repeat(5), "told before the answer");
                answered += 1;
            }
        }
    });
}

#[test]
fn cancelling_a_run_closes_the_connection_to_the_model() {
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        answer.text("so far");
        answer.hang();
    });
    over_all(&settings(&server), |client| {
        client.call(
            7,
            "tags/run",
            json!({ "content": "[[[9]]]", "cursor_offset": 3 }),
        );
        assert_eq!(client.next()["params"]["text"], "so far");
        let cancel =
            json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": 7 } });
        client.send(&cancel);
        let answer = client.next();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(7), &json!(-32800))
        );
        server.left();
    });
}

#[test]
fn a_run_that_breaks_off_offers_what_has_come() {
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        answer.text("so far");
    });
    over_all(&settings(&server), |client| {
        client.call(
            1,
            "tags/run",
            json!({ "content": "[[[9]]]", "cursor_offset": 3 }),
        );
        assert_eq!(client.next()["method"], "tags/delta");
        let error = client.next()["error"].clone();
        assert_eq!(error["code"], -32001);
        assert_eq!(error["data"], json!({ "partial": "so far" }));
    });
}

#[test]
fn a_run_in_a_php_file_is_shown_the_project() {
    let project = Project::new(&[(
        "Basket.php",
        "<?php class Basket { public function addItem(int $count): void {} }",
    )]);
    let server = ModelServer::saying(&["addItem(1)"]);
    let settings = settings(&server) + "[tags]\ncontext = true\n";
    over_all_in(Some(&project), &settings, |client| {
        let content = "<?php\n$basket = new Basket();\n$basket->[[[9]]];\n";
        let params = json!({ "content": content, "cursor_offset": 45, "filepath": "new.php" });
        client.call(2, "tags/run", params);
        while client.next()["id"] != 2 {}
        let prompt = server.asked().body["prompt"].as_str().unwrap().to_owned();
        assert!(
            prompt.starts_with("<|fim_prefix|>// --- Basket.php ---\n"),
            "{prompt}"
        );
    });
}

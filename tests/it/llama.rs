//! The client, completions and runs of tags against llama.cpp's own server, with a tiny model
//! made for the test. Needs a Python with `xllamacpp` and `gguf`, which
//! `FIMD_LLAMA` names. `.ci/run` installs one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::common::{Client, Project, fimd, skip};

/// The server. Ends when dropped.
struct Llama {
    process: Child,
    url: String,
}

impl Llama {
    /// Starts the server, or skips the test where there is no suitable Python.
    fn start() -> Option<Self> {
        let Some(python) = std::env::var_os("FIMD_LLAMA") else {
            skip("a Python with xllamacpp and gguf in FIMD_LLAMA");
            return None;
        };
        let mut process = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/model/serve.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut url).unwrap();
        assert!(
            url.starts_with("http://127.0.0.1:"),
            "the server has not come up"
        );
        Some(Self {
            process,
            url: url.trim().to_owned(),
        })
    }
}

impl Drop for Llama {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What `fimd tags run` prints for the tag in `content`.
fn run(server: &Llama, kind: &str, content: &str) -> String {
    let folder = Project::new(&[
        ("a.md", content),
        ("settings.toml", "[endpoint]\ntemperature = 0.0\n"),
    ]);
    let at = content.find("[[[").unwrap().to_string();
    let settings = folder.path().join("settings.toml");
    let ran = fimd()
        .env("XDG_STATE_HOME", folder.path())
        .current_dir(folder.path())
        .arg("--settings")
        .arg(settings)
        .args(["tags", "run", "a.md", "--at", &at])
        .args(["--endpoint", &server.url, "--endpoint-kind", kind])
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{content}: {said}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_real_server_completes_and_stops_where_the_tag_says() {
    let Some(server) = Llama::start() else {
        return;
    };
    for kind in ["completions", "infill"] {
        for behind in ["", " and so on"] {
            let tag = |calls: &str| format!("Once upon a time [[[40{calls}]]]{behind}");
            let whole = run(&server, kind, &tag(""));
            assert_eq!(
                whole.chars().count(),
                40,
                "a token is a character: {whole:?}"
            );
            assert_eq!(run(&server, kind, &tag("")), whole, "the same each time");
            // The pattern is any part of the model's text.
            let found = whole.char_indices().nth(20).unwrap().0;
            let pattern = &whole[found..found + 3];
            let first = whole.find(pattern).unwrap();
            let quoted = Value::from(pattern).to_string();
            let chopped = run(&server, kind, &tag(&format!(";chop({quoted})")));
            assert_eq!(chopped, whole[..first]);
            let stopped = run(
                &server,
                kind,
                &tag(&format!(";stop({quoted});append(\"!\")")),
            );
            assert_eq!(stopped, format!("{}!", &whole[..first + 3]));
        }
    }
}

#[test]
fn a_real_server_says_what_it_does_not_like() {
    let Some(server) = Llama::start() else {
        return;
    };
    let folder = Project::new(&[("a.md", &format!("{} [[[9]]]", "word ".repeat(3000)))]);
    for (kind, says) in [
        ("completions", "400 Bad Request: "),
        ("ollama", "Ollama needs the name of a model"),
    ] {
        let ran = fimd()
            .env("XDG_STATE_HOME", folder.path())
            .current_dir(folder.path())
            .args(["tags", "run", "a.md", "--all", "--in-place"])
            .args(["--endpoint", &server.url, "--endpoint-kind", kind])
            .output()
            .unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1));
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
    }
}

/// Completions of a file that somebody types, with the context of another one. Returns
/// the timings of each answer, and the status after them.
fn complete(server: &Llama, kind: &str) -> (Vec<Value>, Value) {
    let methods: String = (0..6)
        .map(|n| format!("    public function part{n}(int $count): int {{ return {n}; }}\n"))
        .collect();
    let cart = format!("<?php\nclass Cart {{\n{methods}}}\n");
    let folder = Project::new(&[("Cart.php", &cart)]);
    let settings = tempfile::tempdir().unwrap();
    let file = settings.path().join("settings.toml");
    let text = format!(
        "[endpoint]\nurl = \"{}\"\nkind = \"{kind}\"\n[completion]\nmax_tokens = 16\n",
        server.url
    );
    std::fs::write(&file, text).unwrap();
    let mut client = Client::start(fimd().arg("--settings").arg(&file));
    let mut ask = |id: u64, method: &str, params: Value| {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        client.send(format!("{message}\n"));
        let answer: Value = serde_json::from_str(&client.answer()).unwrap();
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    };
    ask(0, "initialize", json!({ "project_root": folder.path() }));
    let before = format!("<?php\n{}$cart = new Cart();\n", "$a = 1;\n".repeat(12));
    let mut timings = Vec::new();
    for (id, typed) in (1..).zip(["", "$cart->", "$cart->p", "$cart->part"]) {
        let content = format!("{before}{typed}\n\necho 1;\n");
        let cursor = before.len() + typed.len();
        let params = json!({
            "filepath": "page.php", "content": content, "cursor_offset": cursor,
            "trigger": "invoked",
        });
        timings.push(ask(id, "complete", params)["timings"].clone());
    }
    (timings, ask(9, "fimd/status", json!({})))
}

#[test]
fn a_real_server_reads_only_what_has_changed() {
    let Some(server) = Llama::start() else {
        return;
    };
    for kind in ["completions", "infill"] {
        let (timings, status) = complete(&server, kind);
        let tokens = |timings: &Value| {
            let of = |name: &str| {
                timings[name]
                    .as_u64()
                    .unwrap_or_else(|| panic!("{timings}"))
            };
            (of("read_tokens"), of("reused_tokens"))
        };
        let all: Vec<_> = timings.iter().map(tokens).collect();
        let (read, reused) = all[3];
        // A token is a character; what stands before the cursor does not change.
        assert!(read < 100 && reused > 200, "{kind}: {all:?}");
        assert!(status["model"]["rereads"] == false, "{status}");
    }
}

#[test]
fn a_measure_of_completions_has_the_figures_of_a_real_server() {
    let Some(server) = Llama::start() else {
        return;
    };
    let ask = |condition: &str| {
        fimd()
            .args([
                "--no-cache",
                "eval",
                "completion",
                "tests/fixtures/shop",
                "--json",
            ])
            .args(["--holes", "6", "--kind", "identifier,one_line"])
            .args(["--endpoint", &server.url, "--condition", condition])
            .output()
            .unwrap()
    };
    let small = "small:max_total_chars=600,max_context_chars=200,max_suffix_chars=100";
    let answered = || {
        let ran = ask(small);
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.success(), "{said}");
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let read = &report["report"]["server"]["conditions"][0]["figures"]["tokens_read"];
        assert_eq!(read["values"], 6, "{report}");
        report["report"]["all"].clone()
    };
    assert_eq!(answered(), answered(), "the same answers each time");
    // No adapter is loaded.
    let said = String::from_utf8(ask(&format!("{small},lora=1")).stderr).unwrap();
    assert!(said.contains("the server has no adapter 0"), "{said}");
}

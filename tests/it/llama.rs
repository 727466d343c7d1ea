//! The client and runs of tags against llama.cpp's own server, with a tiny model
//! made for the test. Needs a Python with `xllamacpp` and `gguf`, which
//! `FIMD_LLAMA` names. `.ci/run` installs one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::common::{Project, fimd, skip};

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

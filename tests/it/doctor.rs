//! What `fimd doctor` finds; and the shell completions and manual pages, which
//! are made from the definition of the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory;
use fimd::cli::Cli;
use fimd::index::FORMAT;
use serde_json::{Value, json};

use crate::common::daemon::Daemon;
use crate::common::model_server::ModelServer;
use crate::common::{Project, fimd};

/// A user's folders. They hold only what the test puts there.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path("bin")).unwrap();
        // No daemon listens there.
        home.settings("[endpoint]\nurl = 'http://127.0.0.1:9'\n");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn settings(&self, text: &str) {
        self.put("config/fimd/settings.toml", text);
    }

    fn doctor(&self) -> Command {
        let mut command = fimd();
        command
            .current_dir(self.0.path())
            .env("HOME", self.0.path());
        for (name, folder) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_RUNTIME_DIR", "run"),
            ("PATH", "bin"),
        ] {
            command.env(name, self.path(folder));
        }
        command.arg("doctor");
        command
    }

    /// The report as JSON. Also checks that the exit code fits it.
    fn report(&self, args: &[&str]) -> Value {
        let ran = self.doctor().arg("--json").args(args).output().unwrap();
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let is_faulty = checks(&report).any(|check| check["state"] == "fault");
        assert_eq!(ran.status.code(), Some(i32::from(is_faulty)), "{report}");
        assert_eq!(report["ok"], !is_faulty);
        for check in checks(&report) {
            assert_eq!(check["state"] == "ok", check["fix"].is_null(), "{check}");
        }
        report
    }

    /// The only entry of the report about `name`.
    fn check(&self, name: &str) -> Value {
        let report = self.report(&[]);
        let mut found = checks(&report).filter(|check| check["name"] == name);
        let check = found.next().unwrap_or_else(|| panic!("{report}"));
        assert_eq!(found.next(), None);
        check.clone()
    }
}

fn checks(report: &Value) -> impl Iterator<Item = &Value> {
    report["checks"].as_array().unwrap().iter()
}

#[track_caller]
fn is(check: &Value, state: &str, says: &str, fix: &str) {
    assert_eq!(check["state"], state, "{check}");
    assert!(check["says"].as_str().unwrap().contains(says), "{check}");
    assert!(check["fix"].as_str().unwrap_or("").contains(fix), "{check}");
}

/// A model server that answers `GET` and `POST` at these paths.
fn serving(answers: &'static [(&'static str, &'static str)]) -> ModelServer {
    let props = answers.iter().find(|(path, _)| *path == "/props");
    ModelServer::with_props(props.map(|(_, body)| *body), move |asked, answer| {
        let known = answers.iter().find(|(path, _)| *path == asked.path);
        match known {
            Some((_, body)) => answer.whole("200 OK", "application/json", body),
            None => answer.whole("404 Not Found", "application/json", "{}"),
        }
    })
}

#[test]
fn each_thing_has_a_line() {
    let home = Home::new();
    let ran = home.doctor().output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    assert!(ran.stderr.is_empty());
    let said = String::from_utf8(ran.stdout).unwrap();
    let names: Vec<_> = said
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    let all = [
        "version",
        "settings",
        "cache",
        "watches",
        "model",
        "tokenizer",
        "daemon",
        "editors",
    ];
    assert_eq!(names, all, "{said}");
    assert!(said.starts_with(concat!(
        "ok       version    fimd ",
        env!("CARGO_PKG_VERSION")
    )));
    assert!(!home.path("cache").exists() && !home.path("run").exists());
}

#[test]
fn a_model_server_is_asked_for_its_models_and_tokens() {
    let home = Home::new();
    let model = home.check("model");
    is(
        &model,
        "fault",
        "127.0.0.1:9/v1/models: cannot reach",
        "start it",
    );
    let llama = serving(&[
        ("/v1/models", r#"{"data":[{"id":"qwen.gguf"}]}"#),
        ("/props", r#"{"default_generation_settings":{}}"#),
        ("/tokenize", r#"{"tokens":[151659]}"#),
    ]);
    home.settings(&format!("[endpoint]\nurl = '{}'\n", llama.url));
    is(&home.check("model"), "ok", "llama.cpp with qwen.gguf", "");
    is(&home.check("markers"), "ok", "qwen2.5-coder", "");
    let torn = serving(&[
        ("/v1/models", r#"{"data":[{"id":"other.gguf"}]}"#),
        ("/props", r#"{"default_generation_settings":{}}"#),
        ("/tokenize", r#"{"tokens":[1,2,3]}"#),
    ]);
    home.settings(&format!("[endpoint]\nurl = '{}/v1'\n", torn.url));
    is(
        &home.check("markers"),
        "fault",
        "<|fim_middle|> is 3 tokens",
        "set family",
    );
}

#[test]
fn nobody_is_sent_any_code() {
    let home = Home::new();
    home.put("a.php", "<?php class Secret {}");
    let props = Some(r#"{"default_generation_settings":{}}"#);
    let server = ModelServer::with_props(props, |asked, answer| {
        let body = match &*asked.path {
            "/tokenize" => r#"{"tokens":[1]}"#,
            _ => r#"{"data":[]}"#,
        };
        answer.whole("200 OK", "application/json", body);
    });
    home.settings(&format!("[endpoint]\nurl = '{}'\n", server.url));
    home.report(&["--project", "."]);
    // The models, three markers, and twice a text of equal words.
    let asked: Vec<_> = (0..5).map(|_| server.asked()).collect();
    assert!(server.is_unasked());
    let texts: Vec<_> = asked
        .iter()
        .filter_map(|asked| asked.body["prompt"].as_str())
        .collect();
    assert!(texts.iter().all(|text| text.replace("one ", "").is_empty()));
    let sent: Vec<_> = asked
        .iter()
        .filter_map(|asked| asked.body.get("content"))
        .collect();
    assert_eq!(sent, ["<|fim_middle|>", "<|fim_prefix|>", "<|fim_suffix|>"]);
}

/// The server tells its times, and is timed only for a budget in time.
#[test]
fn the_prompts_that_a_server_is_fast_enough_for_are_told() {
    let home = Home::new();
    for (prompt_ms, target, state, says, fix) in [
        (10.0, 300, "ok", "up to 8192 of 8192 characters", ""),
        (200.0, 300, "ok", "up to 2048 of 8192 characters", ""),
        (
            300.0,
            100,
            "warning",
            "reads 1000 tokens/s and writes 200",
            "target_ms to 228",
        ),
    ] {
        let server = ModelServer::start(move |asked, answer| {
            if asked.path.ends_with("/models") {
                answer.whole("200 OK", "application/json", r#"{"data":[{"id":"a"}]}"#);
                return;
            }
            let message = json!({
                "choices": [{ "text": "one", "finish_reason": "length" }],
                "timings": {
                    "prompt_n": 300, "prompt_ms": prompt_ms,
                    "predicted_n": 11, "predicted_ms": 50.0,
                },
            });
            answer.stream();
            answer.send(format!("data: {message}\n\n"));
        });
        let endpoint = format!("[endpoint]\nurl = '{}'\n", server.url);
        home.settings(&endpoint);
        let report = home.report(&[]);
        assert!(checks(&report).all(|check| check["name"] != "speed"));
        home.settings(&format!("{endpoint}[completion]\ntarget_ms = {target}\n"));
        is(&home.check("speed"), state, says, fix);
    }
}

#[test]
fn a_model_that_is_not_served_is_a_fault() {
    let home = Home::new();
    let ollama = serving(&[("/api/tags", r#"{"models":[{"name":"coder:latest"}]}"#)]);
    let ask = |model: &str| {
        home.settings(&format!(
            "[endpoint]\nurl = '{}'\nkind = 'ollama'\nmodel = '{model}'\n",
            ollama.url
        ));
        home.check("model")
    };
    is(&ask("coder"), "ok", "serves coder", "");
    is(
        &ask("coder:7b"),
        "fault",
        "coder:latest",
        "ollama pull coder:7b",
    );
    let several = serving(&[("/v1/models", r#"{"data":[{"id":"a"},{"id":"b"}]}"#)]);
    home.settings(&format!("[endpoint]\nurl = '{}'\n", several.url));
    is(&home.check("model"), "warning", "serves a, b", "set model");
    let silent = serving(&[]);
    home.settings(&format!("[endpoint]\nurl = '{}'\n", silent.url));
    is(&home.check("model"), "warning", "does not tell", "kind");
    let closed = ModelServer::start(|_, answer| {
        answer.whole(
            "401 Unauthorized",
            "application/json",
            r#"{"error":"no key"}"#,
        );
    });
    home.settings(&format!("[endpoint]\nurl = '{}'\n", closed.url));
    is(&home.check("model"), "fault", "no key", "FIMD_API_KEY");
}

#[test]
fn a_broken_settings_file_is_a_fault_and_what_was_set_aside_a_warning() {
    let home = Home::new();
    home.settings("[limits]\nmax_flies = 1\n");
    let settings = home.check("settings");
    is(
        &settings,
        "fault",
        "settings.toml:2: limits.max_flies: unknown",
        "mend",
    );
    is(&home.check("model"), "warning", "not asked", "settings");
    home.settings("");
    home.put("config/fimd/settings.toml.corrupt-1", "[");
    let report = home.report(&[]);
    let mut settings = checks(&report).filter(|check| check["name"] == "settings");
    is(settings.next().unwrap(), "ok", "makes sense", "");
    is(settings.next().unwrap(), "warning", "corrupt-1", "remove");
}

#[test]
fn what_is_stale_in_the_cache_is_told_and_removed_when_asked() {
    let home = Home::new();
    let header = |format: u32| [b"fimdidx\n", &format.to_le_bytes()[..]].concat();
    let old = home.put("cache/fimd/a.index", header(FORMAT - 1));
    let newer = home.put("cache/fimd/b.index", header(FORMAT + 1));
    let killed = home.put("cache/fimd/c.tmp", "");
    let ours = home.put("cache/fimd/d.index", header(FORMAT));
    let foreign = home.put("cache/fimd/notes.txt", "");
    is(
        &home.check("cache"),
        "warning",
        "projects: 1, ",
        "doctor --fix",
    );
    assert!(old.exists() && newer.exists() && killed.exists());
    let report = home.report(&["--fix"]);
    let cache = checks(&report).find(|check| check["name"] == "cache");
    is(cache.unwrap(), "ok", "removed: 3", "");
    assert!(!old.exists() && !newer.exists() && !killed.exists());
    assert!(ours.exists() && foreign.exists());
    fs::remove_dir_all(home.path("cache")).unwrap();
    home.put("cache", "");
    is(&home.check("cache"), "fault", "no folder", "XDG_CACHE_HOME");
}

#[test]
fn whoever_writes_the_cache_removes_what_another_version_wrote() {
    let home = Home::new();
    let project = Project::new(&[("a.php", "<?php class A {}")]);
    let header = [b"fimdidx\n", &(FORMAT + 1).to_le_bytes()[..]].concat();
    let old = home.put("cache/fimd/a.index", header);
    let ran = fimd()
        .env("XDG_CACHE_HOME", home.path("cache"))
        .args(["context", "--at", "5", "--project"])
        .arg(project.path())
        .arg(project.path().join("a.php"))
        .status();
    assert!(ran.unwrap().success());
    assert!(!old.exists());
    assert_eq!(fs::read_dir(home.path("cache/fimd")).unwrap().count(), 1);
}

#[test]
fn the_folders_of_a_project_are_counted() {
    let home = Home::new();
    home.put("shop/composer.json", "{}");
    home.put("shop/a/b/c.php", "<?php");
    let report = home.report(&["--project", "shop"]);
    let watches = checks(&report).find(|check| check["name"] == "watches");
    is(watches.unwrap(), "ok", "shop: 3", "");
    let report = home.report(&["--project", "nowhere"]);
    let watches = checks(&report).find(|check| check["name"] == "watches");
    is(watches.unwrap(), "fault", "nowhere", "--project");
}

#[test]
fn the_daemon_is_asked_for_its_version() {
    let home = Home::new();
    is(&home.check("daemon"), "ok", "run/fimd.sock: none runs", "");
    let mut command = fimd();
    let daemon = Daemon::start_with(command.env("XDG_CONFIG_HOME", home.path("config")));
    let report = home.report(&["--socket", daemon.path().to_str().unwrap()]);
    let check = checks(&report).find(|check| check["name"] == "daemon");
    is(
        check.unwrap(),
        "ok",
        concat!("fimd ", env!("CARGO_PKG_VERSION"), " runs"),
        "",
    );
    let old = std::os::unix::net::UnixListener::bind(home.path("old")).unwrap();
    let answering = std::thread::spawn(move || {
        use std::io::{BufRead, BufReader, Write};
        let (mut client, _) = old.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&client).read_line(&mut line).unwrap();
        client
            .write_all(
                b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"version\":\"0.0.1\",\"pid\":7}}\n",
            )
            .unwrap();
    });
    let report = home.report(&["--socket", "old"]);
    answering.join().unwrap();
    let check = checks(&report).find(|check| check["name"] == "daemon");
    is(
        check.unwrap(),
        "fault",
        "fimd 0.0.1 runs",
        "fimd restart --socket old",
    );
}

#[test]
fn editors_are_found_with_the_version_of_their_plugin() {
    let home = Home::new();
    for program in ["nvim", "code"] {
        let program = home.put(&format!("bin/{program}"), "");
        fs::set_permissions(program, PermissionsExt::from_mode(0o755)).unwrap();
    }
    is(&home.check("nvim"), "warning", "no plugin", "checkhealth");
    is(
        &home.check("code"),
        "warning",
        "no plugin",
        "--install-extension",
    );
    let editors = Path::new(env!("CARGO_MANIFEST_DIR")).join("editors");
    let version = fs::read(editors.join("nvim/lua/fimd/version.lua")).unwrap();
    home.put(
        "data/nvim/site/pack/x/start/fimd/lua/fimd/version.lua",
        version,
    );
    let manifest = fs::read_to_string(editors.join("vscode/package.json")).unwrap();
    let place = ".vscode/extensions/fimd.fimd-1/package.json";
    home.put(place, &manifest);
    is(&home.check("nvim"), "ok", "site/pack/x/start/fimd", "");
    is(&home.check("code"), "ok", "fimd.fimd-1", "");
    let ours = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    home.put(place, manifest.replace(&ours, "\"version\": \"0.0.1\""));
    is(
        &home.check("code"),
        "fault",
        "plugin 0.0.1",
        "install that of this version",
    );
}

/// All commands, each with the names of its parent commands, and their options.
fn commands(command: &clap::Command, way: &str, found: &mut Vec<(String, Vec<String>)>) {
    let options = command
        .get_arguments()
        .filter(|option| !option.is_hide_set());
    let options = options.filter_map(|option| option.get_long());
    found.push((way.to_owned(), options.map(str::to_owned).collect()));
    for below in command.get_subcommands() {
        commands(below, &format!("{way}-{}", below.get_name()), found);
    }
}

fn all_commands() -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    commands(&Cli::command(), "fimd", &mut found);
    assert!(found.len() > 10);
    found
}

#[test]
fn shells_complete_every_command_and_option() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = fimd().args(["completions", shell]).output().unwrap();
        assert!(ran.status.success());
        let script = String::from_utf8(ran.stdout).unwrap();
        for (command, options) in all_commands() {
            let name = command.rsplit('-').next().unwrap();
            assert!(script.contains(name), "{shell}: {command}");
            for option in options {
                assert!(script.contains(&option), "{shell}: {command} --{option}");
            }
        }
        // Names of models behind --base-model.
        if ["bash", "zsh", "fish"].contains(&shell) {
            let has = |name: &str| script.contains(name);
            assert!(has("granite-code") && has("qwen2.5-coder"), "{shell}");
        }
    }
}

#[test]
fn the_settings_of_an_editor_are_checked_over_the_file() {
    let home = Home::new();
    let served = serving(&[("/v1/models", r#"{"data":[{"id":"own"}]}"#)]);
    let report = |own: &str| {
        let file = home.put("own.json", own);
        let output = home
            .doctor()
            .arg("--json")
            .arg("--editor-settings")
            .arg(file)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["checks"].as_array().unwrap().clone()
    };
    let check = |own: &str, name: &str| {
        let mut checks = report(own).into_iter();
        checks.rfind(|check| check["name"] == name).unwrap()
    };
    let own = format!(r#"{{"endpoint":{{"url":"{}"}}}}"#, served.url);
    is(&check(&own, "model"), "ok", "serves own", "");
    is(&check(&own, "settings"), "ok", "those of the editor", "");
    let wrong = r#"{"endpoint":{"uri":"x"}}"#;
    let says = "the editor's settings: endpoint.uri: unknown";
    is(&check(wrong, "settings"), "fault", says, "mend it there");
    is(&check(wrong, "model"), "warning", "not asked", "");
    let down = r#"{"endpoint":{"url":"http://127.0.0.1:1"}}"#;
    let fix = "change endpoint.url in the editor's settings";
    is(&check(down, "model"), "fault", "cannot reach", fix);
}

#[test]
fn the_manual_has_a_page_for_every_command_with_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let ran = fimd().args(["man", "--output"]).arg(&pages).status();
    assert!(ran.unwrap().success());
    let all = all_commands();
    assert_eq!(fs::read_dir(&pages).unwrap().count(), all.len());
    for (command, options) in all {
        let page = fs::read_to_string(pages.join(format!("{command}.1"))).unwrap();
        let page = page.replace('\\', "");
        for option in options {
            assert!(
                page.contains(&format!("--{option}")),
                "{command} --{option}"
            );
        }
    }
    let ran = fimd().arg("man").output().unwrap();
    assert_eq!(ran.stdout, fs::read(pages.join("fimd.1")).unwrap());
}

//! A model that was tuned on a dataset is asked as it was trained: the settings are
//! compared with what the dataset says, by `fimd doctor` and by `complete`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::model_server::ModelServer;
use crate::common::{Client, Project, fimd};

/// A project, a dataset of it, and a settings file beside it.
struct Tuned {
    project: Project,
    folder: tempfile::TempDir,
    model: ModelServer,
}

impl Tuned {
    /// With a dataset that is made with these options.
    fn new(options: &[&str]) -> Self {
        let methods: String = (0..12)
            .map(|n| format!("    public function part{n}(int $count): int\n    {{\n        return $count * {n} + $this->base;\n    }}\n"))
            .collect();
        let cart = format!("<?php\nclass Cart\n{{\n    private int $base = 7;\n{methods}}}\n");
        let project = Project::new(&[("Cart.php", &cart), ("page.php", "<?php\n\n")]);
        let folder = tempfile::tempdir().unwrap();
        let made = fimd()
            .arg("generate")
            .arg(project.path())
            .arg("--output")
            .arg(folder.path().join("dataset"))
            .args(options)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
        Self {
            project,
            folder,
            model: ModelServer::saying(&["echo 1;"]),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the settings file: the model server, what the model was tuned for, and
    /// more. `{…}` of a section goes on with it.
    fn settings(&self, endpoint: &str, completion: &str, context: &str) -> PathBuf {
        let text = format!(
            "[endpoint]\nurl = '{}'\n{endpoint}\n[completion]\n{completion}\n[context]\n{context}\n",
            self.model.url
        );
        let file = self.path("settings.toml");
        fs::write(&file, text).unwrap();
        file
    }

    /// What the doctor says about it; null if nothing.
    fn doctor(&self, settings: &Path) -> Value {
        let ran = fimd()
            .arg("--settings")
            .arg(settings)
            .args(["doctor", "--json", "--project"])
            .arg(self.project.path())
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let checks = report["checks"].as_array().unwrap().iter();
        let mut about = checks.filter(|check| check["name"] == "tuned");
        about.next().cloned().unwrap_or_default()
    }

    /// The answer of `complete`, with these settings of the client.
    fn complete(&self, settings: &Path, own: &Value) -> Value {
        let mut client = Client::start(fimd().arg("--settings").arg(settings));
        let mut ask = |id: u64, method: &str, params: Value| -> Value {
            let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            client.send(format!("{message}\n"));
            loop {
                let answer: Value = serde_json::from_str(&client.answer()).unwrap();
                // The others are notifications.
                if answer["id"] == id {
                    return answer;
                }
            }
        };
        let params = json!({ "project_root": self.project.path(), "settings": own });
        assert!(ask(0, "initialize", params)["error"].is_null());
        let params = json!({ "filepath": "page.php", "content": "<?php\n\n", "cursor_offset": 6 });
        ask(1, "complete", params)
    }

    /// Both the doctor and `complete` say this.
    #[track_caller]
    fn refused(&self, settings: &Path, says: &str, fix: &str) {
        let check = self.doctor(settings);
        assert_eq!(check["state"], "fault", "{check}");
        assert!(check["says"].as_str().unwrap().ends_with(says), "{check}");
        assert_eq!(check["fix"], fix);
        let answer = self.complete(settings, &Value::Null);
        let message = answer["error"]["message"].as_str();
        let message = message.unwrap_or_else(|| panic!("{answer}"));
        assert!(message.ends_with(&format!("{says}; {fix}")), "{message}");
        assert!(!message.contains('\n'));
    }

    #[track_caller]
    fn accepted(&self, settings: &Path) {
        let check = self.doctor(settings);
        assert_eq!(check["state"], "ok", "{check}");
        let answer = self.complete(settings, &Value::Null);
        assert_eq!(answer["result"]["items"][0]["text"], "echo 1;", "{answer}");
    }
}

const TUNED: &str = "tuned = 'dataset/metadata.json'";

#[test]
fn a_model_is_asked_as_it_was_trained() {
    let tuned = Tuned::new(&[
        "--cross-file-context",
        "--max-total-chars",
        "4000",
        "--max-prefix-chars",
        "900",
    ]);
    let sizes = format!("{TUNED}\nmax_total_chars = 4000\nmax_prefix_chars = 900");
    let sources = "enabled_sources = ['dependencies']";
    tuned.accepted(&tuned.settings("", &sizes, sources));
    // Another number, but the same prompts: a context has at most half of the total.
    let same = format!("{sizes}\nmax_context_chars = 2000");
    tuned.accepted(&tuned.settings("", &same, sources));

    let settings = tuned.settings("", TUNED, sources);
    tuned.refused(
        &settings,
        "dataset/metadata.json: this model was tuned for max_total_chars = 4000, \
         max_prefix_chars = 900, the settings say 8192, none",
        "set max_total_chars = 4000 under [completion], set max_prefix_chars = 900 under \
         [completion]",
    );
    tuned.refused(
        &tuned.settings("", &sizes, ""),
        r#"tuned for enabled_sources = ["dependencies"], the settings say ["dependencies", "bm25"]"#,
        r#"set enabled_sources = ["dependencies"] under [context]"#,
    );
    tuned.refused(
        &tuned.settings("family = 'codellama'", &sizes, sources),
        r#"tuned for family = "qwen2.5-coder", the settings say "codellama""#,
        r#"set family = "qwen2.5-coder" under [endpoint]"#,
    );
    tuned.refused(
        &tuned.settings("fim_middle = '<MID>'", &sizes, sources),
        r#"tuned for fim_middle = "<|fim_middle|>", the settings say "<MID>""#,
        r#"set fim_middle = "<|fim_middle|>" under [endpoint]"#,
    );
    tuned.refused(
        &tuned.settings("", &format!("{sizes}\norder = 'spm'"), sources),
        r#"tuned for order = "psm", the settings say "spm""#,
        r#"set order = "psm" under [completion]"#,
    );
    tuned.refused(
        &tuned.settings("", &format!("{sizes}\ncontext_style = 'repo'"), sources),
        r#"tuned for context_style = "comment", the settings say "repo""#,
        r#"set context_style = "comment" under [completion]"#,
    );
    tuned.refused(
        &tuned.settings("kind = 'infill'", &sizes, sources),
        r#"tuned for kind = "completions", the settings say "infill""#,
        r#"set kind = "completions" under [endpoint]"#,
    );
    let keeps = format!("{sources}\nsecrets = 'keep'");
    tuned.refused(
        &tuned.settings("", &sizes, &keeps),
        r#"tuned for secrets = "redact", the settings say "keep""#,
        r#"set secrets = "redact" under [context]"#,
    );
}

#[test]
fn a_time_must_not_choose_other_prompts() {
    let timed = format!("{TUNED}\ntarget_ms = 300");
    let tuned = Tuned::new(&["--cross-file-context", "--bm25-context"]);
    tuned.refused(
        &tuned.settings("", &timed, ""),
        "this model was tuned for target_ms = none, the settings say 300",
        "remove target_ms under [completion]",
    );
    // There is no smaller total.
    let least = ["--max-total-chars", "1024"];
    let tuned = Tuned::new(&[&["--cross-file-context", "--bm25-context"][..], &least].concat());
    tuned.accepted(&tuned.settings("", &format!("{timed}\nmax_total_chars = 1024"), ""));
}

#[test]
fn what_a_default_is_enough_for_is_not_asked_for() {
    let tuned = Tuned::new(&["--cross-file-context", "--bm25-context"]);
    tuned.accepted(&tuned.settings("", TUNED, ""));
    let settings = tuned.settings("", &format!("{TUNED}\nmax_prefix_chars = 900"), "");
    tuned.refused(
        &settings,
        "tuned for max_prefix_chars = none, the settings say 900",
        "remove max_prefix_chars under [completion]",
    );
    // Nothing is compared where nothing is known.
    let settings = tuned.settings("family = 'codellama'", "", "");
    assert!(tuned.doctor(&settings).is_null());
    assert!(tuned.complete(&settings, &Value::Null)["error"].is_null());
}

#[test]
fn what_the_training_script_keeps_of_the_metadata_is_enough() {
    let tuned = Tuned::new(&["--cross-file-context", "--bm25-context"]);
    let metadata = fs::read_to_string(tuned.path("dataset/metadata.json")).unwrap();
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let script = include_str!("../../training/train.py");
    let keys = script
        .lines()
        .find_map(|line| line.strip_prefix("TUNED_KEYS = "));
    let keys: Vec<String> = serde_json::from_str(keys.unwrap()).unwrap();
    let part: serde_json::Map<_, _> = keys
        .into_iter()
        .map(|key| (key.clone(), metadata[key].clone()))
        .collect();
    let file = tuned.path("tuned.json");
    fs::write(&file, Value::from(part).to_string()).unwrap();
    let named = format!("tuned = '{}'", file.display());
    tuned.accepted(&tuned.settings("", &named, ""));

    let fix = "set tuned under [completion] to the tuned.json of the model, or to the \
               metadata.json of the dataset that it was tuned on";
    fs::write(&file, r#"{"options": 5}"#).unwrap();
    let settings = tuned.settings("", &named, "");
    let check = tuned.doctor(&settings);
    assert_eq!(check["state"], "fault", "{check}");
    let says = check["says"].as_str().unwrap();
    let expected = "tuned.json: not what fimd writes of a dataset: ";
    assert!(says.contains(expected), "{says}");
    fs::remove_file(&file).unwrap();
    let gone = "tuned.json: No such file or directory (os error 2)";
    tuned.refused(&settings, gone, fix);
    fs::create_dir(&file).unwrap();
    let folder = "tuned.json: no file of at most 67108864 bytes";
    tuned.refused(&settings, folder, fix);
}

#[test]
fn it_tells_of_the_model_of_the_settings_file_only() {
    let tuned = Tuned::new(&["--max-total-chars", "4000"]);
    let settings = tuned.settings("", TUNED, "");
    let text = "echo 1;";
    let with = |own: Value| tuned.complete(&settings, &own);
    let refused = |own: Value| {
        let answer = with(own);
        assert!(answer["error"].is_object(), "{answer}");
    };
    refused(json!({"completion": {"max_lines": 3}}));
    for own in [json!({"model": "other"}), json!({"url": tuned.model.url})] {
        let answer = with(json!({ "endpoint": own }));
        assert_eq!(answer["result"]["items"][0]["text"], text, "{answer}");
    }
    let named = json!({"tuned": "dataset/metadata.json"});
    refused(json!({"endpoint": {"model": "other"}, "completion": named}));
}

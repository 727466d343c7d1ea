//! What `fimd generate` keeps out of a dataset: duplicates, secrets, leaks
//! between the splits, generated code and vendored code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::contexts::contexts_of;

/// A password in no known format, so code hosts accept this file.
const PASSWORD: &str = "tr0ub4dor&3zQ";
const ALL: [&str; 3] = ["--cross-file-context", "--bm25-context", "--quality-filter"];

struct Run {
    folder: tempfile::TempDir,
}

impl Run {
    /// Generates a dataset of `project` with `threads` threads. The run must
    /// succeed.
    fn new(project: &Path, threads: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_fimd"))
            .args(["generate", project.to_str().unwrap(), "--output"])
            .arg(folder.path().join("data"))
            .args(more)
            .env("RAYON_NUM_THREADS", threads)
            .env("RUST_LOG", "error")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success(), "{stderr}");
        assert!(!stderr.contains(PASSWORD));
        Self { folder }
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("data").join(name)).unwrap()
    }

    fn records(&self, name: &str) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap();
        self.text(name).lines().map(parse).collect()
    }

    fn all(&self) -> Vec<Value> {
        [self.records("train.jsonl"), self.records("val.jsonl")].concat()
    }

    fn metadata(&self) -> Value {
        serde_json::from_str(&self.text("metadata.json")).unwrap()
    }
}

fn str_of<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap()
}

fn files_of(records: &[Value]) -> BTreeSet<String> {
    let files = records.iter().map(|record| str_of(record, "filepath"));
    files.map(str::to_owned).collect()
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A class that shares no identifier with other classes.
fn class(name: &str) -> String {
    let low = name.to_lowercase();
    let methods: String = ["load", "merge", "drop", "rank", "send"]
        .iter()
        .map(|verb| format!(
            "    public function {verb}{name}(array ${low}Rows, int ${verb}Limit): array\n    {{\n        $kept{name} = [];\n        foreach (${low}Rows as ${verb}Row) {{\n            if (${verb}Row->{low}Weight > ${verb}Limit && $this->is{name}{verb}(${verb}Row)) {{\n                $kept{name}[] = $this->{low}Store->{verb}(${verb}Row, ${verb}Limit);\n            }}\n        }}\n        return array_slice($kept{name}, 0, ${verb}Limit);\n    }}\n\n"
        ))
        .collect();
    format!("<?php\n\nnamespace App;\n\nclass {name}\n{{\n{methods}}}\n")
}

/// A project of classes that have nothing in common.
fn project(names: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in names {
        write(root.path(), &format!("src/{name}.php"), &class(name));
    }
    root
}

const NAMES: [&str; 12] = [
    "Apple", "Bridge", "Candle", "Dragon", "Engine", "Forest", "Garden", "Harbor", "Island",
    "Jacket", "Kettle", "Lantern",
];

#[test]
fn of_copies_one_stays_and_no_copy_is_in_both_parts() {
    let root = project(&NAMES);
    let nearly = |name: &str| class(name).replacen("array_slice", "array_chunk", 1);
    for name in NAMES {
        write(root.path(), &format!("z/Near{name}.php"), &nearly(name));
    }
    write(root.path(), "z/Apple.php", &class("Apple"));
    let near = Run::new(root.path(), "2", &[]);
    assert!(
        files_of(&near.all())
            .iter()
            .all(|file| file.starts_with("src/"))
    );
    let skipped = &near.metadata()["files_skipped"];
    assert_eq!(skipped["near-duplicate of another file"]["count"], 12);
    assert_eq!(
        skipped["same text as another file"]["files"],
        json!(["z/Apple.php"])
    );
    let duplicates = &near.metadata()["duplicates"];
    assert_eq!(duplicates["files_removed"], 13);
    assert_eq!(
        duplicates["files"]["src/Apple.php"],
        json!(["z/Apple.php", "z/NearApple.php"])
    );

    for dedup in ["off", "exact"] {
        let run = Run::new(root.path(), "2", &["--dedup", dedup, "--val-split", "0.3"]);
        let stem = |file: String| file.rsplit('/').next().unwrap().replace("Near", "");
        let stems = |name: &str| -> BTreeSet<String> {
            files_of(&run.records(name)).into_iter().map(stem).collect()
        };
        assert!(stems("train.jsonl").is_disjoint(&stems("val.jsonl")));
        assert!(
            files_of(&run.all())
                .iter()
                .any(|file| file.starts_with("z/Near"))
        );
        let exact = files_of(&run.all()).contains("z/Apple.php");
        assert_eq!(exact, dedup == "off");
    }
}

#[test]
fn the_same_code_in_two_files_is_one_example() {
    let root = project(&NAMES);
    let shared = class("Shared");
    let method = shared.split_once("{\n").unwrap().1;
    let method = method.rsplit_once('}').unwrap().0;
    for name in NAMES {
        let text = class(name).replacen("{\n", &format!("{{\n{method}"), 1);
        write(root.path(), &format!("src/{name}.php"), &text);
    }
    let run = Run::new(
        root.path(),
        "2",
        &["--min-middle-chars", "10", "--mix", "line_rest"],
    );
    let all = run.all();
    let mut keys = BTreeSet::new();
    for record in &all {
        let around = |text: &str, from_end: bool| -> String {
            let words: String = text.split_whitespace().collect();
            let skip = words.len().saturating_sub(120);
            if from_end {
                words[skip..].into()
            } else {
                words.chars().take(120).collect()
            }
        };
        let key = (
            around(str_of(record, "prefix"), true),
            str_of(record, "middle").to_owned(),
            around(str_of(record, "suffix"), false),
        );
        assert!(keys.insert(key), "{record}");
    }
    let removed = &run.metadata()["duplicates"]["examples_removed"];
    let rejected = &run.metadata()["rejections"]["near_duplicate_example"];
    assert_eq!(removed, rejected);
    assert!(removed.as_u64().unwrap() > 0);
}

#[test]
fn no_context_holds_the_middle_of_a_copy() {
    let root = project(&NAMES[..6]);
    for name in &NAMES[..6] {
        let copy = class(name).replacen("array_slice", "array_chunk", 1);
        write(root.path(), &format!("copies/{name}.php"), &copy);
    }
    let run = Run::new(root.path(), "2", &["--bm25-context", "--dedup", "off"]);
    let squeeze = |text: &str| -> String { text.split_whitespace().collect() };
    for record in run.all() {
        let (context, middle) = (str_of(&record, "context"), str_of(&record, "middle"));
        assert!(
            middle.split_whitespace().count() < 12 || !squeeze(context).contains(&squeeze(middle)),
            "{record}"
        );
    }
    let leaks = run.metadata()["rejections"]["middle_in_context"].as_u64();
    assert!(leaks.unwrap() > 0);
}

/// A project whose files hold a secret every few lines, in code that other files
/// refer to.
fn leaky() -> tempfile::TempDir {
    let root = project(&NAMES);
    for name in NAMES {
        let secrets: String = (0..6)
            .map(|n| format!(
                "    public function connect{name}{n}($host{name}, $password = '{PASSWORD}')\n    {{\n        $this->{name}Settings{n} = ['host' => $host{name}, 'password' => '{PASSWORD}'];\n        return $this->load{name}($this->{name}Settings{n}, {n});\n    }}\n\n"
            ))
            .collect();
        let text = class(name).replacen("{\n", &format!("{{\n{secrets}"), 1);
        write(root.path(), &format!("src/{name}.php"), &text);
        let call = format!("(new {name}())->connect{name}1('h');\n        return array_slice");
        let user = class(&format!("{name}User")).replace("return array_slice", &call);
        write(root.path(), &format!("src/{name}User.php"), &user);
    }
    root
}

#[test]
fn secrets_are_hidden_in_all_four_parts_dropped_or_kept() {
    let root = leaky();
    let parts = ["prefix", "middle", "suffix", "context"];
    let rejects = root.path().join("rejects.jsonl");
    // Without a validation split, no counted example is left out.
    let more = ["--val-split", "0", "--rejects", rejects.to_str().unwrap()];
    let run = Run::new(root.path(), "2", &[&ALL[..], &more].concat());
    for name in ["train.jsonl", "metadata.json"] {
        assert!(!run.text(name).contains(PASSWORD), "{name}");
    }
    assert!(!fs::read_to_string(&rejects).unwrap().contains(PASSWORD));
    let all = run.all();
    for part in parts {
        let is_hidden = |record: &Value| str_of(record, part).contains("REDACTED_PASSWORD_");
        assert!(all.iter().any(is_hidden), "{part}");
    }
    let mut placeholders = 0;
    for record in &all {
        let here: usize = parts
            .iter()
            .map(|part| str_of(record, part).matches("REDACTED_PASSWORD_").count())
            .sum();
        assert_eq!(record["redacted"], here, "{record}");
        let chars: usize = parts
            .iter()
            .map(|part| str_of(record, part).chars().count())
            .sum();
        assert!(chars <= 8192);
        placeholders += here;
    }
    assert_eq!(
        run.metadata()["secrets"]["redacted"]["password"],
        placeholders
    );

    let dropped = Run::new(root.path(), "2", &["--secrets", "drop"]);
    for record in dropped.all() {
        assert!(!record.to_string().contains("REDACTED_"));
        assert!(!record.to_string().contains(PASSWORD));
    }
    assert!(dropped.metadata()["rejections"]["secret"].as_u64().unwrap() > 0);

    let kept = Run::new(
        root.path(),
        "2",
        &[&ALL[..], &["--secrets", "keep"]].concat(),
    );
    assert!(kept.text("train.jsonl").contains(PASSWORD));
    assert!(!kept.text("train.jsonl").contains("REDACTED_"));
    for (run, secrets) in [(&run, "redact"), (&kept, "keep")] {
        let examples = run.all();
        let answers = contexts_of(root.path(), &examples, secrets);
        for (example, answer) in examples.iter().zip(answers) {
            assert_eq!(
                example["context"], answer,
                "{secrets}: {}",
                example["filepath"]
            );
        }
    }
}

#[test]
fn generated_and_vendored_files_are_left_out_unless_they_are_wanted() {
    let root = project(&NAMES);
    let marked = class("Proto").replacen("<?php\n", "<?php\n# @generated by a tool\n", 1);
    write(root.path(), "src/Proto.php", &marked);
    let rows: String = (0..200)
        .map(|n| format!("    'key{n}' => {n},\n"))
        .collect();
    write(
        root.path(),
        "src/table.php",
        &format!("<?php\nreturn [\n{rows}];\n"),
    );
    let mailer = class("Mailer").replace("namespace App", "namespace PHPMailer\\PHPMailer");
    write(root.path(), "includes/Mail/Mailer.php", &mailer);
    write(root.path(), "third_party/tool/Tool.php", &class("Tool"));
    let reasons = [
        ("generated: says so", "src/Proto.php"),
        ("data: keys and literals", "src/table.php"),
        ("vendored: PHPMailer", "includes/Mail/Mailer.php"),
        ("vendored: third_party/", "third_party/tool/Tool.php"),
    ];
    let run = Run::new(root.path(), "2", &[]);
    for (reason, file) in reasons {
        let skipped = &run.metadata()["files_skipped"][reason];
        assert_eq!(skipped["files"], json!([file]), "{reason}");
        assert!(!files_of(&run.all()).contains(file));
    }
    let more = [
        "--keep-generated",
        "--keep-vendored",
        "--min-middle-chars",
        "10",
    ];
    let kept = files_of(&Run::new(root.path(), "2", &more).all());
    for (_, file) in reasons {
        assert!(kept.contains(file), "{file}");
    }
}

#[test]
fn rejects_say_what_was_refused_and_why() {
    let root = leaky();
    write(
        root.path(),
        "z/Apple.php",
        &fs::read_to_string(root.path().join("src/Apple.php")).unwrap(),
    );
    let noise = format!(
        "<?php\n{}",
        "$list[] = compute(1, 2, 3, 4, 5, 6);\n".repeat(80)
    );
    write(root.path(), "src/noise.php", &noise);
    let file = root.path().join("rejects.jsonl");
    let more = [
        &ALL[..],
        &["--secrets", "drop", "--mix", "seed"],
        &["--rejects", file.to_str().unwrap()],
    ]
    .concat();
    let run = Run::new(root.path(), "2", &more);
    let text = fs::read_to_string(&file).unwrap();
    let rejects: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let of = |reason: &str| {
        rejects
            .iter()
            .filter(|r| r["reason"] == reason)
            .cloned()
            .collect::<Vec<_>>()
    };
    let copies = of("same text as another file");
    assert_eq!(copies.len(), 1);
    assert_eq!(copies[0]["filepath"], "z/Apple.php");
    assert_eq!(copies[0]["duplicate_of"], "src/Apple.php");
    assert!(copies[0]["middle"].is_null() && copies[0]["start_byte"].is_null());
    assert!(!of("repetitive").is_empty());
    let rejections = &run.metadata()["rejections"];
    for reason in ["secret", "middle_in_context", "near_duplicate_example"] {
        let counted = rejections[reason].as_u64().unwrap_or(0);
        assert_eq!(of(reason).len() as u64, counted, "{reason}");
    }
    for reject in of("secret").iter().chain(&of("repetitive")) {
        let text = fs::read_to_string(root.path().join(str_of(reject, "filepath"))).unwrap();
        let at = |field: &str| usize::try_from(reject[field].as_u64().unwrap()).unwrap();
        let cut = &text[at("start_byte")..at("end_byte")];
        assert!(
            cut == str_of(reject, "middle") || cut.contains(PASSWORD),
            "{reject}"
        );
    }
    let data = run.folder.path().join("data");
    let into = |file: &Path| {
        Command::new(env!("CARGO_BIN_EXE_fimd"))
            .args(["generate", root.path().to_str().unwrap(), "--output"])
            .arg(&data)
            .args(ALL)
            .args(["--secrets", "drop", "--mix", "seed", "--rejects"])
            .arg(file)
            .output()
            .unwrap()
    };
    // The rejects may lie in the dataset's folder, but only under their own
    // name. They are then replaced together with the dataset.
    for inside in ["other.jsonl", "deeper/rejects.jsonl"] {
        let refused = into(&data.join(inside));
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr.contains("call it rejects.jsonl there"), "{stderr}");
    }
    let metadata = fs::read(data.join("metadata.json")).unwrap();
    let inside = data.join("rejects.jsonl");
    assert!(!inside.exists());
    assert!(into(&inside).status.success());
    assert_eq!(fs::read_to_string(&inside).unwrap(), text);
    // The path of the rejects is not recorded in the dataset.
    assert_eq!(fs::read(data.join("metadata.json")).unwrap(), metadata);
    assert!(into(&file).status.success());
    assert!(!inside.exists());
    let refused = into(Path::new("/dev/null"));
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn threads_change_nothing() {
    let root = leaky();
    for name in NAMES {
        let copy = class(name).replacen("array_slice", "array_chunk", 1);
        write(root.path(), &format!("copies/{name}.php"), &copy);
    }
    let rejects = root.path().join("rejects.jsonl");
    let more = [
        &ALL[..],
        &["--curriculum", "--rejects", rejects.to_str().unwrap()],
    ]
    .concat();
    let outputs = ["1", "2", "8"].map(|threads| {
        let run = Run::new(root.path(), threads, &more);
        let names = ["train.jsonl", "val.jsonl", "metadata.json"];
        (
            names.map(|name| run.text(name)),
            fs::read_to_string(&rejects).unwrap(),
        )
    });
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}

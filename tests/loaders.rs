//! Datasets as those who train load them: PyPI's `datasets` and `pyarrow` read
//! every format, whole and in shards, and get the rows that were written; what
//! the recipes of `docs/recipes.md` name is there.
//!
//! Runs the Python that `FIMD_PYTHON` names, which must have the packages of
//! `tests/foreign/loaders.txt` and, for the recipes, the sources of those of
//! `tests/foreign/trainers.txt`; is skipped where the variable is not set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The Python to run `tests/foreign/loaders.py` with, if there is one.
fn python(home: &Path) -> Option<Command> {
    let Some(python) = std::env::var_os("FIMD_PYTHON") else {
        eprintln!(
            "SKIPPED: needs the packages of tests/foreign/loaders.txt in the Python that FIMD_PYTHON names"
        );
        return None;
    };
    let mut command = Command::new(python);
    command
        .arg(format!("{ROOT}/tests/foreign/loaders.py"))
        .env("HF_HOME", home)
        .env("HF_HUB_OFFLINE", "1")
        .env("HF_DATASETS_DISABLE_PROGRESS_BARS", "1");
    Some(command)
}

/// A folder below `target` for datasets and caches.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn generate(output: &Path, more: &[&str]) {
    let run = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(["generate", &format!("{ROOT}/tests/fixtures/shop")])
        .arg("--output")
        .arg(output)
        .arg("--cross-file-context")
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
}

/// What the script prints.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{log}");
    said
}

#[test]
fn huggingface_and_arrow_read_every_format_whole_and_in_shards() {
    let folder = folder();
    let Some(mut python) = python(&folder.path().join("cache")) else {
        return;
    };
    python.arg("load");
    let mut datasets = 0;
    for format in ["jsonl", "jsonl.zst", "parquet"] {
        for shards in [&[][..], &["--shard-size", "50kB"]] {
            let output = folder.path().join(format!("{format}-{}", shards.len()));
            generate(&output, &[&["--format", format], shards].concat());
            python.arg(&output);
            datasets += 1;
        }
    }
    let said = said(&mut python);
    let metadata = fs::read_to_string(folder.path().join("jsonl-0/metadata.json")).unwrap();
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    for (split, part) in [("train", "train"), ("validation", "val")] {
        let rows = format!("files, {} rows", metadata["counts"][part]);
        let compared = said
            .lines()
            .filter(|line| line.contains(split) && line.ends_with(&rows));
        assert_eq!(compared.count(), datasets, "{said}");
    }
    let sharded = said.lines().filter(|line| !line.contains(": 1 files"));
    assert!(sharded.count() >= 3, "{said}");
}

#[test]
fn the_recipes_name_options_and_columns_that_exist() {
    let folder = folder();
    let Some(mut python) = python(&folder.path().join("cache")) else {
        return;
    };
    generate(&folder.path().join("dataset"), &["--format", "parquet"]);
    python.current_dir(folder.path()).args([
        "recipes",
        &format!("{ROOT}/docs/recipes.md"),
        "<|endoftext|>",
    ]);
    let said = said(&mut python);
    for recipe in ["trl: ", "unsloth: ", "axolotl: "] {
        for what in ["rows of train end", "rows of validation end", "exist"] {
            assert!(
                said.lines()
                    .any(|line| line.starts_with(recipe) && line.contains(what)),
                "{recipe}{what}: {said}"
            );
        }
    }
}

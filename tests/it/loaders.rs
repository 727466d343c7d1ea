//! Datasets as training code loads them. PyPI's `datasets` and `pyarrow` read
//! every format, whole and in shards, and get the rows that fimd wrote. The
//! options and columns that the recipes in training/ name exist.
//!
//! Runs the Python that `FIMD_PYTHON` names, which must have the packages of
//! `tests/foreign/loaders.txt` and, for the recipes, the sources of the packages
//! of `tests/foreign/trainers.txt`. Without the variable the tests are skipped.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::skip;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The Python to run `tests/foreign/loaders.py` with, if there is one.
fn python(home: &Path) -> Option<Command> {
    let Some(python) = std::env::var_os("FIMD_PYTHON") else {
        skip("the packages of tests/foreign/loaders.txt in the Python that FIMD_PYTHON names");
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

/// The output of the script.
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
    let cache = folder.path().join("cache");
    if python(&cache).is_none() {
        return;
    }
    generate(&folder.path().join("dataset"), &["--format", "parquet"]);
    let recipes = ["train.py", "tune_unsloth.py", "axolotl.yaml"];
    let mut python = python(&cache).unwrap();
    python
        .current_dir(folder.path())
        .args(["recipes", "<|endoftext|>"])
        .args(recipes.map(|recipe| format!("{ROOT}/training/{recipe}")));
    let said = said(&mut python);
    for recipe in recipes {
        for what in ["rows of train end", "rows of validation end", "exist"] {
            let start = format!("{recipe}: ");
            let mut lines = said.lines().filter(|line| line.starts_with(&start));
            assert!(
                lines.any(|line| line.contains(what)),
                "{start}{what}: {said}"
            );
        }
    }
}

/// Compiles the scripts, writes nothing beside them, and compares the versions that they
/// are pinned to with those that the other tests use.
#[test]
fn the_scripts_are_python_and_pinned_to_what_is_tested() {
    let folder = folder();
    if python(folder.path()).is_none() {
        return;
    }
    let scripts = fs::read_dir(format!("{ROOT}/training")).unwrap();
    let scripts = scripts.map(|entry| entry.unwrap().path());
    let scripts: Vec<_> = scripts
        .filter(|path| path.extension().is_some_and(|of| of == "py"))
        .collect();
    assert_eq!(scripts.len(), 5);
    let compile = "import sys\nfor f in sys.argv[1:]: compile(open(f).read(), f, 'exec')";
    let compiled = Command::new(std::env::var_os("FIMD_PYTHON").unwrap())
        .args(["-c", compile])
        .args(scripts)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{said}");

    let read = |name: &str| fs::read_to_string(format!("{ROOT}/{name}")).unwrap();
    let tested = ["tests/foreign/loaders.txt", "tests/foreign/trainers.txt"].map(read);
    let tested = tested.concat() + &read(".ci/run");
    let is_pin = |line: &&str| line.contains("==") && !line.starts_with('#');
    for file in ["", "-unsloth", "-axolotl"] {
        let pins = read(&format!("training/requirements{file}.txt"));
        for pin in pins.lines().filter(is_pin) {
            // These two need PyTorch's world and are run by hand only.
            if !pin.starts_with("torch==") && !pin.starts_with("peft==") {
                assert!(tested.contains(pin), "{pin} is not what is tested");
            }
        }
    }
}

//! Datasets made part by part. The result does not depend on which repositories
//! are in a part, and the joined metadata of the parts equal the metadata of one
//! part with all repositories.

#![cfg(feature = "parquet")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow_json::LineDelimitedWriter;
use fimd::dataset::Example;
use fimd::dataset::split::Split;
use fimd::dataset::stored::StoredDataset;
use fimd::dataset::write::read::Dataset;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/shop/src");
const PARTIAL: [&str; 6] = [
    "--partial",
    "--format",
    "parquet",
    "--cross-file-context",
    "--val-split",
    "0.3",
];

fn fimd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fimd"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("RUST_LOG", "warn")
        .args(["--no-cache"])
        .args(args)
        .output()
        .unwrap()
}

/// The log of a run, which must succeed.
fn succeed(args: &[&str]) -> String {
    let run = fimd(args);
    let log = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{log}");
    assert!(run.stdout.is_empty());
    log
}

/// The error of a run, which must fail with one line.
fn fail(args: &[&str], code: i32) -> String {
    let run = fimd(args);
    let log = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(code), "{log}");
    assert_eq!(log.trim_end().lines().count(), 1, "{log}");
    log
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A repository: its name, and its files, each a path and a text.
type Files = Vec<(String, String)>;

/// The shop's files with other names, as another shop would have them.
fn shop(name: &str) -> Files {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(SHOP)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let key = path.strip_prefix(SHOP).unwrap().to_str().unwrap();
                let text = text.replace("rder", &format!("rder{name}"));
                let text = text.replace("$this->", &format!("$this->{name}"));
                files.push((format!("src/{key}"), text));
            }
        }
    }
    files.sort();
    files
}

/// A class whose methods no other class has.
fn class(name: &str, methods: usize) -> String {
    let methods: String = (0..methods)
        .map(|m| {
            format!("    public function {name}{m}(int ${name}Amount): int\n    {{\n        ${name}{m}Total = $this->{name}Rate * ${name}Amount + {m};\n        return ${name}{m}Total - {name}_{m}::LIMIT;\n    }}\n")
        })
        .collect();
    format!("<?php\n\nclass {name}\n{{\n{methods}}}\n")
}

/// Six repositories: shops that are no copies of each other, but share one file
/// that is a copy in all of them.
fn repositories() -> BTreeMap<String, Files> {
    let repository = |n: usize| {
        let mut files = shop(&"xyzuvw"[n..=n].repeat(2 + n));
        files.truncate(20 + n);
        files.push(("src/zz/Shared.php".into(), class("Shared", 6)));
        (format!("team/r{n}"), files)
    };
    (0..6).map(repository).collect()
}

fn rows(repo: &str, files: &Files) -> Vec<Value> {
    let row = |(path, content): &(String, String)| json!({"repo": repo, "path": path, "content": content});
    files.iter().map(row).collect()
}

fn rows_of(repositories: &BTreeMap<String, Files>) -> Vec<Value> {
    let of_one = |(name, files): (&String, &Files)| rows(name, files);
    repositories.iter().flat_map(of_one).collect()
}

/// A file of rows.
fn input(folder: &Path, name: &str, rows: &[Value]) -> PathBuf {
    let path = folder.join(format!("{name}.jsonl"));
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    fs::write(&path, lines).unwrap();
    path
}

/// A part that is generated from these rows.
fn part(folder: &Path, name: &str, rows: &[Value], more: &[&str]) -> PathBuf {
    let input = input(folder, name, rows);
    let output = folder.join(name);
    let args = [
        "generate",
        "--input",
        text(&input),
        "--output",
        text(&output),
    ];
    succeed(&[&args[..], &PARTIAL, more].concat());
    output
}

fn merge(parts: &[PathBuf], output: &Path) -> Value {
    let parts = parts.iter().map(|part| text(part));
    let args: Vec<_> = ["merge-metadata", "--output", text(output)]
        .into_iter()
        .chain(parts)
        .collect();
    succeed(&args);
    metadata(output)
}

fn metadata(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("metadata.json")).unwrap()).unwrap()
}

/// The examples of each repository in both splits, in their order.
fn examples(folders: &[PathBuf]) -> BTreeMap<String, [Vec<Example>; 2]> {
    let mut found: BTreeMap<String, [Vec<Example>; 2]> = BTreeMap::new();
    for folder in folders {
        let dataset = Dataset::open(folder).unwrap();
        for part in [Split::Train, Split::Validation] {
            for example in dataset.examples(part).unwrap().map(Result::unwrap) {
                let repo = example.repo.clone().unwrap();
                found.entry(repo).or_default()[part as usize].push(example);
            }
        }
    }
    found
}

fn bytes(folder: &Path) -> Vec<Vec<u8>> {
    ["train.parquet", "val.parquet", "metadata.json", "README.md"]
        .map(|name| fs::read(folder.join(name)).unwrap())
        .into()
}

#[test]
fn one_part_and_many_hold_the_same_examples_and_tell_the_same() {
    let temp = tempfile::tempdir().unwrap();
    let repositories = repositories();
    let all = rows_of(&repositories);
    let one = part(temp.path(), "one", &all, &[]);
    let of_part = |n: usize| -> Vec<Value> {
        let own = repositories.iter().rev().skip(n).step_by(3);
        own.flat_map(|(name, files)| rows(name, files)).collect()
    };
    let many: Vec<_> = (0..3)
        .map(|n| part(temp.path(), &format!("of-{n}"), &of_part(n), &[]))
        .collect();
    let whole = examples(std::slice::from_ref(&one));
    assert!(whole == examples(&many));
    assert_eq!(whole.len(), repositories.len());

    let [of_one, of_many] = [&[one][..], &many].map(|parts| {
        let mut told = merge(parts, &temp.path().join(format!("joined-{}", parts.len())));
        let told_of = told.as_object_mut().unwrap();
        assert_eq!(
            told_of.remove("parts").unwrap().as_array().unwrap().len(),
            parts.len()
        );
        told_of.remove("coverage").unwrap();
        told
    });
    assert_eq!(of_one, of_many);

    // The metadata agree with the records.
    let of = |part: Split| whole.values().flat_map(move |parts| &parts[part as usize]);
    let both = || of(Split::Train).chain(of(Split::Validation));
    let files = |part| {
        let files = of(part).map(|example| (&example.repo, &example.filepath));
        files.collect::<BTreeSet<_>>().len()
    };
    assert!(of(Split::Validation).count() > 5);
    assert_eq!(of_many["counts"]["train"], of(Split::Train).count());
    assert_eq!(of_many["counts"]["val"], of(Split::Validation).count());
    assert_eq!(of_many["counts"]["examples"], both().count());
    assert_eq!(of_many["split"]["train_files"], files(Split::Train));
    assert_eq!(of_many["split"]["val_files"], files(Split::Validation));
    let scores: Vec<_> = both().map(|example| example.complexity_score).collect();
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    assert_eq!(of_many["complexity"]["mean"], mean);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for example in both() {
        *kinds.entry(example.span_kind.name()).or_default() += 1;
    }
    assert_eq!(of_many["spans"], json!(kinds));
}

#[test]
fn a_repository_is_made_as_if_it_were_alone() {
    let temp = tempfile::tempdir().unwrap();
    let repositories = repositories();
    let all = rows_of(&repositories);
    let together = examples(&[part(temp.path(), "all", &all, &[])]);
    // Copies are not left out, and the split does not separate them.
    let shared = |part: usize| -> BTreeSet<&str> {
        let repos = together.iter().filter(|(_, parts)| {
            parts[part]
                .iter()
                .any(|example| example.filepath == "src/zz/Shared.php")
        });
        repos.map(|(repo, _)| repo.as_str()).collect()
    };
    let (train, val) = (shared(0), shared(1));
    assert!(train.is_empty() || val.is_empty(), "{train:?} {val:?}");
    assert_eq!(train.len() + val.len(), repositories.len());

    // With the same split, apart from its order, the plain dataset of a project
    // has the same examples.
    let (name, files) = repositories.first_key_value().unwrap();
    let project = temp.path().join("project");
    for (path, text) in files {
        let path = project.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let plain = temp.path().join("plain");
    let args = [
        "generate",
        text(&project),
        "--output",
        text(&plain),
        "--format",
        "parquet",
    ];
    succeed(&[&args[..], &["--cross-file-context", "--val-split", "0"]].concat());
    let plain = Dataset::open(&plain).unwrap();
    let plain = plain.examples(Split::Train).unwrap().map(Result::unwrap);
    let mut plain: Vec<_> = plain.map(|e| (e.filepath, e.start_byte, e.text)).collect();
    let alone = together[name].concat();
    let mut alone: Vec<_> = alone
        .into_iter()
        .map(|e| (e.filepath, e.start_byte, e.text))
        .collect();
    plain.sort();
    alone.sort();
    let seen = plain.len() - alone.len();
    alone.retain(|example| plain.binary_search(example).is_err());
    assert_eq!(alone, []);
    assert!(seen * 10 < plain.len(), "{seen} of {}", plain.len());
}

#[test]
fn the_bytes_are_the_same_whatever_the_threads() {
    let temp = tempfile::tempdir().unwrap();
    let repositories = repositories();
    let two = repositories.iter().take(2);
    let rows: Vec<_> = two.flat_map(|(name, files)| rows(name, files)).collect();
    let input = input(temp.path(), "rows", &rows);
    let made = ["1", "7"].map(|threads| {
        let output = temp.path().join(threads);
        let signatures = temp.path().join(format!("{threads}.parquet"));
        let of = |command, output: &Path, more: &[&str]| {
            let run = Command::new(env!("CARGO_BIN_EXE_fimd"))
                .env("RAYON_NUM_THREADS", threads)
                .args([
                    "--no-cache",
                    command,
                    "--input",
                    text(&input),
                    "--output",
                    text(output),
                ])
                .args(more)
                .output();
            assert!(run.unwrap().status.success());
        };
        of("generate", &output, &PARTIAL);
        of("signatures", &signatures, &[]);
        (bytes(&output), fs::read(signatures).unwrap())
    });
    assert!(made[0] == made[1]);
}

/// The rows of a Parquet file.
fn table(path: &Path) -> Vec<Value> {
    let batches = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap());
    let mut lines = LineDelimitedWriter::new(Vec::new());
    for batch in batches.unwrap().build().unwrap() {
        lines.write(&batch.unwrap()).unwrap();
    }
    lines.finish().unwrap();
    let lines = String::from_utf8(lines.into_inner()).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Whether two files are near duplicates, by their signatures.
fn alike(a: &Value, b: &Value) -> bool {
    let numbers = |row: &Value, column: &str| row[column].as_array().unwrap().clone();
    let bands = numbers(b, "bands");
    let (left, right) = (numbers(a, "signature"), numbers(b, "signature"));
    assert_eq!((left.len(), bands.len()), (120, 20));
    let equal = left.iter().zip(&right).filter(|(a, b)| a == b).count();
    numbers(a, "bands").iter().any(|band| bands.contains(band)) && equal >= 96
}

#[test]
fn near_duplicates_across_repositories_are_found_by_signatures_and_left_out_by_a_column() {
    let temp = tempfile::tempdir().unwrap();
    let long = class("Long", 30);
    let changed = long.replace("Rate * $LongAmount + 7", "Rate * $LongAmount + 8");
    let first: Files = vec![
        ("Long.php".into(), long.clone()),
        ("LongCopy.php".into(), long.clone()),
        (
            "Short.php".into(),
            "<?php\nfunction short(int $a): int { return $a + 1; }\n".into(),
        ),
        ("Other.php".into(), class("Other", 30)),
        ("vendor/x/Left.php".into(), class("Left", 9)),
    ];
    let second: Files = vec![
        ("lib/Long.php".into(), changed),
        (
            "lib/Short.php".into(),
            "<?php\n// The same.\nfunction short(int $a): int\n{\n    return $a + 1;\n}\n".into(),
        ),
        (
            "lib/Shorter.php".into(),
            "<?php\nfunction short(int $a): int { return $a + 2; }\n".into(),
        ),
        (
            "lib/User.php".into(),
            class("User", 12).replacen("{\n", "{\n    public ?Long $long;\n", 1),
        ),
    ];
    let all = [rows("a", &first), rows("b", &second)].concat();
    let input = input(temp.path(), "rows", &all);
    let signatures = temp.path().join("signatures.parquet");
    succeed(&[
        "signatures",
        "--input",
        text(&input),
        "--output",
        text(&signatures),
    ]);
    let signed = table(&signatures);
    let paths: Vec<_> = signed
        .iter()
        .map(|row| row["path"].as_str().unwrap())
        .collect();
    let expected = ["Long.php", "Other.php", "Short.php"];
    let expected = expected.into_iter().chain([
        "lib/Long.php",
        "lib/Short.php",
        "lib/Shorter.php",
        "lib/User.php",
    ]);
    assert_eq!(paths, expected.collect::<Vec<_>>());
    assert_eq!(
        signed[0]["content_hash"],
        blake3::hash(long.as_bytes()).to_hex().as_str()
    );
    // The rule: among near duplicates, the one of the smaller repository stays.
    let smaller = |row: &&Value| {
        let others = signed
            .iter()
            .filter(|other| other["repo"].as_str() < row["repo"].as_str());
        others.into_iter().find(|other| alike(other, row)).cloned()
    };
    let mut marked = all.clone();
    let mut dropped = Vec::new();
    for row in &signed {
        if let Some(other) = smaller(&row) {
            let at =
                |found: &&mut Value| found["repo"] == row["repo"] && found["path"] == row["path"];
            let found = marked.iter_mut().find(at).unwrap();
            found["duplicate_of"] = json!(format!(
                "{}:{}",
                other["repo"].as_str().unwrap(),
                other["path"].as_str().unwrap()
            ));
            dropped.push(row["path"].as_str().unwrap());
        }
    }
    assert_eq!(dropped, ["lib/Long.php", "lib/Short.php"]);

    let plain = part(temp.path(), "plain", &all, &[]);
    let cleaned = part(temp.path(), "cleaned", &marked, &[]);
    let [before, after] = [plain, cleaned.clone()].map(|folder| examples(&[folder]));
    assert!(before["a"] == after["a"]);
    let of = |examples: &BTreeMap<String, [Vec<Example>; 2]>, path: &str| {
        let mut found = examples["b"].concat();
        found.retain(|example| example.filepath == path);
        found.sort_by_key(|example| example.start_byte);
        found
    };
    assert!(!of(&before, "lib/Long.php").is_empty());
    assert!(of(&after, "lib/Long.php").is_empty());
    // The removed file still is a source of context.
    let user = of(&after, "lib/User.php");
    assert!(!user.is_empty() && !of(&before, "lib/User.php").is_empty());
    assert!(
        user.iter()
            .any(|example| example.context.contains("lib/Long.php"))
    );
    let skipped = &metadata(&cleaned)["files_skipped"];
    let why = "duplicate of a file elsewhere, as its row says";
    assert_eq!(
        skipped[why]["files"],
        json!(["b:lib/Long.php", "b:lib/Short.php"])
    );
    assert_eq!(
        metadata(&cleaned)["duplicates"]["files"]["a:Long.php"],
        json!(["a:LongCopy.php", "b:lib/Long.php"])
    );
}

#[test]
fn a_damaged_repository_is_told_and_costs_no_other() {
    let temp = tempfile::tempdir().unwrap();
    let repositories = repositories();
    let good: Vec<_> = repositories
        .iter()
        .take(2)
        .flat_map(|(name, files)| rows(name, files))
        .collect();
    let clean = part(temp.path(), "clean", &good, &[]);
    // One repository is too large, and one has no valid row.
    let settings = temp.path().join("settings.toml");
    fs::write(&settings, "[limits]\nmax_project_bytes = 200000\n").unwrap();
    let large: Files = (0..60)
        .map(|n| (format!("L{n}.php"), class(&format!("L{n}"), 30)))
        .collect();
    let mut all = rows("team/a-large", &large);
    all.extend([
        json!({"repo": "team/b-odd", "path": "../../etc/a.php", "content": "<?php"}),
        json!({"repo": "team/b-odd", "path": "a.php"}),
        json!({"repo": "team/b-odd", "path": 7, "content": "<?php"}),
        json!({"repo": "team/b-odd", "path": "none.txt", "content": "<?php"}),
    ]);
    all.extend(good.clone());
    let output = part(
        temp.path(),
        "damaged",
        &all,
        &["--settings", text(&settings)],
    );
    assert!(examples(&[clean]) == examples(std::slice::from_ref(&output)));
    let told = metadata(&output);
    let projects = told["projects"].as_array().unwrap();
    let reason = "more bytes than the 200000 of max_project_bytes";
    assert_eq!(
        projects[0],
        json!({"name": "team/a-large", "files_indexed": 0, "files_used": 0, "examples": 0, "left_out": reason})
    );
    assert_eq!(projects[1]["files_indexed"], 0);
    assert_eq!(
        told["files_skipped"][reason]["files"],
        json!(["team/a-large:./"])
    );
    assert_eq!(told["files_skipped"]["row without `content`"]["count"], 1);

    // An empty part is valid.
    let empty = part(
        temp.path(),
        "empty",
        &rows("team/c-empty", &vec![("a.php".into(), "<?php".into())]),
        &[],
    );
    assert!(examples(std::slice::from_ref(&empty)).is_empty());
    let joined = merge(&[empty, output.clone()], &temp.path().join("joined"));
    assert_eq!(
        joined["counts"]["examples"],
        metadata(&output)["counts"]["examples"]
    );
    let card = fs::read_to_string(temp.path().join("joined/README.md")).unwrap();
    assert!(
        card.contains("    - ../damaged/train.parquet\n") && !card.contains("empty/"),
        "{card}"
    );
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    let small = |repo: &str| rows(repo, &vec![("A.php".into(), class("A", 6))]);
    let first = part(temp.path(), "first", &small("one"), &[]);
    let other_seed = part(temp.path(), "seed", &small("two"), &["--seed", "7"]);
    let other_family = part(
        temp.path(),
        "family",
        &small("two"),
        &["--base-model", "starcoder"],
    );
    let again = part(temp.path(), "again", &small("one"), &[]);
    let whole = path("whole");
    let input = path("first.jsonl");
    succeed(&[
        "generate",
        "--input",
        text(&input),
        "--output",
        text(&whole),
        "--val-split",
        "0",
    ]);
    let older = part(temp.path(), "older", &small("two"), &[]);
    let told = fs::read_to_string(older.join("metadata.json")).unwrap();
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(told.contains(&version));
    fs::write(
        older.join("metadata.json"),
        told.replace(&version, "\"version\": \"0.0.1\""),
    )
    .unwrap();
    let cut = part(temp.path(), "cut", &small("two"), &[]);
    let examples = metadata(&cut)["counts"]["train"].as_u64().unwrap();
    let (full, none) = match examples {
        0 => ("val.parquet", "train.parquet"),
        _ => ("train.parquet", "val.parquet"),
    };
    fs::copy(cut.join(none), cut.join(full)).unwrap();

    let joined = path("joined");
    let refusal = |part: &Path| {
        fail(
            &[
                "merge-metadata",
                text(&first),
                text(part),
                "--output",
                text(&joined),
            ],
            1,
        )
    };
    for (part, says) in [
        (&other_seed, "/seed: made with 7 for --seed, unlike /"),
        (
            &other_family,
            "/family: made with \"starcoder\" for --base-model, unlike /",
        ),
        (&older, "/older: made by fimd 0.0.1, unlike /"),
        (&again, "/again: the repository \"one\" is in /"),
        (&first, "/first: the repository \"one\" is in /"),
        (&whole, "/whole: a dataset of its own, not a part"),
        (&cut, "/cut/"),
        (&path("missing"), "/missing/metadata.json: "),
    ] {
        let said = refusal(part);
        assert!(said.contains(says), "{said}");
        assert!(!joined.join("metadata.json").exists());
    }
    let said = fail(
        &["merge-metadata", text(&first), "--output", text(&first)],
        1,
    );
    assert!(said.contains("choose another --output"), "{said}");
    merge(std::slice::from_ref(&first), &joined);
    merge(&[first], &joined);
}

#[test]
fn options_that_cannot_hold_for_a_part_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let output = temp.path().join("part");
    for (options, says) in [
        (
            &["--curriculum"][..],
            "--curriculum: expected none with --partial",
        ),
        (
            &["--split-by", "example"],
            "--split-by: expected file with --partial",
        ),
        (
            &["--format", "jsonl"],
            "--format: expected parquet with --partial",
        ),
    ] {
        let args = ["generate", SHOP, "--output", text(&output), "--partial"];
        let format = ["--format", "parquet"];
        let format = if options.contains(&"--format") {
            &[][..]
        } else {
            &format
        };
        let said = fail(&[&args[..], options, format].concat(), 2);
        assert!(said.contains(says), "{said}");
    }
    assert!(!output.exists());
}

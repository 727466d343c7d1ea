//! `fimd eval context`, run from the command line.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

fn fimd(args: &[&str], threads: &str) -> Output {
    let shop = format!("{}/tests/fixtures/shop", env!("CARGO_MANIFEST_DIR"));
    Command::new(env!("CARGO_BIN_EXE_fimd"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(["eval", "context"])
        .args(
            args.iter()
                .map(|arg| if *arg == "SHOP" { shop.as_str() } else { arg }),
        )
        .env("RAYON_NUM_THREADS", threads)
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

const KINDS: [&str; 11] = [
    "identifier",
    "half-typed",
    "statement",
    "member",
    "package",
    "callee",
    "body",
    "test",
    "literal",
    "import",
    "anywhere",
];

/// The report without times, which differ from run to run.
fn report(args: &[&str], threads: &str) -> Value {
    let run = fimd(&[args, &["--json"]].concat(), threads);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.is_empty(), "{said}");
    let mut report: Value = serde_json::from_slice(&run.stdout).unwrap();
    for run in report["runs"].as_array_mut().unwrap() {
        for kind in run["kinds"].as_array_mut().unwrap() {
            let kind = kind.as_object_mut().unwrap();
            let latency = kind.remove("latency_ms").unwrap();
            assert!(latency["p50"].as_f64() <= latency["p99"].as_f64());
            let has_holes = kind["holes"].as_u64().unwrap() > 0;
            assert!(latency["max"].as_f64().unwrap() > 0.0 || !has_holes);
        }
    }
    report
}

/// The share of identifiers found in the first run.
fn ident(report: &Value) -> f64 {
    report["runs"][0]["kinds"][0]["ident"].as_f64().unwrap()
}

#[test]
fn every_way_of_asking_is_measured() {
    let report = report(&["SHOP", "--max-chars", "500,4096"], "2");
    let runs = report["runs"].as_array().unwrap();
    let ways: Vec<_> = runs
        .iter()
        .map(|run| {
            (
                run["max_chars"].as_u64().unwrap(),
                run["bm25"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        ways,
        [(500, true), (500, false), (4096, true), (4096, false)]
    );
    for run in runs {
        let kinds = run["kinds"].as_array().unwrap();
        let names: Vec<_> = kinds
            .iter()
            .map(|kind| kind["kind"].as_str().unwrap())
            .collect();
        assert_eq!(names, KINDS);
        for kind in kinds {
            assert!(kind["useful"].as_f64() <= Some(1.0), "{kind:#}");
            assert!(kind["mean_chars"].as_f64() <= run["max_chars"].as_f64());
        }
        for kind in &kinds[..4] {
            assert!(kind["holes"].as_u64().unwrap() > 20, "{kind:#}");
            assert_eq!(kind["leaks"], 0, "{kind:#}");
            assert!(kind["leaks_checked"].as_u64().unwrap() > 10, "{kind:#}");
            assert!(kind["chars"]["max"].as_u64() <= run["max_chars"].as_u64());
            assert!(kind["def"].as_f64() <= kind["ident"].as_f64());
            // A small budget may leave no room for chunks.
            let by_bm25 = kind["by_bm25"].as_f64().unwrap();
            let has_room = run["max_chars"] == 4096;
            assert!(
                by_bm25 > 0.0 || run["bm25"] == false || !has_room,
                "{kind:#}"
            );
            assert!(by_bm25 == 0.0 || run["bm25"] == true, "{kind:#}");
        }
        let names = |kind: usize| kinds[kind]["by_name"].as_array().unwrap();
        let holes: u64 = names(0)
            .iter()
            .map(|name| name["names"].as_u64().unwrap())
            .sum();
        assert_eq!(kinds[0]["holes"], holes);
    }
    assert!(ident(&report) < report["runs"][2]["kinds"][0]["ident"].as_f64().unwrap());
    let enough = report["runs"][2]["kinds"][3]["ident"].as_f64().unwrap();
    assert!(enough > 0.8, "members of imported classes: {enough}");
}

#[test]
fn the_same_seed_gives_the_same_figures_on_any_number_of_threads() {
    let args = ["SHOP", "--holes", "20", "--seed", "3"];
    assert_eq!(report(&args, "1"), report(&args, "4"));
    let other = ["SHOP", "--holes", "20", "--seed", "4"];
    assert_ne!(report(&args, "2")["runs"], report(&other, "2")["runs"]);
}

#[test]
fn what_a_signal_is_worth_is_seen_without_it() {
    let with = ["SHOP", "--kind", "member", "--max-chars", "600"];
    let without = [&with[..], &["--without", "types,receivers,dependencies"]].concat();
    let (with, without) = (report(&with, "2"), report(&without, "2"));
    assert_eq!(with["runs"][0]["kinds"][0]["kind"], "member");
    assert_eq!(without["options"]["without"][0], "types");
    assert!(
        ident(&with) > ident(&without),
        "{} {}",
        ident(&with),
        ident(&without)
    );
}

#[test]
fn people_get_a_table() {
    let run = fimd(&["SHOP", "--holes", "10", "--without", "reach"], "2");
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(
        table.contains(" files, seed 42, without reach\n"),
        "{table}"
    );
    assert!(table.contains("\nAt most 4096 characters, with BM25\n"));
    assert!(table.contains("\nAt most 4096 characters, without BM25\n"));
    for kind in KINDS {
        let rows = table.lines().filter(|line| line.starts_with(kind));
        assert_eq!(rows.count(), 2, "{table}");
    }
    assert!(table.contains("\n  method "));
    assert!(!table.contains('\u{1b}'), "no colour without a terminal");
}

#[test]
fn what_cannot_be_measured_is_said_in_one_line() {
    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("a.php"), "<?php function f() { f(); }").unwrap();
    let alone = empty.path().to_str().unwrap();
    for (args, code, says) in [
        (
            vec![alone],
            1,
            "none of its 1 files uses a name that only another one declares",
        ),
        (
            vec!["SHOP", "--holes", "0"],
            2,
            "--holes must be at least 1",
        ),
        (vec!["SHOP", "--holes", "x"], 2, "--holes"),
        (vec!["SHOP", "--kind", "word"], 2, "half-typed"),
        (vec!["SHOP", "--without", "luck"], 2, "similar-files"),
        (vec!["/nowhere/at/all"], 1, "project root /nowhere/at/all"),
    ] {
        let run = fimd(&args, "1");
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(code), "{said}");
        assert!(said.starts_with("fimd: ") && said.contains(says), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(run.stdout.is_empty());
    }
}

//! `fimd verify` finds a fault in each column, each number and each file of a dataset,
//! and names it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::verify::{Fixture, HARD, breached, not_claimed, told};

/// A value of the same type that is wrong.
fn wrong(column: &str, value: &Value) -> Value {
    match (column, value) {
        ("span_kind", _) => json!(match value == "ast_node" {
            true => "char_span",
            false => "ast_node",
        }),
        ("format", _) => json!(match value == "psm" {
            true => "spm",
            false => "psm",
        }),
        ("tokens", _) => json!(7),
        (_, Value::Number(number)) if number.is_f64() => json!(number.as_f64().unwrap() + 1.0),
        (_, Value::Number(number)) => json!(number.as_u64().unwrap() + 1),
        (_, Value::String(text)) => json!(format!("{text}x")),
        (_, other) => json!(format!("not {other}")),
    }
}

#[test]
fn a_fault_in_each_column_is_named() {
    let fixture = Fixture::sized(2, "", &["--provenance"]);
    let mut columns = Vec::new();
    fixture.edit("train", |records| {
        columns.extend(records[0].as_object().unwrap().keys().cloned());
        // The columns that this dataset has no values in.
        columns.extend(["tokens", "commit", "license", "buffer"].map(str::to_owned));
        columns.sort();
        columns.dedup();
        for (column, record) in columns.iter().zip(&mut *records) {
            record[column] = wrong(column, &record[column]);
        }
        assert!(records.len() > columns.len());
    });
    assert_eq!(columns.len(), 24, "{columns:?}");
    let (code, report) = fixture.verify();
    assert_eq!(code, Some(1));
    let findings = report["findings"].as_array().unwrap();
    let breaches = findings
        .iter()
        .flat_map(|finding| finding["breaches"].as_array().unwrap());
    let breaches: Vec<_> = breaches.collect();
    for (number, column) in (1..).zip(&columns) {
        let at = format!("train:{number}");
        let of_record = breaches.iter().filter(|breach| breach["at"] == at.as_str());
        let said: Vec<_> = of_record
            .map(|breach| breach["what"].as_str().unwrap())
            .collect();
        // A file is named by the breach itself.
        let is_named = said.iter().any(|said| {
            let words = said.split([' ', ':', ',']);
            words.into_iter().any(|word| word == column)
        });
        assert!(is_named || column == "filepath", "{column}: {said:?}");
        assert!(!said.is_empty(), "{column}");
    }
}

/// The places of all numbers in `value` that are below `at`.
fn numbers(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(at.to_owned()),
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                numbers(&format!("{at}/{name}"), value, found);
            }
        }
        Value::Array(items) => {
            for (number, value) in items.iter().enumerate() {
                numbers(&format!("{at}/{number}"), value, found);
            }
        }
        _ => {}
    }
}

#[test]
fn a_fault_in_each_number_is_named() {
    let options = ["--provenance", "--markers", "neutralise", "--bm25-context"];
    let fixture = Fixture::with(HARD, &options);
    let path = fixture.output().join("metadata.json");
    let metadata: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut all = Vec::new();
    numbers("", &metadata, &mut all);
    // The options are what the numbers are compared with.
    all.retain(|pointer| !pointer.starts_with("/options/"));
    assert!(all.len() > 40, "{all:?}");
    let unnamed = |more: &[&str]| -> BTreeSet<String> {
        let copy = fixture.copy();
        for pointer in &all {
            let number = wrong("", metadata.pointer(pointer).unwrap());
            copy.edit_metadata(pointer, number);
        }
        let (code, report) = copy.verify_with(more);
        assert_eq!(code, Some(1));
        let said = [told(&report, "metadata"), told(&report, "again")].concat();
        let is_named = |pointer: &&String| {
            let readable = pointer[1..].replace("~1", "/");
            said.contains(&format!("\"{}: ", &pointer[1..]))
                || said.contains(&format!("\"{readable}: "))
        };
        all.iter()
            .filter(|pointer| !is_named(pointer))
            .cloned()
            .collect()
    };
    let with_all = unnamed(&["--all"]);
    assert!(with_all.is_empty(), "{with_all:?}");
    // Without contexts, these are not known.
    let open = [
        "/counts/files_used",
        "/projects/0/files_used",
        "/projects/0/examples",
        "/coverage/",
        "/secrets/",
        "/duplicates/",
        "/rejections/",
        "/files_skipped/no hole fits",
    ];
    for pointer in unnamed(&[]) {
        assert!(
            open.iter().any(|open| pointer.starts_with(open)),
            "{pointer}"
        );
        assert!(!pointer.ends_with("/files") && !pointer.ends_with("/bytes"));
    }
}

#[test]
fn made_again_it_is_the_same() {
    for options in [
        &["--provenance", "--curriculum", "--bm25-context"][..],
        &["--format", "jsonl.zst", "--shard-size", "40KB"],
    ] {
        let fixture = Fixture::new(options);
        let (code, report) = fixture.verify_with(&["--all"]);
        assert_eq!((code, breached(&report)), (Some(0), vec![]), "{report:#}");
        assert!(not_claimed(&report, "again").is_null());
        assert!(!not_claimed(&fixture.verify().1, "again").is_null());
    }
    // What no other claim sees: another order.
    let fixture = Fixture::new(&[]);
    fixture.edit("train", |records| records.swap(0, 1));
    let (code, report) = fixture.verify_with(&["--all"]);
    assert_eq!((code, breached(&report)), (Some(1), vec!["again".into()]));
    assert!(told(&report, "again").contains("middle: expected"));
}

#[test]
fn the_order_of_a_curriculum_is_checked() {
    let fixture = Fixture::new(&["--curriculum"]);
    let (code, report) = fixture.verify();
    assert_eq!((code, breached(&report)), (Some(0), vec![]), "{report:#}");
    fixture.edit("train", |records| records.rotate_left(1));
    let (_, report) = fixture.verify();
    assert!(told(&report, "order").contains("is harder"), "{report:#}");
    fixture.edit_metadata("/counts/cut_by_curriculum", json!(9));
    let said = told(&fixture.verify().1, "metadata");
    assert!(
        said.contains("counts/cut_by_curriculum: expected 0"),
        "{said}"
    );
}

#[test]
fn stray_files_and_a_card_that_tells_something_else_are_found() {
    let clean = Fixture::new(&[]);
    for stray in ["train-00000-of-00002.jsonl", "val.parquet", "notes.txt"] {
        let fixture = clean.copy();
        fs::write(fixture.output().join(stray), "{}\n").unwrap();
        let (_, report) = fixture.verify();
        assert_eq!(breached(&report), ["files"], "{stray}: {report:#}");
        assert!(told(&report, "files").contains(stray));
    }
    let card = clean.output().join("README.md");
    let text = fs::read_to_string(&card).unwrap();
    for (from, to) in [
        (" to validate with", "1 to validate with"),
        ("    - train.jsonl", "    - other.jsonl"),
        (" % validate", "9 % validate"),
        ("`ast_node` | ", "`ast_node` | 1"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(&card, text.replacen(from, to, 1)).unwrap();
        let (_, report) = clean.verify();
        assert_eq!(breached(&report), ["files"], "{from}");
        assert!(
            told(&report, "files").contains("as in the metadata"),
            "{to}"
        );
    }
    fs::remove_file(&card).unwrap();
    assert_eq!(breached(&clean.verify().1), ["files"]);
}

#[cfg(feature = "parquet")]
#[test]
fn in_a_part_the_text_decides_the_split() {
    let fixture = Fixture::new(&["--partial", "--format", "parquet"]);
    let (code, report) = fixture.verify();
    assert_eq!((code, breached(&report)), (Some(0), vec![]), "{report:#}");
    let mut moved = Vec::new();
    let mut file = String::new();
    fixture.edit("train", |records| {
        file = records[0]["filepath"].as_str().unwrap().to_owned();
        moved.extend(records.extract_if(.., |record| record["filepath"] == file.as_str()));
    });
    fixture.edit("val", |records| records.append(&mut moved));
    let (_, report) = fixture.verify();
    let said = told(&report, "split_rule");
    assert!(
        said.contains("puts it into train") && said.contains(&file),
        "{report:#}"
    );
}

#[test]
fn sources_that_have_changed_are_named_as_such() {
    let fixture = Fixture::new(&["--provenance"]);
    let src = fixture.project().join("src");
    fs::write(src.join("Added.php"), "<?php\nclass Added {}\n").unwrap();
    let (code, report) = fixture.verify();
    assert_eq!(code, Some(1));
    // The new class stands in contexts, too.
    let consequences = ["source", "parity"];
    let found = breached(&report);
    assert!(found.iter().all(|claim| consequences.contains(&&**claim)));
    assert_eq!(found[0], "source", "{report:#}");
    assert!(told(&report, "source").contains("the projects have changed since"));
    assert_eq!(
        not_claimed(&report, "holes"),
        "the projects have changed since"
    );

    fs::remove_file(src.join("Added.php")).unwrap();
    let ledger = src.join("Ledger.php");
    let text = fs::read_to_string(&ledger).unwrap();
    fs::write(&ledger, format!("{text}\n// More.\n")).unwrap();
    let (_, report) = fixture.verify();
    let said = told(&report, "provenance");
    assert!(said.contains("content_hash: expected") && said.contains("Ledger.php"));
    assert!(breached(&report).contains(&"source".to_owned()));
}

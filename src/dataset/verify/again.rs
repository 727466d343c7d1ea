//! Compares a dataset with one that was made again from the same source: each line,
//! each figure and each file.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cancel::Cancel;
use crate::dataset::record::Example;
use crate::dataset::report::metadata::METADATA;
use crate::dataset::split::Split;
use crate::dataset::stored::StoredDataset;
use crate::dataset::verify::claims::{Breach, Claim, Findings, quoted};
use crate::dataset::verify::error::VerifyError;

/// Compares `dataset` with `again`.
pub(super) fn compare(
    dataset: &impl StoredDataset,
    again: &impl StoredDataset,
    cancel: &Cancel,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    for split in Split::ALL {
        lines(dataset, again, split, cancel, findings)?;
    }
    findings.check(Claim::Again, 1);
    let mut differences = Vec::new();
    // The options are what it was made again with.
    let [expected, found] = [again.metadata(), dataset.metadata()].map(|metadata| {
        let mut metadata = metadata.clone();
        metadata
            .as_object_mut()
            .map(|fields| fields.remove("options"));
        metadata
    });
    differing("", &expected, &found, &mut differences);
    for what in differences {
        object(findings, METADATA, None, what);
    }
    for name in again.text_names() {
        findings.check(Claim::Again, 1);
        let (expected, found) = (again.text(name), dataset.text(name));
        if expected == found {
            continue;
        }
        let (expected, found) = (expected.unwrap_or_default(), found.unwrap_or_default());
        let mut pairs = expected
            .lines()
            .zip(found.lines().chain(std::iter::repeat("")));
        let what = match pairs.find(|(expected, found)| expected != found) {
            Some((expected, found)) => {
                format!(
                    "expected the line {}, found {}",
                    quoted(expected),
                    quoted(found)
                )
            }
            None => "expected no more lines".into(),
        };
        object(findings, name, None, what);
    }
    Ok(())
}

/// Compares the examples of `split`, which must be in the same order.
fn lines(
    dataset: &impl StoredDataset,
    again: &impl StoredDataset,
    split: Split,
    cancel: &Cancel,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let (Ok(mut found), Ok(expected)) = (dataset.examples(split), again.examples(split)) else {
        // Another claim reports what cannot be read.
        return Ok(());
    };
    let stem = split.stem();
    for (number, expected) in (1..).zip(expected) {
        cancel.check()?;
        findings.check(Claim::Again, 1);
        let at = format!("{stem}:{number}");
        match (expected, found.next()) {
            (Ok(expected), Some(Ok(found))) => {
                for what in columns(&expected, &found) {
                    object(findings, &at, Some(&found.filepath), what);
                }
            }
            (Ok(expected), None) => {
                let what = "expected one more example, found the end".into();
                object(findings, &at, Some(&expected.filepath), what);
            }
            (Ok(_), Some(Err(_))) => {}
            (Err(error), _) => object(findings, &at, None, error.to_string()),
        }
    }
    if found.next().is_some() {
        let what = "expected the end, found one more example".into();
        object(findings, stem, None, what);
    }
    Ok(())
}

fn object(findings: &mut Findings, at: &str, file: Option<&str>, what: String) {
    let breach = Breach {
        at: at.to_owned(),
        file: file.map(str::to_owned),
        what,
    };
    findings.breach(Claim::Again, breach);
}

/// The columns in which two examples differ.
fn columns(expected: &Example, found: &Example) -> Vec<String> {
    if expected == found {
        return Vec::new();
    }
    let mut differences = Vec::new();
    let value = |example: &Example| serde_json::to_value(example).unwrap_or_default();
    differing("", &value(expected), &value(found), &mut differences);
    differences
}

/// Adds the places at which `found` differs from `expected`, by the names on the way to
/// them.
fn differing(at: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    let mut open = vec![(at.to_owned(), expected, found)];
    while let Some((at, expected, found)) = open.pop() {
        if expected == found {
            continue;
        }
        match children(expected, found) {
            Some(children) => open.extend(children.into_iter().rev().map(|(name, a, b)| {
                let below = match at.is_empty() {
                    true => name,
                    false => format!("{at}/{name}"),
                };
                (below, a, b)
            })),
            None => {
                let (expected, found) = (shown(expected), shown(found));
                differences.push(format!("{at}: expected {expected}, found {found}"));
            }
        }
    }
}

/// The fields of two objects, or the items of two arrays of the same length, by name.
fn children<'v>(
    expected: &'v Value,
    found: &'v Value,
) -> Option<Vec<(String, &'v Value, &'v Value)>> {
    const NULL: &Value = &Value::Null;
    match (expected, found) {
        (Value::Object(all), Value::Object(there)) => {
            let names: BTreeSet<&String> = all.keys().chain(there.keys()).collect();
            let field = |name: &String| {
                let (a, b) = (all.get(name), there.get(name));
                (name.clone(), a.unwrap_or(NULL), b.unwrap_or(NULL))
            };
            Some(names.into_iter().map(field).collect())
        }
        (Value::Array(all), Value::Array(there)) if all.len() == there.len() => {
            let items = all.iter().zip(there).enumerate();
            Some(items.map(|(at, (a, b))| (at.to_string(), a, b)).collect())
        }
        _ => None,
    }
}

/// A value in a few words.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Null => "nothing".into(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(fields) => format!("an object of {}", fields.len()),
        other => other.to_string(),
    }
}

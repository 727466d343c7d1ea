//! The batches of a project, and the outcome of each of their files.

use std::collections::BTreeMap;

use crate::dataset::batch::{FileOutcome, HoleOutcome};
use crate::dataset::cut::encoded::EncodedExample;
use crate::dataset::cut::example::HoleResult;
use crate::dataset::cut::plan::FilePlan;
use crate::dataset::error::DatasetError;
use crate::dataset::options::Dedup;
use crate::dataset::reject::NEAR_DUPLICATE;
use crate::dataset::run::dedup_index::HoleRef;
use crate::dataset::run::ledger::Ledger;
use crate::dataset::run::reject_lines::RejectLines;
use crate::dataset::select::sources::ExampleSource;

/// The bytes of source in a batch, about. They bound the memory for the examples of
/// a batch.
const BATCH_BYTES: usize = 128 << 10;

/// Divides `files` into batches of about [`BATCH_BYTES`].
pub(super) fn batches<'a>(
    mut files: &'a [ExampleSource<'a>],
) -> impl Iterator<Item = &'a [ExampleSource<'a>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = files.iter().take_while(|source| {
            let first = bytes == 0;
            bytes += source.file.text.len();
            first || bytes <= BATCH_BYTES
        });
        let (batch, rest) = files.split_at(fits.count());
        files = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Takes the holes of `plan`, the plan of file number `file`, that give examples, before
/// a context is assembled for them. Returns the keys of those that are near duplicates
/// of earlier ones. Adds all rejected holes of the plan to `rejects`.
pub(super) fn take_holes(
    file: usize,
    plan: &mut FilePlan<'_>,
    dedup: Dedup,
    ledger: &mut Ledger,
    rejects: &mut RejectLines<'_>,
) -> Result<Vec<u128>, DatasetError> {
    for rejection in std::mem::take(&mut plan.proposals.rejections) {
        rejects.push(plan, rejection.range, rejection.reason, None)?;
    }
    let (mut repeats, mut duplicates) = (Vec::new(), Vec::new());
    let (quota, by_key) = ledger.quota_and_keys();
    plan.take(quota, dedup, |hole, key| {
        let hole = hole.range.clone();
        let first = by_key.note(
            key,
            HoleRef {
                file,
                hole: hole.clone(),
            },
        );
        if let Some(first) = first {
            repeats.push(key);
            duplicates.push((hole, first.clone()));
        }
        first.is_some()
    });
    for (hole, first) in duplicates {
        let first = ledger.label(&first);
        rejects.push(plan, hole, NEAR_DUPLICATE, Some(first))?;
    }
    Ok(repeats)
}

/// The outcome of the file of `plan`, given the result of each of its holes, and the
/// template of each example: empty if the hole gave none.
pub(super) fn file_outcome(
    plan: &FilePlan<'_>,
    results: Vec<HoleResult<EncodedExample>>,
    repeats: Vec<u128>,
) -> (FileOutcome, Vec<String>) {
    let owned = |counts: &BTreeMap<&'static str, u64>| {
        let owned = counts
            .iter()
            .map(|(what, count)| ((*what).to_owned(), *count));
        owned.collect()
    };
    let of_hole = plan.holes.iter().zip(results).map(|(keyed, result)| {
        let (made, template) = match result.example {
            Ok(EncodedExample { template, summary }) => (Ok(summary), template),
            Err(reason) => (Err(reason.to_owned()), String::new()),
        };
        let attempt = HoleOutcome {
            start: keyed.hole.range.start,
            end: keyed.hole.range.end,
            key: keyed.key,
            middle: keyed.middle,
            made,
            secrets: owned(&result.secrets),
        };
        (attempt, template)
    });
    let (attempts, templates): (Vec<HoleOutcome>, _) = of_hole.unzip();
    let mut summaries = attempts.iter().filter_map(|hole| hole.made.as_ref().ok());
    let needs_text = summaries.any(|summary| summary.kept.window.is_some());
    let outcome = FileOutcome {
        repeats,
        rejected: owned(&plan.proposals.rejected),
        text_bytes: if needs_text {
            plan.escaped.text().len()
        } else {
            0
        },
        attempts,
    };
    (outcome, templates)
}

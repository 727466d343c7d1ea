//! Checks what a dataset claims: [`verify()`] reads the dataset again, together
//! with the source code that it was made from.
//!
//! The checks share no code with the generator, except the functions that a claim
//! is about. A context, for example, claims to be what
//! [`crate::context::assemble`] returns, so that function checks it.
//!
//! The dataset is read twice. The first pass checks each example by itself and
//! collects what counts and comparisons need. The second pass checks the contexts
//! of a sample, and looks for the middles of the validation split in the training
//! split. Memory holds some dozen bytes per example and the middles of the
//! validation split.

mod again;
mod buffer;
mod census;
mod checker;
pub mod claims;
mod error;
mod examples;
mod exposure;
pub mod held_out;
mod history;
mod parity;
mod selection;
pub mod training;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::claims::{Breach, Claim, Finding};
pub use self::error::VerifyError;
pub use self::exposure::Exposure;

use self::census::Census;
use self::checker::{Checker, PlacedExample};
use self::claims::{Findings, quoted};
use self::exposure::ExposureSearch;
use self::selection::SourceSelectionCheck;
use crate::cancel::Cancel;
use crate::dataset::evaluation::{EvaluationSummary, Evaluations};
use crate::dataset::options::Options;
use crate::dataset::repo::Repo;
use crate::dataset::report::metadata::METADATA;
use crate::dataset::report::sample::{ExamplePosition, Sample};
use crate::dataset::split::Split;
use crate::dataset::stored::{ReadError, StoredDataset};
use crate::model::Model;
use crate::secrets::Secrets;

/// The number of examples whose contexts are assembled again, unless all are.
const PARITY_SAMPLE: usize = 400;
/// The number of examples that are checked at a time.
const BATCH: usize = 512;

/// The result of all checks on a dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// Whether no claim is breached.
    pub holds: bool,
    /// The number of training examples.
    pub train: usize,
    /// The number of validation examples.
    pub val: usize,
    /// One finding for each claim.
    pub findings: Vec<Finding>,
    /// How much of the validation split the training split contains.
    pub exposure: Exposure,
}

/// Checks the claims of `dataset`, which was made for `model` from `projects`. The
/// names of the projects are those in the examples' `repo`; an example of another
/// project is a breach. Runs in parallel on the current rayon pool.
///
/// Some claims need the context assembled again: parity, and `text` in the context
/// style of repositories. They are checked for all examples if `all` is given, else
/// for a few hundred that are drawn with the dataset's seed. `all` is the dataset made
/// again from the same projects, and everything of it is compared.
///
/// # Errors
/// [`VerifyError`]. An example or a file that cannot be read is a breach instead.
pub fn verify<D: StoredDataset>(
    dataset: &D,
    projects: &[Repo<'_>],
    model: &Model,
    evaluations: &Evaluations,
    all: Option<&D>,
    cancel: &Cancel,
) -> Result<Verification, VerifyError> {
    let checker = Checker {
        projects,
        model,
        secrets: Secrets::new()?,
        options: options_of(dataset)?,
        evaluations,
        cancel,
    };
    let mut findings = Findings::default();
    let mut census = Census::default();
    let selection = SourceSelectionCheck::new(&checker)?;
    files(dataset, &checker.options, &mut findings);
    evaluated(dataset, evaluations, &mut findings);
    let sample = check_examples(dataset, &checker, &selection, &mut census, &mut findings)?;
    census.check(&checker, &mut findings)?;
    let is_sampled = |position: &ExamplePosition| all.is_some() || sample.contains_key(position);
    let search = ExposureSearch::new(census.validation());
    check_again(dataset, &checker, is_sampled, &search, &mut findings)?;
    let exposure = search.finish(&checker.options, &mut findings);
    let options = &checker.options;
    census.metadata(dataset.metadata(), options, &exposure, &mut findings);
    selection.metadata(dataset.metadata(), &mut findings);
    match all {
        Some(again) => again::compare(dataset, again, cancel, &mut findings)?,
        None => findings.not_claimed(Claim::Again, "--all makes the dataset again"),
    }
    let findings = findings.into_list();
    Ok(Verification {
        holds: findings.iter().all(|finding| finding.breached == 0),
        train: census.examples(Split::Train),
        val: census.examples(Split::Validation),
        findings,
        exposure,
    })
}

/// The first pass: checks each example by itself and adds it to `census`. Returns
/// the positions of the sample whose contexts are to be assembled again.
fn check_examples(
    dataset: &impl StoredDataset,
    checker: &Checker<'_>,
    selection: &SourceSelectionCheck,
    census: &mut Census,
    findings: &mut Findings,
) -> Result<BTreeMap<ExamplePosition, ()>, VerifyError> {
    let mut sample = Sample::new(PARITY_SAMPLE, checker.options.seed, "\0verify");
    let is_stale = selection.stale(dataset.metadata(), findings);
    for split in Split::ALL {
        each_batch(dataset, split, findings, |batch, findings| {
            for claim in examples::CLAIMS {
                findings.check(claim, batch.len());
            }
            if !checker.evaluations.summaries().is_empty() {
                findings.check(Claim::Evaluation, batch.len());
            }
            if checker.texts_need_no_context() {
                findings.check(Claim::Text, batch.len());
            }
            for ((position, example), mut check) in batch.iter().zip(checker.check(batch)?) {
                sample.offer(*position, || ());
                // The claims on the source check what is from the history of a file.
                if check.fits && !is_stale && example.history_commit.is_none() {
                    selection.example(checker, split, example, &mut check.objections);
                }
                census.add(*position, example, &check);
                findings.object(*position, &example.filepath, check.objections);
            }
            Ok(())
        })?;
    }
    Ok(sample.drawn().collect())
}

/// Checks the files of `dataset` that hold no examples.
fn files(dataset: &impl StoredDataset, options: &Options, findings: &mut Findings) {
    let mut object = |at: &str, what: &str| {
        let breach = Breach {
            at: at.to_owned(),
            file: None,
            what: what.to_owned(),
        };
        findings.breach(Claim::Files, breach);
    };
    for stray in dataset.strays() {
        object(
            &stray,
            "expected the files of one dataset only, found this one",
        );
    }
    for name in dataset.text_names() {
        // A part of a larger dataset has no page.
        if dataset.text(name).is_none() && (*name == "README.md" || !options.partial) {
            object(name, "expected this file, found none");
        }
    }
    let card = dataset.card();
    let found = card.as_ref().and_then(|(name, _)| dataset.text(name));
    if let (Some((name, expected)), Some(found)) = (card, found)
        && expected != found
    {
        let lines = expected.lines().chain(std::iter::repeat(""));
        let different = found.lines().zip(lines).find(|(found, line)| found != line);
        let what = match different {
            Some((found, expected)) => format!(
                "expected {} as in the metadata, found {}",
                quoted(expected),
                quoted(found)
            ),
            None => "expected more lines, as the metadata tell".into(),
        };
        object(name, &what);
    }
    findings.check(Claim::Files, dataset.text_names().len());
}

/// Checks that the dataset names `evaluations`, if it names any. Whether each example
/// keeps to them is checked with the example.
fn evaluated(dataset: &impl StoredDataset, evaluations: &Evaluations, findings: &mut Findings) {
    let told = dataset.metadata().get("evaluations");
    let told: Vec<EvaluationSummary> = told
        .and_then(|told| serde_json::from_value(told.clone()).ok())
        .unwrap_or_default();
    match (told.as_slice(), evaluations.summaries()) {
        ([], []) => findings.not_claimed(Claim::Evaluation, "none was named"),
        (_, []) => findings.not_claimed(
            Claim::Evaluation,
            "name what was left out with --exclude-dataset or --contamination",
        ),
        (told, named) => {
            for summary in told.iter().filter(|summary| !named.contains(summary)) {
                let EvaluationSummary {
                    name,
                    holes,
                    texts,
                    digest,
                } = summary;
                let breach = Breach {
                    at: METADATA.into(),
                    file: None,
                    what: format!(
                        "evaluations: {name} with {holes} holes and {texts} texts ({digest}) is not among what was named, or has changed since"
                    ),
                };
                findings.breach(Claim::Evaluation, breach);
            }
            findings.check(Claim::Evaluation, told.len());
        }
    }
}

/// The second pass: checks the contexts of the sample, and looks through the
/// training split for middles of the validation split.
fn check_again(
    dataset: &impl StoredDataset,
    checker: &Checker<'_>,
    is_sampled: impl Fn(&ExamplePosition) -> bool,
    search: &ExposureSearch<'_>,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    // The first pass has reported the examples that cannot be read.
    let mut unreadable = Findings::default();
    for split in Split::ALL {
        each_batch(dataset, split, &mut unreadable, |batch, _| {
            let sampled = batch.iter().filter(|(position, _)| is_sampled(position));
            let sampled: Vec<_> = sampled.collect();
            findings.check(Claim::Parity, sampled.len());
            if !checker.texts_need_no_context() {
                findings.check(Claim::Text, sampled.len());
            }
            for ((position, example), objections) in sampled.iter().zip(checker.parity(&sampled)?) {
                findings.object(*position, &example.filepath, objections);
            }
            if split == Split::Train {
                search.look(batch, checker.cancel)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The options in the dataset's metadata.
///
/// # Errors
/// [`VerifyError::Metadata`] if the metadata hold no valid options.
pub fn options_of(dataset: &impl StoredDataset) -> Result<Options, VerifyError> {
    let wrong = |reason: String| VerifyError::Metadata(format!("options: {reason}"));
    let options = dataset.metadata().get("options");
    let options = options.ok_or_else(|| wrong("missing".into()))?;
    serde_json::from_value(options.clone()).map_err(|error| wrong(error.to_string()))
}

/// Calls `work` with the examples of `split` in batches. Adds to `findings` how many
/// examples were read, and a breach for each that cannot be read.
fn each_batch(
    dataset: &impl StoredDataset,
    split: Split,
    findings: &mut Findings,
    mut work: impl FnMut(&[PlacedExample], &mut Findings) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let unreadable = |error: ReadError| Breach {
        at: error.to_string(),
        file: None,
        what: "expected an example".into(),
    };
    let examples = match dataset.examples(split) {
        Ok(examples) => examples,
        Err(error) => {
            findings.breach(Claim::Readable, unreadable(error));
            return Ok(());
        }
    };
    let mut batch = Vec::with_capacity(BATCH);
    for (number, example) in (1..).zip(examples) {
        findings.check(Claim::Readable, 1);
        match example {
            Ok(example) => batch.push(((split, number), example)),
            Err(error) => findings.breach(Claim::Readable, unreadable(error)),
        }
        if batch.len() == BATCH {
            work(&batch, findings)?;
            batch.clear();
        }
    }
    work(&batch, findings)
}

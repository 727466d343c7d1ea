//! Proves what a dataset claims, or says where it breaks its word: [`verify`]
//! reads it again beside the source that it was made from.
//!
//! The checks share no code with what makes the examples, but for the functions
//! that a claim is about: a context is checked with [`crate::context::assemble`]
//! since it claims to be what that answers.
//!
//! The dataset is read twice, once for the claims about single examples and all
//! that counts and compares, and once for what needs to know the whole: parity,
//! of a sample, and what training knows of the validation. Kept in memory are
//! some dozen bytes an example and the middles of the validation.

mod examples;
mod whole;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::whole::Exposure;

use self::whole::Census;
use crate::cancel::{Cancel, Cancelled};
use crate::dataset::options::Options;
use crate::dataset::repo::Repo;
use crate::dataset::report::sample::{Place, Sample, place_name};
use crate::dataset::split::Split;
use crate::dataset::write::read::{Dataset, ReadError};
use crate::model::{Model, TokenizerError};
use crate::secrets::{RulesError, Secrets};

/// How many breaches of a claim are told; all are counted.
const MAX_TOLD: usize = 5;
/// How many examples' contexts are assembled again unless all are.
const PARITY_SAMPLE: usize = 400;
/// Examples that are checked side by side.
const BATCH: usize = 512;

/// Why a dataset cannot be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Its metadata does not tell how it was made.
    #[error(
        "metadata.json: {0}; verify with the version of fimd that wrote the dataset, which it names as `version`"
    )]
    Metadata(String),
    /// The tokenizer cannot read a text.
    #[error("tokens cannot be counted: {0}")]
    Tokens(#[from] TokenizerError),
    /// Secrets could not be found.
    #[error(transparent)]
    Secrets(#[from] RulesError),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Something that a dataset claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// Both parts can be read, every line.
    Readable,
    /// The files that the examples come from are as they were.
    Source,
    /// The parts are the file's own text.
    RoundTrip,
    /// `text` is made of the parts as the family wants it.
    Text,
    /// No part spells a marker.
    Markers,
    /// The sizes keep to the options.
    Budget,
    /// The context does not give the middle away.
    Context,
    /// The context is what an editor gets.
    Parity,
    /// No file is in both parts.
    SplitFiles,
    /// No near duplicates are in different parts.
    SplitClusters,
    /// Training does not show what validates.
    Unseen,
    /// No file is a duplicate of another.
    DuplicateFiles,
    /// No example is a duplicate of another.
    DuplicateExamples,
    /// The metadata counts what is there.
    Metadata,
}

impl Claim {
    const ALL: [Self; 14] = [
        Self::Readable,
        Self::Source,
        Self::RoundTrip,
        Self::Text,
        Self::Markers,
        Self::Budget,
        Self::Context,
        Self::Parity,
        Self::SplitFiles,
        Self::SplitClusters,
        Self::Unseen,
        Self::DuplicateFiles,
        Self::DuplicateExamples,
        Self::Metadata,
    ];

    /// What is claimed, in a few words.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::Readable => "every line is an example",
            Self::Source => "each file that an example comes from is there as it was",
            Self::RoundTrip => "prefix, middle and suffix are the file's own text",
            Self::Text => "`text` is the family's rendering of the parts, each marker once",
            Self::Markers => "no part spells a marker of the family",
            Self::Budget => "lengths and lines keep to the options",
            Self::Context => "no context holds its example's middle, exactly or nearly",
            Self::Parity => "contexts are what getContext answers with the hole cut out",
            Self::SplitFiles => "no file is in both parts",
            Self::SplitClusters => "no near duplicates of a file are in the other part",
            Self::Unseen => {
                "no middle that validates stands in what is trained on, exactly or nearly"
            }
            Self::DuplicateFiles => "no file is a duplicate of another",
            Self::DuplicateExamples => "no example is a duplicate of another",
            Self::Metadata => "metadata.json tells what is there",
        }
    }
}

/// What came of checking a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The claim.
    pub claim: Claim,
    /// See [`Claim::says`].
    pub says: &'static str,
    /// How many examples, files or figures were checked.
    pub checked: usize,
    /// Why the dataset does not claim it; it is not checked then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_claimed: Option<&'static str>,
    /// How many breaches there are.
    pub breached: usize,
    /// The first few.
    pub breaches: Vec<Breach>,
}

/// One place where a dataset breaks its word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Where in the dataset: the part and the number of the example in it, from
    /// 1, as in `train:14`, or a file of the dataset.
    pub at: String,
    /// The key of the source file, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What was expected and what was found.
    pub what: String,
}

/// All findings on a dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// Whether no claim is breached.
    pub holds: bool,
    /// Examples to train on.
    pub train: usize,
    /// Examples to validate with.
    pub val: usize,
    /// One for each claim.
    pub findings: Vec<Finding>,
    /// How much of the validation training shows.
    pub exposure: Exposure,
}

/// Checks the claims of `dataset`, which is made for `model` from `projects`,
/// whose names are those that its records call them by; in parallel on the
/// current rayon pool. A record of another project is a breach. What needs the context assembled again, is checked for all examples if `all`,
/// else for a few hundred drawn with the dataset's seed: parity, and in the
/// style of repositories `text`.
///
/// # Errors
/// See [`VerifyError`]. What cannot be read of the parts is a breach instead.
pub fn verify(
    dataset: &Dataset,
    projects: &[Repo<'_>],
    model: &Model,
    all: bool,
    cancel: &Cancel,
) -> Result<Verification, VerifyError> {
    let checker = examples::Checker {
        projects,
        model,
        secrets: Secrets::new()?,
        options: options_of(dataset)?,
        cancel,
    };
    let mut ledger = Ledger::default();
    let mut census = Census::default();
    let seed = checker.options.seed;
    let mut sample = Sample::new(PARITY_SAMPLE, seed, "\0verify");
    for part in [Split::Train, Split::Validation] {
        each_batch(dataset, part, &mut ledger, |batch, ledger| {
            for claim in examples::CLAIMS {
                ledger.check(claim, batch.len());
            }
            if checker.texts_need_no_context() {
                ledger.check(Claim::Text, batch.len());
            }
            for ((place, example), checked) in batch.iter().zip(checker.check(batch)?) {
                sample.offer(*place, || ());
                for (claim, what) in checked.breaches {
                    ledger.breach(claim, Breach::of(*place, &example.filepath, what));
                }
                census.add(*place, example, checked.fits, checked.key);
            }
            Ok(())
        })?;
    }
    census.close(dataset, &checker, &mut ledger)?;
    let sample: BTreeMap<Place, ()> = sample.drawn().collect();
    let exposed = census.exposed();
    let mut unread = Ledger::default();
    for part in [Split::Train, Split::Validation] {
        each_batch(dataset, part, &mut unread, |batch, _| {
            let wanted = |place: &Place| all || sample.contains_key(place);
            let sampled: Vec<_> = batch.iter().filter(|(place, _)| wanted(place)).collect();
            ledger.check(Claim::Parity, sampled.len());
            if !checker.texts_need_no_context() {
                ledger.check(Claim::Text, sampled.len());
            }
            for ((place, example), objections) in sampled.iter().zip(checker.parity(&sampled)?) {
                for (claim, what) in objections {
                    ledger.breach(claim, Breach::of(*place, &example.filepath, what));
                }
            }
            if part == Split::Train {
                exposed.look(batch, cancel)?;
            }
            Ok(())
        })?;
    }
    let exposure = exposed.close(&checker.options, &mut ledger);
    let findings = ledger.into_findings();
    Ok(Verification {
        holds: findings.iter().all(|finding| finding.breached == 0),
        train: census.examples(Split::Train),
        val: census.examples(Split::Validation),
        findings,
        exposure,
    })
}

/// The options that the dataset says it was made with.
///
/// # Errors
/// [`VerifyError::Metadata`] if it says nothing that can be understood.
pub fn options_of(dataset: &Dataset) -> Result<Options, VerifyError> {
    let wrong = |reason: String| VerifyError::Metadata(format!("options: {reason}"));
    let options = dataset.metadata.get("options");
    let options = options.ok_or_else(|| wrong("missing".into()))?;
    serde_json::from_value(options.clone()).map_err(|error| wrong(error.to_string()))
}

/// An example and where it stands.
type Placed = (Place, super::Example);

/// Reads a part in batches; what cannot be read goes to `ledger`.
fn each_batch(
    dataset: &Dataset,
    part: Split,
    ledger: &mut Ledger,
    mut work: impl FnMut(&[Placed], &mut Ledger) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let unreadable = |error: ReadError| Breach {
        at: error.to_string(),
        file: None,
        what: "expected an example".into(),
    };
    let examples = match dataset.examples(part) {
        Ok(examples) => examples,
        Err(error) => {
            ledger.breach(Claim::Readable, unreadable(error));
            return Ok(());
        }
    };
    let mut batch = Vec::with_capacity(BATCH);
    for (number, example) in (1..).zip(examples) {
        ledger.check(Claim::Readable, 1);
        match example {
            Ok(example) => batch.push(((part, number), example)),
            Err(error) => ledger.breach(Claim::Readable, unreadable(error)),
        }
        if batch.len() == BATCH {
            work(&batch, ledger)?;
            batch.clear();
        }
    }
    work(&batch, ledger)
}

impl Breach {
    fn of(place: Place, file: &str, what: String) -> Self {
        Self {
            at: place_name(place),
            file: Some(file.to_owned()),
            what,
        }
    }
}

/// `text` in quotes, of a long one its beginning.
fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// What was checked and found so far.
#[derive(Debug, Default)]
struct Ledger {
    findings: BTreeMap<Claim, Finding>,
}

impl Ledger {
    fn of(&mut self, claim: Claim) -> &mut Finding {
        self.findings.entry(claim).or_insert_with(|| Finding {
            claim,
            says: claim.says(),
            checked: 0,
            not_claimed: None,
            breached: 0,
            breaches: Vec::new(),
        })
    }

    /// Notes that `count` more were checked.
    fn check(&mut self, claim: Claim, count: usize) {
        self.of(claim).checked += count;
    }

    fn breach(&mut self, claim: Claim, breach: Breach) {
        let finding = self.of(claim);
        finding.breached += 1;
        if finding.breaches.len() < MAX_TOLD {
            finding.breaches.push(breach);
        }
    }

    fn not_claimed(&mut self, claim: Claim, why: &'static str) {
        self.of(claim).not_claimed = Some(why);
    }

    fn into_findings(mut self) -> Vec<Finding> {
        for claim in Claim::ALL {
            self.of(claim);
        }
        self.findings.into_values().collect()
    }
}

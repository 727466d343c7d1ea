//! The claims that a dataset makes, and the findings of the checks.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::dataset::report::sample::{ExamplePosition, position_name};

/// Why a part of a larger dataset makes no claims on examples of different projects.
pub(super) const PARTIAL: &str = "it is part of a larger one, each project made for itself";

/// The most breaches that a finding lists. It counts all of them.
const MAX_LISTED: usize = 200;

/// A claim of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// Every line of both splits can be read.
    Readable,
    /// The folder has the files of one dataset, and the card tells what the metadata
    /// tell.
    Files,
    /// The source files of the examples have not changed.
    Source,
    /// Repository, commit, licence and hash are those of the source.
    Provenance,
    /// The options and the seed draw each hole from its file, with its kind and name.
    Holes,
    /// Prefix, middle and suffix are the text of the source file.
    RoundTrip,
    /// `text` is the model family's rendering of context, prefix, middle and suffix.
    Text,
    /// No context, prefix, middle or suffix spells a control token.
    Markers,
    /// The lengths are within the limits of the options.
    Budget,
    /// The context does not give the middle away.
    Context,
    /// The text before the middle is the prompt that an editor's request makes.
    Parity,
    /// No example shows what the evaluations hold.
    Evaluation,
    /// The training examples are in the order of the curriculum.
    Order,
    /// In a part of a larger dataset, the hash of a file's text decides its split.
    SplitRule,
    /// No file gives examples to both splits.
    SplitFiles,
    /// No near duplicates of a file are in the other split.
    SplitClusters,
    /// No training example gives the middle of a validation example away: see
    /// [`MiddleRule`](crate::dataset::duplicates::MiddleRule).
    Unseen,
    /// No file is a duplicate of another file.
    DuplicateFiles,
    /// No example is a duplicate of another example.
    DuplicateExamples,
    /// The figures in the metadata are those of the examples.
    Metadata,
    /// Made again from the source, the dataset is the same: each line, figure and file.
    Again,
}

impl Claim {
    /// All claims, in the order of the findings.
    const ALL: [Self; 21] = [
        Self::Readable,
        Self::Files,
        Self::Source,
        Self::Provenance,
        Self::Holes,
        Self::RoundTrip,
        Self::Text,
        Self::Markers,
        Self::Budget,
        Self::Context,
        Self::Parity,
        Self::Evaluation,
        Self::Order,
        Self::SplitRule,
        Self::SplitFiles,
        Self::SplitClusters,
        Self::Unseen,
        Self::DuplicateFiles,
        Self::DuplicateExamples,
        Self::Metadata,
        Self::Again,
    ];

    /// The claim in a few words.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::Readable => "every line is an example",
            Self::Files => "the folder has the files of one dataset, which the card tells",
            Self::Provenance => "repo, commit, license and content_hash are the source's",
            Self::Holes => "the options and the seed propose each hole, with its kind and name",
            Self::Evaluation => "no example shows what the evaluations hold, exactly or nearly",
            Self::Order => "the hardest examples to train on come first",
            Self::SplitRule => "the hash of a file's text decides its part",
            Self::Again => "made again, every line, number and file is the same",
            Self::Source => "each file that an example comes from is there as it was",
            Self::RoundTrip => "prefix, middle and suffix are the file's own text",
            Self::Text => "`text` is the family's rendering of the parts, each marker once",
            Self::Markers => "no part spells a marker of the family",
            Self::Budget => "lengths and lines keep to the options",
            Self::Context => "no context gives its example's middle away",
            Self::Parity => {
                "what stands before a middle is what complete sends with the hole cut out"
            }
            Self::SplitFiles => "no file is in both parts",
            Self::SplitClusters => "no near duplicates of a file are in the other part",
            Self::Unseen => "no middle that validates is given away by what is trained on",
            Self::DuplicateFiles => "no file is a duplicate of another",
            Self::DuplicateExamples => "no example is a duplicate of another",
            Self::Metadata => "metadata.json tells what is there",
        }
    }
}

/// The result of checking a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The claim.
    pub claim: Claim,
    /// See [`Claim::says`].
    pub says: &'static str,
    /// The number of examples, files or figures that were checked.
    pub checked: usize,
    /// The reason why the dataset does not make the claim. It is then not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_claimed: Option<&'static str>,
    /// The number of breaches.
    pub breached: usize,
    /// The first few breaches.
    pub breaches: Vec<Breach>,
}

/// A breach of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// The position in the dataset: the split and the number of the example in it,
    /// from 1, as in `train:14`; or a file of the dataset.
    pub at: String,
    /// The key of the source file, if the breach is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What was expected and what was found.
    pub what: String,
}

/// The objections to one example.
pub(super) type Objections = Vec<(Claim, String)>;

/// `text` in quotes; only the beginning of a long text.
pub(super) fn quoted(text: &str) -> String {
    /// The most characters that are shown.
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Collects the findings while the checks run.
#[derive(Debug, Default)]
pub(super) struct Findings {
    by_claim: BTreeMap<Claim, Finding>,
}

impl Findings {
    fn of(&mut self, claim: Claim) -> &mut Finding {
        self.by_claim.entry(claim).or_insert_with(|| Finding {
            claim,
            says: claim.says(),
            checked: 0,
            not_claimed: None,
            breached: 0,
            breaches: Vec::new(),
        })
    }

    /// Notes that `count` more examples, files or figures were checked.
    pub(super) fn check(&mut self, claim: Claim, count: usize) {
        self.of(claim).checked += count;
    }

    /// Adds a breach of `claim`.
    pub(super) fn breach(&mut self, claim: Claim, breach: Breach) {
        let finding = self.of(claim);
        finding.breached += 1;
        if finding.breaches.len() < MAX_LISTED {
            finding.breaches.push(breach);
        }
    }

    /// Adds the objections to the example at `position`, which comes from `file`.
    pub(super) fn object(&mut self, position: ExamplePosition, file: &str, objections: Objections) {
        for (claim, what) in objections {
            self.breach(claim, Breach::of_example(position, file, what));
        }
    }

    /// Notes why the dataset does not make `claim`.
    pub(super) fn not_claimed(&mut self, claim: Claim, why: &'static str) {
        self.of(claim).not_claimed = Some(why);
    }

    /// One finding for each claim, in the order of the claims.
    pub(super) fn into_list(mut self) -> Vec<Finding> {
        for claim in Claim::ALL {
            self.of(claim);
        }
        self.by_claim.into_values().collect()
    }
}

impl Breach {
    /// A breach by the example at `position`, which comes from the source file
    /// `file`.
    pub(super) fn of_example(position: ExamplePosition, file: &str, what: String) -> Self {
        Self {
            at: position_name(position),
            file: Some(file.to_owned()),
            what,
        }
    }
}

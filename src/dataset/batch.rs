//! What a run knows of the examples it has made, beside their lines: what has
//! to outlive a kill.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::record::SpanKind;
use crate::dataset::template::SpooledExample;
use crate::model::{FimFormat, TokenCounts};

/// What came of some files in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// What was read of the project, as a digest: its name, and the keys and
    /// texts of its files.
    pub project: String,
    /// The number of the first file, counted from 0 over the whole run.
    pub first: usize,
    /// Each file in order.
    pub files: Vec<FileOutcome>,
    /// The lines of what was refused, if somebody wants to see them: see
    /// [`mod@super::reject`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rejects: String,
}

/// What came of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOutcome {
    /// Its holes that were tried, in their order.
    pub attempts: Vec<HoleOutcome>,
    /// The keys of those that were not, as near duplicates of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<u128>,
    /// What was turned down before, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// How much text is kept for its examples, in bytes: 0 if none is kept as a
    /// place in it.
    pub text_bytes: usize,
}

/// What came of one hole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoleOutcome {
    /// Where the hole starts in the file, in bytes.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What near duplicates have in common with it, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u128>,
    /// The example, or why there is none.
    pub made: Result<ExampleSummary, String>,
    /// The secrets in its four parts, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, u64>,
}

/// The lengths of an example's parts, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Of the context.
    pub context: u32,
    /// Of the prefix.
    pub prefix: u32,
    /// Of the middle.
    pub middle: u32,
    /// Of the suffix.
    pub suffix: u32,
    /// See [`Example::context_max_chars`](crate::dataset::Example::context_max_chars).
    pub context_max: u32,
}

impl Sizes {
    /// Those of parts of so many characters; what is beyond all measure counts
    /// as the most that there can be.
    pub(super) fn new([context, prefix, middle, suffix]: [usize; 4], context_max: usize) -> Self {
        let size = |chars: usize| u32::try_from(chars).unwrap_or(u32::MAX);
        Self {
            context: size(context),
            prefix: size(prefix),
            middle: size(middle),
            suffix: size(suffix),
            context_max: size(context_max),
        }
    }
}

/// What a run knows of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExampleSummary {
    /// Equal for equal text around and in the hole.
    pub digest: u128,
    /// See [`Example::span_kind`](crate::dataset::Example::span_kind).
    pub kind: SpanKind,
    /// The bits of [`Example::complexity_score`](crate::dataset::Example::complexity_score):
    /// a number in decimal might come back as its neighbour.
    pub complexity: u64,
    /// How its text is made.
    pub shape: TextShape,
    /// How long it is.
    pub sizes: Sizes,
    /// How it is kept.
    pub kept: SpooledExample,
}

/// How one text is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextShape {
    /// The order of its parts.
    pub format: FimFormat,
    /// How many control tokens in its source were neutralised.
    pub neutralised: usize,
    /// Its tokens, if there is a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenCounts>,
}

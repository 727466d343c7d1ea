//! What a run knows of the examples it has made, beside their lines. A sink can
//! store it, so that a later run resumes after a kill.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::record::SpanKind;
use crate::dataset::template::SpooledExample;
use crate::model::{FimFormat, TokenCounts};

/// The outcomes of some files in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The digest of the project: of its name, and of the keys and texts of its
    /// files.
    pub project: String,
    /// The number of the first file, counted from 0 over the whole run.
    pub first: usize,
    /// The outcome of each file, in their order.
    pub files: Vec<FileOutcome>,
    /// The lines of the file of rejects for these files: see
    /// [`mod@super::reject`]. Empty unless the options ask for them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rejects: String,
}

/// The outcome of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOutcome {
    /// The outcome of each hole that an example was built for, in their order.
    pub attempts: Vec<HoleOutcome>,
    /// The keys of the other holes, which are near duplicates of earlier ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<u128>,
    /// How many proposals were rejected, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// The length of the file's text in the sink, in bytes. 0 if no example refers
    /// to that text.
    pub text_bytes: usize,
}

/// The outcome of one hole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoleOutcome {
    /// Where the hole starts in the file, in bytes.
    pub start: usize,
    /// One past the last byte of the hole.
    pub end: usize,
    /// The key that is equal for near duplicates. None unless the options look for
    /// them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u128>,
    /// A key that middles share which differ in white space and literals only.
    pub middle: u64,
    /// The example, or the reason why there is none.
    pub made: Result<ExampleSummary, String>,
    /// The secrets in the four parts of the example, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, u64>,
}

/// The lengths of an example's parts, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// The length of the context.
    pub context: u32,
    /// The length of the prefix.
    pub prefix: u32,
    /// The length of the middle.
    pub middle: u32,
    /// The length of the suffix.
    pub suffix: u32,
    /// See [`Example::context_max_chars`](crate::dataset::Example::context_max_chars).
    pub context_max: u32,
}

impl Sizes {
    /// The sizes of parts with these numbers of characters. Larger numbers than 32
    /// bits hold count as the largest.
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

/// What a run keeps of an example in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExampleSummary {
    /// The digest of prefix, middle and suffix.
    pub digest: u128,
    /// See [`Example::span_kind`](crate::dataset::Example::span_kind).
    pub kind: SpanKind,
    /// The bits of [`Example::complexity_score`](crate::dataset::Example::complexity_score). A
    /// decimal number might be read back as a neighbour of the value.
    pub complexity: u64,
    /// The format, control tokens and length of its text.
    pub shape: TextShape,
    /// The lengths of its parts.
    pub sizes: Sizes,
    /// How the sink stores it.
    pub kept: SpooledExample,
}

/// The format, control tokens and length of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextShape {
    /// The order of its parts.
    pub format: FimFormat,
    /// How many control tokens in its parts are neutralised.
    pub neutralised: usize,
    /// The tokens of its parts. None without a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenCounts>,
}

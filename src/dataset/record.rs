//! The record of one example: the fields of a line of a dataset.

use serde::{Deserialize, Serialize};

use crate::model::FimFormat;

/// One training example: a line of `train.jsonl` or `val.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The whole training string in the family's format.
    pub text: String,
    /// The file's own text just before the hole.
    pub prefix: String,
    /// What was cut out.
    pub middle: String,
    /// The file's own text just after the hole.
    pub suffix: String,
    /// Text of other files, as `getContext` answers it; stands before `prefix`
    /// in `text`, laid out as the family wants it.
    pub context: String,
    /// The file's key.
    pub filepath: String,
    /// How the hole was chosen.
    pub span_kind: SpanKind,
    /// See [`Hole::name`](crate::dataset::cut::holes::Hole::name).
    pub span_name: String,
    /// Where the hole starts in the file, in bytes.
    pub start_byte: usize,
    /// One past the hole's last byte.
    pub end_byte: usize,
    /// Lines that the middle has a part of.
    pub middle_lines: usize,
    /// See [`complexity`](crate::dataset::cut::quality::complexity).
    pub complexity_score: f64,
    /// That of the whole file.
    pub file_complexity: f64,
    /// The `max_chars` that the context was assembled with; 0 for none.
    pub context_max_chars: usize,
    /// The order of the parts in `text`.
    #[serde(default)]
    pub format: FimFormat,
    /// The tokens of `text`, if there is a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// How many control tokens in the four parts were neutralised:
    /// [`ControlTokens::restore`] gives the files' own text back, but for secrets.
    #[serde(default)]
    pub markers_neutralised: usize,
    /// How many secrets placeholders stand for, in context, prefix, middle and
    /// suffix. Without one the last three are the file's own bytes.
    pub redacted: u64,
    /// The project that the file is of; absent where there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// The commit that was checked out; only with [`Options::provenance`](crate::dataset::options::Options::provenance), as
    /// the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The licence, as an SPDX expression where it is known by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The BLAKE3 hash of the file's bytes, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
}

/// How a hole was chosen.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum SpanKind {
    /// One node of the syntax tree, the larger the likelier.
    AstNode,
    /// A random span snapped to a run of sibling nodes.
    AstAligned,
    /// A run of whole lines, in files that are not parsed.
    Lines,
    /// The inside of `{…}`, in files that are not parsed.
    Braces,
    /// The rest of a line after `->`, `::`, `= `, `return ` or `(`.
    LineRest,
    /// The inside of a pair of brackets.
    BracketContent,
    /// The statement or declaration after a comment.
    AfterComment,
    /// The doc comment before a function.
    DocComment,
    /// Random characters.
    CharSpan,
}

impl SpanKind {
    /// Its name on the command line and in the records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AstNode => "ast_node",
            Self::AstAligned => "ast_aligned",
            Self::Lines => "lines",
            Self::Braces => "braces",
            Self::LineRest => "line_rest",
            Self::BracketContent => "bracket_content",
            Self::AfterComment => "after_comment",
            Self::DocComment => "doc_comment",
            Self::CharSpan => "char_span",
        }
    }
}

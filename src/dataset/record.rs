//! The record of one example: a line of a dataset.

use serde::{Deserialize, Serialize};

use crate::model::FimFormat;

/// One training example: a line of `train.jsonl` or `val.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The whole text for training, in the format of the model family.
    pub text: String,
    /// The text of the file before the hole.
    pub prefix: String,
    /// The text that was cut out of the hole.
    pub middle: String,
    /// The text of the file after the hole.
    pub suffix: String,
    /// The cross-file context, as `getContext` answers it with this `start_offset`. It stands before `prefix`
    /// in `text`, in the layout of the model family.
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
    /// The number of lines that the middle has a part of.
    pub middle_lines: usize,
    /// See [`complexity`](crate::dataset::cut::quality::complexity).
    pub complexity_score: f64,
    /// The complexity of the whole file.
    pub file_complexity: f64,
    /// The `max_chars` with which the context was assembled; 0 for no context.
    pub context_max_chars: usize,
    /// The byte of the file from which the text before the hole counts as typed for the
    /// context, which is that of [`assemble_from`](crate::context::assemble_from) there.
    pub context_start: usize,
    /// The order of the parts in `text`.
    #[serde(default)]
    pub format: FimFormat,
    /// The number of tokens in `text`. None without a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// How many control tokens in the four parts are neutralised.
    /// [`ControlTokens::restore`](crate::model::ControlTokens::restore) gives the
    /// text of the files back, except for secrets.
    #[serde(default)]
    pub markers_neutralised: usize,
    /// How many secrets in context, prefix, middle and suffix placeholders stand
    /// for. If this and `markers_neutralised` are 0, the last three are the bytes
    /// of the file.
    pub redacted: u64,
    /// The commit that added the middle, if the example is from the file's history. The
    /// bytes of the hole are then those of the text that this field and the two after it
    /// tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_commit: Option<String>,
    /// The file's key in that commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_path: Option<String>,
    /// How many of the places at which the commit changed the file the text has as they
    /// are after the commit, counted from the top; the others are as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_places: Option<usize>,
    /// The project of the file. Absent if the run has one project only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// The commit that was checked out. This field and those after it are there with
    /// [`Options::provenance`](crate::dataset::options::Options::provenance) only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The licence, as an SPDX expression if it is known by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The BLAKE3 hash of the file's bytes, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
}

/// The way in which a hole is chosen.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum SpanKind {
    /// One node of the syntax tree. Larger nodes are likelier.
    AstNode,
    /// A random span snapped to a run of sibling nodes.
    AstAligned,
    /// A run of whole lines, in a file that is not parsed.
    Lines,
    /// The inside of `{…}`, in a file that is not parsed.
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
    /// What a commit added at one place.
    Commit,
}

impl SpanKind {
    /// The name on the command line and in records.
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
            Self::Commit => "commit",
        }
    }
}

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
    /// What is not typed yet in the buffer, beside the middle: see [`Unfinished`]. None if
    /// the buffer is the file without the middle.
    ///
    /// [`Unfinished`]: crate::dataset::cut::unfinished::Unfinished
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer: Option<String>,
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
    /// At most a line, from inside an identifier or right behind `->`, `::`, `(`, `$` or
    /// `'` on.
    Typing,
    /// At most a line, from another token on.
    OneLine,
    /// The rest of a line after `->`, `::`, `= `, `return ` or `(`.
    LineRest,
    /// The rest of a statement, from a token of its first line on.
    StatementRest,
    /// The arguments of a call.
    Arguments,
    /// The inside of a block or body, behind its `{`.
    Block,
    /// The statement or declaration after a comment.
    AfterComment,
    /// The doc comment before a function.
    DocComment,
    /// A node of the syntax tree of two lines or more.
    MultiLine,
    /// One node of the syntax tree. Larger nodes are likelier.
    AstNode,
    /// A random span snapped to a run of sibling nodes.
    AstAligned,
    /// The inside of a pair of brackets.
    BracketContent,
    /// Random characters, up to the end of a word.
    CharSpan,
    /// A run of whole lines, in a file that is not parsed.
    Lines,
    /// The inside of `{…}`, in a file that is not parsed.
    Braces,
    /// What a commit added at one place.
    Commit,
}

impl SpanKind {
    /// All kinds that a mix may have.
    pub const ALL: [Self; 15] = [
        Self::Typing,
        Self::OneLine,
        Self::LineRest,
        Self::StatementRest,
        Self::Arguments,
        Self::Block,
        Self::AfterComment,
        Self::DocComment,
        Self::MultiLine,
        Self::AstNode,
        Self::AstAligned,
        Self::BracketContent,
        Self::CharSpan,
        Self::Lines,
        Self::Braces,
    ];

    /// The name on the command line and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Typing => "typing",
            Self::OneLine => "one_line",
            Self::LineRest => "line_rest",
            Self::StatementRest => "statement_rest",
            Self::Arguments => "arguments",
            Self::Block => "block",
            Self::AfterComment => "after_comment",
            Self::DocComment => "doc_comment",
            Self::MultiLine => "multi_line",
            Self::AstNode => "ast_node",
            Self::AstAligned => "ast_aligned",
            Self::BracketContent => "bracket_content",
            Self::CharSpan => "char_span",
            Self::Commit => "commit",
            Self::Lines => "lines",
            Self::Braces => "braces",
        }
    }

    /// The kind with this name; `-` may stand for `_`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.replace('-', "_");
        match &*name {
            "rest_of_line" => Some(Self::LineRest),
            "rest_of_statement" => Some(Self::StatementRest),
            name => Self::ALL.into_iter().find(|kind| kind.name() == name),
        }
    }

    /// The fewest characters of a middle of this kind, unless the options say how many.
    #[must_use]
    pub fn min_chars(self) -> usize {
        match self {
            Self::Typing
            | Self::OneLine
            | Self::LineRest
            | Self::StatementRest
            | Self::Arguments => 3,
            Self::Block | Self::AfterComment | Self::DocComment | Self::MultiLine => 12,
            Self::AstNode
            | Self::AstAligned
            | Self::BracketContent
            | Self::CharSpan
            | Self::Lines
            | Self::Braces
            | Self::Commit => 40,
        }
    }
}

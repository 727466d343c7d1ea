//! Tags and their kinds.

use std::ops::Range;

use super::config::Config;
use super::fault::Fault;
use super::fim::Fim;
use super::parser::{CLOSE, Parsed, TagParser};

/// A tag in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// Its range in the text, in bytes.
    pub range: Range<usize>,
    /// Its kind.
    pub kind: TagKind,
    /// How many bytes, from its start, the parser has looked at. An edit behind them
    /// cannot change the tag.
    pub(super) reach: usize,
}

/// The kind of a tag, with its content.
#[derive(Clone, Debug, PartialEq)]
pub enum TagKind {
    /// A model replaces it by generated text.
    Fim(Fim),
    /// It bounds the text that the model is shown.
    Boundary(Boundary),
    /// A comment, which the model is never shown: the range of its text, in bytes from
    /// the tag's start.
    Comment(Range<usize>),
    /// It changes settings.
    Config(Config),
    /// It begins like a tag but is malformed.
    Invalid(Fault),
}

impl TagKind {
    /// The name of the kind, for messages and JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fim(_) => "fim",
            Self::Boundary(boundary) => match boundary.side {
                Side::Prefix => "prefix",
                Side::Suffix => "suffix",
            },
            Self::Comment(_) => "comment",
            Self::Config(_) => "config",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// A prefix or suffix tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// The side of a FIM tag that it bounds.
    pub side: Side,
    /// Whether it stays in the text after a run that it has bounded.
    pub hard: bool,
}

/// A side of a FIM tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The text before it.
    Prefix,
    /// The text after it.
    Suffix,
}

impl TagParser<'_> {
    /// Reads a prefix or suffix tag; none if the word is another one.
    pub(super) fn boundary(&mut self) -> Option<Parsed<Boundary>> {
        let start = self.at();
        let (side, hard) = match self.word() {
            "prefix" => (Side::Prefix, false),
            "PREFIX" => (Side::Prefix, true),
            "suffix" => (Side::Suffix, false),
            "SUFFIX" => (Side::Suffix, true),
            _ => {
                self.rewind(start);
                return None;
            }
        };
        self.skip_space();
        Some(match self.eat(CLOSE) {
            true => Ok(Boundary { side, hard }),
            false => Err(self.expected("`]]]`", "a prefix or suffix tag is that one word")),
        })
    }
}

//! Tags and their kinds.

use std::ops::Range;

use super::config::Config;
use super::fault::{Fault, Note, NoteKind};
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

    /// The notes on the tag.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        match self {
            Self::Fim(fim) => &fim.notes,
            Self::Boundary(boundary) => &boundary.notes,
            Self::Config(config) => &config.notes,
            Self::Comment(_) | Self::Invalid(_) => &[],
        }
    }
}

/// A prefix or suffix tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// The side of a FIM tag that it bounds.
    pub side: Side,
    /// Whether it stays in the text after a run that it has bounded.
    pub hard: bool,
    /// Notes on it.
    pub notes: Vec<Note>,
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
        let name = self.word();
        let (side, mut hard) = match name {
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
        if let Some((word, is_hard)) = self.hardness() {
            hard = is_hard;
            let message = format!("{word} behind {name}");
            self.note(NoteKind::Extension, start, message);
            self.skip_space();
        }
        Some(match self.eat(CLOSE) {
            true => Ok(Boundary {
                side,
                hard,
                notes: self.take_notes(),
            }),
            false => Err(self.expected("`]]]`", "a prefix or suffix tag is that one word")),
        })
    }

    /// Reads `soft` or `hard`, in any case, as FIMpad does. Returns the word in
    /// lower case and whether it is `hard`; none if it is another word.
    fn hardness(&mut self) -> Option<(&'static str, bool)> {
        let start = self.at();
        let word = self.word();
        if word.eq_ignore_ascii_case("hard") {
            return Some(("hard", true));
        }
        if word.eq_ignore_ascii_case("soft") {
            return Some(("soft", false));
        }
        self.rewind(start);
        None
    }
}

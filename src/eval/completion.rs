//! Measures completions on a project's own code: how good the answers of a model server
//! are at holes whose text is known, under several conditions.
//!
//! [`holes`] draws holes at names. [`measures`] compare one answer with the text that was
//! cut out, [`figure`] says what the figures are, [`report`] folds them over the answers
//! with the intervals of [`statistics`], [`table`] shows it in a terminal, and [`page`]
//! with the cases.

pub mod figure;
pub mod holes;
pub mod measures;
pub mod page;
pub mod report;
pub mod statistics;
pub mod table;

use serde::{Deserialize, Serialize};

/// A place where text was cut out, at which every condition is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompletionHole {
    /// Its number.
    pub id: u32,
    /// The file: its path in the project, with the repository in front if there are
    /// several. Holes with the same path are in the same file.
    pub path: String,
    /// Where it stands in the buffer, in bytes.
    pub cursor: usize,
    /// The kind of hole.
    pub kind: String,
    /// The directory by which results are grouped.
    pub directory: String,
    /// The text that was cut out.
    pub middle: String,
    /// The name in it that only another file declares, if there is one.
    pub needed: Option<String>,
    /// A few lines before the hole, for the browser of cases.
    pub before: String,
    /// A few lines behind it.
    pub after: String,
}

/// What a model server answered at one hole under one condition: a line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerRow {
    /// The number of the hole.
    pub hole: u32,
    /// The index of the condition. The baseline has 0.
    pub condition: u32,
    /// What a user would see; empty if that is nothing.
    pub shown: String,
    /// What the model wrote.
    pub raw: String,
    /// The cross-file context of the prompt.
    pub context: String,
    /// Whether the context holds the needed name; none if the hole needs none.
    pub needed_in_context: Option<bool>,
    /// Whether the answer ended at the token limit.
    pub cut: bool,
    /// Whether the file parses with the answer in place; none if it did not parse with
    /// the middle either.
    pub parses: Option<bool>,
    /// The tokens of the prompt that the server read, if it says so.
    pub tokens_read: Option<u32>,
    /// The tokens of the prompt that it had read before, if it says so.
    pub tokens_reused: Option<u32>,
    /// The tokens that it wrote, if it says so.
    pub tokens_written: Option<u32>,
    /// The time to the first text, in milliseconds; none if there was no text.
    pub first_token_ms: Option<f64>,
    /// The time to the end of the answer, in milliseconds.
    pub total_ms: f64,
    /// Bits per character of the middle, by the model's probabilities, if the server
    /// gives them.
    pub bits_per_char: Option<f64>,
    /// Why there is no answer. The row is then in no figure.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests;

//! The figures by which answers are judged, and their values for one answer.

use serde::{Serialize, Serializer};

use super::measures::AnswerMeasures;
use super::statistics::{Estimate, Seen};
use super::{AnswerRow, CompletionHole};
use crate::eval::typing::holds_word;

/// One figure of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// The answer is the middle.
    Exact,
    /// Its first line is the middle's.
    FirstLine,
    /// The share of the middle that the answer begins with.
    AcceptedShare,
    /// The characters of the middle that the answer begins with.
    AcceptedChars,
    /// The similarity of answer and middle.
    EditSimilarity,
    /// The identifiers are the middle's.
    IdentifiersExact,
    /// F1 of the identifiers.
    IdentifiersF1,
    /// The answer holds the name that only another file declares.
    NeededName,
    /// The file parses with the answer in place.
    Parses,
    /// The user would see nothing.
    Empty,
    /// The answer ended at the token limit.
    Cut,
    /// The share of runs of tokens that the answer repeats.
    Repetition,
    /// Bits per character of the middle, by the model's probabilities.
    BitsPerChar,
    /// The tokens that the server wrote.
    TokensWritten,
    /// The tokens of the prompt that the server read.
    TokensRead,
    /// The tokens of the prompt that the server had read before.
    TokensReused,
    /// The time to the first text, in milliseconds.
    FirstTokenMs,
    /// The time to the end of the answer, in milliseconds.
    TotalMs,
}

/// In what a figure is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// From 0 to 1, shown in percent.
    Share,
    /// Characters.
    Characters,
    /// Bits per character.
    Bits,
    /// Tokens.
    Tokens,
    /// Milliseconds.
    Milliseconds,
}

/// Which values of a figure a user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// High ones.
    High,
    /// Low ones.
    Low,
    /// Neither are better.
    Either,
}

impl Figure {
    /// All figures, in the order of tables.
    pub const ALL: [Self; 18] = [
        Self::Exact,
        Self::FirstLine,
        Self::AcceptedShare,
        Self::AcceptedChars,
        Self::EditSimilarity,
        Self::IdentifiersExact,
        Self::IdentifiersF1,
        Self::NeededName,
        Self::Parses,
        Self::Empty,
        Self::Cut,
        Self::Repetition,
        Self::BitsPerChar,
        Self::TokensWritten,
        Self::TokensRead,
        Self::TokensReused,
        Self::FirstTokenMs,
        Self::TotalMs,
    ];
    /// How many of them depend on nothing but the answers. The others come from the
    /// state and the speed of the server; no two runs have the same.
    const STABLE: usize = 14;

    /// The figures that equal answers have in common.
    #[must_use]
    pub fn stable() -> &'static [Self] {
        &Self::ALL[..Self::STABLE]
    }

    /// The figures that differ from run to run.
    #[must_use]
    pub fn varying() -> &'static [Self] {
        &Self::ALL[Self::STABLE..]
    }

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::FirstLine => "first_line",
            Self::AcceptedShare => "accepted_share",
            Self::AcceptedChars => "accepted_chars",
            Self::EditSimilarity => "edit_similarity",
            Self::IdentifiersExact => "identifiers_exact",
            Self::IdentifiersF1 => "identifiers_f1",
            Self::NeededName => "needed_name",
            Self::Parses => "parses",
            Self::Empty => "empty",
            Self::Cut => "cut",
            Self::Repetition => "repetition",
            Self::BitsPerChar => "bits_per_char",
            Self::TokensWritten => "tokens_written",
            Self::TokensRead => "tokens_read",
            Self::TokensReused => "tokens_reused",
            Self::FirstTokenMs => "first_token_ms",
            Self::TotalMs => "total_ms",
        }
    }

    /// Its name in tables.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Exact => "exact match",
            Self::FirstLine => "first line exact",
            Self::AcceptedShare => "accepted prefix",
            Self::AcceptedChars => "accepted characters",
            Self::EditSimilarity => "edit similarity",
            Self::IdentifiersExact => "identifiers exact",
            Self::IdentifiersF1 => "identifiers F1",
            Self::NeededName => "needed name written",
            Self::Parses => "file parses",
            Self::Empty => "empty",
            Self::Cut => "cut at token limit",
            Self::Repetition => "repetition",
            Self::BitsPerChar => "bits per character",
            Self::TokensWritten => "tokens written",
            Self::TokensRead => "tokens read",
            Self::TokensReused => "tokens reused",
            Self::FirstTokenMs => "first token, ms",
            Self::TotalMs => "whole answer, ms",
        }
    }

    /// In what it is counted.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::AcceptedChars => Unit::Characters,
            Self::BitsPerChar => Unit::Bits,
            Self::TokensWritten | Self::TokensRead | Self::TokensReused => Unit::Tokens,
            Self::FirstTokenMs | Self::TotalMs => Unit::Milliseconds,
            _ => Unit::Share,
        }
    }

    /// Which values are better.
    #[must_use]
    pub fn wanted(self) -> Wanted {
        match self {
            Self::Empty
            | Self::Cut
            | Self::Repetition
            | Self::BitsPerChar
            | Self::FirstTokenMs
            | Self::TotalMs => Wanted::Low,
            Self::TokensWritten | Self::TokensRead | Self::TokensReused => Wanted::Either,
            _ => Wanted::High,
        }
    }

    /// What was seen of a difference of this figure, in words.
    #[must_use]
    pub fn words(self, seen: Seen) -> &'static str {
        match (seen, self.wanted()) {
            (Seen::NoDifference, _) => "no difference seen",
            (Seen::TooFewFiles, _) => "too few files to tell",
            (Seen::Higher, Wanted::High) | (Seen::Lower, Wanted::Low) => "better",
            (Seen::Higher, Wanted::Low) | (Seen::Lower, Wanted::High) => "worse",
            (Seen::Higher, Wanted::Either) => "more",
            (Seen::Lower, Wanted::Either) => "fewer",
        }
    }

    /// Its mean as text, in its unit: `31.2 %`, `48.3`.
    #[must_use]
    pub fn value_text(self, value: f64) -> String {
        match self.unit() {
            Unit::Share => format!("{:.1} %", value * 100.0),
            Unit::Bits => format!("{value:.3}"),
            _ => format!("{value:.1}"),
        }
    }

    /// A difference of two means as text, with its sign; shares in percentage points.
    #[must_use]
    pub fn difference_text(self, difference: f64) -> String {
        let (value, digits) = match self.unit() {
            Unit::Share => (difference * 100.0, 1),
            Unit::Bits => (difference, 3),
            _ => (difference, 1),
        };
        let text = format!("{value:+.digits$}");
        // A value that rounds to 0 has no sign.
        match text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
            true => text,
            false => text[1..].to_owned(),
        }
    }
}

impl Figure {
    /// The interval of a mean in parentheses, behind a blank; empty if there is none.
    #[must_use]
    pub fn interval_text(self, mean: &Estimate) -> String {
        between(mean, |end| self.value_text(end))
    }

    /// The interval of a difference in parentheses, behind a blank; empty if there is none.
    #[must_use]
    pub fn difference_interval_text(self, difference: &Estimate) -> String {
        between(difference, |end| self.difference_text(end))
    }
}

fn between(of: &Estimate, text: impl Fn(f64) -> String) -> String {
    match of.interval {
        Some(interval) if interval.has_width() => {
            format!(" ({} to {})", text(interval.low), text(interval.high))
        }
        _ => String::new(),
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The values of all figures of one answer; NaN for those that it does not have. Nothing
/// else of an answer stays in memory.
#[derive(Clone, Copy, Debug)]
pub struct FigureValues([f64; Figure::ALL.len()]);

impl FigureValues {
    /// The values of the answer `row` at `hole`.
    #[must_use]
    pub fn new(hole: &CompletionHole, row: &AnswerRow) -> Self {
        let measures = AnswerMeasures::new(&row.shown, &row.raw, &hole.middle);
        let yes = |yes: bool| f64::from(u8::from(yes));
        let count = |count: Option<u32>| count.map(f64::from);
        let value = |figure: Figure| match figure {
            Figure::Exact => Some(yes(measures.exact)),
            Figure::FirstLine => Some(yes(measures.first_line)),
            Figure::AcceptedShare => Some(measures.accepted_share),
            Figure::AcceptedChars => Some(measures.accepted_chars as f64),
            Figure::EditSimilarity => Some(measures.edit_similarity),
            Figure::IdentifiersExact => measures.identifiers.map(|found| yes(found.exact)),
            Figure::IdentifiersF1 => measures.identifiers.map(|found| found.f1),
            Figure::NeededName => {
                let needed = hole.needed.as_deref();
                // Of a name that is half typed, the answer can have the rest only.
                let whole = needed.filter(|name| holds_word(&hole.middle, name));
                whole.map(|name| yes(holds_word(&row.shown, name)))
            }
            Figure::Parses => row.parses.map(yes),
            Figure::Empty => Some(yes(measures.empty)),
            Figure::Cut => Some(yes(row.cut)),
            Figure::Repetition => Some(measures.repetition),
            Figure::BitsPerChar => row.bits_per_char,
            Figure::TokensWritten => count(row.tokens_written),
            Figure::TokensRead => count(row.tokens_read),
            Figure::TokensReused => count(row.tokens_reused),
            Figure::FirstTokenMs => row.first_token_ms,
            Figure::TotalMs => Some(row.total_ms),
        };
        Self(Figure::ALL.map(|figure| value(figure).unwrap_or(f64::NAN)))
    }

    /// The value of `figure`; none if the answer has none.
    #[must_use]
    pub fn get(&self, figure: Figure) -> Option<f64> {
        let value = self.0[figure as usize];
        value.is_finite().then_some(value)
    }
}

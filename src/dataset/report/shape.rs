//! How the texts of the examples are made: their formats, their control
//! tokens, their lengths in tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::batch::TextShape;
use crate::dataset::report::Distribution;
use crate::dataset::report::tally::Tally;
use crate::dataset::split::SplitAssignment;
use crate::model::{Family, FimFormat, TokenCounts};

/// A family's tokens, with the white space that belongs to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Before the prefix.
    pub prefix: String,
    /// Before the suffix.
    pub suffix: String,
    /// Before the middle; empty if there is none.
    pub middle: String,
    /// After the middle.
    pub end: String,
}

impl Tokens {
    /// Those of `family`.
    #[must_use]
    pub fn of(family: &Family) -> Self {
        Self {
            prefix: family.prefix.clone(),
            suffix: family.suffix.clone(),
            middle: family.middle.clone(),
            end: family.end.clone(),
        }
    }
}

/// How all texts are made, as `metadata.json` tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shapes {
    /// Examples of each format.
    pub formats: BTreeMap<FimFormat, usize>,
    /// The control tokens in sources that were neutralised.
    pub markers_neutralised: Neutralised,
    /// The lengths in tokens; absent without a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_statistics: Option<TokenStatistics>,
}

/// How many control tokens in sources were neutralised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neutralised {
    /// Examples with any.
    pub examples: usize,
    /// Places in all of them.
    pub places: usize,
}

/// The lengths of the parts of all texts, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenStatistics {
    /// Of the contexts.
    pub context: Distribution,
    /// Of the prefixes.
    pub prefix: Distribution,
    /// Of the middles.
    pub middle: Distribution,
    /// Of the suffixes.
    pub suffix: Distribution,
    /// Of the whole texts, markers included.
    pub text: Distribution,
    /// Of all texts together.
    pub total: u64,
}

/// How often the parts of all texts have each length, in tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenTallies {
    /// Of the contexts.
    pub context: Tally,
    /// Of the prefixes.
    pub prefix: Tally,
    /// Of the middles.
    pub middle: Tally,
    /// Of the suffixes.
    pub suffix: Tally,
    /// Of the whole texts, markers included.
    pub text: Tally,
}

impl Shapes {
    /// What there is to tell of the examples in `parts`, and their lengths.
    pub(in crate::dataset) fn of(
        shapes: &[TextShape],
        parts: &SplitAssignment,
    ) -> (Self, TokenTallies) {
        let kept = || parts.train.iter().chain(&parts.val).map(|at| &shapes[*at]);
        let mut formats = BTreeMap::new();
        let mut neutralised = Neutralised::default();
        for shape in kept() {
            *formats.entry(shape.format).or_default() += 1;
            neutralised.examples += usize::from(shape.neutralised > 0);
            neutralised.places += shape.neutralised;
        }
        let of = |part: fn(&TokenCounts) -> usize| {
            let counts = kept().filter_map(|shape| shape.tokens);
            counts.map(|counts| part(&counts) as u64).collect()
        };
        let tokens = TokenTallies {
            context: of(|counts| counts.context),
            prefix: of(|counts| counts.prefix),
            middle: of(|counts| counts.middle),
            suffix: of(|counts| counts.suffix),
            text: of(|counts| counts.total),
        };
        let shapes = Self {
            formats,
            markers_neutralised: neutralised,
            token_statistics: tokens.statistics(),
        };
        (shapes, tokens)
    }

    /// Adds those of another part of the dataset, but for the lengths.
    pub(in crate::dataset) fn add(&mut self, other: &Self) {
        for (format, examples) in &other.formats {
            *self.formats.entry(*format).or_default() += examples;
        }
        self.markers_neutralised.examples += other.markers_neutralised.examples;
        self.markers_neutralised.places += other.markers_neutralised.places;
    }
}

impl TokenTallies {
    /// Adds those of another part of the dataset.
    pub(in crate::dataset) fn add(&mut self, other: &Self) {
        self.context.add(&other.context);
        self.prefix.add(&other.prefix);
        self.middle.add(&other.middle);
        self.suffix.add(&other.suffix);
        self.text.add(&other.text);
    }

    /// Their statistics; without a tokenizer there are none.
    pub(in crate::dataset) fn statistics(&self) -> Option<TokenStatistics> {
        Some(TokenStatistics {
            context: self.context.distribution(1.0)?,
            prefix: self.prefix.distribution(1.0)?,
            middle: self.middle.distribution(1.0)?,
            suffix: self.suffix.distribution(1.0)?,
            text: self.text.distribution(1.0)?,
            total: self.text.total(),
        })
    }
}

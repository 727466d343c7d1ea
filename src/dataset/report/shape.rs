//! The report's figures on the texts of the examples: formats, control tokens, and
//! lengths in tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::batch::TextShape;
use crate::dataset::report::distribution::Distribution;
use crate::dataset::report::tally::Tally;
use crate::dataset::split::SplitAssignment;
use crate::model::{Family, FimFormat, TokenCounts};

/// The control tokens of a model family, with the white space that belongs to
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyTokens {
    /// The token before the prefix.
    pub prefix: String,
    /// The token before the suffix.
    pub suffix: String,
    /// The token before the middle; empty if the family has none.
    pub middle: String,
    /// The token after the middle.
    pub end: String,
}

impl FamilyTokens {
    /// The tokens of `family`.
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

/// Figures on the texts of all examples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shapes {
    /// The number of examples of each format.
    pub formats: BTreeMap<FimFormat, usize>,
    /// The control tokens in source code that were neutralised.
    pub markers_neutralised: Neutralised,
    /// Statistics of the lengths in tokens; absent without a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_statistics: Option<TokenStatistics>,
}

/// The numbers of control tokens in source code that were neutralised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neutralised {
    /// The number of examples with at least one.
    pub examples: usize,
    /// The number of occurrences in all examples.
    pub places: usize,
}

/// Statistics of the lengths of the examples, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenStatistics {
    /// The lengths of the contexts.
    pub context: Distribution,
    /// The lengths of the prefixes.
    pub prefix: Distribution,
    /// The lengths of the middles.
    pub middle: Distribution,
    /// The lengths of the suffixes.
    pub suffix: Distribution,
    /// The lengths of the whole texts, including control tokens.
    pub text: Distribution,
    /// The sum of the lengths of all texts.
    pub total: u64,
}

/// Tallies of the lengths of the examples, in tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenTallies {
    /// The lengths of the contexts.
    pub context: Tally,
    /// The lengths of the prefixes.
    pub prefix: Tally,
    /// The lengths of the middles.
    pub middle: Tally,
    /// The lengths of the suffixes.
    pub suffix: Tally,
    /// The lengths of the whole texts, including control tokens.
    pub text: Tally,
}

impl Shapes {
    /// The figures on the examples in both splits, and the tallies of their lengths.
    pub(in crate::dataset) fn of(
        shapes: &[TextShape],
        splits: &SplitAssignment,
    ) -> (Self, TokenTallies) {
        let all = || {
            let indices = splits.train.iter().chain(&splits.validation);
            indices.map(|at| &shapes[*at])
        };
        let mut formats = BTreeMap::new();
        let mut neutralised = Neutralised::default();
        for shape in all() {
            *formats.entry(shape.format).or_default() += 1;
            neutralised.examples += usize::from(shape.neutralised > 0);
            neutralised.places += shape.neutralised;
        }
        let lengths = |length: fn(&TokenCounts) -> usize| {
            let counts = all().filter_map(|shape| shape.tokens);
            counts.map(|counts| length(&counts) as u64).collect()
        };
        let tokens = TokenTallies {
            context: lengths(|counts| counts.context),
            prefix: lengths(|counts| counts.prefix),
            middle: lengths(|counts| counts.middle),
            suffix: lengths(|counts| counts.suffix),
            text: lengths(|counts| counts.total),
        };
        let shapes = Self {
            formats,
            markers_neutralised: neutralised,
            token_statistics: tokens.statistics(),
        };
        (shapes, tokens)
    }

    /// Adds the figures of another part of the dataset, except the lengths.
    pub(in crate::dataset) fn add(&mut self, other: &Self) {
        for (format, examples) in &other.formats {
            *self.formats.entry(*format).or_default() += examples;
        }
        self.markers_neutralised.examples += other.markers_neutralised.examples;
        self.markers_neutralised.places += other.markers_neutralised.places;
    }
}

impl TokenTallies {
    /// Adds the tallies of another part of the dataset.
    pub(in crate::dataset) fn add(&mut self, other: &Self) {
        self.context.add(&other.context);
        self.prefix.add(&other.prefix);
        self.middle.add(&other.middle);
        self.suffix.add(&other.suffix);
        self.text.add(&other.text);
    }

    /// The statistics of the lengths; `None` without a tokenizer.
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

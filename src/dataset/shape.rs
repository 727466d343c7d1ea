//! How the texts of the examples are made: their formats, their control
//! tokens, their lengths in tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::report::Distribution;
use super::split::Parts;
use crate::model::{Family, Format, TokenCounts};

/// A family's tokens, with the white space that belongs to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

/// How one text is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The order of its parts.
    pub format: Format,
    /// How many control tokens in its source were neutralised.
    pub neutralised: usize,
    /// Its tokens, if there is a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenCounts>,
}

/// How all texts are made, as `metadata.json` tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shapes {
    /// Examples of each format.
    pub formats: BTreeMap<Format, usize>,
    /// The control tokens in sources that were neutralised.
    pub markers_neutralised: Neutralised,
    /// The lengths in tokens; absent without a tokenizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_statistics: Option<TokenStatistics>,
}

/// How many control tokens in sources were neutralised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Neutralised {
    /// Examples with any.
    pub examples: usize,
    /// Places in all of them.
    pub places: usize,
}

/// The lengths of the parts of all texts, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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

impl Shapes {
    /// What there is to tell of the examples in `parts`.
    #[must_use]
    pub fn of(shapes: &[Shape], parts: &Parts) -> Self {
        let kept = || parts.train.iter().chain(&parts.val).map(|at| &shapes[*at]);
        let mut formats = BTreeMap::new();
        let mut neutralised = Neutralised::default();
        for shape in kept() {
            *formats.entry(shape.format).or_default() += 1;
            neutralised.examples += usize::from(shape.neutralised > 0);
            neutralised.places += shape.neutralised;
        }
        let tokens: Vec<_> = kept().filter_map(|shape| shape.tokens).collect();
        Self {
            formats,
            markers_neutralised: neutralised,
            token_statistics: TokenStatistics::of(&tokens),
        }
    }
}

impl TokenStatistics {
    fn of(counts: &[TokenCounts]) -> Option<Self> {
        // Counts are far below 2^52.
        let of = |part: fn(&TokenCounts) -> usize| {
            Distribution::of(counts.iter().map(|count| part(count) as f64))
        };
        Some(Self {
            context: of(|count| count.context)?,
            prefix: of(|count| count.prefix)?,
            middle: of(|count| count.middle)?,
            suffix: of(|count| count.suffix)?,
            text: of(|count| count.total)?,
            total: counts.iter().map(|count| count.total as u64).sum(),
        })
    }
}

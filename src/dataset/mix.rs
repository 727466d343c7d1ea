//! The mix of a dataset: the share of the examples that each kind of hole has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dataset::record::SpanKind;

/// The mixes that have a name. Shares are in percent.
const PRESETS: [(&str, &[(SpanKind, f64)]); 3] = [
    (
        // What editors ask for. Half are at most a line from where somebody types; with
        // the rests of lines, the arguments and the short statements, about three
        // quarters of the middles are of one line.
        "completion",
        &[
            (SpanKind::Typing, 25.0),
            (SpanKind::OneLine, 25.0),
            (SpanKind::LineRest, 10.0),
            (SpanKind::StatementRest, 10.0),
            (SpanKind::Arguments, 8.0),
            (SpanKind::Block, 8.0),
            (SpanKind::AfterComment, 5.0),
            (SpanKind::DocComment, 3.0),
            (SpanKind::MultiLine, 6.0),
        ],
    ),
    (
        // Two thirds nodes, a fifth places where developers ask, and random characters.
        "seed",
        &[
            (SpanKind::AstNode, 33.0),
            (SpanKind::AstAligned, 33.0),
            (SpanKind::LineRest, 5.5),
            (SpanKind::BracketContent, 5.5),
            (SpanKind::AfterComment, 5.5),
            (SpanKind::DocComment, 5.5),
            (SpanKind::CharSpan, 12.0),
        ],
    ),
    (
        "blocks",
        &[
            (SpanKind::Block, 40.0),
            (SpanKind::MultiLine, 30.0),
            (SpanKind::AfterComment, 15.0),
            (SpanKind::StatementRest, 10.0),
            (SpanKind::DocComment, 5.0),
        ],
    ),
];

/// The share of the examples that each kind of hole has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mix {
    /// How it is written.
    written: String,
    /// The kinds that are cut, each with its share, from 0 to 1. They add up to 1.
    shares: Vec<(SpanKind, f64)>,
}

impl Mix {
    /// The kinds that are cut, each with its share, in the order of the kinds. The shares
    /// add up to 1.
    pub fn shares(&self) -> impl Iterator<Item = (SpanKind, f64)> {
        self.shares.iter().copied()
    }

    /// The share of `kind`, from 0 to 1.
    #[must_use]
    pub fn share(&self, kind: SpanKind) -> f64 {
        let mut shares = self.shares();
        shares.find(|(of, _)| *of == kind).map_or(0.0, |(_, s)| s)
    }

    /// Each of `kinds` has the same share.
    #[must_use]
    pub fn even(kinds: &[SpanKind]) -> Self {
        let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        Self::new(
            &names.join(","),
            kinds.iter().map(|kind| (*kind, 1.0)).collect(),
        )
    }

    fn new(written: &str, mut shares: Vec<(SpanKind, f64)>) -> Self {
        shares.sort_by_key(|(kind, _)| *kind);
        let all: f64 = shares.iter().map(|(_, share)| share).sum();
        for (_, share) in &mut shares {
            *share /= all;
        }
        Self {
            written: written.to_owned(),
            shares,
        }
    }
}

impl Default for Mix {
    fn default() -> Self {
        let (name, shares) = PRESETS[0];
        Self::new(name, shares.to_vec())
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((name, shares)) = PRESETS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::new(name, shares.to_vec()));
        }
        let mut shares: Vec<(SpanKind, f64)> = Vec::new();
        for part in text.split(',') {
            let (name, share) = part.split_once('=').unwrap_or((part, "1"));
            let kind = SpanKind::named(name.trim()).ok_or_else(|| unknown(name))?;
            let share: f64 = share.trim().parse().unwrap_or(f64::NAN);
            if !(share > 0.0 && share.is_finite()) {
                return Err(format!("expected a share above 0 in {part:?}"));
            }
            if shares.iter().any(|(other, _)| *other == kind) {
                return Err(format!("expected {} once", kind.name()));
            }
            shares.push((kind, share));
        }
        Ok(Self::new(text, shares))
    }
}

/// The error about `name`, which is no kind.
fn unknown(name: &str) -> String {
    let presets = PRESETS.map(|(name, _)| name).join(", ");
    let kinds = SpanKind::ALL.map(SpanKind::name).join(", ");
    format!("expected {presets}, or KIND=SHARE,… with these kinds: {kinds}; found {name:?}")
}

impl TryFrom<String> for Mix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Mix> for String {
    fn from(mix: Mix) -> Self {
        mix.written
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_add_up_and_shares_are_relative() {
        for (name, shares) in PRESETS {
            let all: f64 = shares.iter().map(|(_, share)| share).sum();
            assert_eq!(all, 100.0, "{name}");
            let mix: Mix = name.parse().unwrap();
            assert_eq!(mix.to_string(), name);
        }
        let seed: Mix = "seed".parse().unwrap();
        let sum = |kinds: &[SpanKind]| kinds.iter().map(|kind| seed.share(*kind)).sum::<f64>();
        assert!((sum(&[SpanKind::AstNode, SpanKind::AstAligned]) - 0.66).abs() < 1e-9);
        assert!((sum(&[SpanKind::CharSpan]) - 0.12).abs() < 1e-9);
        let own: Mix = "rest-of-line=20, block=60,typing=20".parse().unwrap();
        let shares: Vec<_> = own.shares().collect();
        let expected = [
            (SpanKind::Typing, 0.2),
            (SpanKind::LineRest, 0.2),
            (SpanKind::Block, 0.6),
        ];
        assert_eq!(shares, expected);
        let even: Mix = "ast_node,lines".parse().unwrap();
        assert_eq!(even.share(SpanKind::Lines), 0.5);
    }

    #[test]
    fn a_mix_that_cannot_be_read_is_told() {
        for (text, part) in [
            ("nonsense", "found \"nonsense\""),
            ("", "found \"\""),
            ("block=0", "a share above 0"),
            ("block=nan", "a share above 0"),
            ("block=1,block=2", "expected block once"),
        ] {
            let error = text.parse::<Mix>().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}

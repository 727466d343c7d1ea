//! What evaluations hold: holes and texts that no example may show.
//!
//! A hole counts by the rules of [`MiddleRule`](crate::dataset::duplicates::MiddleRule).
//! A text counts by its pieces of [`PIECE`] tokens, each by the rule of long middles, so
//! an example is left out that shows a part of the text. An example shows what stands in
//! its context, or in its prefix, middle and suffix together.

use serde::{Deserialize, Serialize};

use crate::dataset::duplicates::held_out::MiddleIndex;
use crate::dataset::duplicates::{HoleText, StoredHole};
use crate::dataset::record::Example;
use crate::dataset::words;

/// The tokens of a piece of a text. What is left at the end of a text belongs to its
/// last piece.
pub const PIECE: usize = 50;

/// The reason of an example that shows what an evaluation holds, word for word.
pub(super) const EXACT: &str = "evaluation_exact";
/// The reason of an example that shows nearly what an evaluation holds.
pub(super) const NEAR: &str = "evaluation_near";

/// What is told of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationSummary {
    /// The name of its file or folder.
    pub name: String,
    /// The number of its holes.
    pub holes: usize,
    /// The number of its texts.
    pub texts: usize,
    /// The digest of what it holds.
    pub digest: String,
}

/// Collects what an evaluation holds.
#[derive(Debug)]
pub struct EvaluationBuilder {
    summary: EvaluationSummary,
    holes: Vec<StoredHole>,
    hasher: blake3::Hasher,
}

impl EvaluationBuilder {
    /// An evaluation of this name that holds nothing so far.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            summary: EvaluationSummary {
                name: name.to_owned(),
                ..EvaluationSummary::default()
            },
            holes: Vec::new(),
            hasher: blake3::Hasher::new(),
        }
    }

    /// Adds a hole.
    pub fn hole(&mut self, hole: HoleText<'_>) {
        self.summary.holes += 1;
        self.hash(&[hole.before, hole.middle, hole.after]);
        self.holes.push(StoredHole::new(hole));
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) {
        self.summary.texts += 1;
        self.hash(&[text]);
        let place = |token: &str| token.as_ptr().addr() - text.as_ptr().addr();
        let starts: Vec<_> = words::tokens(text).map(place).collect();
        let pieces = (starts.len() / PIECE).max(1);
        for piece in 0..pieces {
            let start = starts.get(piece * PIECE).copied().unwrap_or(0);
            let end = match piece + 1 == pieces {
                true => text.len(),
                false => starts[(piece + 1) * PIECE],
            };
            self.holes.push(StoredHole::new(HoleText {
                before: &text[..start],
                middle: &text[start..end],
                after: &text[end..],
            }));
        }
    }

    fn hash(&mut self, texts: &[&str]) {
        self.hasher.update(&[texts.len() as u8]);
        for text in texts {
            self.hasher.update(&text.len().to_le_bytes());
            self.hasher.update(text.as_bytes());
        }
    }
}

/// What some evaluations hold.
#[derive(Debug, Default)]
pub struct Evaluations {
    summaries: Vec<EvaluationSummary>,
    held: Option<MiddleIndex>,
}

impl Evaluations {
    /// What `all` hold.
    #[must_use]
    pub fn new(all: Vec<EvaluationBuilder>) -> Self {
        let (mut summaries, mut holes) = (Vec::new(), Vec::new());
        for EvaluationBuilder {
            mut summary,
            holes: mut own,
            hasher,
        } in all
        {
            let mut digest = [0; 16];
            hasher.finalize_xof().fill(&mut digest);
            summary.digest = format!("{:032x}", u128::from_be_bytes(digest));
            summaries.push(summary);
            holes.append(&mut own);
        }
        Self {
            held: (!holes.is_empty()).then(|| MiddleIndex::new(&holes)),
            summaries,
        }
    }

    /// What is told of each evaluation, in their order.
    #[must_use]
    pub fn summaries(&self) -> &[EvaluationSummary] {
        &self.summaries
    }

    /// Why there may be no example with this context and this text in one piece.
    pub(super) fn objection(&self, context: &str, text: &str) -> Option<&'static str> {
        let held = self.held.as_ref()?;
        let found = [context, text].map(|text| held.first_in(text));
        found.into_iter().flatten().max().map(|found| match found {
            true => EXACT,
            false => NEAR,
        })
    }

    /// As [`Self::objection`], of an example that is made.
    pub(super) fn objection_to(&self, example: &Example) -> Option<&'static str> {
        let Example {
            context,
            prefix,
            middle,
            suffix,
            ..
        } = example;
        self.objection(context, &[prefix.as_str(), middle, suffix].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::duplicates::MiddleRule;

    fn statements(numbers: std::ops::Range<u32>) -> String {
        let lines = numbers.map(|n| format!("$sum{n} = add($sum{n}, $item{n}->price());\n"));
        lines.collect()
    }

    #[test]
    fn what_shows_a_hole_or_a_part_of_a_text_is_objected_to() {
        let mut builder = EvaluationBuilder::new("eval");
        builder.text(&statements(0..40));
        let middle = "return $this->client->fetchInvoices($customer, $limit);";
        builder.hole(HoleText {
            before: "{\n    ",
            middle,
            after: "\n}",
        });
        let evaluations = Evaluations::new(vec![builder]);
        let [summary] = evaluations.summaries() else {
            panic!("{evaluations:?}");
        };
        assert_eq!((summary.holes, summary.texts), (1, 1));
        let nearly = statements(10..20).replace("price", "cost");
        for (text, expected) in [
            (statements(100..140), None),
            (statements(0..2), None),
            (statements(10..20), Some(EXACT)),
            (nearly, Some(NEAR)),
            (format!("<?php {middle}"), Some(EXACT)),
            (middle.replace("$limit", "$most"), Some(NEAR)),
            (
                middle.replace("fetchInvoices($customer", "load($user"),
                None,
            ),
        ] {
            assert_eq!(evaluations.objection("", &text), expected, "{text}");
            assert_eq!(evaluations.objection(&text, ""), expected, "{text}");
        }
        assert_eq!(Evaluations::default().objection("a", middle), None);
        let rule = crate::dataset::duplicates::rule(HoleText {
            before: "",
            middle,
            after: "",
        });
        assert_eq!(rule, MiddleRule::Long);
    }
}

//! Counts how often each number occurs. Unlike a [`Distribution`], a [`Tally`] can
//! be added to another one, so the metadata of a part hold tallies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::report::distribution::Distribution;

/// Natural numbers, and how often each occurs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally(BTreeMap<u64, u64>);

impl FromIterator<u64> for Tally {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut counts = BTreeMap::new();
        for number in numbers {
            *counts.entry(number).or_default() += 1;
        }
        Self(counts)
    }
}

impl Tally {
    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        for (number, count) in &other.0 {
            *self.0.entry(*number).or_default() += count;
        }
    }

    /// The sum of all numbers.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(number, count)| number * count).sum()
    }

    /// The statistics of the numbers, each multiplied by `unit`: exactly what
    /// [`Distribution::of`] computes. `None` if there are no numbers.
    #[must_use]
    pub fn distribution(&self, unit: f64) -> Option<Distribution> {
        let (first, _) = self.0.first_key_value()?;
        let (last, _) = self.0.last_key_value()?;
        let count: u64 = self.0.values().sum();
        let ranked = |rank: u64| {
            let mut before = 0;
            let found = self.0.iter().find(|(_, count)| {
                before += **count;
                before > rank
            });
            found.map_or(*last, |(number, _)| *number)
        };
        // All values are far below 2^52, so an `f64` holds them exactly.
        Some(Distribution {
            min: *first as f64 * unit,
            median: ranked((count - 1) / 2) as f64 * unit,
            mean: self.total() as f64 * unit / count as f64,
            p90: ranked((count - 1) * 9 / 10) as f64 * unit,
            max: *last as f64 * unit,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tallies_that_are_added_tell_what_all_numbers_tell(
            parts in prop::collection::vec(prop::collection::vec(0_u64..300, 0..40), 0..5),
        ) {
            let mut sum = Tally::default();
            for part in &parts {
                sum.add(&part.iter().copied().collect());
            }
            let numbers = parts.concat().into_iter().map(|n| n as f64 / 4.0);
            prop_assert_eq!(sum.distribution(0.25), Distribution::of(numbers));
            prop_assert_eq!(sum.total(), parts.concat().iter().sum::<u64>());
        }
    }
}

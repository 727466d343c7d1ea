//! Draws a random sample from a stream of examples of any length.

use std::collections::BTreeMap;

use crate::dataset::split::Split;

/// Draws up to a number of items: those with the smallest hashes. The hash of an
/// item depends only on the seed and on the item's position, so the same sample
/// can be drawn again.
#[derive(Clone, Debug)]
pub(in crate::dataset) struct Sample<T> {
    most: usize,
    key: [u8; 32],
    kept: BTreeMap<([u8; 16], ExamplePosition), T>,
}

/// The position of an example in a dataset: its split, and its number in the split,
/// counted from 1.
pub(in crate::dataset) type ExamplePosition = (Split, usize);

impl<T> Sample<T> {
    /// A sample of up to `most` items. Samples with different `what` are
    /// independent.
    pub(in crate::dataset) fn new(most: usize, seed: u64, what: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        hasher.update(what.as_bytes());
        Self {
            most,
            key: *hasher.finalize().as_bytes(),
            kept: BTreeMap::new(),
        }
    }

    /// Offers the item at `position`. Calls `item` only if the item is in the sample
    /// so far.
    pub(in crate::dataset) fn offer(
        &mut self,
        position: ExamplePosition,
        item: impl FnOnce() -> T,
    ) {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&[position.0 as u8]);
        hasher.update(&position.1.to_le_bytes());
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        let key = (hash, position);
        let is_full = self.kept.len() >= self.most;
        if is_full
            && self
                .kept
                .last_key_value()
                .is_none_or(|(last, _)| *last < key)
        {
            return;
        }
        self.kept.insert(key, item());
        if is_full {
            self.kept.pop_last();
        }
    }

    /// The drawn items, in random order.
    pub(in crate::dataset) fn drawn(self) -> impl Iterator<Item = (ExamplePosition, T)> {
        let kept = self.kept.into_iter();
        kept.map(|((_, position), item)| (position, item))
    }
}

/// A position as users read it: `train:14`.
pub(in crate::dataset) fn position_name((part, number): ExamplePosition) -> String {
    let part = match part {
        Split::Train => "train",
        Split::Validation => "val",
    };
    format!("{part}:{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(most: usize, of: usize, seed: u64) -> Vec<usize> {
        let mut sample = Sample::new(most, seed, "test");
        for line in 1..=of {
            sample.offer((Split::Train, line), || line);
        }
        sample.drawn().map(|(_, line)| line).collect()
    }

    #[test]
    fn a_sample_is_of_its_size_and_depends_on_the_seed_alone() {
        assert_eq!(draw(10, 1000, 1).len(), 10);
        assert_eq!(draw(10, 7, 1).len(), 7);
        assert!(draw(0, 7, 1).is_empty());
        assert_eq!(draw(10, 1000, 1), draw(10, 1000, 1));
        assert_ne!(draw(10, 1000, 1), draw(10, 1000, 2));
        let larger = draw(20, 1000, 1);
        assert!(larger.starts_with(&draw(10, 1000, 1)));
    }

    #[test]
    fn every_line_is_as_likely_as_another() {
        let mut drawn = [0_usize; 40];
        for seed in 0..500 {
            for line in draw(10, 40, seed) {
                drawn[line - 1] += 1;
            }
        }
        // The expected value is 125. The seeds are fixed, so the test always gives
        // the same result.
        assert!(drawn.iter().all(|n| (85..=170).contains(n)), "{drawn:?}");
    }
}

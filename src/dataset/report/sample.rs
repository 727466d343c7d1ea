//! A random sample of what comes past one by one, however much that is.

use std::collections::BTreeMap;

use crate::dataset::split::Split;

/// Draws up to a number of items: those whose seeded hashes are the smallest.
/// Which these are depends on the seed and on where the items stand, not on
/// who else asks, so a sample can be drawn again.
#[derive(Clone, Debug)]
pub(in crate::dataset) struct Sample<T> {
    most: usize,
    key: [u8; 32],
    kept: BTreeMap<([u8; 16], Place), T>,
}

/// Where an example stands in a dataset: its part and its line, from 1.
pub(in crate::dataset) type Place = (Split, usize);

impl<T> Sample<T> {
    /// A sample of up to `most` items; another `what` draws independently.
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

    /// Offers the item at `place`, which is made only if it is drawn so far.
    pub(in crate::dataset) fn offer(&mut self, place: Place, item: impl FnOnce() -> T) {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&[place.0 as u8]);
        hasher.update(&place.1.to_le_bytes());
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        let key = (hash, place);
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

    /// What was drawn, in random order.
    pub(in crate::dataset) fn drawn(self) -> impl Iterator<Item = (Place, T)> {
        let kept = self.kept.into_iter();
        kept.map(|((_, place), item)| (place, item))
    }
}

/// A place as a user reads it.
pub(in crate::dataset) fn place_name((part, number): Place) -> String {
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
        // 125 expected; the seeds are fixed, so this is no matter of luck.
        assert!(drawn.iter().all(|n| (85..=170).contains(n)), "{drawn:?}");
    }
}

//! The examples that are there already, so that none comes twice.

use std::ops::Range;

use rustc_hash::FxHashMap;

/// Where an example was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dataset) struct HoleRef {
    /// Which file it is from, counted from 0 over the whole run.
    pub(in crate::dataset) file: usize,
    /// Its hole, in bytes.
    pub(in crate::dataset) hole: Range<usize>,
}

/// Examples by what their duplicates have in common with them.
#[derive(Debug, Default)]
pub(in crate::dataset) struct DedupIndex {
    /// The first of each cluster, and how many came after it.
    first: FxHashMap<u128, (HoleRef, usize)>,
}

impl DedupIndex {
    /// Notes an example: the one that it is a duplicate of, if it is one.
    pub(in crate::dataset) fn note(&mut self, key: u128, place: HoleRef) -> Option<&HoleRef> {
        let mut is_new = false;
        let (first, again) = self.first.entry(key).or_insert_with(|| {
            is_new = true;
            (place, 0)
        });
        *again += usize::from(!is_new);
        (!is_new).then_some(first)
    }

    /// Notes that an example with this key came, after the first one.
    pub(in crate::dataset) fn note_repeated(&mut self, key: u128) {
        if let Some((_, again)) = self.first.get_mut(&key) {
            *again += 1;
        }
    }

    /// The sizes of the clusters of two examples or more, the largest first.
    pub(in crate::dataset) fn clusters(&self) -> Vec<usize> {
        let again = self.first.values().map(|(_, again)| *again);
        let mut sizes: Vec<_> = again.filter(|again| *again > 0).map(|n| n + 1).collect();
        // Whatever the order of the map.
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_told_what_it_repeats() {
        let place = |file| HoleRef { file, hole: 1..9 };
        let mut seen = DedupIndex::default();
        assert_eq!(seen.note(1, place(0)), None);
        assert_eq!(seen.note(2, place(1)), None);
        assert_eq!(seen.note(3, place(2)), None);
        assert_eq!(seen.note(1, place(3)), Some(&place(0)));
        assert_eq!(seen.note(2, place(4)), Some(&place(1)));
        assert_eq!(seen.note(1, place(5)), Some(&place(0)));
        assert_eq!(seen.clusters(), [3, 2]);
        seen.note_repeated(2);
        seen.note_repeated(3);
        assert_eq!(seen.clusters(), [3, 3, 2]);
    }
}

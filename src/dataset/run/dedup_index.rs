//! Finds duplicates among examples that come one at a time.

use std::ops::Range;

use rustc_hash::FxHashMap;

/// A hole of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HoleRef {
    /// The number of its file, counted from 0 over the whole run.
    pub(super) file: usize,
    /// Its bytes in the file.
    pub(super) hole: Range<usize>,
}

/// The first hole of each cluster of duplicates, by the key or digest of the
/// cluster.
#[derive(Debug, Default)]
pub(super) struct DedupIndex {
    /// The first hole of each cluster, and the number of later ones.
    first: FxHashMap<u128, (HoleRef, usize)>,
}

impl DedupIndex {
    /// Adds a hole. Returns the first hole of its cluster if there is one already.
    pub(super) fn note(&mut self, key: u128, place: HoleRef) -> Option<&HoleRef> {
        let mut is_new = false;
        let (first, again) = self.first.entry(key).or_insert_with(|| {
            is_new = true;
            (place, 0)
        });
        *again += usize::from(!is_new);
        (!is_new).then_some(first)
    }

    /// Counts one more hole with this key, after the first.
    pub(super) fn note_repeated(&mut self, key: u128) {
        if let Some((_, again)) = self.first.get_mut(&key) {
            *again += 1;
        }
    }

    /// The sizes of the clusters of two holes or more, the largest first.
    pub(super) fn clusters(&self) -> Vec<usize> {
        let again = self.first.values().map(|(_, again)| *again);
        let mut sizes: Vec<_> = again.filter(|again| *again > 0).map(|n| n + 1).collect();
        // The order of the map is arbitrary.
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

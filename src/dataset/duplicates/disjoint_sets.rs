//! Disjoint sets of files (union-find with path halving).

/// Disjoint sets of files, which are numbered from 0. The parent of a file never
/// has a larger number than the file, so the root of a set is its first file.
pub(in crate::dataset) struct DisjointSets {
    parent: Vec<usize>,
}

impl DisjointSets {
    /// `files` files, each in a set of its own.
    pub(in crate::dataset) fn new(files: usize) -> Self {
        Self {
            parent: (0..files).collect(),
        }
    }

    /// Adds one file in a set of its own and returns its number.
    pub(in crate::dataset) fn push(&mut self) -> usize {
        let file = self.parent.len();
        self.parent.push(file);
        file
    }

    /// The root of the set of `file`: equal for files of the same set. Halves
    /// the path to it.
    pub(in crate::dataset) fn root(&mut self, mut file: usize) -> usize {
        while self.parent[file] != file {
            self.parent[file] = self.parent[self.parent[file]];
            file = self.parent[file];
        }
        file
    }

    /// The root of each file, in the order of their numbers. Compresses all
    /// paths.
    pub(in crate::dataset) fn roots(&mut self) -> &[usize] {
        for file in 0..self.parent.len() {
            // The parent has a smaller number, so it points at its root already.
            self.parent[file] = self.parent[self.parent[file]];
        }
        &self.parent
    }

    /// Merges the sets of `a` and `b`.
    pub(in crate::dataset) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_root_is_the_smallest_number_of_its_set(
            pairs in prop::collection::vec((0_usize..40, 0_usize..40), 0..60),
        ) {
            let mut sets = DisjointSets::new(40);
            // The sets, kept without any structure.
            let mut label: Vec<usize> = (0..40).collect();
            for (a, b) in pairs {
                sets.join(a, b);
                let (from, to) = (label[a].max(label[b]), label[a].min(label[b]));
                for other in &mut label {
                    *other = if *other == from { to } else { *other };
                }
                prop_assert_eq!(sets.root(a), label[a]);
            }
            prop_assert_eq!(sets.roots(), &*label);
        }
    }
}

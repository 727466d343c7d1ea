//! The two splits of a dataset, and which examples belong to which.

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// What is trained on.
    Train,
    /// What validates.
    Validation,
}

impl Split {
    pub(in crate::dataset) const ALL: [Self; 2] = [Self::Train, Self::Validation];

    /// What the names of its files start with.
    pub(in crate::dataset) fn stem(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "val",
        }
    }
}

/// What the split needs to know of an example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitEntry {
    /// Which file it comes from, counted from 0.
    pub file: usize,
    /// Equal for examples of the same file and of near duplicates of it, and
    /// not much above the number of files.
    pub cluster: usize,
    /// See [`crate::dataset::cut::quality::complexity`].
    pub complexity: f64,
}

/// The examples of each part, by their index, in the order to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitAssignment {
    /// To train on.
    pub train: Vec<usize>,
    /// To validate with.
    pub val: Vec<usize>,
    /// Drawn to validate, but training shows them: in neither part.
    pub seen: Vec<usize>,
}

impl SplitAssignment {
    /// Adds those of `others` behind these.
    pub(super) fn append(&mut self, mut others: Self) {
        self.train.append(&mut others.train);
        self.val.append(&mut others.val);
        self.seen.append(&mut others.seen);
    }
}

//! The two splits of a dataset, and the assignment of examples to them.

/// A split of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// The examples to train on.
    Train,
    /// The examples to validate with.
    Validation,
}

impl Split {
    pub(in crate::dataset) const ALL: [Self; 2] = [Self::Train, Self::Validation];

    /// The start of the names of its files.
    pub(in crate::dataset) fn stem(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "val",
        }
    }
}

/// What the assignment needs to know of an example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitEntry {
    /// Which file it comes from, counted from 0.
    pub file: usize,
    /// The number of its cluster, at most about the number of files. Equal for
    /// examples of one file and of its near duplicates.
    pub cluster: usize,
    /// See [`crate::dataset::cut::quality::complexity`].
    pub complexity: f64,
}

/// The examples of each split, by index, in the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitAssignment {
    /// The training split.
    pub train: Vec<usize>,
    /// The validation split.
    pub validation: Vec<usize>,
    /// The examples that were drawn for validation but whose middle the training
    /// split shows. They are in neither split.
    pub leaked: Vec<usize>,
}

impl SplitAssignment {
    /// Appends the examples of `others`.
    pub(super) fn append(&mut self, mut others: Self) {
        self.train.append(&mut others.train);
        self.validation.append(&mut others.validation);
        self.leaked.append(&mut others.leaked);
    }
}

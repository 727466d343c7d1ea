//! The two splits of a dataset, and the assignment of examples to them.

use serde::{Deserialize, Serialize};

use crate::dataset::duplicates::MiddleRule;

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
    /// The examples of files that validate whose middle too many other examples show.
    /// They are in neither split.
    pub leaked: Vec<usize>,
    /// The examples of files that train which show the middle of a validation
    /// example. They are in neither split.
    pub showing: Vec<usize>,
    /// What the search for the middles of the validation has compared. None unless
    /// whole files are assigned to a split.
    pub unseen: Option<UnseenCounts>,
}

impl SplitAssignment {
    /// Changes the indices of all examples.
    pub(super) fn each_mut(&mut self, change: impl Fn(&mut usize)) {
        let Self {
            train,
            validation,
            leaked,
            showing,
            unseen: _,
        } = self;
        for part in [train, validation, leaked, showing] {
            part.iter_mut().for_each(&change);
        }
    }

    /// Appends the examples of `others`.
    pub(super) fn append(&mut self, mut others: Self) {
        self.train.append(&mut others.train);
        self.validation.append(&mut others.validation);
        self.leaked.append(&mut others.leaked);
        self.showing.append(&mut others.showing);
        if let Some(counts) = others.unseen {
            self.unseen.get_or_insert_default().add(&counts);
        }
    }
}

/// How many validation examples there are whose middle no training example gives away,
/// by the [`MiddleRule`] that says what would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnseenCounts {
    /// Nothing like the middle stands in the training split.
    pub long: usize,
    /// The middle is short and says something by itself. It stands nowhere in the
    /// training split.
    pub telling: usize,
    /// The middle is short and says little. It does not stand in the training split
    /// between the tokens that are around it here.
    pub in_place: usize,
    /// Those of `in_place` that the training split has elsewhere, word for word.
    pub in_place_elsewhere: usize,
    /// The middle and what is around it are too short to be looked for.
    pub exempt: usize,
}

impl UnseenCounts {
    /// Counts one example, whose middle has this rule.
    pub(super) fn note(&mut self, rule: MiddleRule) {
        *match rule {
            MiddleRule::Long => &mut self.long,
            MiddleRule::Telling => &mut self.telling,
            MiddleRule::InPlace => &mut self.in_place,
            MiddleRule::Exempt => &mut self.exempt,
        } += 1;
    }

    /// Adds the counts of another part of the dataset.
    pub(super) fn add(&mut self, other: &Self) {
        self.long += other.long;
        self.telling += other.telling;
        self.in_place += other.in_place;
        self.in_place_elsewhere += other.in_place_elsewhere;
        self.exempt += other.exempt;
    }
}

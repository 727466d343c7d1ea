//! Looks for middles of the validation split in the training split.

use rayon::prelude::*;
use serde::Serialize;

use crate::cancel::{Cancel, Cancelled};
use crate::dataset::duplicates::held_out::{LeakedMiddles, MiddleIndex};
use crate::dataset::options::{Options, SplitUnit};
use crate::dataset::record::Example;
use crate::dataset::report::sample::ExamplePosition;
use crate::dataset::verify::checker::PlacedExample;
use crate::dataset::verify::claims::{Breach, Claim, Findings, PARTIAL};

/// How many middles of the validation split the training split contains. None if
/// whole files are assigned to a split. Otherwise two files that are no duplicates
/// may still share some lines, and a context may quote any file of the project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// The number of middles in the validation split.
    pub middles: usize,
    /// The number of middles that a context in the training split contains, exactly
    /// or nearly.
    pub in_contexts: usize,
    /// The number of middles that prefix, middle and suffix of an example in the
    /// training split contain, exactly or nearly.
    pub in_files: usize,
}

/// An example of the validation split, as far as the search needs it.
pub(super) struct ValidationExample {
    /// The position of the example.
    pub(super) position: ExamplePosition,
    /// The key of its source file.
    pub(super) file: String,
    /// Its middle.
    pub(super) middle: String,
}

/// Searches the training split for the middles of the validation split.
pub(super) struct ExposureSearch<'a> {
    examples: &'a [ValidationExample],
    middles: MiddleIndex,
    in_contexts: LeakedMiddles,
    in_files: LeakedMiddles,
}

impl<'a> ExposureSearch<'a> {
    /// Prepares a search for the middles of `examples`.
    pub(super) fn new(examples: &'a [ValidationExample]) -> Self {
        let middles = examples.iter().map(|example| &*example.middle);
        let middles = MiddleIndex::new(&middles.collect::<Vec<_>>());
        Self {
            examples,
            in_contexts: middles.none(),
            in_files: middles.none(),
            middles,
        }
    }

    /// Searches `batch`, which holds examples of the training split.
    pub(super) fn look(&self, batch: &[PlacedExample], cancel: &Cancel) -> Result<(), Cancelled> {
        batch.par_iter().try_for_each(|(_, example)| {
            cancel.check()?;
            let Example {
                prefix,
                middle,
                suffix,
                context,
                ..
            } = example;
            let text = [prefix.as_str(), middle, suffix].concat();
            self.middles.look(context, &self.in_contexts);
            self.middles.look(&text, &self.in_files);
            Ok(())
        })
    }

    /// Checks the claim, if the dataset makes it, and returns the numbers of middles
    /// that were found.
    pub(super) fn finish(&self, options: &Options, findings: &mut Findings) -> Exposure {
        match options.split_by {
            _ if options.partial => findings.not_claimed(Claim::Unseen, PARTIAL),
            SplitUnit::Example => findings.not_claimed(Claim::Unseen, "it is split by example"),
            SplitUnit::File => {
                findings.check(Claim::Unseen, self.examples.len());
                for (number, example) in self.examples.iter().enumerate() {
                    let what = match (self.in_contexts.has(number), self.in_files.has(number)) {
                        (false, false) => continue,
                        (true, _) => "its middle stands in a context that is trained on",
                        (false, true) => "its middle stands in a text that is trained on",
                    };
                    let breach = Breach::of_example(example.position, &example.file, what.into());
                    findings.breach(Claim::Unseen, breach);
                }
            }
        }
        Exposure {
            middles: self.examples.len(),
            in_contexts: self.in_contexts.count(),
            in_files: self.in_files.count(),
        }
    }
}

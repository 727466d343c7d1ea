//! Looks for middles of the validation split in the training split.

use rayon::prelude::*;
use serde::Serialize;

use crate::cancel::{Cancel, Cancelled};
use crate::dataset::duplicates::elsewhere::ShortMiddles;
use crate::dataset::duplicates::held_out::{MiddleIndex, Sightings};
use crate::dataset::duplicates::{MiddleRule, StoredHole};
use crate::dataset::options::{Options, SplitUnit};
use crate::dataset::record::Example;
use crate::dataset::report::sample::ExamplePosition;
use crate::dataset::split::UnseenCounts;
use crate::dataset::verify::checker::PlacedExample;
use crate::dataset::verify::claims::{Breach, Claim, Findings, PARTIAL};

/// How many middles of the validation split the training split contains. None if
/// whole files are assigned to a split. Otherwise two files that are no duplicates
/// may still share some lines, and a context may quote any file of the project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// The number of middles in the validation split.
    pub middles: usize,
    /// The number of middles that a context in the training split gives away.
    pub in_contexts: usize,
    /// The number of middles that prefix, middle and suffix of an example in the
    /// training split give away.
    pub in_files: usize,
    /// By which rule the middles were looked for. `in_place_elsewhere` of them stand in
    /// the training split, but with other code around them.
    pub compared: UnseenCounts,
}

/// An example of the validation split, as far as the search needs it.
pub(super) struct ValidationExample {
    /// The position of the example.
    pub(super) position: ExamplePosition,
    /// The key of its source file.
    pub(super) file: String,
    /// Its middle, and what is around it.
    pub(super) hole: StoredHole,
}

/// Searches the training split for the middles of the validation split.
pub(super) struct ExposureSearch<'a> {
    examples: &'a [ValidationExample],
    middles: MiddleIndex,
    short: ShortMiddles,
    in_contexts: Sightings,
    in_files: Sightings,
}

impl<'a> ExposureSearch<'a> {
    /// Prepares a search for the middles of `examples`.
    pub(super) fn new(examples: &'a [ValidationExample]) -> Self {
        let holes = examples.iter().map(|example| example.hole.clone());
        let middles = MiddleIndex::new(&holes.collect::<Vec<_>>());
        let in_place = examples.iter().enumerate();
        let in_place = in_place.filter(|(at, _)| middles.rule(*at) == MiddleRule::InPlace);
        Self {
            examples,
            in_contexts: middles.none(0),
            in_files: middles.none(0),
            short: ShortMiddles::new(in_place.map(|(_, example)| &example.hole)),
            middles,
        }
    }

    /// Searches `batch`, which holds examples of the training split.
    pub(super) fn look(&self, batch: &[PlacedExample], cancel: &Cancel) -> Result<(), Cancelled> {
        let foreign = |_: usize, _: usize| false;
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
            self.middles.look(context, 0, &foreign, &self.in_contexts);
            self.middles.look(&text, 0, &foreign, &self.in_files);
            self.short.look(context);
            self.short.look(&text);
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
        let mut compared = UnseenCounts::default();
        for number in 0..self.examples.len() {
            compared.note(self.middles.rule(number));
        }
        compared.in_place_elsewhere = self.short.count();
        Exposure {
            middles: self.examples.len(),
            in_contexts: self.in_contexts.count(),
            in_files: self.in_files.count(),
            compared,
        }
    }
}

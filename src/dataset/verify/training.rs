//! Whether training data holds what is held out of it: files, and middles of holes.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::cancel::Cancel;
use crate::dataset::duplicates::StoredHole;
use crate::dataset::duplicates::held_out::{MiddleIndex, Sightings};
use crate::dataset::error::DatasetError;
use crate::dataset::record::Example;
use crate::dataset::split::Split;
use crate::dataset::stored::StoredDataset;
use crate::dataset::verify::held_out::HeldOutError;

/// The number of examples that are looked through at a time.
const BATCH: usize = 512;
/// The fewest bytes of a line by which texts are found.
const LINE_BYTES: usize = 12;

/// Looks through training data for the texts of files, and for the middles of holes in
/// them.
#[derive(Debug)]
pub struct TrainingSearch<'a> {
    /// The key and the text of each file, in the order of keys.
    files: &'a [(&'a str, &'a str)],
    /// The numbers of the files that have each line, by its hash.
    lines: FxHashMap<u64, Vec<u32>>,
    middles: MiddleIndex,
    seen: Sightings,
    /// The files of which training shows text.
    held: BTreeSet<usize>,
}

/// What training data holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainingOverlap {
    /// The numbers of the files from whose text training examples are cut.
    pub files: BTreeSet<usize>,
    /// The numbers of the holes whose middles the examples give away, by the rule by
    /// which `fimd verify` compares the splits of a dataset.
    pub holes: BTreeSet<usize>,
}

impl<'a> TrainingSearch<'a> {
    /// A search for `files`, keys and texts in the order of keys, and for the middles of
    /// `holes`.
    #[must_use]
    pub fn new(files: &'a [(&'a str, &'a str)], holes: &[StoredHole]) -> Self {
        let mut lines: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        for (number, (_, text)) in (0..).zip(files) {
            for line in telling_lines(text) {
                let files = lines.entry(line).or_default();
                if files.last() != Some(&number) {
                    files.push(number);
                }
            }
        }
        let middles = MiddleIndex::new(holes);
        Self {
            files,
            lines,
            seen: middles.none(0),
            middles,
            held: BTreeSet::new(),
        }
    }

    /// Looks through the training split of `dataset`.
    ///
    /// # Errors
    /// If an example cannot be read, and once `cancel` is set.
    pub fn look(
        &mut self,
        dataset: &impl StoredDataset,
        cancel: &Cancel,
    ) -> Result<(), HeldOutError> {
        let mut examples = dataset.examples(Split::Train)?;
        loop {
            let batch: Vec<Example> = examples.by_ref().take(BATCH).collect::<Result<_, _>>()?;
            if batch.is_empty() {
                return Ok(());
            }
            cancel.check().map_err(DatasetError::from)?;
            let held: Vec<Option<usize>> = batch
                .par_iter()
                .map(|example| {
                    let text = [&*example.prefix, &example.middle, &example.suffix].concat();
                    let foreign = |_: usize, _: usize| false;
                    self.middles.look(&example.context, 0, &foreign, &self.seen);
                    self.middles.look(&text, 0, &foreign, &self.seen);
                    self.file_of(example, &text)
                })
                .collect();
            self.held.extend(held.into_iter().flatten());
        }
    }

    /// The file from whose text `example` is cut: that of its path, or one that has all
    /// of its `text`.
    fn file_of(&self, example: &Example, text: &str) -> Option<usize> {
        let middle = example.start_byte..example.end_byte;
        let first = self
            .files
            .partition_point(|(key, _)| *key < &*example.filepath);
        let mut of_path =
            (first..self.files.len()).take_while(|at| self.files[*at].0 == example.filepath);
        let is_cut = |at: &usize| self.files[*at].1.get(middle.clone()) == Some(&*example.middle);
        if let Some(at) = of_path.find(is_cut) {
            return Some(at);
        }
        // A file with the text has all of its lines; one is enough to find it.
        let mut fewest: Option<&Vec<u32>> = None;
        for line in telling_lines(whole_lines(text)) {
            let files = self.lines.get(&line)?;
            if fewest.is_none_or(|fewest| files.len() < fewest.len()) {
                fewest = Some(files);
            }
        }
        let mut candidates = fewest?.iter().map(|number| *number as usize);
        candidates.find(|at| self.files[*at].1.contains(text))
    }

    /// What was found.
    #[must_use]
    pub fn finish(self, holes: usize) -> TrainingOverlap {
        TrainingOverlap {
            files: self.held,
            holes: (0..holes).filter(|hole| self.seen.has(*hole)).collect(),
        }
    }
}

/// `text` without its first line and its last one, which may be cut.
fn whole_lines(text: &str) -> &str {
    match (text.find('\n'), text.rfind('\n')) {
        (Some(first), Some(last)) if first < last => &text[first + 1..last],
        _ => "",
    }
}

/// The hashes of the lines of `text` that are long enough to tell something.
fn telling_lines(text: &str) -> impl Iterator<Item = u64> {
    let lines = text.lines().map(str::trim);
    let telling = lines.filter(|line| line.len() >= LINE_BYTES);
    telling.map(|line| xxh3_64(line.as_bytes()))
}

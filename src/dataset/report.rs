//! What a run did, as `metadata.json` tells it.

mod charts;
pub mod html;
pub mod merge;
pub(in crate::dataset) mod sample;
pub mod shape;
pub mod tally;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::batch::TextShape;
use crate::dataset::options::{Options, SplitUnit};
use crate::dataset::record::SpanKind;
use crate::dataset::reject::SEEN;
use crate::dataset::repo::Repo;
use crate::dataset::report::shape::{Shapes, TokenTallies, Tokens};
use crate::dataset::report::tally::Tally;
use crate::dataset::split::{SplitAssignment, SplitEntry};
use crate::model::Model;

/// The whole story of a dataset. Equal input, options and seed give equal
/// reports: it holds no times, and no paths of this machine but the include
/// paths as they were given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// `fimd`.
    pub generator: Cow<'static, str>,
    /// The version of fimd that made it.
    pub version: Cow<'static, str>,
    /// Every option, but for where the rejects went: the dataset is the same
    /// wherever that is.
    pub options: Options,
    /// The family's tokens.
    pub tokens: Tokens,
    /// How much of everything.
    pub counts: Counts,
    /// What each project gave, in their order; absent where there is only one,
    /// and where `parts` are joined, whose own metadata tell it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<Project>,
    /// The parts that were joined, in the order given; absent where none were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// How the examples were divided.
    pub split: SplitCounts,
    /// Examples of each kind, in both parts.
    pub spans: BTreeMap<SpanKind, usize>,
    /// The complexity of the examples in both parts; absent when there are none.
    pub complexity: Option<Distribution>,
    /// How the texts are made.
    #[serde(flatten)]
    pub shapes: Shapes,
    /// What each folder gives, down to the second level, with `REPO:` before it
    /// where there are more projects than one; include paths aside. Where parts
    /// are joined, what each part gives.
    pub coverage: BTreeMap<String, Coverage>,
    /// What was there more than once.
    pub duplicates: Duplicates,
    /// What was hidden, or kept out.
    pub secrets: SecretCounts,
    /// Files that gave no example, by reason.
    pub files_skipped: BTreeMap<String, Skipped>,
    /// Holes that were proposed or cut and turned down, by reason.
    pub rejections: BTreeMap<String, u64>,
    /// Of a part of a larger dataset what joining it with the others takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Tallies>,
}

/// The numbers behind a part's statistics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallies {
    /// The complexity of the examples, in quarters of a point.
    pub complexity: Tally,
    /// The lengths of the texts in tokens; empty without a tokenizer.
    pub tokens: TokenTallies,
}

/// One of the parts that a dataset is joined from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its folder, as seen from that of the whole.
    pub folder: String,
    /// Its repositories.
    pub repositories: usize,
    /// Its examples to train on.
    pub train: usize,
    /// Its examples to validate with.
    pub val: usize,
}

/// What the complexity of an example is a multiple of.
const QUARTER: f64 = 0.25;

impl Tallies {
    /// The statistics of the complexity; of no examples there are none.
    pub(super) fn complexity(&self) -> Option<Distribution> {
        self.complexity.distribution(QUARTER)
    }
}

/// How much of everything there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Files in the index.
    pub files_indexed: usize,
    /// Files that gave examples.
    pub files_used: usize,
    /// Examples in both parts.
    pub examples: usize,
    /// Examples to train on.
    pub train: usize,
    /// Examples to validate with.
    pub val: usize,
    /// Examples that the curriculum cut from training.
    pub cut_by_curriculum: usize,
}

/// How much of a folder there are examples of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Files in the index.
    pub files: u64,
    /// Files that gave examples.
    pub files_used: u64,
    /// Bytes of the files in the index.
    pub bytes: u64,
    /// Bytes of the files that gave examples.
    pub bytes_used: u64,
}

/// What one of several projects gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// What its examples call it.
    pub name: String,
    /// Files in the index.
    pub files_indexed: usize,
    /// Files that gave examples.
    pub files_used: usize,
    /// Examples that were no duplicates, before the curriculum cut any and the
    /// validation lost what training shows.
    pub examples: usize,
    /// Why nothing of it was read, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// How the examples were divided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitCounts {
    /// By file or by example.
    pub by: SplitUnit,
    /// The share that was asked for.
    pub asked: f64,
    /// The share of validation examples before the curriculum cut any.
    pub reached: f64,
    /// Files with examples to train on.
    pub train_files: usize,
    /// Files with examples to validate with.
    pub val_files: usize,
    /// Whether training may show what validates: so it is when split by
    /// example, and the validation loss then says little. Otherwise no file
    /// and no near duplicate of it in its project gives examples to both parts,
    /// and no middle of the validation stands, exactly or nearly, in what is
    /// trained on, contexts included; in a part of a larger dataset, and where
    /// such are joined, in what is trained on of the same repository.
    pub leaks: bool,
}

/// Statistics of some numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The least.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The mean.
    pub mean: f64,
    /// Nine in ten are not above it.
    pub p90: f64,
    /// The greatest.
    pub max: f64,
}

/// What was there more than once and came into the dataset once. With
/// `--dedup off` all of it came in and nothing is counted here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Duplicates {
    /// Files that are no data because another one says the same.
    pub files_removed: usize,
    /// For each file that stands for others, by its key, the keys of those; with
    /// `REPO:` before a key where there are more projects than one. Where parts
    /// are joined, their own metadata tell it.
    pub files: BTreeMap<String, Vec<String>>,
    /// Examples that were left out because another one says the same.
    pub examples_removed: usize,
    /// Clusters of two examples or more.
    pub example_clusters: usize,
    /// The sizes of the ten largest of them.
    pub largest_example_clusters: Vec<usize>,
}

/// How many secrets there were, by kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SecretCounts {
    /// Those that placeholders stand for in the examples, before the
    /// curriculum cut any and the validation lost what training shows.
    pub redacted: BTreeMap<String, u64>,
    /// Examples with a placeholder.
    pub examples_redacted: usize,
    /// Those in examples that were left out.
    pub left_out: BTreeMap<String, u64>,
}

impl Duplicates {
    /// Notes that the file `duplicate_of` stands for the file `name`.
    pub(super) fn note_file(&mut self, name: &str, duplicate_of: &str) {
        self.files_removed += 1;
        let copies = self.files.entry(duplicate_of.to_owned()).or_default();
        copies.push(name.to_owned());
    }

    /// Adds clusters of duplicate examples of these sizes, each 2 or more.
    pub(super) fn add_clusters(&mut self, sizes: &[usize]) {
        self.example_clusters += sizes.len();
        self.examples_removed += sizes.iter().map(|size| size - 1).sum::<usize>();
        self.add_largest(sizes);
    }

    fn add_largest(&mut self, sizes: &[usize]) {
        let largest = &mut self.largest_example_clusters;
        largest.extend(sizes);
        largest.sort_unstable_by(|a, b| b.cmp(a));
        largest.truncate(10);
    }

    /// Adds those of another part of the dataset, without the names.
    pub(super) fn add_part(&mut self, other: &Self) {
        self.files_removed += other.files_removed;
        self.examples_removed += other.examples_removed;
        self.example_clusters += other.example_clusters;
        self.add_largest(&other.largest_example_clusters);
    }
}

impl SecretCounts {
    /// Notes what an example hides.
    pub(super) fn note(&mut self, secrets: &BTreeMap<String, u64>) {
        self.examples_redacted += usize::from(!secrets.is_empty());
        add(&mut self.redacted, secrets);
    }

    /// Adds those of another part of the dataset.
    pub(super) fn add_part(&mut self, other: &Self) {
        self.examples_redacted += other.examples_redacted;
        add(&mut self.redacted, &other.redacted);
        add(&mut self.left_out, &other.left_out);
    }

    /// Notes the secrets of what became no example.
    pub(super) fn note_refused(&mut self, secrets: &BTreeMap<String, u64>) {
        add(&mut self.left_out, secrets);
    }
}

fn add(to: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>) {
    for (kind, count) in counts {
        *to.entry(kind.clone()).or_default() += count;
    }
}

/// Files skipped for one reason.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Skipped {
    /// How many.
    pub count: usize,
    /// Their keys; a folder ends with `/`. Where parts are joined, their own
    /// metadata tell them.
    pub files: Vec<String>,
}

impl Distribution {
    /// Of `numbers`; of none there is none.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        let max = *numbers.last()?;
        Some(Self {
            min: numbers[0],
            median: numbers[(numbers.len() - 1) / 2],
            mean: numbers.iter().sum::<f64>() / numbers.len() as f64,
            p90: numbers[(numbers.len() - 1) * 9 / 10],
            max,
        })
    }
}

impl Report {
    /// Notes that the file `key` was skipped for `reason`.
    pub fn skip(&mut self, key: &str, reason: &str) {
        let skipped = self.files_skipped.entry(reason.to_owned()).or_default();
        skipped.count += 1;
        skipped.files.push(key.to_owned());
    }

    /// A report on nothing yet, by this fimd.
    #[must_use]
    pub fn new(options: &Options, model: &Model) -> Self {
        let options = Options {
            rejects: None,
            ..options.clone()
        };
        let version = env!("CARGO_PKG_VERSION").into();
        Self::on_nothing(version, options, Tokens::of(model.family()))
    }

    /// A report on nothing yet.
    pub(super) fn on_nothing(version: Cow<'static, str>, options: Options, tokens: Tokens) -> Self {
        Self {
            generator: "fimd".into(),
            version,
            tokens,
            counts: Counts::default(),
            projects: Vec::new(),
            parts: Vec::new(),
            split: SplitCounts {
                by: options.split_by,
                asked: options.val_split,
                reached: 0.0,
                train_files: 0,
                val_files: 0,
                leaks: options.split_by == SplitUnit::Example,
            },
            spans: BTreeMap::new(),
            complexity: None,
            shapes: Shapes::default(),
            coverage: BTreeMap::new(),
            duplicates: Duplicates::default(),
            secrets: SecretCounts::default(),
            files_skipped: BTreeMap::new(),
            rejections: BTreeMap::new(),
            partial: None,
            options,
        }
    }

    /// Notes that the file `key` of `repo` itself has this many bytes.
    pub fn cover(&mut self, repo: &Repo<'_>, key: &str, bytes: usize) {
        let folder = self.coverage.entry(repo.label(folder(key))).or_default();
        folder.files += 1;
        folder.bytes += bytes as u64;
    }

    /// Notes that the file `key` of `repo`, which has this many bytes, gave examples.
    pub fn uses(&mut self, repo: &Repo<'_>, key: &str, bytes: usize) {
        self.counts.files_used += 1;
        let folder = self.coverage.entry(repo.label(folder(key))).or_default();
        folder.files_used += 1;
        folder.bytes_used += bytes as u64;
    }

    /// Adds to the rejections.
    pub fn reject(&mut self, reason: &str, count: u64) {
        *self.rejections.entry(reason.to_owned()).or_default() += count;
    }

    /// Fills in what is known once the examples are split.
    pub(super) fn finish(
        &mut self,
        entries: &[SplitEntry],
        kinds: &[SpanKind],
        shapes: &[TextShape],
        parts: &SplitAssignment,
    ) {
        let examples = parts.train.len() + parts.val.len();
        self.counts.examples = examples;
        self.counts.train = parts.train.len();
        self.counts.val = parts.val.len();
        self.counts.cut_by_curriculum = entries.len() - examples - parts.seen.len();
        if !parts.seen.is_empty() {
            self.reject(SEEN, parts.seen.len() as u64);
        }
        self.split.reached = parts.val.len() as f64 / entries.len().max(1) as f64;
        self.split.train_files = files(entries, &parts.train);
        self.split.val_files = files(entries, &parts.val);
        let kept = || parts.train.iter().chain(&parts.val);
        for at in kept() {
            *self.spans.entry(kinds[*at]).or_default() += 1;
        }
        let (shapes, tokens) = Shapes::of(shapes, parts);
        self.shapes = shapes;
        // It is a multiple, so nothing is rounded.
        let quarters = |at: &usize| (entries[*at].complexity / QUARTER) as u64;
        let tallies = Tallies {
            complexity: kept().map(quarters).collect(),
            tokens,
        };
        self.complexity = tallies.complexity();
        self.partial = self.options.partial.then_some(tallies);
    }
}

/// The folder of the file `key`, or the one above that is not deeper than two
/// levels; `./` is the root.
fn folder(key: &str) -> &str {
    let slashes = key.match_indices('/').take(2);
    slashes.last().map_or("./", |(at, _)| &key[..=at])
}

/// From how many files the examples at `indices` come.
fn files(entries: &[SplitEntry], indices: &[usize]) -> usize {
    let mut files: Vec<_> = indices.iter().map(|at| entries[*at].file).collect();
    files.sort_unstable();
    files.dedup();
    files.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_down_to_the_second_level() {
        for (key, expected) in [
            ("a.php", "./"),
            ("src/a.php", "src/"),
            ("src/b/a.php", "src/b/"),
            ("src/b/c/d/a.php", "src/b/"),
        ] {
            assert_eq!(folder(key), expected);
        }
    }
}

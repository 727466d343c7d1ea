//! What `metadata.json` says of a dataset.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::batch::TextShape;
use crate::dataset::error::NothingCut;
use crate::dataset::evaluation::EvaluationSummary;
use crate::dataset::history::History;
use crate::dataset::options::{Options, SplitUnit};
use crate::dataset::record::SpanKind;
use crate::dataset::reject::{SEEN_IN_TRAINING, SHOWS_VALIDATION};
use crate::dataset::repo::Repo;
use crate::dataset::report::distribution::Distribution;
use crate::dataset::report::shape::{FamilyTokens, Shapes, TokenTallies};
use crate::dataset::report::tally::Tally;
use crate::dataset::select::history::{MANY_FILES, VersionSelection};
use crate::dataset::split::{SplitAssignment, SplitEntry, UnseenCounts};
use crate::model::Model;

/// The name of the file that holds the report.
pub(in crate::dataset) const METADATA: &str = "metadata.json";

/// The report on a dataset. Equal input, options and seed give equal reports: a
/// report holds no times, and no absolute paths: of these it has the last name only.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The program: `fimd`.
    pub generator: Cow<'static, str>,
    /// The version of fimd that made the dataset.
    pub version: Cow<'static, str>,
    /// All options except the path of the file of rejects, which does not affect
    /// the dataset, and the paths of evaluations, which `evaluations` names. Of an
    /// absolute path only the last name stays.
    pub options: Options,
    /// The digest of the names, keys and texts of all projects' files. Absent if parts
    /// are joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<String>,
    /// The control tokens of the model family.
    pub tokens: FamilyTokens,
    /// The evaluations of which no example shows anything. How many examples were left
    /// out for that, `rejections` counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluations: Vec<EvaluationSummary>,
    /// The numbers of files and examples.
    pub counts: DatasetCounts,
    /// The counts of each project, in the order of the projects. Absent if there
    /// is only one project, and if `parts` are joined: the parts' own metadata
    /// have these counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<ProjectSummary>,
    /// The joined parts, in the order given. Absent if the dataset is not joined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartCounts>,
    /// The division into training and validation.
    pub split: SplitCounts,
    /// The number of examples of each kind, in both splits.
    pub spans: BTreeMap<SpanKind, usize>,
    /// The share of each kind in both splits, beside the one that the options ask for.
    pub mix: BTreeMap<SpanKind, MixShare>,
    /// The complexity of the examples in both splits; null if there are none.
    pub complexity: Option<Distribution>,
    /// Formats, control tokens and token counts of the examples.
    #[serde(flatten)]
    pub shapes: Shapes,
    /// The coverage of each folder, down to the second level. With more than one
    /// project, `REPO:` precedes the folder. Include paths are not counted. If
    /// parts are joined, the coverage of each part.
    pub coverage: BTreeMap<String, Coverage>,
    /// What the examples from the projects' history are from. Absent if the options ask
    /// for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryCounts>,
    /// The duplicates that were found.
    pub duplicates: Duplicates,
    /// The secrets that were found.
    pub secrets: SecretCounts,
    /// The files that gave no example, by reason.
    pub files_skipped: BTreeMap<String, SkippedFiles>,
    /// The number of holes that were rejected, by reason.
    pub rejections: BTreeMap<String, u64>,
    /// The tallies that joining needs, if this is a part of a larger dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Tallies>,
}

/// The numbers from which a part's statistics are computed. Unlike statistics,
/// they can be added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallies {
    /// The complexity of the examples, in quarters of a point.
    pub complexity: Tally,
    /// The lengths of the examples in tokens; empty without a tokenizer.
    pub tokens: TokenTallies,
}

/// How many examples are of one kind of hole, as shares from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MixShare {
    /// The share that the options ask for.
    pub target: f64,
    /// The share that there is.
    pub reached: f64,
}

/// The counts of one part of a joined dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartCounts {
    /// The part's folder, relative to the folder of the joined dataset.
    pub folder: String,
    /// The number of its repositories.
    pub repositories: usize,
    /// The number of its training examples.
    pub train: usize,
    /// The number of its validation examples.
    pub val: usize,
}

/// The complexity of every example is a multiple of this.
const QUARTER: f64 = 0.25;

impl Tallies {
    /// The statistics of the complexity; `None` if there are no examples.
    pub(in crate::dataset) fn complexity(&self) -> Option<Distribution> {
        self.complexity.distribution(QUARTER)
    }
}

/// The numbers of files and examples of a dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetCounts {
    /// The number of files in the index.
    pub files_indexed: usize,
    /// The number of files that have examples in the dataset.
    pub files_used: usize,
    /// The number of examples in both splits.
    pub examples: usize,
    /// The number of training examples.
    pub train: usize,
    /// The number of validation examples.
    pub val: usize,
    /// The number of examples that the curriculum removed from training.
    pub cut_by_curriculum: usize,
}

/// How much of a folder's source code the examples come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The number of files in the index.
    pub files: u64,
    /// The number of files that have examples in the dataset.
    pub files_used: u64,
    /// The bytes of the files in the index.
    pub bytes: u64,
    /// The bytes of the files that have examples in the dataset.
    pub bytes_used: u64,
    /// The number of examples in both splits.
    #[serde(default)]
    pub examples: u64,
}

/// The counts of one of several projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectSummary {
    /// The project's name, as its examples have it in `repo`.
    pub name: String,
    /// The number of files in the index.
    pub files_indexed: usize,
    /// The number of files that have examples in the dataset.
    pub files_used: usize,
    /// The number of examples without duplicates, before the curriculum removes
    /// any and before decontamination of the validation split.
    pub examples: usize,
    /// The reason why the project was left out, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// The division of the examples into training and validation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitCounts {
    /// Whether whole files or single examples are assigned to a split.
    pub by: SplitUnit,
    /// The share of validation examples in the options, from 0 to 1.
    pub asked: f64,
    /// The actual share, before the curriculum removes any examples.
    pub reached: f64,
    /// The number of files with training examples.
    pub train_files: usize,
    /// The number of files with validation examples.
    pub val_files: usize,
    /// Whether training examples may contain the middles of validation examples.
    /// True if single examples are assigned to a split; the validation loss
    /// then says little. False if whole files are assigned: then no file and no
    /// near duplicate of it in its project gives examples to both splits, and no
    /// training example gives the middle of a validation example away, in its context
    /// or elsewhere: `unseen` says how many were compared by which rule. In parts of a
    /// larger dataset, separate or joined, this holds within each repository.
    pub leaks: bool,
    /// How many validation examples no training example gives away, by the rule that
    /// says what would. Absent if single examples are assigned to a split, and without
    /// validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<UnseenCounts>,
}

impl SplitCounts {
    /// Fills in the share of the validation, given the numbers of examples.
    pub(in crate::dataset) fn reach(&mut self, counts: &DatasetCounts) {
        let all = counts.examples + counts.cut_by_curriculum;
        self.reached = counts.val as f64 / all.max(1) as f64;
    }
}

/// Duplicates, of which the dataset holds one each. With `--dedup off` the dataset
/// holds all of them, and nothing is counted here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Duplicates {
    /// The number of files that give no examples because another file is equal or
    /// nearly equal.
    pub files_removed: usize,
    /// By the key of each file that gives examples, the keys of its duplicates.
    /// With more than one project, `REPO:` precedes a key. Empty if parts are
    /// joined: their own metadata have the keys.
    pub files: BTreeMap<String, Vec<String>>,
    /// The number of examples that were left out as duplicates.
    pub examples_removed: usize,
    /// The number of clusters of at least two examples.
    pub example_clusters: usize,
    /// The sizes of the ten largest clusters.
    pub largest_example_clusters: Vec<usize>,
}

/// What the examples from the history of the projects are from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryCounts {
    /// The number of commits that were read.
    pub commits: usize,
    /// How many times one of these commits changed a file that gives examples. Commits
    /// of many files do not count.
    pub changes: usize,
    /// The number of examples from these changes, before the curriculum removes any and
    /// before decontamination of the validation split.
    pub examples: usize,
    /// The number of projects whose repository is a shallow clone, in which older commits
    /// are missing.
    pub shallow_clones: usize,
}

impl HistoryCounts {
    /// Adds the counts of other projects.
    pub(in crate::dataset) fn add(&mut self, other: &Self) {
        self.commits += other.commits;
        self.changes += other.changes;
        self.examples += other.examples;
        self.shallow_clones += other.shallow_clones;
    }
}

/// The numbers of secrets, by kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SecretCounts {
    /// The secrets that placeholders replace in the examples, before the
    /// curriculum removes any and before decontamination of the validation split.
    pub redacted: BTreeMap<String, u64>,
    /// The number of examples with a placeholder.
    pub examples_redacted: usize,
    /// The secrets in examples that were left out because of them.
    pub left_out: BTreeMap<String, u64>,
}

impl Duplicates {
    /// Notes that the file `name` is a duplicate of the file `duplicate_of`.
    pub(in crate::dataset) fn note_file(&mut self, name: &str, duplicate_of: &str) {
        self.files_removed += 1;
        let copies = self.files.entry(duplicate_of.to_owned()).or_default();
        copies.push(name.to_owned());
    }

    /// Adds clusters of duplicate examples of these sizes, each 2 or more.
    pub(in crate::dataset) fn add_clusters(&mut self, sizes: &[usize]) {
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

    /// Adds the duplicates of another part of the dataset, without the names.
    pub(in crate::dataset) fn add_part(&mut self, other: &Self) {
        self.files_removed += other.files_removed;
        self.examples_removed += other.examples_removed;
        self.example_clusters += other.example_clusters;
        self.add_largest(&other.largest_example_clusters);
    }
}

impl SecretCounts {
    /// Notes the secrets of an example, by kind.
    pub(in crate::dataset) fn note(&mut self, secrets: &BTreeMap<String, u64>) {
        self.examples_redacted += usize::from(!secrets.is_empty());
        add(&mut self.redacted, secrets);
    }

    /// Adds the secrets of another part of the dataset.
    pub(in crate::dataset) fn add_part(&mut self, other: &Self) {
        self.examples_redacted += other.examples_redacted;
        add(&mut self.redacted, &other.redacted);
        add(&mut self.left_out, &other.left_out);
    }

    /// Notes the secrets because of which a hole gave no example.
    pub(in crate::dataset) fn note_refused(&mut self, secrets: &BTreeMap<String, u64>) {
        add(&mut self.left_out, secrets);
    }
}

fn add(to: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>) {
    for (kind, count) in counts {
        *to.entry(kind.clone()).or_default() += count;
    }
}

/// The files that gave no example for one reason.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SkippedFiles {
    /// The number of files.
    pub count: usize,
    /// The keys of the files; the key of a folder ends with `/`. Empty if parts
    /// are joined: their own metadata have the keys.
    pub files: Vec<String>,
}

impl Report {
    /// Notes that the file `key` was skipped for `reason`.
    pub fn skip(&mut self, key: &str, reason: &str) {
        let skipped = self.files_skipped.entry(reason.to_owned()).or_default();
        skipped.count += 1;
        skipped.files.push(key.to_owned());
    }

    /// Why there is no example.
    pub(in crate::dataset) fn nothing_cut(&self) -> NothingCut {
        let skipped = self.files_skipped.iter();
        let skipped = skipped.map(|(reason, skipped)| (reason.clone(), skipped.count as u64));
        NothingCut {
            files: self.counts.files_indexed,
            left_out: skipped.collect(),
            rejected: self.rejections.clone(),
        }
    }

    /// An empty report by this version of fimd.
    #[must_use]
    pub fn new(options: &Options, model: &Model) -> Self {
        let version = env!("CARGO_PKG_VERSION").into();
        Self::empty(
            version,
            options.without_paths(),
            FamilyTokens::of(model.family()),
        )
    }

    /// An empty report.
    pub(in crate::dataset) fn empty(
        version: Cow<'static, str>,
        options: Options,
        tokens: FamilyTokens,
    ) -> Self {
        Self {
            generator: "fimd".into(),
            version,
            sources: None,
            tokens,
            evaluations: Vec::new(),
            counts: DatasetCounts::default(),
            projects: Vec::new(),
            parts: Vec::new(),
            split: SplitCounts {
                by: options.split_by,
                asked: options.val_split,
                reached: 0.0,
                train_files: 0,
                val_files: 0,
                leaks: options.split_by == SplitUnit::Example,
                unseen: None,
            },
            spans: BTreeMap::new(),
            mix: BTreeMap::new(),
            complexity: None,
            shapes: Shapes::default(),
            coverage: BTreeMap::new(),
            history: None,
            duplicates: Duplicates::default(),
            secrets: SecretCounts::default(),
            files_skipped: BTreeMap::new(),
            rejections: BTreeMap::new(),
            partial: None,
            options,
        }
    }

    /// The digest of projects with these digests: see [`Repo::digest`].
    pub(in crate::dataset) fn sources_of(projects: &[String]) -> String {
        let mut digest = [0; 16];
        let mut hasher = blake3::Hasher::new();
        hasher.update(projects.concat().as_bytes());
        hasher.finalize_xof().fill(&mut digest);
        format!("{:032x}", u128::from_be_bytes(digest))
    }

    /// Notes that the file `key` of `repo` is indexed and has this many bytes.
    pub fn cover(&mut self, repo: &Repo<'_>, key: &str, bytes: usize) {
        let folder = self.coverage.entry(repo.label(folder(key))).or_default();
        folder.files += 1;
        folder.bytes += bytes as u64;
    }

    /// Notes that this many examples of a file are in the dataset. The file has this
    /// label, in which its key begins at byte `key`, and this many bytes.
    pub(in crate::dataset) fn uses(&mut self, label: &str, key: usize, bytes: u64, examples: u64) {
        let (repo, key) = label.split_at(key);
        let folder = format!("{repo}{}", folder(key));
        let folder = self.coverage.entry(folder).or_default();
        self.counts.files_used += 1;
        folder.files_used += 1;
        folder.bytes_used += bytes;
        folder.examples += examples;
    }

    /// Adds what is read of the history of a project.
    pub(in crate::dataset) fn add_history(
        &mut self,
        history: &dyn History,
        selection: &VersionSelection<'_>,
    ) {
        let counts = self.history.get_or_insert_default();
        counts.add(&HistoryCounts {
            commits: history.commits().len(),
            changes: selection.versions.len(),
            examples: 0,
            shallow_clones: usize::from(history.is_shallow()),
        });
        if selection.left_out > 0 {
            self.reject(MANY_FILES, selection.left_out);
        }
    }

    /// Adds so many examples from the history of a project.
    pub(in crate::dataset) fn count_from_history(&mut self, examples: usize) {
        self.history.get_or_insert_default().examples += examples;
    }

    /// Adds `count` holes that were rejected for `reason`.
    pub fn reject(&mut self, reason: &str, count: u64) {
        *self.rejections.entry(reason.to_owned()).or_default() += count;
    }

    /// Fills in the shares of the kinds, given the counts in `spans`.
    pub(in crate::dataset) fn count_shares(&mut self) {
        // The holes at what commits added are beside the mix.
        let cut = |kind: &SpanKind| *kind != SpanKind::Commit;
        let spans = self.spans.iter().filter(|(kind, _)| cut(kind));
        let all = spans.clone().map(|(_, count)| *count).sum::<usize>().max(1) as f64;
        let mix = self.options.mix.shares();
        self.mix = mix
            .map(|(kind, target)| {
                (
                    kind,
                    MixShare {
                        target,
                        reached: 0.0,
                    },
                )
            })
            .collect();
        for (kind, examples) in spans {
            self.mix.entry(*kind).or_default().reached = *examples as f64 / all;
        }
    }

    /// Fills in what the division into splits determines.
    pub(in crate::dataset) fn finish(
        &mut self,
        entries: &[SplitEntry],
        kinds: &[SpanKind],
        shapes: &[TextShape],
        splits: &SplitAssignment,
    ) {
        let examples = splits.train.len() + splits.validation.len();
        self.counts.examples = examples;
        self.counts.train = splits.train.len();
        self.counts.val = splits.validation.len();
        let left_out = splits.leaked.len() + splits.showing.len();
        self.counts.cut_by_curriculum = entries.len() - examples - left_out;
        for (reason, examples) in [
            (SEEN_IN_TRAINING, &splits.leaked),
            (SHOWS_VALIDATION, &splits.showing),
        ] {
            if !examples.is_empty() {
                self.reject(reason, examples.len() as u64);
            }
        }
        let counts = self.counts;
        self.split.reach(&counts);
        self.split.unseen = splits.unseen;
        self.split.train_files = files(entries, &splits.train);
        self.split.val_files = files(entries, &splits.validation);
        let all = || splits.train.iter().chain(&splits.validation);
        for at in all() {
            *self.spans.entry(kinds[*at]).or_default() += 1;
        }
        self.count_shares();
        let (shapes, tokens) = Shapes::of(shapes, splits);
        self.shapes = shapes;
        // The complexity is a multiple of a quarter, so this loses nothing.
        let quarters = |at: &usize| (entries[*at].complexity / QUARTER) as u64;
        let tallies = Tallies {
            complexity: all().map(quarters).collect(),
            tokens,
        };
        self.complexity = tallies.complexity();
        self.partial = self.options.partial.then_some(tallies);
    }
}

/// The folder of the file `key`, or its ancestor at the second level if the folder
/// is deeper. The root is `./`.
fn folder(key: &str) -> &str {
    let slashes = key.match_indices('/').take(2);
    slashes.last().map_or("./", |(at, _)| &key[..=at])
}

/// The number of files from which the examples at `indices` come.
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

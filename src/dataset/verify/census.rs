//! Checks the claims on a dataset as a whole: the division into splits, duplicates,
//! and the figures in the metadata.

use std::collections::BTreeMap;
use std::fmt;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::cancel::{Cancel, Cancelled};
use crate::dataset::duplicates::{self, HoleText, StoredHole};
use crate::dataset::options::{Dedup, Options, SplitUnit};
use crate::dataset::record::{Example, SpanKind};
use crate::dataset::report::distribution::Distribution;
use crate::dataset::report::metadata::METADATA;
use crate::dataset::report::sample::{ExamplePosition, position_name};
use crate::dataset::report::shape::Neutralised;
use crate::dataset::split::Split;
use crate::dataset::verify::checker::Checker;
use crate::dataset::verify::claims::{Breach, Claim, Findings, PARTIAL};
use crate::dataset::verify::exposure::{Exposure, ValidationExample};
use crate::model::FimFormat;

/// What the checks keep of all examples.
#[derive(Default)]
pub(super) struct Census {
    files: BTreeMap<FileId, FileCount>,
    /// The number of examples with placeholders for secrets.
    redacted: usize,
    kinds: BTreeMap<SpanKind, usize>,
    /// The complexity of each example.
    scores: Vec<f64>,
    formats: BTreeMap<FimFormat, usize>,
    neutralised: Neutralised,
    /// The number of tokens of each example, if they were counted.
    tokens: Vec<usize>,
    /// The number of examples in each split.
    examples: [usize; 2],
    /// The first example with a text, by the digest of the text.
    by_text: FxHashMap<[u8; 16], ExamplePosition>,
    /// The first example with a key, which near duplicates share.
    by_key: FxHashMap<u128, ExamplePosition>,
    equal: Vec<Duplicate>,
    near: Vec<Duplicate>,
    /// The examples of the validation split.
    validation: Vec<ValidationExample>,
}

/// An example that is a duplicate of an earlier one.
struct Duplicate {
    position: ExamplePosition,
    /// The position of the earlier example.
    first: ExamplePosition,
    /// The key of the example's source file.
    file: String,
}

/// A source file of one of the projects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FileId {
    repo: Option<String>,
    key: String,
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repo {
            Some(repo) => write!(f, "{repo}:{}", self.key),
            None => f.write_str(&self.key),
        }
    }
}

/// The numbers of examples of a file.
#[derive(Default)]
struct FileCount {
    /// The examples in each split.
    examples: [usize; 2],
    /// The examples that do not match the file's text.
    misfits: usize,
}

impl Census {
    /// Adds the example at `position`. `fits` tells whether it matches its source
    /// file; near duplicates share `key`.
    pub(super) fn add(
        &mut self,
        position: ExamplePosition,
        example: &Example,
        fits: bool,
        key: Option<u128>,
    ) {
        let split = position.0 as usize;
        let id = FileId {
            repo: example.repo.clone(),
            key: example.filepath.clone(),
        };
        let file = self.files.entry(id).or_default();
        file.examples[split] += 1;
        file.misfits += usize::from(!fits);
        self.examples[split] += 1;
        *self.kinds.entry(example.span_kind).or_default() += 1;
        self.scores.push(example.complexity_score);
        *self.formats.entry(example.format).or_default() += 1;
        self.neutralised.examples += usize::from(example.markers_neutralised > 0);
        self.neutralised.places += example.markers_neutralised;
        self.tokens.extend(example.tokens);
        let Example {
            prefix,
            middle,
            suffix,
            filepath,
            ..
        } = example;
        let duplicate_of = |first| Duplicate {
            position,
            first,
            file: filepath.clone(),
        };
        let digest = digest([prefix, middle, suffix]);
        let first = *self.by_text.entry(digest).or_insert(position);
        if first != position {
            self.equal.push(duplicate_of(first));
        }
        if let Some(key) = key {
            let first = *self.by_key.entry(key).or_insert(position);
            if first != position {
                self.near.push(duplicate_of(first));
            }
        }
        self.redacted += usize::from(example.redacted > 0);
        if position.0 == Split::Validation {
            self.validation.push(ValidationExample {
                position,
                file: filepath.clone(),
                hole: StoredHole::new(HoleText {
                    before: prefix,
                    middle,
                    after: suffix,
                }),
            });
        }
    }

    /// The number of examples of `split`.
    pub(super) fn examples(&self, split: Split) -> usize {
        self.examples[split as usize]
    }

    /// The examples of the validation split.
    pub(super) fn validation(&self) -> &[ValidationExample] {
        &self.validation
    }

    /// Checks the claims on the dataset as a whole, except those on its metadata.
    pub(super) fn check(
        &self,
        checker: &Checker<'_>,
        findings: &mut Findings,
    ) -> Result<(), Cancelled> {
        self.changed_files(findings);
        self.files(checker, findings)?;
        self.duplicate_examples(&checker.options, findings);
        Ok(())
    }

    /// Reports each file of which no example matches the text: the file has changed,
    /// not the examples.
    fn changed_files(&self, findings: &mut Findings) {
        for (key, file) in &self.files {
            let examples: usize = file.examples.iter().sum();
            if examples > 1 && file.misfits == examples {
                let what = format!(
                    "the file has changed since: none of its {examples} examples stands in it"
                );
                findings.breach(Claim::Source, of_file(key, what));
            }
        }
    }

    /// Checks the claims on files: no file and no cluster of near duplicates gives
    /// examples to both splits, and no file is a duplicate of another.
    fn files(&self, checker: &Checker<'_>, findings: &mut Findings) -> Result<(), Cancelled> {
        let texts: Vec<_> = self
            .files
            .keys()
            .filter_map(|id| Some((id, checker.source(id.repo.as_deref(), &id.key).ok()?)))
            .collect();
        let clusters = near_duplicates(&texts, checker.cancel)?;
        if checker.options.split_by == SplitUnit::File {
            self.split(&clusters, findings);
        } else {
            let why = "it is split by example";
            findings.not_claimed(Claim::SplitFiles, why);
            findings.not_claimed(Claim::SplitClusters, why);
        }
        match checker.options.dedup {
            Dedup::Off => findings.not_claimed(Claim::DuplicateFiles, "duplicates were kept"),
            Dedup::Exact => equal_files(&texts, findings),
            Dedup::Near => near_equal_files(texts.len(), &clusters, findings),
        }
        Ok(())
    }

    /// Checks that no file and no cluster of near duplicates gives examples to both
    /// splits.
    fn split(&self, clusters: &[Vec<&FileId>], findings: &mut Findings) {
        findings.check(Claim::SplitFiles, self.files.len());
        for (key, file) in &self.files {
            let [train, val] = file.examples;
            if train > 0 && val > 0 {
                let what = format!(
                    "expected it in one part, found {train} examples in train and {val} in val"
                );
                findings.breach(Claim::SplitFiles, of_file(key, what));
            }
        }
        findings.check(Claim::SplitClusters, self.files.len());
        for cluster in clusters {
            let first_in = |split: Split| {
                let mut members = cluster.iter();
                members.find(|id| self.files[**id].examples[split as usize] > 0)
            };
            let (Some(train), Some(val)) = (first_in(Split::Train), first_in(Split::Validation))
            else {
                continue;
            };
            if train != val {
                let what = format!(
                    "validates, and its near duplicate {train} trains; the cluster has {} files",
                    cluster.len()
                );
                findings.breach(Claim::SplitClusters, of_file(val, what));
            }
        }
    }

    /// Checks that no example is a duplicate of another.
    fn duplicate_examples(&self, options: &Options, findings: &mut Findings) {
        let duplicates = match options.dedup {
            Dedup::Off => {
                findings.not_claimed(Claim::DuplicateExamples, "duplicates were kept");
                return;
            }
            _ if options.partial => {
                findings.not_claimed(Claim::DuplicateExamples, PARTIAL);
                return;
            }
            Dedup::Exact => &self.equal,
            Dedup::Near => &self.near,
        };
        findings.check(Claim::DuplicateExamples, self.scores.len());
        for duplicate in duplicates {
            let what = format!("is a duplicate of {}", position_name(duplicate.first));
            let breach = Breach::of_example(duplicate.position, &duplicate.file, what);
            findings.breach(Claim::DuplicateExamples, breach);
        }
    }

    /// Checks the figures in the metadata. `exposure` is what the search for the middles
    /// of the validation has found.
    pub(super) fn metadata(
        &self,
        metadata: &Value,
        options: &Options,
        exposure: &Exposure,
        findings: &mut Findings,
    ) {
        let mut figures = self.counts();
        figures.extend(self.split_counts(metadata, options, exposure));
        // The metadata also count placeholders in examples that are in neither split.
        let count = |pointer| metadata.pointer(pointer).and_then(Value::as_u64);
        let is_cut = count("/counts/cut_by_curriculum") != Some(0);
        let unused = [
            "/rejections/seen_in_training",
            "/rejections/shows_validation",
        ];
        if !is_cut && unused.iter().all(|left_out| count(left_out).is_none()) {
            figures.push(("/secrets/examples_redacted".into(), self.redacted.into()));
        }
        figures.extend(self.statistics());
        findings.check(Claim::Metadata, figures.len());
        for (pointer, expected) in figures {
            let found = metadata.pointer(&pointer);
            if !found.is_some_and(|found| is_same(found, &expected)) {
                let found = found.map_or_else(|| "nothing".into(), Value::to_string);
                let breach = Breach {
                    at: METADATA.into(),
                    file: None,
                    what: format!("{}: expected {expected}, found {found}", &pointer[1..]),
                };
                findings.breach(Claim::Metadata, breach);
            }
        }
    }

    /// The counts that the metadata should hold, by their JSON pointers.
    fn counts(&self) -> Vec<(String, Value)> {
        let files = |split: Split| {
            let files = self.files.values();
            files
                .filter(|file| file.examples[split as usize] > 0)
                .count()
        };
        let [train, val] = self.examples;
        let kinds = self.kinds.iter();
        let kinds = kinds.map(|(kind, count)| (kind.name().to_owned(), Value::from(*count)));
        let formats = self.formats.iter();
        let formats = formats.map(|(format, count)| (format.to_string(), Value::from(*count)));
        let Neutralised { examples, places } = self.neutralised;
        vec![
            ("/counts/examples".into(), (train + val).into()),
            ("/counts/train".into(), train.into()),
            ("/counts/val".into(), val.into()),
            ("/split/train_files".into(), files(Split::Train).into()),
            ("/split/val_files".into(), files(Split::Validation).into()),
            ("/spans".into(), kinds.collect()),
            ("/formats".into(), formats.collect()),
            ("/markers_neutralised/examples".into(), examples.into()),
            ("/markers_neutralised/places".into(), places.into()),
        ]
    }

    /// The figures on the split that the metadata should hold, by their JSON pointers.
    fn split_counts(
        &self,
        metadata: &Value,
        options: &Options,
        exposure: &Exposure,
    ) -> Vec<(String, Value)> {
        let count = |pointer| metadata.pointer(pointer).and_then(Value::as_u64);
        let cut = count("/counts/cut_by_curriculum").unwrap_or(0);
        let [train, val] = self.examples;
        let all = (train + val) as u64 + cut;
        let by_example = options.split_by == SplitUnit::Example;
        let mut figures = vec![
            (
                "/split/by",
                serde_json::to_value(options.split_by).unwrap_or_default(),
            ),
            ("/split/asked", options.val_split.into()),
            ("/split/reached", (val as f64 / all.max(1) as f64).into()),
            ("/split/leaks", by_example.into()),
        ];
        if options.val_split > 0.0 && !by_example {
            let compared = &exposure.compared;
            figures.extend([
                ("/split/unseen/long", compared.long.into()),
                ("/split/unseen/telling", compared.telling.into()),
                ("/split/unseen/in_place", compared.in_place.into()),
                ("/split/unseen/exempt", compared.exempt.into()),
            ]);
            // In a part, the search compares within each project.
            if !options.partial {
                let elsewhere = compared.in_place_elsewhere.into();
                figures.push(("/split/unseen/in_place_elsewhere", elsewhere));
            }
        }
        let owned = |(pointer, value): (&str, Value)| (pointer.to_owned(), value);
        figures.into_iter().map(owned).collect()
    }

    /// The statistics that the metadata should hold, by their JSON pointers.
    fn statistics(&self) -> Vec<(String, Value)> {
        // Counts are far below 2^52, so an `f64` holds them exactly.
        let tokens = self.tokens.iter().map(|tokens| *tokens as f64);
        let complexity = Distribution::of(self.scores.iter().copied());
        let distributions = [
            ("/complexity", complexity),
            ("/token_statistics/text", Distribution::of(tokens)),
        ];
        let mut figures = Vec::new();
        for (pointer, distribution) in distributions {
            let Some(of) = distribution else { continue };
            for (name, number) in [
                ("min", of.min),
                ("median", of.median),
                ("mean", of.mean),
                ("p90", of.p90),
                ("max", of.max),
            ] {
                figures.push((format!("{pointer}/{name}"), number.into()));
            }
        }
        figures
    }
}

/// The clusters of near duplicates among `files`. Only files of the same project can
/// share a cluster.
fn near_duplicates<'f>(
    files: &[(&'f FileId, &str)],
    cancel: &Cancel,
) -> Result<Vec<Vec<&'f FileId>>, Cancelled> {
    let mut clusters = Vec::new();
    for project in files.chunk_by(|(a, _), (b, _)| a.repo == b.repo) {
        let texts: Vec<_> = project
            .iter()
            .map(|(id, text)| (id.key.as_str(), *text))
            .collect();
        for (_, members) in duplicates::clusters(&texts, cancel)?.duplicated() {
            clusters.push(members.into_iter().map(|at| project[at].0).collect());
        }
    }
    Ok(clusters)
}

/// Checks that no two of `files` have the same text.
fn equal_files(files: &[(&FileId, &str)], findings: &mut Findings) {
    let mut first = FxHashMap::default();
    findings.check(Claim::DuplicateFiles, files.len());
    for (id, text) in files {
        let other = *first.entry(blake3::hash(text.as_bytes())).or_insert(*id);
        if other != *id {
            let what = format!("has the same text as {other}");
            findings.breach(Claim::DuplicateFiles, of_file(id, what));
        }
    }
}

/// Checks that no two of so many `files` are in one of `clusters`.
fn near_equal_files(files: usize, clusters: &[Vec<&FileId>], findings: &mut Findings) {
    findings.check(Claim::DuplicateFiles, files);
    for (first, others) in clusters.iter().filter_map(|all| all.split_first()) {
        for id in others {
            let what = format!("is a near duplicate of {first}, or of one of its");
            findings.breach(Claim::DuplicateFiles, of_file(id, what));
        }
    }
}

/// A breach by a source file.
fn of_file(file: &FileId, what: String) -> Breach {
    Breach {
        at: file.to_string(),
        file: Some(file.to_string()),
        what,
    }
}

/// Whether two values are equal. Fractions may differ by the rounding errors of sums
/// in different order.
fn is_same(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => (found - expected).abs() <= expected.abs() * 1e-9,
        _ => found == expected,
    }
}

/// A digest of the three texts.
fn digest(texts: [&String; 3]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&text.len().to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

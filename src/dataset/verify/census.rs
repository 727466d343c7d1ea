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
use crate::dataset::report::tally::Tally;
use crate::dataset::split::Split;
use crate::dataset::verify::checker::Checker;
use crate::dataset::verify::claims::{Breach, Claim, Findings, PARTIAL};
use crate::dataset::verify::examples::ExampleCheck;
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
    /// The tokens of context, prefix, middle and suffix of each example, if all were
    /// counted again.
    part_tokens: [Vec<usize>; 4],
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
    /// Adds the example at `position`, with the result of its own checks.
    pub(super) fn add(
        &mut self,
        position: ExamplePosition,
        example: &Example,
        check: &ExampleCheck,
    ) {
        let ExampleCheck { fits, key, .. } = *check;
        if let Some(counts) = &check.tokens {
            let parts = [counts.context, counts.prefix, counts.middle, counts.suffix];
            for (all, tokens) in self.part_tokens.iter_mut().zip(parts) {
                all.push(tokens);
            }
        }
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
        self.order(&checker.options, findings);
        if !checker.options.partial {
            findings.not_claimed(Claim::SplitRule, "it is no part of a larger one");
        }
        Ok(())
    }

    /// Checks the order of the training examples.
    fn order(&self, options: &Options, findings: &mut Findings) {
        if !options.curriculum {
            findings.not_claimed(Claim::Order, "there is no curriculum");
            return;
        }
        // The training split was read first.
        let [train, _] = self.examples;
        let train = &self.scores[..train.min(self.scores.len())];
        findings.check(Claim::Order, train.len());
        for (number, pair) in (2..).zip(train.windows(2)) {
            if pair[0] < pair[1] {
                let breach = Breach {
                    at: position_name((Split::Train, number)),
                    file: None,
                    what: format!("is harder ({}) than the one before ({})", pair[1], pair[0]),
                };
                findings.breach(Claim::Order, breach);
            }
        }
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
        figures.extend(self.counts_by_name(metadata, options));
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
        let Neutralised { examples, places } = self.neutralised;
        vec![
            ("/counts/files_used".into(), self.files.len().into()),
            ("/counts/examples".into(), (train + val).into()),
            ("/counts/train".into(), train.into()),
            ("/counts/val".into(), val.into()),
            ("/split/train_files".into(), files(Split::Train).into()),
            ("/split/val_files".into(), files(Split::Validation).into()),
            ("/markers_neutralised/examples".into(), examples.into()),
            ("/markers_neutralised/places".into(), places.into()),
        ]
    }

    /// The counts and shares by kind and by format that the metadata should hold, by their JSON
    /// pointers; 0 for what only the metadata name.
    fn counts_by_name(&self, metadata: &Value, options: &Options) -> BTreeMap<String, Value> {
        let mut figures = BTreeMap::new();
        for (kind, share) in options.mix.shares() {
            figures.insert(format!("/mix/{}/target", kind.name()), share.into());
            figures.insert(format!("/mix/{}/reached", kind.name()), 0.0.into());
        }
        for group in ["/spans", "/formats"] {
            let told = metadata.pointer(group).and_then(Value::as_object);
            let names = told.into_iter().flat_map(serde_json::Map::keys);
            figures.extend(names.map(|name| (format!("{group}/{name}"), Value::from(0))));
        }
        for (kind, count) in &self.kinds {
            figures.insert(format!("/spans/{}", kind.name()), (*count).into());
        }
        let cut = self
            .kinds
            .iter()
            .filter(|(kind, _)| **kind != SpanKind::Commit);
        let all = cut.clone().map(|(_, count)| *count).sum::<usize>().max(1) as f64;
        for (kind, count) in cut {
            let share = *count as f64 / all;
            figures.insert(format!("/mix/{}/reached", kind.name()), share.into());
        }
        for (format, count) in &self.formats {
            figures.insert(format!("/formats/{format}"), (*count).into());
        }
        figures
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
        if options.curriculum {
            let percent = u64::from(options.curriculum_top_pct);
            let most = (train as u64 + cut) * percent;
            let cut = train as u64 + cut - most.div_ceil(100);
            figures.push(("/counts/cut_by_curriculum", cut.into()));
        } else {
            figures.push(("/counts/cut_by_curriculum", 0.into()));
        }
        if options.partial {
            let quarters = self.scores.iter().map(|score| (score * 4.0) as u64);
            let tally: Tally = quarters.collect();
            let tally = serde_json::to_value(tally).unwrap_or_default();
            figures.push(("/partial/complexity", tally));
        }
        let owned = |(pointer, value): (&str, Value)| (pointer.to_owned(), value);
        figures.into_iter().map(owned).collect()
    }

    /// The statistics that the metadata should hold, by their JSON pointers.
    fn statistics(&self) -> Vec<(String, Value)> {
        // Counts are far below 2^52, so an `f64` holds them exactly.
        let of = |tokens: &[usize]| Distribution::of(tokens.iter().map(|tokens| *tokens as f64));
        let [context, prefix, middle, suffix] = &self.part_tokens;
        let distributions = [
            ("/complexity", Distribution::of(self.scores.iter().copied())),
            ("/token_statistics/context", of(context)),
            ("/token_statistics/prefix", of(prefix)),
            ("/token_statistics/middle", of(middle)),
            ("/token_statistics/suffix", of(suffix)),
            ("/token_statistics/text", of(&self.tokens)),
        ];
        let mut figures = Vec::new();
        if !self.tokens.is_empty() {
            let total = self.tokens.iter().sum::<usize>();
            figures.push(("/token_statistics/total".into(), total.into()));
        }
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

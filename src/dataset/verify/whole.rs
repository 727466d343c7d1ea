//! The claims that a dataset makes as a whole: what is in which part, what is
//! there twice, and what the metadata counts.

use std::collections::BTreeMap;
use std::fmt;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::Value;

use crate::cancel::{Cancel, Cancelled};
use crate::dataset::duplicates;
use crate::dataset::duplicates::held_out::{LeakedMiddles, MiddleIndex};
use crate::dataset::options::{Dedup, Options, SplitUnit};
use crate::dataset::record::{Example, SpanKind};
use crate::dataset::report::Distribution;
use crate::dataset::report::sample::{Place, place_name};
use crate::dataset::report::shape::Neutralised;
use crate::dataset::split::Split;
use crate::dataset::verify::examples::Checker;
use crate::dataset::verify::{Breach, Claim, Ledger, Placed};
use crate::dataset::write::files::METADATA;
use crate::dataset::write::read::Dataset;
use crate::model::FimFormat;

/// Why little is claimed of examples of different projects.
const PARTIAL: &str = "it is part of a larger one, each project made for itself";

/// How much of the validation training has seen: nothing if it is split by
/// file. Otherwise two files that are no copies of each other may still share
/// some lines, and a context may quote whatever an editor would see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// Middles of the validation.
    pub middles: usize,
    /// Those that a context in training holds, exactly or nearly.
    pub in_contexts: usize,
    /// Those that prefix, middle and suffix of an example in training hold.
    pub in_files: usize,
}

/// What is remembered of all examples.
#[derive(Default)]
pub(super) struct Census {
    files: BTreeMap<FileId, FileCount>,
    /// Examples with placeholders for secrets.
    redacted: usize,
    kinds: BTreeMap<SpanKind, usize>,
    /// The complexity of each example.
    scores: Vec<f64>,
    formats: BTreeMap<FimFormat, usize>,
    neutralised: Neutralised,
    /// The tokens of each example, if they were counted.
    tokens: Vec<usize>,
    /// Of each part.
    examples: [usize; 2],
    /// Where text like this stands first.
    exact: FxHashMap<[u8; 16], Place>,
    near: FxHashMap<u128, Place>,
    exact_again: Vec<(Place, Place, String)>,
    near_again: Vec<(Place, Place, String)>,
    validating: Vec<Validating>,
}

/// What is remembered of an example of the validation.
struct Validating {
    place: Place,
    file: String,
    middle: String,
}

/// A file of one of the projects.
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

/// The examples of a file.
#[derive(Default)]
struct FileCount {
    /// In each part.
    examples: [usize; 2],
    /// Those that do not fit the file.
    misfits: usize,
}

impl Census {
    /// Takes an example; `fits` tells whether it fits its file, `key` is what
    /// its near duplicates have in common with it.
    pub(super) fn add(&mut self, place: Place, example: &Example, fits: bool, key: Option<u128>) {
        let part = place.0 as usize;
        let id = FileId {
            repo: example.repo.clone(),
            key: example.filepath.clone(),
        };
        let file = self.files.entry(id).or_default();
        file.examples[part] += 1;
        file.misfits += usize::from(!fits);
        self.examples[part] += 1;
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
        let first = *self
            .exact
            .entry(digest([prefix, middle, suffix]))
            .or_insert(place);
        if first != place {
            self.exact_again.push((place, first, filepath.clone()));
        }
        if let Some(key) = key {
            let first = *self.near.entry(key).or_insert(place);
            if first != place {
                self.near_again.push((place, first, filepath.clone()));
            }
        }
        self.redacted += usize::from(example.redacted > 0);
        if place.0 == Split::Validation {
            self.validating.push(Validating {
                place,
                file: filepath.clone(),
                middle: middle.clone(),
            });
        }
    }

    /// The examples of a part.
    pub(super) fn examples(&self, part: Split) -> usize {
        self.examples[part as usize]
    }

    /// Checks what can be said once all examples are known.
    pub(super) fn close(
        &mut self,
        dataset: &Dataset,
        checker: &Checker<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), Cancelled> {
        self.changed_files(ledger);
        let dedup = checker.options.dedup;
        self.files_apart(checker, dedup, ledger)?;
        self.examples_apart(&checker.options, ledger);
        self.metadata(dataset, ledger);
        Ok(())
    }

    /// A file none of whose examples fits has changed rather than they.
    fn changed_files(&self, ledger: &mut Ledger) {
        for (key, file) in &self.files {
            let examples: usize = file.examples.iter().sum();
            if examples > 1 && file.misfits == examples {
                let what = format!(
                    "the file has changed since: none of its {examples} examples stands in it"
                );
                ledger.breach(Claim::Source, Breach::of_file(key, what));
            }
        }
    }

    /// The split by file and by cluster, and duplicates among the files.
    fn files_apart(
        &self,
        checker: &Checker<'_>,
        dedup: Dedup,
        ledger: &mut Ledger,
    ) -> Result<(), Cancelled> {
        let files: Vec<_> = self
            .files
            .keys()
            .filter_map(|id| Some((id, checker.source(id.repo.as_deref(), &id.key).ok()?)))
            .collect();
        // Near duplicates are looked for in one project only.
        let mut clusters: Vec<Vec<&FileId>> = Vec::new();
        for project in files.chunk_by(|(a, _), (b, _)| a.repo == b.repo) {
            let texts: Vec<_> = project
                .iter()
                .map(|(id, text)| (id.key.as_str(), *text))
                .collect();
            let found = duplicates::clusters(&texts, checker.cancel)?.duplicated();
            let members = found.into_iter().map(|(_, members)| members);
            clusters.extend(
                members.map(|members| members.into_iter().map(|at| project[at].0).collect()),
            );
        }
        if checker.options.split_by == SplitUnit::File {
            self.split(&clusters, ledger);
        } else {
            let why = "it is split by example";
            ledger.not_claimed(Claim::SplitFiles, why);
            ledger.not_claimed(Claim::SplitClusters, why);
        }
        match dedup {
            Dedup::Off => ledger.not_claimed(Claim::DuplicateFiles, "duplicates were kept"),
            Dedup::Exact => {
                let mut first = FxHashMap::default();
                ledger.check(Claim::DuplicateFiles, files.len());
                for (key, text) in &files {
                    let other = *first.entry(blake3::hash(text.as_bytes())).or_insert(*key);
                    if other != *key {
                        let what = format!("has the same text as {other}");
                        ledger.breach(Claim::DuplicateFiles, Breach::of_file(key, what));
                    }
                }
            }
            Dedup::Near => {
                ledger.check(Claim::DuplicateFiles, files.len());
                for (first, others) in clusters.iter().filter_map(|all| all.split_first()) {
                    for key in others {
                        let what = format!("is a near duplicate of {first}, or of one of its");
                        ledger.breach(Claim::DuplicateFiles, Breach::of_file(key, what));
                    }
                }
            }
        }
        Ok(())
    }

    /// That no file and no cluster is in both parts.
    fn split(&self, clusters: &[Vec<&FileId>], ledger: &mut Ledger) {
        ledger.check(Claim::SplitFiles, self.files.len());
        for (key, file) in &self.files {
            let [train, val] = file.examples;
            if train > 0 && val > 0 {
                let what = format!(
                    "expected it in one part, found {train} examples in train and {val} in val"
                );
                ledger.breach(Claim::SplitFiles, Breach::of_file(key, what));
            }
        }
        ledger.check(Claim::SplitClusters, self.files.len());
        for cluster in clusters {
            let with = |part: Split| {
                let mut members = cluster.iter();
                members.find(|id| self.files[**id].examples[part as usize] > 0)
            };
            let (Some(train), Some(val)) = (with(Split::Train), with(Split::Validation)) else {
                continue;
            };
            if train != val {
                let what = format!(
                    "validates, and its near duplicate {train} trains; the cluster has {} files",
                    cluster.len()
                );
                ledger.breach(Claim::SplitClusters, Breach::of_file(val, what));
            }
        }
    }

    fn examples_apart(&mut self, options: &Options, ledger: &mut Ledger) {
        let again = match options.dedup {
            Dedup::Off => {
                ledger.not_claimed(Claim::DuplicateExamples, "duplicates were kept");
                return;
            }
            _ if options.partial => {
                ledger.not_claimed(Claim::DuplicateExamples, PARTIAL);
                return;
            }
            Dedup::Exact => &self.exact_again,
            Dedup::Near => &self.near_again,
        };
        ledger.check(Claim::DuplicateExamples, self.scores.len());
        for (place, first, file) in again {
            let what = format!("is a duplicate of {}", place_name(*first));
            ledger.breach(Claim::DuplicateExamples, Breach::of(*place, file, what));
        }
    }

    /// That the metadata counts what is there.
    fn metadata(&self, dataset: &Dataset, ledger: &mut Ledger) {
        let files = |part: Split| {
            let files = self.files.values();
            files
                .filter(|file| file.examples[part as usize] > 0)
                .count()
        };
        let [train, val] = self.examples;
        let mut counts: Vec<(String, Value)> = vec![
            ("/counts/examples".into(), (train + val).into()),
            ("/counts/train".into(), train.into()),
            ("/counts/val".into(), val.into()),
            ("/split/train_files".into(), files(Split::Train).into()),
            ("/split/val_files".into(), files(Split::Validation).into()),
        ];
        let kinds = self.kinds.iter();
        counts.push((
            "/spans".into(),
            kinds
                .map(|(kind, count)| (kind.name().to_owned(), Value::from(*count)))
                .collect(),
        ));
        let formats = self.formats.iter();
        counts.push((
            "/formats".into(),
            formats
                .map(|(format, count)| (format.to_string(), Value::from(*count)))
                .collect(),
        ));
        let Neutralised { examples, places } = self.neutralised;
        counts.push(("/markers_neutralised/examples".into(), examples.into()));
        counts.push(("/markers_neutralised/places".into(), places.into()));
        // The metadata counts those, too, that came into neither part.
        let count = |pointer| dataset.metadata.pointer(pointer).and_then(Value::as_u64);
        let is_cut = count("/counts/cut_by_curriculum") != Some(0);
        if !is_cut && count("/rejections/seen_in_training").is_none() {
            counts.push(("/secrets/examples_redacted".into(), self.redacted.into()));
        }
        // Counts are far below 2^52.
        let tokens = self.tokens.iter().map(|tokens| *tokens as f64);
        let distributions = [
            ("/complexity", Distribution::of(self.scores.iter().copied())),
            ("/token_statistics/text", Distribution::of(tokens)),
        ];
        for (pointer, distribution) in distributions {
            let Some(of) = distribution else { continue };
            for (name, number) in [
                ("min", of.min),
                ("median", of.median),
                ("mean", of.mean),
                ("p90", of.p90),
                ("max", of.max),
            ] {
                counts.push((format!("{pointer}/{name}"), number.into()));
            }
        }
        ledger.check(Claim::Metadata, counts.len());
        for (pointer, expected) in counts {
            let found = dataset.metadata.pointer(&pointer);
            if !found.is_some_and(|found| is_same(found, &expected)) {
                let found = found.map_or_else(|| "nothing".into(), Value::to_string);
                let breach = Breach {
                    at: METADATA.into(),
                    file: None,
                    what: format!("{}: expected {expected}, found {found}", &pointer[1..]),
                };
                ledger.breach(Claim::Metadata, breach);
            }
        }
    }

    /// What is known of the validation so far, to be looked for in training.
    pub(super) fn exposed(&self) -> Exposed<'_> {
        let middles = self.validating.iter().map(|example| &*example.middle);
        let middles = MiddleIndex::new(&middles.collect::<Vec<_>>());
        Exposed {
            examples: &self.validating,
            in_contexts: middles.none(),
            in_files: middles.none(),
            middles,
        }
    }
}

impl Breach {
    fn of_file(file: &FileId, what: String) -> Self {
        Self {
            at: file.to_string(),
            file: Some(file.to_string()),
            what,
        }
    }
}

/// Equal, or two fractions that the order of a sum makes differ.
fn is_same(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => (found - expected).abs() <= expected.abs() * 1e-9,
        _ => found == expected,
    }
}

fn digest(parts: [&String; 3]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

/// Which middles of the validation were seen in training.
pub(super) struct Exposed<'a> {
    examples: &'a [Validating],
    middles: MiddleIndex,
    in_contexts: LeakedMiddles,
    in_files: LeakedMiddles,
}

impl Exposed<'_> {
    /// Looks through examples of the training.
    pub(super) fn look(&self, batch: &[Placed], cancel: &Cancel) -> Result<(), Cancelled> {
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

    /// Checks the claim, if it is one, and says how much there is.
    pub(super) fn close(&self, options: &Options, ledger: &mut Ledger) -> Exposure {
        match options.split_by {
            _ if options.partial => ledger.not_claimed(Claim::Unseen, PARTIAL),
            SplitUnit::Example => ledger.not_claimed(Claim::Unseen, "it is split by example"),
            SplitUnit::File => {
                ledger.check(Claim::Unseen, self.examples.len());
                for (number, example) in self.examples.iter().enumerate() {
                    let what = match (self.in_contexts.has(number), self.in_files.has(number)) {
                        (false, false) => continue,
                        (true, _) => "its middle stands in a context that is trained on",
                        (false, true) => "its middle stands in a text that is trained on",
                    };
                    let breach = Breach::of(example.place, &example.file, what.into());
                    ledger.breach(Claim::Unseen, breach);
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

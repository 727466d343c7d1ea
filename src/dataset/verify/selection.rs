//! Selects the files and draws the holes again, and compares them with what the
//! dataset tells of them. Contexts are not needed for this.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::dataset::cut::plan::FilePlan;
use crate::dataset::cut::quota::COMMON_MIDDLE;
use crate::dataset::error::DatasetError;
use crate::dataset::evaluation::{EXACT, NEAR};
use crate::dataset::record::{Example, SpanKind};
use crate::dataset::reject::{
    DUPLICATE, DUPLICATE_HOLE, MARKER_IN_TEXT, MIDDLE_IN_CONTEXT, NEAR_DUPLICATE, NO_HOLE, SECRET,
    SECRET_CUT_THROUGH, SEEN_IN_TRAINING, SHOWS_VALIDATION, TOO_LONG, TOO_MANY_TOKENS,
};
use crate::dataset::repo::Repo;
use crate::dataset::report::Report;
use crate::dataset::report::metadata::METADATA;
use crate::dataset::run::assign;
use crate::dataset::select::sources::{ExampleSource, sources, text_hashes};
use crate::dataset::split::Split;
use crate::dataset::verify::checker::Checker;
use crate::dataset::verify::claims::{Breach, Claim, Findings, Objections};
use crate::dataset::verify::error::VerifyError;
use crate::php::spans::SpanParser;

/// The reasons for which a proposed hole is not taken, is rejected with its context, or
/// its example is left out. Which holes are taken depends on the examples so far, so how
/// many there are of each cannot be told without contexts.
const LATER: [&str; 14] = [
    COMMON_MIDDLE,
    DUPLICATE_HOLE,
    NEAR_DUPLICATE,
    TOO_LONG,
    DUPLICATE,
    EXACT,
    NEAR,
    SEEN_IN_TRAINING,
    SHOWS_VALIDATION,
    MARKER_IN_TEXT,
    MIDDLE_IN_CONTEXT,
    SECRET,
    SECRET_CUT_THROUGH,
    TOO_MANY_TOKENS,
];

/// The kind and the name of a hole.
type KindAndName = (SpanKind, Box<str>);

/// A file that gives examples, as the options and the seed draw its holes.
struct PlannedFile {
    /// The kinds and the names of the proposed holes, by their bytes.
    holes: FxHashMap<(usize, usize), Vec<KindAndName>>,
    /// See [`Example::file_complexity`].
    complexity: f64,
    /// In a part of a larger dataset: whether the file validates.
    validates: bool,
}

impl PlannedFile {
    /// Why the hole of `example` is none of those that are proposed.
    fn objection(&self, example: &Example) -> Option<String> {
        let (start, end, kind) = (example.start_byte, example.end_byte, example.span_kind);
        let Some(proposed) = self.holes.get(&(start, end)) else {
            let holes = self.holes.len();
            return Some(format!(
                "start_byte, end_byte: expected one of the {holes} proposed holes of the file, found {start}..{end}"
            ));
        };
        let name = &*example.span_name;
        let of_kind = || proposed.iter().filter(|(other, _)| *other == kind);
        if of_kind().any(|(_, other)| **other == *name) {
            return None;
        }
        Some(match (of_kind().next(), proposed.first()) {
            (Some((_, expected)), _) => {
                format!("span_name: expected {expected:?}, found {name:?}")
            }
            (None, first) => format!(
                "span_kind: expected {}, found {}",
                first.map_or("none", |(kind, _)| kind.name()),
                kind.name()
            ),
        })
    }
}

/// What the projects give with the options of the dataset, before contexts are made.
pub(super) struct SourceSelectionCheck {
    /// The files that give examples, by the number of the project and the key.
    files: FxHashMap<(usize, String), PlannedFile>,
    /// The counts of files, and of holes that were rejected.
    report: Report,
    /// The digest of the projects' files.
    sources: String,
    /// Whether holes are cut from the history of the projects, too. How many were
    /// rejected there is not known here.
    has_history: bool,
    /// The name and the number of files of each project.
    projects: Vec<(Option<String>, usize)>,
}

/// Why nothing is claimed of holes in files that have changed.
const STALE: &str = "the projects have changed since";

impl SourceSelectionCheck {
    /// Selects the files of all projects and draws their holes.
    pub(super) fn new(checker: &Checker<'_>) -> Result<Self, VerifyError> {
        let mut check = Self {
            files: FxHashMap::default(),
            report: Report::new(&checker.options, checker.model),
            sources: String::new(),
            has_history: checker.options.git.is_some(),
            projects: Vec::new(),
        };
        let (mut texts, mut digests) = (FxHashMap::default(), Vec::new());
        for number in 0..checker.projects.len() {
            digests.push(check.add_project(checker, number, &mut texts)?);
            if checker.options.partial {
                texts.clear();
            }
        }
        check.sources = Report::sources_of(&digests);
        Ok(check)
    }

    /// Adds the project with this number, and returns the digest of its files. `texts`
    /// are the labels of the files of earlier projects by the hashes of their texts.
    fn add_project(
        &mut self,
        checker: &Checker<'_>,
        number: usize,
        texts: &mut FxHashMap<blake3::Hash, String>,
    ) -> Result<String, VerifyError> {
        let repo = &checker.projects[number];
        let hashes = text_hashes(repo, checker.cancel)?;
        let known = |hash: &_| texts.get(hash).cloned();
        let selected = sources(repo, &checker.options, &hashes, &known, checker.cancel)?;
        let report = &mut self.report;
        report.counts.files_indexed += selected.files;
        self.projects
            .push((repo.name.map(str::to_owned), selected.files));
        for file in repo.files.iter().filter(|file| (repo.in_root)(&file.path)) {
            report.cover(repo, &file.path, file.text.len());
        }
        for skipped in &selected.skipped {
            let name = repo.label(skipped.path);
            report.skip(&name, &skipped.reason);
            if let Some(kept) = &skipped.duplicate_of {
                report.duplicates.note_file(&name, kept);
            }
        }
        for exclusion in repo.left_out {
            report.skip(&repo.label(&exclusion.key), &exclusion.rule);
        }
        for (hash, file) in &selected.texts {
            let label = || repo.label(&selected.used[*file].file.path);
            texts.entry(*hash).or_insert_with(label);
        }
        let plans = plans(checker, repo, &selected.used)?;
        for (source, (file, rejected)) in selected.used.iter().zip(plans) {
            for (reason, count) in &rejected {
                self.report.reject(reason, *count);
            }
            self.files
                .insert((number, source.file.path.to_string()), file);
        }
        Ok(repo.digest(&hashes))
    }

    /// Whether the projects have changed since the dataset was made.
    fn is_stale(&self, metadata: &Value) -> bool {
        let told = metadata.get("sources").and_then(Value::as_str);
        told.is_some_and(|told| told != self.sources)
    }

    /// Checks the projects as a whole.
    pub(super) fn stale(&self, metadata: &Value, findings: &mut Findings) -> bool {
        findings.check(Claim::Source, 1);
        let is_stale = self.is_stale(metadata);
        if is_stale {
            findings.not_claimed(Claim::Holes, STALE);
            findings.breach(Claim::Source, Breach {
                at: METADATA.into(),
                file: None,
                what: "sources: the projects have changed since, their files are not those that the dataset was made of".into(),
            });
        }
        is_stale
    }

    /// Checks the hole of `example`, and the columns that follow from it and its file.
    pub(super) fn example(
        &self,
        checker: &Checker<'_>,
        split: Split,
        example: &Example,
        objections: &mut Objections,
    ) {
        let named = |project: &Repo<'_>| project.name == example.repo.as_deref();
        let Some(project) = checker.projects.iter().position(named) else {
            return;
        };
        let mut object = |claim, what| objections.push((claim, what));
        let Some(file) = self.files.get(&(project, example.filepath.clone())) else {
            let what = "filepath: expected a file that gives examples, found one that gives none";
            return object(Claim::Holes, what.into());
        };
        if let Some(what) = file.objection(example) {
            object(Claim::Holes, what);
        }
        if file.complexity.total_cmp(&example.file_complexity).is_ne() {
            let (expected, found) = (file.complexity, example.file_complexity);
            let what = format!("file_complexity: expected {expected}, found {found}");
            object(Claim::Metadata, what);
        }
        if checker.options.partial && file.validates != (split == Split::Validation) {
            let expected = if file.validates { "val" } else { "train" };
            let what = format!("the hash of the file's text puts it into {expected}");
            object(Claim::SplitRule, what);
        }
    }

    /// Checks the figures in the metadata that do not depend on contexts.
    pub(super) fn metadata(&self, metadata: &Value, findings: &mut Findings) {
        let object = |findings: &mut Findings, claim, what| {
            let breach = Breach {
                at: METADATA.into(),
                file: None,
                what,
            };
            findings.breach(claim, breach);
        };
        if self.is_stale(metadata) {
            return;
        }
        let figures = self.figures(metadata);
        findings.check(Claim::Metadata, figures.len());
        for (pointer, expected) in figures {
            let found = metadata.pointer(&pointer);
            if found != Some(&expected) {
                let found = found.map_or_else(|| "nothing".into(), Value::to_string);
                let what = format!("{}: expected {expected}, found {found}", &pointer[1..]);
                object(findings, Claim::Metadata, what);
            }
        }
    }

    /// The figures that the metadata should hold, by their JSON pointers.
    fn figures(&self, metadata: &Value) -> Vec<(String, Value)> {
        let report = &self.report;
        let mut figures = vec![
            (
                "/counts/files_indexed".into(),
                report.counts.files_indexed.into(),
            ),
            (
                "/duplicates/files_removed".into(),
                report.duplicates.files_removed.into(),
            ),
        ];
        let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
        for (folder, covered) in &report.coverage {
            let pointer = format!("/coverage/{}", escaped(folder));
            figures.push((format!("{pointer}/files"), covered.files.into()));
            figures.push((format!("{pointer}/bytes"), covered.bytes.into()));
        }
        let mut told: BTreeMap<&str, u64> = BTreeMap::new();
        let reasons = metadata.pointer("/rejections").and_then(Value::as_object);
        for reason in reasons.into_iter().flat_map(|reasons| reasons.keys()) {
            told.insert(reason, 0);
        }
        for (reason, count) in &report.rejections {
            told.insert(reason, *count);
        }
        for (reason, count) in told {
            if !LATER.contains(&reason) && !self.has_history {
                figures.push((format!("/rejections/{reason}"), count.into()));
            }
        }
        let value = |skipped| serde_json::to_value(skipped).unwrap_or_default();
        for (reason, skipped) in &report.files_skipped {
            if reason != NO_HOLE {
                let pointer = format!("/files_skipped/{}", escaped(reason));
                figures.push((pointer, value(skipped)));
            }
        }
        for (file, copies) in &report.duplicates.files {
            let pointer = format!("/duplicates/files/{}", escaped(file));
            figures.push((pointer, copies.as_slice().into()));
        }
        for (number, (name, files)) in self.projects.iter().enumerate() {
            if let Some(name) = name {
                let pointer = format!("/projects/{number}");
                figures.push((format!("{pointer}/name"), name.as_str().into()));
                figures.push((format!("{pointer}/files_indexed"), (*files).into()));
            }
        }
        figures
    }
}

/// A planned file, and the proposals that were rejected.
type Planned = (PlannedFile, BTreeMap<&'static str, u64>);

/// Proposes the holes of each of `files` of `repo`.
fn plans(
    checker: &Checker<'_>,
    repo: &Repo<'_>,
    files: &[ExampleSource<'_>],
) -> Result<Vec<Planned>, VerifyError> {
    let (options, secrets) = (&checker.options, &checker.secrets);
    let plan = |parser: &mut Result<SpanParser, _>, source: &ExampleSource<'_>| {
        let parser = parser.as_mut().map_err(|error| *error)?;
        let cancel = checker.cancel;
        let plan = FilePlan::new(source, repo.snapshot, options, secrets, parser, cancel);
        let plan = plan.map_err(|error| match error {
            DatasetError::Cancelled(cancelled) => VerifyError::Cancelled(cancelled),
            other => VerifyError::Metadata(other.to_string()),
        })?;
        let mut holes: FxHashMap<_, Vec<KindAndName>> = FxHashMap::default();
        for hole in &plan.proposals.holes {
            let range = (hole.range.start, hole.range.end);
            let drawn = (hole.kind, hole.name.as_str().into());
            holes.entry(range).or_default().push(drawn);
        }
        let file = PlannedFile {
            holes,
            complexity: plan.complexity,
            validates: options.partial && assign::validates(&source.text, options),
        };
        Ok::<_, VerifyError>((file, plan.proposals.rejected))
    };
    files.par_iter().map_init(SpanParser::new, plan).collect()
}

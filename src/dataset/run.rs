//! A dataset in the making: one project after the other, batch by batch.

pub mod assign;
mod decontaminate;
mod dedup_index;
mod ledger;
pub mod preview;
pub mod progress;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::dataset::batch::{Batch, FileOutcome, HoleOutcome};
use crate::dataset::cut::encoded::EncodedExample;
use crate::dataset::cut::example::{ExampleBuilder, HoleResult};
use crate::dataset::cut::plan::FilePlan;
use crate::dataset::error::DatasetError;
use crate::dataset::options::{Options, SplitUnit};
use crate::dataset::record::Example;
use crate::dataset::reject::{DUPLICATE, NEAR_DUPLICATE, Reject, SEEN};
use crate::dataset::repo::Repo;
use crate::dataset::report::{Report, metadata::ProjectCounts, page};
use crate::dataset::run::dedup_index::HoleRef;
use crate::dataset::run::ledger::{Admission, Ledger};
use crate::dataset::run::progress::Progress;
use crate::dataset::select::sources::{ExampleSource, sources, text_hashes};
use crate::dataset::sink::Sink;
use crate::dataset::split::{Split, SplitAssignment};
use crate::files::{Exclusion, WHOLE};
use crate::index::SourceFile;
use crate::model::Model;
use crate::secrets::{self, Secrets};

/// Source bytes worked on at a time: what bounds the memory for examples.
const BATCH_BYTES: usize = 128 << 10;

/// Batches whose files are parsed side by side.
const AHEAD: usize = 8;

/// A dataset in the making, in parallel on the current rayon pool.
pub struct Run<'a> {
    options: &'a Options,
    model: &'a Model,
    sink: &'a mut dyn Sink,
    cancel: &'a Cancel,
    progress: &'a mut dyn FnMut(Progress),
    secrets: Arc<Secrets>,
    state: Progress,
    ledger: Ledger,
    /// How the projects so far are divided, if each is for itself.
    parts: SplitAssignment,
}

impl<'a> Run<'a> {
    /// A run without a project yet, for `model`, which is [`Options::model`]. `progress` is called after every batch.
    ///
    /// # Errors
    /// If the options make no sense, or secrets could not be found.
    pub fn new(
        options: &'a Options,
        model: &'a Model,
        sink: &'a mut dyn Sink,
        cancel: &'a Cancel,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Result<Self, DatasetError> {
        options.check()?;
        Ok(Self {
            options,
            model,
            sink,
            cancel,
            progress,
            secrets: Secrets::new()?.into(),
            state: Progress::default(),
            ledger: Ledger::new(options, model),
            parts: SplitAssignment::default(),
        })
    }

    /// Makes the examples of a project.
    ///
    /// # Errors
    /// See [`DatasetError`].
    pub fn project(&mut self, repo: &Repo<'_>) -> Result<(), DatasetError> {
        let hashes = text_hashes(repo, self.cancel)?;
        let digest = repo.digest(&hashes);
        let before = (self.ledger.report.counts, self.ledger.examples());
        let first = self.state.files_done;
        let known_text = |hash: &_| self.ledger.name_of_text(hash).map(str::to_owned);
        let sources = sources(repo, self.options, &hashes, &known_text, self.cancel)?;
        for skipped in &sources.skipped {
            self.sink.reject(&skipped.reject(repo).line()?)?;
        }
        self.ledger.add_files(repo, &sources);
        self.state.files_total += sources.used.len();
        (self.progress)(self.state);
        let secrets = Arc::clone(&self.secrets);
        let maker = ExampleBuilder {
            repo,
            options: self.options,
            model: self.model,
            secrets: &secrets,
            cancel: self.cancel,
        };
        let batches: Vec<_> = batches(&sources.used).collect();
        let mut rest = &*batches;
        while let [batch, others @ ..] = rest {
            let Some(made) = self.sink.recall()? else {
                break;
            };
            self.recall(repo, &digest, batch, &made)?;
            self.done(batch.len());
            rest = others;
        }
        // The plans of the next batches are made while the examples of these are:
        // more of them at a time, so that nobody waits for one large file.
        let mut ahead = rest.chunks(AHEAD);
        let mut next = ahead.next().map(|batches| maker.plans(batches));
        while let Some(plans) = next.take() {
            let plans = plans?;
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| next = ahead.next().map(|batches| maker.plans(batches)));
                plans.into_iter().try_for_each(|plans| {
                    let files = plans.len();
                    self.make(&maker, &digest, plans)?;
                    self.done(files);
                    Ok::<_, DatasetError>(())
                })
            })?;
        }
        for left_out in repo.left_out {
            let name = repo.label(&left_out.key);
            self.ledger.report.skip(&name, &left_out.rule);
        }
        let (before, examples_before) = before;
        if self.options.partial {
            let ledger = &self.ledger;
            let mut parts = ledger.divide(repo, self.options, &sources, first, examples_before);
            parts.seen =
                decontaminate::take_seen(&parts.train, &mut parts.val, self.sink, self.cancel)?;
            self.parts.append(parts);
            self.ledger.forget();
        }
        if let Some(name) = repo.name {
            let examples = self.ledger.examples() - examples_before;
            let whole = repo.left_out.iter().find(|out| out.key == WHOLE);
            let report = &mut self.ledger.report;
            report.projects.push(ProjectCounts {
                name: name.to_owned(),
                files_indexed: report.counts.files_indexed - before.files_indexed,
                files_used: report.counts.files_used - before.files_used,
                examples,
                left_out: whole.map(|out| out.rule.clone()),
            });
        }
        Ok(())
    }

    /// Notes a row of an input that is no file of any project.
    pub fn refused(&mut self, row: &Exclusion) {
        self.ledger.report.skip(&row.key, &row.rule);
    }

    /// Notes that so many more files are done.
    fn done(&mut self, files: usize) {
        self.state.files_done += files;
        self.state.examples = self.ledger.examples();
        (self.progress)(self.state);
    }

    /// Goes over what an earlier run has `made` of `files`.
    fn recall(
        &mut self,
        repo: &Repo<'_>,
        digest: &str,
        files: &[ExampleSource<'_>],
        made: &Batch,
    ) -> Result<(), DatasetError> {
        let first = self.state.files_done;
        if (&*made.project, made.first, made.files.len()) != (digest, first, files.len()) {
            let name = repo.name.unwrap_or("the project");
            return Err(DatasetError::SourceChanged(name.to_owned()));
        }
        for ((file, source), outcome) in (first..).zip(files).zip(&made.files) {
            self.ledger.note_again(file, outcome);
            if outcome.text_bytes > 0 {
                self.sink.recalled_text(outcome.text_bytes);
            }
            let admissions = self.ledger.count(repo, source.file, file, outcome);
            for (attempt, admission) in outcome.attempts.iter().zip(admissions) {
                if let (Ok(cut), Admission::Accepted) = (&attempt.made, admission) {
                    self.sink.recalled_example(&cut.kept);
                }
            }
        }
        self.sink.reject(&made.rejects)?;
        Ok(self.cancel.check()?)
    }

    /// Makes the examples of the files with these plans.
    fn make(
        &mut self,
        maker: &ExampleBuilder<'_>,
        digest: &str,
        mut plans: Vec<FilePlan<'_>>,
    ) -> Result<(), DatasetError> {
        let (repo, first) = (maker.repo, self.state.files_done);
        let mut rejects = Rejects {
            repo,
            secrets: maker.secrets,
            lines: self.options.rejects.is_some().then(String::new),
        };
        let mut repeats = Vec::with_capacity(plans.len());
        for (file, plan) in (first..).zip(&mut plans) {
            repeats.push(take_repeats(file, plan, &mut self.ledger, &mut rejects)?);
        }
        let tried = maker.examples(&plans)?;
        let mut outcomes = Vec::with_capacity(plans.len());
        for (((file, plan), tried), repeats) in (first..).zip(&plans).zip(tried).zip(repeats) {
            let (outcome, templates) = outcome(plan, tried, repeats);
            if outcome.text_bytes > 0 {
                self.sink.text(plan.escaped.text())?;
            }
            let admissions = self.ledger.count(repo, plan.file, file, &outcome);
            for ((attempt, template), admission) in
                outcome.attempts.iter().zip(templates).zip(admissions)
            {
                let hole = attempt.start..attempt.end;
                let (reason, kept) = match (admission, &attempt.made) {
                    (Admission::Duplicate(kept), _) => (DUPLICATE, Some(kept)),
                    (_, Err(reason)) => (&**reason, None),
                    (_, Ok(cut)) => {
                        self.sink.example(&template, &cut.kept)?;
                        continue;
                    }
                };
                let kept = kept.map(|kept| self.ledger.label(&kept));
                rejects.push(plan.file, hole, reason, kept)?;
            }
            outcomes.push(outcome);
        }
        let batch = Batch {
            project: digest.to_owned(),
            first,
            files: outcomes,
            rejects: rejects.lines.unwrap_or_default(),
        };
        self.sink.reject(&batch.rejects)?;
        Ok(self.sink.end_batch(&batch)?)
    }

    /// Divides the examples of all projects and has them written: the report on
    /// them, and the page that shows it, unless they are a part. Nobody looks at
    /// a thousand pages: joining the parts makes one.
    ///
    /// # Errors
    /// See [`DatasetError`].
    pub fn finish(mut self) -> Result<(Report, Option<String>), DatasetError> {
        if self.sink.recall()?.is_some() {
            return Err(DatasetError::SourceChanged("the last project".into()));
        }
        // A part without any may be one of a thousand.
        if self.ledger.examples() == 0 && !self.options.partial {
            return Err(DatasetError::NoExamples(
                self.ledger.report.counts.files_indexed,
            ));
        }
        self.state.is_writing = true;
        (self.progress)(self.state);
        let mut parts = match self.options.partial {
            true => std::mem::take(&mut self.parts),
            false => self.ledger.split(self.options),
        };
        let SplitAssignment { train, val, .. } = &mut parts;
        let looks = self.options.split_by == SplitUnit::File && !self.options.partial;
        let (sink, cancel) = (&*self.sink, self.cancel);
        // The disk has time to take what is written while the rest is worked out.
        let seen = || match looks {
            true => decontaminate::take_seen(train, val, sink, cancel),
            false => Ok(Vec::new()),
        };
        let (seen, written) = rayon::join(seen, || sink.write(Split::Train, train));
        parts.seen.extend(seen?);
        written?;
        if looks && parts.val.is_empty() && !parts.seen.is_empty() {
            tracing::warn!(
                examples = parts.seen.len(),
                "nothing is left to validate with: all that was drawn stands in what is trained on; give more projects, or leave --bm25-context out"
            );
        }
        if self.options.rejects.is_some() {
            self.reject_seen(&parts)?;
        }
        let plotted = (!self.options.partial).then(|| self.ledger.plotted());
        let report = self.ledger.finish(&parts);
        let sink = &*self.sink;
        let page = || plotted.map(|all| page::page_of_run(&report, &parts, &all, sink));
        let (written, page) = rayon::join(|| sink.write(Split::Validation, &parts.val), page);
        written?;
        let page = page.transpose()?;
        self.sink.settle()?;
        Ok((report, page))
    }

    /// Notes what would have validated.
    fn reject_seen(&mut self, parts: &SplitAssignment) -> Result<(), DatasetError> {
        let mut lines = String::new();
        self.sink.read(&parts.seen, &mut |line| {
            let example: Example = serde_json::from_slice(line)?;
            let reject = Reject {
                repo: example.repo.as_deref(),
                filepath: &example.filepath,
                start_byte: Some(example.start_byte),
                end_byte: Some(example.end_byte),
                reason: SEEN,
                duplicate_of: None,
                middle: Some(&example.middle),
            };
            lines.push_str(&reject.line()?);
            Ok(())
        })?;
        Ok(self.sink.reject(&lines)?)
    }
}

/// Takes the near duplicates out of `plan`, that of file number `file`, before
/// any of them has cost a context: their keys. Notes all that the plan has
/// turned down.
fn take_repeats(
    file: usize,
    plan: &mut FilePlan<'_>,
    ledger: &mut Ledger,
    rejects: &mut Rejects<'_>,
) -> Result<Vec<u128>, DatasetError> {
    for rejection in std::mem::take(&mut plan.rejections) {
        rejects.push(plan.file, rejection.range, rejection.reason, None)?;
    }
    let mut repeats = Vec::new();
    for planned in std::mem::take(&mut plan.holes) {
        let hole = planned.hole.range.clone();
        let place = HoleRef {
            file,
            hole: hole.clone(),
        };
        match (planned.key, ledger.note_alike(planned.key, place).cloned()) {
            (Some(key), Some(kept)) => {
                repeats.push(key);
                let kept = ledger.label(&kept);
                rejects.push(plan.file, hole, NEAR_DUPLICATE, Some(kept))?;
            }
            _ => plan.holes.push(planned),
        }
    }
    Ok(repeats)
}

/// What came of the holes of `plan`, and the template of each: empty where there
/// is no example.
fn outcome(
    plan: &FilePlan<'_>,
    tried: Vec<HoleResult<EncodedExample>>,
    repeats: Vec<u128>,
) -> (FileOutcome, Vec<String>) {
    let owned = |counts: &BTreeMap<&'static str, u64>| {
        let owned = counts
            .iter()
            .map(|(what, count)| ((*what).to_owned(), *count));
        owned.collect()
    };
    let of_hole = plan.holes.iter().zip(tried).map(|(planned, tried)| {
        let (made, template) = match tried.example {
            Ok(EncodedExample { template, summary }) => (Ok(summary), template),
            Err(reason) => (Err(reason.to_owned()), String::new()),
        };
        let attempt = HoleOutcome {
            start: planned.hole.range.start,
            end: planned.hole.range.end,
            key: planned.key,
            made,
            secrets: owned(&tried.secrets),
        };
        (attempt, template)
    });
    let (attempts, templates): (Vec<HoleOutcome>, _) = of_hole.unzip();
    let mut cuts = attempts
        .iter()
        .filter_map(|attempt| attempt.made.as_ref().ok());
    let needs_text = cuts.any(|cut| cut.kept.window.is_some());
    let outcome = FileOutcome {
        repeats,
        rejected: owned(&plan.rejected),
        text_bytes: if needs_text {
            plan.escaped.text().len()
        } else {
            0
        },
        attempts,
    };
    (outcome, templates)
}

/// The lines of the rejects of one batch.
struct Rejects<'a> {
    repo: &'a Repo<'a>,
    secrets: &'a Secrets,
    /// None if nobody wants to see them.
    lines: Option<String>,
}

impl Rejects<'_> {
    /// Adds the hole `hole` of `file`, in bytes, which is a duplicate of the
    /// one named `duplicate_of` if there is such a one.
    fn push(
        &mut self,
        file: &SourceFile,
        hole: Range<usize>,
        reason: &str,
        duplicate_of: Option<String>,
    ) -> Result<(), DatasetError> {
        let Some(lines) = &mut self.lines else {
            return Ok(());
        };
        let found = file.secrets(self.secrets);
        let middle = secrets::replace(&file.text, hole.clone(), found);
        let reject = Reject {
            repo: self.repo.name,
            filepath: &file.path,
            start_byte: Some(hole.start),
            end_byte: Some(hole.end),
            reason,
            duplicate_of,
            middle: Some(&middle),
        };
        lines.push_str(&reject.line()?);
        Ok(())
    }
}

/// Cuts `files` into runs of about [`BATCH_BYTES`].
fn batches<'a>(
    mut files: &'a [ExampleSource<'a>],
) -> impl Iterator<Item = &'a [ExampleSource<'a>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = files.iter().take_while(|source| {
            let first = bytes == 0;
            bytes += source.file.text.len();
            first || bytes <= BATCH_BYTES
        });
        let (batch, rest) = files.split_at(fits.count());
        files = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

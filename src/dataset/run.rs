//! A dataset in the making: one project after the other, batch by batch.
//!
//! `ledger` is what the run keeps of all projects. `batches` makes the outcome of
//! each file, and `history` those of versions of files. `dedup_index` finds duplicate
//! examples. [`assign`] splits the examples; `decontaminate` finds which of them show
//! what validates.
//! [`preview`] makes a few examples without a dataset.

pub mod assign;
mod batches;
mod decontaminate;
mod dedup_index;
mod history;
mod ledger;
pub mod preview;
pub mod progress;
mod reject_lines;

use std::sync::Arc;

use self::batches::{batches, file_outcome, take_holes};
use self::decontaminate::unseen;
use self::ledger::{Admission, Ledger};
use self::progress::Progress;
use self::reject_lines::RejectLines;
use crate::cancel::Cancel;
use crate::dataset::batch::{Batch, FileOutcome};
use crate::dataset::cut::example::ExampleBuilder;
use crate::dataset::cut::plan::FilePlan;
use crate::dataset::error::DatasetError;
use crate::dataset::evaluation::Evaluations;
use crate::dataset::options::{Options, SplitUnit};
use crate::dataset::record::Example;
use crate::dataset::reject::{DUPLICATE, Reject, SEEN_IN_TRAINING, SHOWS_VALIDATION};
use crate::dataset::repo::Repo;
use crate::dataset::report::metadata::{DatasetCounts, ProjectSummary};
use crate::dataset::report::{Report, page};
use crate::dataset::select::sources::{ExampleSource, SourceSelection, sources, text_hashes};
use crate::dataset::sink::Sink;
use crate::dataset::split::{Split, SplitAssignment};
use crate::index::{Exclusion, SourceFile, WHOLE};
use crate::model::Model;
use crate::secrets::Secrets;

/// How many batches are planned together. Other threads can then plan other batches
/// while one thread parses a large file.
const BATCHES_AHEAD: usize = 8;

/// A dataset in the making. It works in parallel on the current rayon pool.
pub struct Run<'a> {
    options: &'a Options,
    model: &'a Model,
    evaluations: &'a Evaluations,
    sink: &'a mut dyn Sink,
    cancel: &'a Cancel,
    progress: &'a mut dyn FnMut(Progress),
    secrets: Arc<Secrets>,
    state: Progress,
    ledger: Ledger,
    /// The splits of the projects so far, with [`Options::partial`].
    splits: SplitAssignment,
    /// The digest of each project so far.
    digests: Vec<String>,
}

/// The state of a run before a project.
struct ProjectStart {
    /// The number of the first file of the project.
    file: usize,
    /// The number of the first example of the project.
    example: usize,
    counts: DatasetCounts,
}

/// Tells which of `options` have no effect.
fn tell_idle(options: &Options) {
    for (name, needs) in options.idle() {
        let flag = name.replace('_', "-");
        tracing::warn!("--{flag} has no effect without {needs}");
    }
}

impl<'a> Run<'a> {
    /// Begins a run without projects. `model` is [`Options::model`]. No example shows what
    /// `evaluations` hold. `progress` is
    /// called after every batch.
    ///
    /// # Errors
    /// If the options are wrong, or the rules for secrets cannot be loaded.
    pub fn new(
        options: &'a Options,
        model: &'a Model,
        evaluations: &'a Evaluations,
        sink: &'a mut dyn Sink,
        cancel: &'a Cancel,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Result<Self, DatasetError> {
        options.check()?;
        tell_idle(options);
        Ok(Self {
            options,
            model,
            evaluations,
            sink,
            cancel,
            progress,
            secrets: Secrets::new()?.into(),
            state: Progress::default(),
            ledger: Ledger::new(options, model),
            splits: SplitAssignment::default(),
            digests: Vec::new(),
        })
    }

    /// Makes the examples of a project.
    ///
    /// # Errors
    /// See [`DatasetError`].
    pub fn project<'r>(&mut self, repo: &Repo<'r>) -> Result<(), DatasetError> {
        let start = ProjectStart {
            file: self.state.files_done,
            example: self.ledger.examples(),
            counts: self.ledger.report.counts,
        };
        let hashes = text_hashes(repo, self.cancel)?;
        let sources = self.select(repo, &hashes)?;
        self.ledger.begin_project(&sources, self.options);
        let versions = self.select_versions(repo, &sources).versions;
        let of_files = repo.digest(&hashes);
        let digest = history::digest(of_files.clone(), &versions);
        let batches: Vec<_> = batches(&sources.used).collect();
        let recalled = self.recall_batches(repo, &digest, &batches)?;
        self.make_batches(repo, &digest, &batches[recalled..])?;
        self.make_versions(repo, &digest, &versions)?;
        for exclusion in repo.left_out {
            let name = repo.label(&exclusion.key);
            self.ledger.report.skip(&name, &exclusion.rule);
        }
        if self.options.partial {
            self.split_project(repo, &sources, &start)?;
        }
        self.report_project(repo, &start);
        self.digests.push(of_files);
        Ok(())
    }

    /// Reports a row of an input that is no file of any project.
    pub fn skip_row(&mut self, row: &Exclusion) {
        self.ledger.report.skip(&row.key, &row.rule);
    }

    /// Selects the files of `repo` that give examples.
    fn select<'r>(
        &mut self,
        repo: &Repo<'r>,
        hashes: &[blake3::Hash],
    ) -> Result<SourceSelection<'r>, DatasetError> {
        let known_text = |hash: &_| self.ledger.name_of_text(hash).map(str::to_owned);
        let sources = sources(repo, self.options, hashes, &known_text, self.cancel)?;
        for skipped in &sources.skipped {
            self.sink.reject(&skipped.reject(repo).line()?)?;
        }
        self.ledger.add_files(repo, &sources);
        self.state.files_total += sources.used.len();
        (self.progress)(self.state);
        Ok(sources)
    }

    /// Counts those of `batches` that the sink recalls from an earlier run. Returns
    /// how many there are.
    fn recall_batches(
        &mut self,
        repo: &Repo<'_>,
        digest: &str,
        batches: &[&[ExampleSource<'_>]],
    ) -> Result<usize, DatasetError> {
        for (number, files) in batches.iter().enumerate() {
            let Some(batch) = self.sink.recall()? else {
                return Ok(number);
            };
            let sources: Vec<_> = files.iter().map(|source| Some(&**source.file)).collect();
            self.recall(repo, digest, &sources, &batch)?;
            self.finish_files(files.len());
        }
        Ok(batches.len())
    }

    /// What makes the examples of `repo`.
    fn builder<'b>(&self, repo: &'b Repo<'b>, secrets: &'b Secrets) -> ExampleBuilder<'b>
    where
        'a: 'b,
    {
        ExampleBuilder {
            repo,
            options: self.options,
            model: self.model,
            secrets,
            evaluations: self.evaluations,
            cancel: self.cancel,
        }
    }

    /// Makes `batches`. While it makes the examples of some, it plans the files of
    /// the next [`BATCHES_AHEAD`].
    fn make_batches(
        &mut self,
        repo: &Repo<'_>,
        digest: &str,
        batches: &[&[ExampleSource<'_>]],
    ) -> Result<(), DatasetError> {
        let secrets = Arc::clone(&self.secrets);
        let builder = self.builder(repo, &secrets);
        let mut ahead = batches.chunks(BATCHES_AHEAD);
        let mut next = ahead.next().map(|batches| builder.plans(batches));
        while let Some(plans) = next.take() {
            let plans = plans?;
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| next = ahead.next().map(|batches| builder.plans(batches)));
                plans.into_iter().try_for_each(|plans| {
                    let files = plans.len();
                    self.make(&builder, digest, plans)?;
                    self.finish_files(files);
                    Ok::<_, DatasetError>(())
                })
            })?;
        }
        Ok(())
    }

    /// Counts `files` more files as done.
    fn finish_files(&mut self, files: usize) {
        self.state.files_done += files;
        self.state.examples = self.ledger.examples();
        (self.progress)(self.state);
    }

    /// Counts `batch`, which an earlier run has made of `files`; None stands for a version
    /// of a file.
    fn recall(
        &mut self,
        repo: &Repo<'_>,
        digest: &str,
        files: &[Option<&SourceFile>],
        batch: &Batch,
    ) -> Result<(), DatasetError> {
        let first = self.state.files_done;
        if (&*batch.project, batch.first, batch.files.len()) != (digest, first, files.len()) {
            let name = repo.name.unwrap_or("the project");
            return Err(DatasetError::SourceChanged(name.to_owned()));
        }
        for ((file, source), outcome) in (first..).zip(files).zip(&batch.files) {
            self.ledger.note_taken(file, outcome);
            if outcome.text_bytes > 0 {
                self.sink.recalled_text(outcome.text_bytes);
            }
            let admissions = self.ledger.count(repo, *source, file, outcome);
            for (attempt, admission) in outcome.attempts.iter().zip(admissions) {
                if let (Ok(summary), Admission::Accepted) = (&attempt.made, admission) {
                    self.sink.recalled_example(&summary.kept);
                }
            }
        }
        self.sink.reject(&batch.rejects)?;
        Ok(self.cancel.check()?)
    }

    /// Makes one batch, of the files with these plans.
    fn make(
        &mut self,
        builder: &ExampleBuilder<'_>,
        digest: &str,
        mut plans: Vec<FilePlan<'_>>,
    ) -> Result<(), DatasetError> {
        let first = self.state.files_done;
        let is_listed = self.options.rejects.is_some();
        let mut rejects = RejectLines::new(builder.repo, builder.secrets, is_listed);
        let mut repeats = Vec::with_capacity(plans.len());
        self.ledger.begin_batch();
        for (file, plan) in (first..).zip(&mut plans) {
            let dedup = self.options.dedup;
            repeats.push(take_holes(
                file,
                plan,
                dedup,
                &mut self.ledger,
                &mut rejects,
            )?);
        }
        let results = builder.examples(&plans)?;
        let mut outcomes = Vec::with_capacity(plans.len());
        for (((file, plan), results), repeats) in (first..).zip(&plans).zip(results).zip(repeats) {
            let (outcome, templates) = file_outcome(plan, results, repeats);
            self.store_examples(builder.repo, plan, file, &outcome, &templates, &mut rejects)?;
            outcomes.push(outcome);
        }
        let batch = Batch {
            project: digest.to_owned(),
            first,
            files: outcomes,
            rejects: rejects.into_lines(),
        };
        self.sink.reject(&batch.rejects)?;
        Ok(self.sink.end_batch(&batch)?)
    }

    /// Counts `outcome`, of the file number `file`. Gives the examples that are no
    /// duplicates to the sink, and the other holes to `rejects`. `templates` has one
    /// entry for each attempt of the outcome.
    fn store_examples(
        &mut self,
        repo: &Repo<'_>,
        plan: &FilePlan<'_>,
        file: usize,
        outcome: &FileOutcome,
        templates: &[String],
        rejects: &mut RejectLines<'_>,
    ) -> Result<(), DatasetError> {
        if outcome.text_bytes > 0 {
            self.sink.text(plan.escaped.text())?;
        }
        let source = plan.version.is_none().then_some(plan.file);
        let admissions = self.ledger.count(repo, source, file, outcome);
        for ((attempt, template), admission) in
            outcome.attempts.iter().zip(templates).zip(admissions)
        {
            let hole = attempt.start..attempt.end;
            let (reason, first) = match (admission, &attempt.made) {
                (Admission::Duplicate(first), _) => (DUPLICATE, Some(first)),
                (_, Err(reason)) => (&**reason, None),
                (_, Ok(summary)) => {
                    self.sink.example(template, &summary.kept)?;
                    continue;
                }
            };
            let first = first.map(|first| self.ledger.label(&first));
            rejects.push(plan, hole, reason, first)?;
        }
        Ok(())
    }

    /// Splits the examples of one project as if it were alone.
    fn split_project(
        &mut self,
        repo: &Repo<'_>,
        sources: &SourceSelection<'_>,
        start: &ProjectStart,
    ) -> Result<(), DatasetError> {
        let (file, from) = (start.file, start.example);
        let (entries, draw) = self
            .ledger
            .draw_project(repo, self.options, sources, file, from);
        let number = |at: &mut usize| *at += from;
        let mut pool = draw.pool(&entries);
        pool.iter_mut().for_each(number);
        let cluster = |at: usize| entries[at - from].cluster;
        let all = from..from + entries.len();
        let showing = decontaminate::showing(&pool, all, &cluster, self.sink, self.cancel)?;
        let local = showing.into_iter().map(|(at, by)| {
            let by = by.map(|by| by.into_iter().map(|by| by - from).collect());
            (at - from, by)
        });
        let mut splits = draw.settle(&entries, &local.collect(), self.options);
        splits.each_mut(number);
        if self.options.val_split > 0.0 {
            let SplitAssignment {
                train, validation, ..
            } = &splits;
            splits.unseen = Some(unseen(train, validation, self.sink, self.cancel)?);
        }
        self.splits.append(splits);
        self.ledger.forget();
        Ok(())
    }

    /// Adds what a project of several gave to the report.
    fn report_project(&mut self, repo: &Repo<'_>, start: &ProjectStart) {
        let Some(name) = repo.name else {
            return;
        };
        let examples = self.ledger.examples() - start.example;
        let whole = repo.left_out.iter().find(|out| out.key == WHOLE);
        let report = &mut self.ledger.report;
        report.projects.push(ProjectSummary {
            name: name.to_owned(),
            files_indexed: report.counts.files_indexed - start.counts.files_indexed,
            // Counted when it is known which examples stay.
            files_used: 0,
            examples,
            left_out: whole.map(|out| out.rule.clone()),
        });
    }

    /// Splits and writes the examples of all projects. Returns the report, and the
    /// page that shows it. A part of a larger dataset has no page; joining the parts
    /// makes one for all.
    ///
    /// # Errors
    /// See [`DatasetError`].
    pub fn finish(mut self) -> Result<(Report, Option<String>), DatasetError> {
        if self.sink.recall()?.is_some() {
            return Err(DatasetError::SourceChanged("the last project".into()));
        }
        // A part of a larger dataset may have no examples.
        if self.ledger.examples() == 0 && !self.options.partial {
            return Err(DatasetError::NoExamples(self.ledger.report.nothing_cut()));
        }
        self.state.is_writing = true;
        (self.progress)(self.state);
        let splits = self.write_training()?;
        if self.options.rejects.is_some() {
            self.reject_leaked(&splits)?;
        }
        let plotted = (!self.options.partial).then(|| self.ledger.plotted());
        self.ledger.report.evaluations = self.evaluations.summaries().to_vec();
        self.ledger.report.sources = Some(Report::sources_of(&self.digests));
        let report = self.ledger.finish(&splits);
        let sink = &*self.sink;
        let page = || plotted.map(|all| page::page_of_run(&report, &splits, &all, sink));
        let write = || sink.write(Split::Validation, &splits.validation);
        let (written, page) = rayon::join(write, page);
        written?;
        let page = page.transpose()?;
        self.sink.settle()?;
        Ok((report, page))
    }

    /// Splits the examples and writes the training split. What it shows of the
    /// validation is counted while the disk writes.
    fn write_training(&mut self) -> Result<SplitAssignment, DatasetError> {
        let is_whole = !self.options.partial;
        let mut splits = match is_whole {
            true => self.split()?,
            false => std::mem::take(&mut self.splits),
        };
        let SplitAssignment {
            train, validation, ..
        } = &splits;
        let decontaminates = self.options.split_by == SplitUnit::File && is_whole;
        let (sink, cancel) = (&*self.sink, self.cancel);
        let counted = || match decontaminates && self.options.val_split > 0.0 {
            true => unseen(train, validation, sink, cancel).map(Some),
            false => Ok(None),
        };
        let (counted, written) = rayon::join(counted, || sink.write(Split::Train, train));
        splits.unseen = counted?.or(splits.unseen);
        written?;
        if decontaminates && splits.validation.is_empty() && !splits.leaked.is_empty() {
            tracing::warn!(
                examples = splits.leaked.len(),
                "nothing is left to validate with: all that was drawn stands in what is trained on; give more projects, or leave --bm25-context out"
            );
        }
        Ok(splits)
    }

    /// Splits the examples of all projects.
    fn split(&mut self) -> Result<SplitAssignment, DatasetError> {
        let (options, entries) = (self.options, self.ledger.entries());
        let mut rng = options.rng("\0split");
        if options.split_by == SplitUnit::Example {
            return Ok(assign::by_example(entries, options, &mut rng));
        }
        let draw = assign::draw(entries, options, &mut rng);
        let pool = draw.pool(entries);
        let cluster = |at: usize| entries[at].cluster;
        let all = 0..entries.len();
        let showing = decontaminate::showing(&pool, all, &cluster, self.sink, self.cancel)?;
        Ok(draw.settle(entries, &showing, options))
    }

    /// Adds the examples that are in neither split, because training would show what
    /// validates, to the file of rejects.
    fn reject_leaked(&mut self, splits: &SplitAssignment) -> Result<(), DatasetError> {
        let mut lines = String::new();
        for (examples, reason) in [
            (&splits.leaked, SEEN_IN_TRAINING),
            (&splits.showing, SHOWS_VALIDATION),
        ] {
            self.sink.read(examples, &mut |line| {
                let example: Example = serde_json::from_slice(line)?;
                let reject = Reject {
                    repo: example.repo.as_deref(),
                    filepath: &example.filepath,
                    history_commit: example.history_commit.as_deref(),
                    start_byte: Some(example.start_byte),
                    end_byte: Some(example.end_byte),
                    reason,
                    duplicate_of: None,
                    middle: Some(&example.middle),
                };
                lines.push_str(&reject.line()?);
                Ok(())
            })?;
        }
        Ok(self.sink.reject(&lines)?)
    }
}

//! Training data from projects' files: a [`Run`] takes one project after the
//! other, turns its snapshot into examples and hands them to a [`Sink`].
//!
//! The result is a function of the snapshots, the options and the seed. Each
//! file draws from a generator of its own, seeded by the seed and the file's
//! key, so neither the order of files nor the number of threads matters, nor
//! which other projects are in the run: but for the duplicates left out, a
//! project gives the examples that it gives alone.
//! Nothing here but [`mod@write`] knows a disk.
//!
//! # Memory
//! A run holds one project at a time. Of those before it, it keeps a digest for
//! each file, some 50 bytes for each example, and what the report names.
//!
//! # Going on after a kill
//! Examples are made in batches, and [`Batch`] is what a run needs to know of
//! one beside the examples' lines. A sink may keep both and give the batches
//! back to a later run over the same projects, which then makes only the rest:
//! everything else, from duplicates to the report, follows from the batches as
//! it did the first time.
//!
//! # How an example shares `max_total_chars`
//! - the middle takes at most a quarter and is never cut;
//! - the context is assembled with [`Options::context_budget`]: the smaller of
//!   `max_context_chars` and half of the total. One number for the whole run,
//!   kept in each record as `context_max_chars`, so anyone can ask `getContext`
//!   with the same `max_chars` and compare. It is never cut afterwards;
//! - prefix and suffix share what is left, at least a quarter, two to one; what
//!   one does not need goes to the other. The prefix then starts, and the suffix
//!   ends, at a line break if there is one.

pub mod duplicates;
mod example;
pub mod holes;
mod options;
pub mod quality;
pub mod read;
mod repo;
pub mod report;
pub mod split;
pub mod template;
mod tested;
pub mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

pub use self::example::Cut;
pub use self::example::Example;
pub use self::holes::SpanKind;
pub use self::options::{Options, SplitBy, WrongOption};
pub use self::repo::{InRoot, Repo};

use self::example::{batch_examples, example_of, file_holes};
use self::holes::Measure;
use self::report::Report;
use self::split::Entry;
use crate::cancel::{Cancel, Cancelled};
use crate::files;
use crate::index::SourceFile;

/// Source bytes worked on at a time: what bounds the memory for examples.
const BATCH_BYTES: usize = 128 << 10;

/// Why there is no dataset.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The options make no sense.
    #[error(transparent)]
    Options(#[from] WrongOption),
    /// The sink could not take the examples.
    #[error("the dataset cannot be written: {0}")]
    Sink(#[from] std::io::Error),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// No file gave an example; says how many files were tried.
    #[error(
        "no example could be cut from {0} PHP files: see `fimd files --why` for what is left out, and try a lower --min-middle-chars"
    )]
    Nothing(usize),
    /// A project is not what it was when the batches were made that the sink
    /// has kept.
    #[error(
        "{0}: not the files that the interrupted run has read; leave --resume out to begin anew"
    )]
    Changed(String),
}

/// Takes the examples of a run.
pub trait Sink {
    /// Takes the next example, one JSON object and a line break.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn example(&mut self, line: &str) -> std::io::Result<()>;

    /// Notes that all examples of `batch` were given.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn end_batch(&mut self, batch: &Batch) -> std::io::Result<()>;

    /// The batch that comes next, if an earlier run has ended it: its examples
    /// were taken then and are not given again.
    ///
    /// # Errors
    /// If what was kept cannot be read; ends the run.
    fn recall(&mut self) -> std::io::Result<Option<Batch>>;

    /// Takes the next example of a batch that was recalled, by the length of
    /// its line in bytes.
    fn recalled_example(&mut self, bytes: usize);

    /// Takes the order in which the examples, counted from 0 as they came, are
    /// wanted in the two parts.
    ///
    /// # Errors
    /// If they cannot be written.
    fn finish(&mut self, parts: &split::Parts) -> std::io::Result<()>;
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files done.
    pub files_done: usize,
    /// Files in all, of the projects read so far.
    pub files_total: usize,
    /// Examples so far.
    pub examples: usize,
    /// Whether all are made, and are being divided and written.
    pub is_writing: bool,
}

/// What came of some files in a row, but for the lines of the examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// What was read of the project, as a digest: its name, and the keys and texts of its files.
    pub project: String,
    /// The number of the first file, counted from 0 over the whole run.
    pub first: usize,
    /// Each file in order.
    pub files: Vec<Outcome>,
}

/// What came of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its examples, in the order of holes.
    pub cuts: Vec<Cut>,
    /// What was turned down, by reason.
    pub rejected: BTreeMap<String, u64>,
}

/// A dataset in the making, in parallel on the current rayon pool.
pub struct Run<'a> {
    options: &'a Options,
    sink: &'a mut dyn Sink,
    cancel: &'a Cancel,
    progress: &'a mut dyn FnMut(Progress),
    report: Report,
    state: Progress,
    entries: Vec<Entry>,
    kinds: Vec<SpanKind>,
    /// Digests of the examples so far.
    seen: FxHashSet<u128>,
    /// Digests of the texts of all files so far.
    texts: FxHashSet<[u8; 32]>,
    /// Files that outcomes were counted of.
    files_counted: usize,
}

impl<'a> Run<'a> {
    /// A run without a project yet. `progress` is called after every batch.
    ///
    /// # Errors
    /// If the options make no sense.
    pub fn new(
        options: &'a Options,
        sink: &'a mut dyn Sink,
        cancel: &'a Cancel,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Result<Self, WrongOption> {
        options.check()?;
        Ok(Self {
            options,
            sink,
            cancel,
            progress,
            report: Report::new(options),
            state: Progress::default(),
            entries: Vec::new(),
            kinds: Vec::new(),
            seen: FxHashSet::default(),
            texts: FxHashSet::default(),
            files_counted: 0,
        })
    }

    /// Makes the examples of a project.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn project(&mut self, repo: &Repo<'_>) -> Result<(), Error> {
        let hashes = text_hashes(repo, self.cancel)?;
        let digest = repo.digest(&hashes);
        let from = (self.report.counts, self.entries.len());
        let sources = sources(
            repo,
            self.options,
            &hashes,
            &mut self.texts,
            &mut self.report,
        );
        self.state.files_total += sources.len();
        (self.progress)(self.state);
        for batch in batches(&sources) {
            self.batch(repo, &digest, batch)?;
            self.state.files_done += batch.len();
            self.state.examples = self.entries.len();
            (self.progress)(self.state);
        }
        for left_out in repo.left_out {
            self.report.skip(&repo.label(&left_out.key), &left_out.rule);
        }
        if let Some(name) = repo.name {
            let before = from.0;
            let counts = self.report.counts;
            self.report.projects.push(report::Project {
                name: name.to_owned(),
                files_indexed: counts.files_indexed - before.files_indexed,
                files_used: counts.files_used - before.files_used,
                examples: self.entries.len() - from.1,
            });
        }
        Ok(())
    }

    /// Notes a row of an input that is no file of any project.
    pub fn refused(&mut self, row: &files::LeftOut) {
        self.report.skip(&row.key, &row.rule);
    }

    /// Makes the examples of some files, or recalls what came of them.
    fn batch(
        &mut self,
        repo: &Repo<'_>,
        digest: &str,
        files: &[&Arc<SourceFile>],
    ) -> Result<(), Error> {
        let first = self.files_counted;
        if let Some(batch) = self.sink.recall()? {
            if (&*batch.project, batch.first, batch.files.len()) != (digest, first, files.len()) {
                return Err(Error::Changed(
                    repo.name.unwrap_or("the project").to_owned(),
                ));
            }
            for (file, outcome) in files.iter().zip(&batch.files) {
                self.count(repo, file, outcome, |sink, at| {
                    sink.recalled_example(outcome.cuts[at].bytes);
                    Ok(())
                })?;
            }
            return self.cancel.check().map_err(Error::from);
        }
        let made = batch_examples(repo, files, self.options, self.cancel)?;
        let mut batch = Batch {
            project: digest.to_owned(),
            first,
            files: Vec::with_capacity(files.len()),
        };
        for (file, examples) in files.iter().zip(made) {
            let (outcome, lines) = examples.split();
            self.count(repo, file, &outcome, |sink, at| sink.example(&lines[at]))?;
            batch.files.push(outcome);
        }
        Ok(self.sink.end_batch(&batch)?)
    }

    /// Counts what came of a file and gives those of its examples to the sink,
    /// by `give`, that are no duplicates.
    fn count(
        &mut self,
        repo: &Repo<'_>,
        file: &SourceFile,
        outcome: &Outcome,
        mut give: impl FnMut(&mut dyn Sink, usize) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let before = self.entries.len();
        for (reason, count) in &outcome.rejected {
            self.report.reject(reason, *count);
        }
        for (at, cut) in outcome.cuts.iter().enumerate() {
            if !self.seen.insert(cut.digest) {
                self.report.reject("duplicate_example", 1);
                continue;
            }
            give(self.sink, at)?;
            self.entries.push(Entry {
                file: self.files_counted,
                complexity: f64::from_bits(cut.complexity),
            });
            self.kinds.push(cut.kind);
        }
        self.files_counted += 1;
        if self.entries.len() == before {
            self.report.skip(&repo.label(&file.path), "no hole fits");
        } else {
            self.report.counts.files_used += 1;
        }
        Ok(())
    }

    /// Divides the examples of all projects and has them written.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn finish(mut self) -> Result<Report, Error> {
        if self.sink.recall()?.is_some() {
            return Err(Error::Changed("the last project".into()));
        }
        if self.entries.is_empty() {
            return Err(Error::Nothing(self.report.counts.files_indexed));
        }
        self.state.is_writing = true;
        (self.progress)(self.state);
        let rng = &mut self.options.rng("\0split");
        let parts = split::split(&self.entries, self.options, rng);
        self.sink.finish(&parts)?;
        self.report.finish(&self.entries, &self.kinds, &parts);
        Ok(self.report)
    }
}

/// `count` random examples, from as many different files as there are.
///
/// # Errors
/// See [`Error`].
pub fn preview(
    repo: &Repo<'_>,
    options: &Options,
    count: usize,
    cancel: &Cancel,
) -> Result<Vec<Example>, Error> {
    options.check()?;
    let mut report = Report::new(options);
    let hashes = text_hashes(repo, cancel)?;
    let texts = &mut FxHashSet::default();
    let mut files = sources(repo, options, &hashes, texts, &mut report);
    let mut rng = options.rng("\0preview");
    files.shuffle(&mut rng);
    let mut pending = Vec::new();
    let mut examples = Vec::new();
    for file in files {
        if examples.len() == count {
            break;
        }
        cancel.check()?;
        let mut holes = file_holes(file, options).holes;
        if !holes.is_empty() {
            let hole = holes.swap_remove(rng.random_range(0..holes.len()));
            examples.extend(example_of(
                repo,
                file,
                &Measure::new(&file.text),
                &hole,
                options,
                cancel,
            )?);
            pending.extend(holes.into_iter().map(|hole| (file, hole)));
        }
    }
    pending.shuffle(&mut rng);
    for (file, hole) in pending {
        if examples.len() == count {
            break;
        }
        examples.extend(example_of(
            repo,
            file,
            &Measure::new(&file.text),
            &hole,
            options,
            cancel,
        )?);
    }
    if examples.is_empty() {
        return Err(Error::Nothing(report.counts.files_indexed));
    }
    Ok(examples)
}

/// The hashes of the texts of all files, in the order of keys.
fn text_hashes(repo: &Repo<'_>, cancel: &Cancel) -> Result<Vec<blake3::Hash>, Cancelled> {
    let files: Vec<_> = repo.snapshot.files().collect();
    files
        .into_par_iter()
        .map(|file| cancel.check().map(|()| blake3::hash(file.text.as_bytes())))
        .collect()
}

/// The files that give examples, in the order of keys; `report` says why the
/// others do not. `hashes` are those of all files, `texts` those of the files
/// so far, of this project and those before it.
fn sources<'a>(
    repo: &Repo<'a>,
    options: &Options,
    hashes: &[blake3::Hash],
    texts: &mut FxHashSet<[u8; 32]>,
    report: &mut Report,
) -> Vec<&'a Arc<SourceFile>> {
    let tests = options
        .tested_only
        .then(|| tested::Tests::new(repo.snapshot.files()));
    let mut sources = Vec::new();
    for (file, hash) in repo.snapshot.files().zip(hashes) {
        report.counts.files_indexed += 1;
        let reason = if !(repo.in_root)(&file.path) {
            Some("only in an include path")
        } else if file.lossy {
            Some("not UTF-8")
        } else if let Some(reason) = files::left_out_of_dataset(&file.path) {
            Some(reason)
        } else if tests.as_ref().is_some_and(|tests| !tests.cover(file)) {
            Some("no test for it")
        } else if !texts.insert(*hash.as_bytes()) {
            Some("same text as another file")
        } else {
            None
        };
        match reason {
            Some(reason) => report.skip(&repo.label(&file.path), reason),
            None => sources.push(file),
        }
    }
    sources
}

/// Cuts `files` into runs of about [`BATCH_BYTES`].
fn batches<'a>(
    mut files: &'a [&'a Arc<SourceFile>],
) -> impl Iterator<Item = &'a [&'a Arc<SourceFile>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = files.iter().take_while(|file| {
            let first = bytes == 0;
            bytes += file.text.len();
            first || bytes <= BATCH_BYTES
        });
        let (batch, rest) = files.split_at(fits.count());
        files = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

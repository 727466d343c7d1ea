//! Training data from a project's files: [`run`] turns a snapshot into examples
//! and hands them to a [`Sink`].
//!
//! The result is a function of the snapshot, the options and the seed. Each
//! file draws from a generator of its own, seeded by the seed and the file's
//! key, so neither the order of files nor the number of threads matters.
//! Nothing here but [`mod@write`] and [`mod@read`] knows a disk.
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

mod columns;
pub mod duplicates;
mod example;
pub mod holes;
mod options;
pub mod quality;
pub mod read;
pub mod report;
pub mod split;
pub mod template;
mod tested;
pub mod write;

use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;
use rustc_hash::{FxHashMap, FxHashSet};

pub use self::example::Example;
pub use self::holes::SpanKind;
pub use self::options::{Options, SplitBy, WrongOption};

use self::example::{batch_examples, example_of, file_holes};
use self::holes::Measure;
use self::report::Report;
use self::split::Entry;
use crate::cancel::{Cancel, Cancelled};
use crate::files;
use crate::index::{Snapshot, SourceFile};

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
}

/// Takes the examples of a run.
pub trait Sink {
    /// Takes the next example, one JSON object and a line break.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn example(&mut self, line: &str) -> std::io::Result<()>;

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
    /// Files in all.
    pub files_total: usize,
    /// Examples so far.
    pub examples: usize,
}

/// Says of a key whether its file belongs to the project itself; files that are
/// only in an include path are context, not data.
pub type InRoot<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// Generates the dataset of `snapshot`, in parallel on the current rayon pool.
///
/// # Errors
/// See [`Error`].
pub fn run(
    snapshot: &Snapshot,
    options: &Options,
    in_root: InRoot<'_>,
    sink: &mut dyn Sink,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, Error> {
    options.check()?;
    let mut report = Report::new(options);
    let sources = sources(snapshot, options, in_root, &mut report);
    let mut state = Progress {
        files_total: sources.len(),
        ..Progress::default()
    };
    let (mut entries, mut kinds) = (Vec::new(), Vec::new());
    let mut seen = FxHashSet::default();
    for batch in batches(&sources) {
        progress(state);
        for (file, examples) in
            (state.files_done..).zip(batch_examples(snapshot, batch, options, cancel)?)
        {
            let before = entries.len();
            for (reason, count) in examples.rejected {
                report.reject(reason, count);
            }
            for ready in examples.ready {
                if !seen.insert(ready.digest) {
                    report.reject("duplicate_example", 1);
                    continue;
                }
                sink.example(&ready.line)?;
                entries.push(Entry {
                    file,
                    complexity: ready.complexity,
                });
                kinds.push(ready.kind);
            }
            if entries.len() == before {
                report.skip(&sources[file].path, "no hole fits");
            } else {
                report.counts.files_used += 1;
            }
        }
        state.files_done += batch.len();
        state.examples = entries.len();
    }
    progress(state);
    if entries.is_empty() {
        return Err(Error::Nothing(report.counts.files_indexed));
    }
    let parts = split::split(&entries, options, &mut options.rng("\0split"));
    sink.finish(&parts)?;
    report.finish(&entries, &kinds, &parts);
    Ok(report)
}

/// `count` random examples, from as many different files as there are.
///
/// # Errors
/// See [`Error`].
pub fn preview(
    snapshot: &Snapshot,
    options: &Options,
    in_root: InRoot<'_>,
    count: usize,
    cancel: &Cancel,
) -> Result<Vec<Example>, Error> {
    options.check()?;
    let mut report = Report::new(options);
    let mut files = sources(snapshot, options, in_root, &mut report);
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
                snapshot,
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
            snapshot,
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

/// The files that give examples, in the order of keys; `report` says why the others do not.
fn sources<'a>(
    snapshot: &'a Snapshot,
    options: &Options,
    in_root: InRoot<'_>,
    report: &mut Report,
) -> Vec<&'a Arc<SourceFile>> {
    let tests = options
        .tested_only
        .then(|| tested::Tests::new(snapshot.files()));
    let mut texts: FxHashMap<blake3::Hash, &str> = FxHashMap::default();
    let mut sources = Vec::new();
    for file in snapshot.files() {
        report.counts.files_indexed += 1;
        let reason = if !in_root(&file.path) {
            Some("only in an include path")
        } else if file.lossy {
            Some("not UTF-8")
        } else if let Some(reason) = files::left_out_of_dataset(&file.path) {
            Some(reason)
        } else if tests.as_ref().is_some_and(|tests| !tests.cover(file)) {
            Some("no test for it")
        } else if texts
            .insert(blake3::hash(file.text.as_bytes()), &file.path)
            .is_some()
        {
            Some("same text as another file")
        } else {
            None
        };
        match reason {
            Some(reason) => report.skip(&file.path, reason),
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

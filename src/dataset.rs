//! Training data from a project's files: [`run`] turns a snapshot into examples
//! and hands them to a [`Sink`].
//!
//! The result is a function of the snapshot, the options and the seed. Each
//! file draws from a generator of its own, seeded by the seed and the file's
//! key, so neither the order of files nor the number of threads matters.
//! Nothing here but [`mod@write`] knows a disk.
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
pub mod generated;
pub mod holes;
mod options;
pub mod quality;
pub mod read;
pub mod rejects;
pub mod report;
mod seen;
mod sources;
pub mod split;
pub mod template;
mod tested;
pub mod vendored;
pub mod write;

use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;

pub use self::example::Example;
pub use self::holes::SpanKind;
pub use self::options::{Dedup, OnSecret, Options, SplitBy, WrongOption};

use self::example::{Maker, Plan};
use self::rejects::Reject;
use self::report::Report;
use self::seen::{Place, Seen};
use self::sources::{Source, sources};
use self::split::Entry;
use crate::cancel::{Cancel, Cancelled};
use crate::index::Snapshot;
use crate::secrets::{self, RulesError, Secrets};

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
    /// Secrets could not be found.
    #[error(transparent)]
    Secrets(#[from] RulesError),
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

    /// Takes a line of the file of rejects (see [`mod@rejects`]), if it keeps one.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn reject(&mut self, _line: &str) -> std::io::Result<()> {
        Ok(())
    }

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
    let secrets = Secrets::new()?;
    let mut report = Report::new(options);
    let sources = sources(snapshot, options, in_root, cancel)?;
    report.counts.files_indexed = sources.files;
    for skipped in &sources.skipped {
        report.skip(skipped.path, &skipped.reason);
        report.duplicates.note_file(skipped);
        sink.reject(&skipped.reject().line()?)?;
    }
    let sources = sources.used;
    let maker = Maker {
        snapshot,
        options,
        secrets: &secrets,
        cancel,
    };
    let refusals = Refusals {
        sources: &sources,
        secrets: &secrets,
        keep: options.rejects.is_some(),
    };
    let mut state = Progress {
        files_total: sources.len(),
        ..Progress::default()
    };
    let (mut entries, mut kinds) = (Vec::new(), Vec::new());
    let (mut alike, mut equal) = (Seen::default(), Seen::default());
    for batch in batches(&sources) {
        progress(state);
        let mut plans = maker.plans(batch)?;
        for (file, plan) in (state.files_done..).zip(&mut plans) {
            refusals.of_plan(file, plan, &mut alike, &mut report, sink)?;
        }
        for ((file, plan), outcomes) in (state.files_done..)
            .zip(&plans)
            .zip(maker.examples(&plans)?)
        {
            let before = entries.len();
            for (planned, outcome) in plan.holes.iter().zip(outcomes) {
                let hole = &planned.hole.range;
                let place = Place {
                    file,
                    hole: hole.clone(),
                };
                let ready = match outcome.example {
                    Ok(ready) => ready,
                    Err(reason) => {
                        report.reject(reason, 1);
                        report.secrets.note_refused(&outcome.secrets);
                        refusals.write(&place, reason, None, sink)?;
                        continue;
                    }
                };
                if options.dedup != Dedup::Off
                    && let Some(first) = equal.note(ready.digest, place.clone())
                {
                    report.reject(DUPLICATE, 1);
                    refusals.write(&place, DUPLICATE, Some(first), sink)?;
                    continue;
                }
                report.secrets.note(&outcome.secrets);
                sink.example(&ready.line)?;
                entries.push(Entry {
                    file,
                    cluster: batch[file - state.files_done].cluster,
                    complexity: ready.complexity,
                });
                kinds.push(ready.kind);
            }
            if entries.len() == before {
                report.skip(&plan.file.path, "no hole fits");
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
    report.duplicates.finish(&alike, &equal);
    let parts = split::split(&entries, options, &mut options.rng("\0split"));
    sink.finish(&parts)?;
    report.finish(&entries, &kinds, &parts);
    Ok(report)
}

/// The reason of an example whose text another one has.
const DUPLICATE: &str = "duplicate_example";
/// The reason of an example that is nearly another one.
const NEAR_DUPLICATE: &str = "near_duplicate_example";

/// Accounts for the holes that nothing came of.
struct Refusals<'a> {
    sources: &'a [Source<'a>],
    secrets: &'a Secrets,
    /// Whether somebody wants to see them.
    keep: bool,
}

impl Refusals<'_> {
    /// Takes the near duplicates out of `plan`, that of file number `file`, and
    /// accounts for all that it has turned down.
    fn of_plan(
        &self,
        file: usize,
        plan: &mut Plan<'_>,
        alike: &mut Seen,
        report: &mut Report,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        for (reason, count) in std::mem::take(&mut plan.rejected) {
            report.reject(reason, count);
        }
        for refused in std::mem::take(&mut plan.refused) {
            let hole = refused.range;
            self.write(&Place { file, hole }, refused.reason, None, sink)?;
        }
        for planned in std::mem::take(&mut plan.holes) {
            let place = Place {
                file,
                hole: planned.hole.range.clone(),
            };
            match planned.key.and_then(|key| alike.note(key, place.clone())) {
                Some(first) => {
                    report.reject(NEAR_DUPLICATE, 1);
                    self.write(&place, NEAR_DUPLICATE, Some(first), sink)?;
                }
                None => plan.holes.push(planned),
            }
        }
        Ok(())
    }

    /// Writes the hole at `place` to the rejects, if they are kept.
    fn write(
        &self,
        place: &Place,
        reason: &'static str,
        first: Option<&Place>,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        if !self.keep {
            return Ok(());
        }
        let file = self.sources[place.file].file;
        let found = self.secrets.find_around(&file.text, place.hole.clone());
        let middle = secrets::replace(&file.text, place.hole.clone(), &found);
        let reject = Reject {
            filepath: &file.path,
            start_byte: Some(place.hole.start),
            end_byte: Some(place.hole.end),
            reason,
            duplicate_of: first.map(|first| {
                let path = &self.sources[first.file].file.path;
                format!("{path}:{}..{}", first.hole.start, first.hole.end)
            }),
            middle: Some(&middle),
        };
        Ok(sink.reject(&reject.line()?)?)
    }
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
    let secrets = Secrets::new()?;
    // Near duplicates would have to be looked for in the whole project.
    let quick = Options {
        dedup: match options.dedup {
            Dedup::Near => Dedup::Exact,
            other => other,
        },
        val_split: 0.0,
        ..options.clone()
    };
    let sources = sources(snapshot, &quick, in_root, cancel)?;
    let maker = Maker {
        snapshot,
        options,
        secrets: &secrets,
        cancel,
    };
    let mut files = sources.used;
    let mut rng = options.rng("\0preview");
    files.shuffle(&mut rng);
    let mut pending = Vec::new();
    let mut examples = Vec::new();
    for source in files {
        if examples.len() == count {
            break;
        }
        let mut plan = maker.plan(source.file)?;
        if !plan.holes.is_empty() {
            let at = rng.random_range(0..plan.holes.len());
            let planned = plan.holes.swap_remove(at);
            examples.extend(maker.example(&plan, &planned.hole)?.example.ok());
            let holes = std::mem::take(&mut plan.holes);
            let plan = Arc::new(plan);
            let others = holes.into_iter().map(|planned| planned.hole);
            pending.extend(others.map(|hole| (Arc::clone(&plan), hole)));
        }
    }
    pending.shuffle(&mut rng);
    for (plan, hole) in pending {
        if examples.len() == count {
            break;
        }
        examples.extend(maker.example(&plan, &hole)?.example.ok());
    }
    if examples.is_empty() {
        return Err(Error::Nothing(sources.files));
    }
    Ok(examples)
}

/// Cuts `files` into runs of about [`BATCH_BYTES`].
fn batches<'a>(mut files: &'a [Source<'a>]) -> impl Iterator<Item = &'a [Source<'a>]> {
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

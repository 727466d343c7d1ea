//! Training data from projects' files: a [`Run`] takes one project after the
//! other, turns its snapshot into examples and hands them to a [`Sink`].
//!
//! The result is a function of the snapshots, the options and the seed. Each
//! file draws from a generator of its own, seeded by the seed and the file's
//! key, so neither the order of files nor the number of threads matters, nor
//! which other projects are in the run: but for the duplicates left out, a
//! project gives the examples that it gives alone.
//! Nothing here but [`mod@write`] and [`mod@read`] knows a disk.
//!
//! # Memory
//! A run holds one project at a time. Of those before it, it keeps a name and a
//! digest for each file, some 200 bytes for each example, and what the report
//! names. So a file is left out as a copy of one in an earlier project if their
//! texts are equal; near duplicates among files are looked for in one project
//! only, those among examples in all. When the examples are divided, it holds
//! the middles of the validation: none of them is to stand in what is trained
//! on, exactly or nearly, and those that do are left out.
//!
//! # Going on after a kill
//! Examples are made in batches, and [`Batch`] is what a run needs to know of
//! one beside the examples' lines. A sink may keep both and give the batches
//! back to a later run over the same projects, which then makes only the rest:
//! everything else, from duplicates to the report, follows from the batches as
//! it did the first time.
//!
//! # Part by part
//! With [`Options::partial`] a run makes a part of a larger dataset: it forgets
//! each project before the next one, divides its examples by the text of their
//! files alone ([`split::validates`]), and looks for what training shows in the
//! same project only. So which other projects are in the part changes nothing,
//! and the parts of a dataset are equal to one part with all projects in it,
//! example by example. [`sign`] gives what near duplicates in different projects
//! are found by, before anything is made, and [`mod@merge`] joins the reports.
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
//!
//! # And how it keeps to `max_tokens`
//! The tokens of the whole text are counted. While there are too many, the
//! context is assembled anew with a smaller budget, which the record keeps as
//! its own `context_max_chars`, down to none; then prefix and suffix lose their
//! far ends. An example whose middle alone is too much is left out. What the
//! context gives up goes to nobody.

mod batch;
mod columns;
pub mod duplicates;
mod example;
pub mod generated;
pub mod holes;
mod ledger;
mod measure;
pub mod merge;
mod options;
pub mod quality;
pub mod read;
pub mod rejects;
mod repo;
pub mod report;
mod run;
mod sample;
mod seen;
pub mod shape;
mod signatures;
mod sources;
pub mod split;
pub mod tally;
pub mod template;
mod tested;
mod unseen;
pub mod vendored;
pub mod verify;
pub mod write;

use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;

pub use self::batch::{Attempt, Batch, Cut, Outcome, Sizes};
pub use self::example::Example;
pub use self::holes::SpanKind;
pub use self::options::{Dedup, MarkersInSource, OnSecret, Options, SplitBy, WrongOption};
pub use self::repo::{InRoot, Repo};
pub use self::run::Run;
pub use self::sample::sampled;
pub use self::signatures::{Signed, sign};

use self::example::Maker;
use self::sources::{sources, text_hashes};
use self::template::Kept;
use crate::cancel::{Cancel, Cancelled};
use crate::model::{Model, TokenizerError};
use crate::php::spans::{GrammarError, SpanParser};
use crate::secrets::{RulesError, Secrets};

/// Why there is no dataset.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The options make no sense.
    #[error(transparent)]
    Options(#[from] WrongOption),
    /// The sink could not take the examples.
    #[error("the dataset cannot be written: {0}")]
    Sink(#[from] std::io::Error),
    /// The tokenizer cannot read a text.
    #[error("tokens cannot be counted: {0}")]
    Tokens(#[from] TokenizerError),
    /// No PHP can be parsed.
    #[error(transparent)]
    Grammar(#[from] GrammarError),
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
    /// A project is not what it was when the batches were made that the sink
    /// has kept.
    #[error(
        "{0}: not the files that the interrupted run has read; leave --resume out to begin anew"
    )]
    Changed(String),
}

/// What examples show, as [`Sink::shown`] gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A file's own text, or a part of it, and what some examples show of that,
    /// in bytes.
    Text(String, Vec<std::ops::Range<usize>>),
    /// The line of an example. It lacks prefix, middle and suffix if a text has
    /// them.
    Line(Vec<u8>),
}

/// Takes the examples of a run. Those of the batches that were ended can be
/// looked at from several threads.
pub trait Sink: Sync {
    /// Takes the text of a file, from which the examples after it are cut, as it
    /// stands in a JSON string.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn text(&mut self, text: &[u8]) -> std::io::Result<()>;

    /// Takes the next example, given as its template: see [`mod@template`].
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn example(&mut self, template: &str, kept: &Kept) -> std::io::Result<()>;

    /// Takes lines of the file of rejects (see [`mod@rejects`]), if it keeps
    /// one; those of batches that were recalled are given again.
    ///
    /// # Errors
    /// If they cannot be kept; ends the run.
    fn reject(&mut self, _lines: &str) -> std::io::Result<()> {
        Ok(())
    }

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

    /// Takes the next text of a batch that was recalled, by its length in bytes.
    fn recalled_text(&mut self, bytes: usize);

    /// Takes the next example of a batch that was recalled.
    fn recalled_example(&mut self, kept: &Kept);

    /// Reads the examples of these indices, counted from 0 in the order in
    /// which they came, each a JSON object and a line break.
    ///
    /// # Errors
    /// If they cannot be read, and those of `take`; ends the run.
    fn read(
        &self,
        wanted: &[usize],
        take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> std::io::Result<()>;

    /// Gives `look` what the examples of these indices, in ascending order, show:
    /// each file's text once. In parallel on the current rayon pool.
    ///
    /// # Errors
    /// If it cannot be read, and those of `look`; ends the run.
    fn shown(
        &self,
        wanted: &[usize],
        look: &(dyn Fn(Shown) -> std::io::Result<()> + Sync),
    ) -> std::io::Result<()>;

    /// The middles of the examples of these indices, in their order.
    ///
    /// # Errors
    /// If they cannot be read; ends the run.
    fn middles(&self, wanted: &[usize]) -> std::io::Result<Vec<String>>;

    /// Writes `part`: the examples of these indices, in their order. In parallel on
    /// the current rayon pool.
    ///
    /// # Errors
    /// If they cannot be written.
    fn write(&self, part: read::Part, order: &[usize]) -> std::io::Result<()>;

    /// Returns when what [`Self::write`] has written is on the disk.
    ///
    /// # Errors
    /// If it does not get there.
    fn settle(&mut self) -> std::io::Result<()>;
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

/// `count` random examples for `model`, from as many different files as there are.
///
/// # Errors
/// See [`Error`].
pub fn preview(
    repo: &Repo<'_>,
    options: &Options,
    model: &Model,
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
    let hashes = text_hashes(repo, cancel)?;
    let sources = sources(repo, &quick, &hashes, None, cancel)?;
    let maker = Maker {
        repo,
        options,
        model,
        secrets: &secrets,
        cancel,
    };
    let mut parser = SpanParser::new()?;
    let mut files = sources.used;
    let mut rng = options.rng("\0preview");
    files.shuffle(&mut rng);
    let mut pending = Vec::new();
    let mut examples = Vec::new();
    for source in files {
        if examples.len() == count {
            break;
        }
        let mut plan = maker.plan(source.file, &mut parser)?;
        if !plan.holes.is_empty() {
            let at = rng.random_range(0..plan.holes.len());
            let planned = plan.holes.swap_remove(at);
            let made = maker.example(&plan, &planned.hole)?.example;
            examples.extend(made.ok().map(|made| made.example));
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
        let made = maker.example(&plan, &hole)?.example;
        examples.extend(made.ok().map(|made| made.example));
    }
    if examples.is_empty() {
        return Err(Error::Nothing(sources.files));
    }
    Ok(examples)
}

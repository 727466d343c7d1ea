//! Training data from projects' files: a [`Run`] takes one project after the
//! other, turns its snapshot into examples and hands them to a [`Sink`].
//!
//! The result is a function of the snapshots, the options and the seed. Each
//! file draws from a generator of its own, seeded by the seed and the file's
//! key, so neither the order of files nor the number of threads matters, nor
//! which other projects are in the run: but for the duplicates left out, a
//! project gives the examples that it gives alone.
//! Nothing here but [`mod@write`] and [`mod@write::read`] knows a disk.
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
//! files alone ([`mod@run`]), and looks for what training shows in the
//! same project only. So which other projects are in the part changes nothing,
//! and the parts of a dataset are equal to one part with all projects in it,
//! example by example. [`sign`] gives what near duplicates in different projects
//! are found by, before anything is made, and [`mod@report::merge`] joins the reports.
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
pub mod cut;
pub mod duplicates;
mod error;
pub mod format;
mod options;
mod record;
pub mod reject;
mod repo;
pub mod report;
pub mod run;
pub mod select;
mod sink;
pub mod split;
pub mod stored;
pub mod template;
pub mod verify;
mod words;
pub mod write;

pub use self::batch::{Batch, ExampleSummary, FileOutcome, HoleOutcome, Sizes};
pub use self::error::DatasetError;
pub use self::options::{ControlTokenPolicy, Dedup, Options, SecretPolicy, SplitUnit, WrongOption};
pub use self::record::{Example, SpanKind};
pub use self::repo::{InRoot, Repo};
pub use self::run::Run;
pub use self::run::preview::preview;
pub use self::run::progress::Progress;
pub use self::select::signatures::{FileSignature, sign};
pub use self::sink::{ExampleText, Sink};

//! Makes training data from the files of projects. A [`Run`] takes one project
//! after the other, cuts examples from its files and gives them to a [`Sink`].
//!
//! # Reading order
//! 1. [`Options`] and [`record`](Example): what a user asks for, and what one
//!    example is. [`Repo`] is a project as the run sees it.
//! 2. [`select`]: which files give examples (own source, not vendored, not
//!    generated, no duplicates).
//! 3. [`cut`]: where the holes of a file are, and the example made from each.
//! 4. [`run`]: the projects, batch by batch; the split into training and
//!    validation; the removal of what training shows of the validation.
//! 5. [`report`]: what `metadata.json` and `report.html` say of a dataset.
//! 6. [`verify`]: the check of a finished dataset against its source.
//! 7. [`mod@write`]: the dataset on disk. It is the only room that knows a disk.
//!
//! Beside them: [`mix`] is the share of each kind of hole; [`history`] is what a run reads
//! of a project's commits; [`duplicates`] compares files, examples and middles; `batch`,
//! [`template`] and [`reject`] are what a [`Sink`] gets; [`split`] names the two
//! splits.
//!
//! # Determinism
//! The dataset is a function of the snapshots, the options and the seed. Each file
//! has a random generator of its own, seeded by the seed and the file's key, from
//! which its holes are proposed. Which of them are taken follows from the mix and from
//! the files of the project before it, in the order of keys. So
//! the number of threads does not matter. Other projects in
//! the run do not matter either, except that duplicates of their files and
//! examples are left out.
//!
//! # Memory
//! A run holds one project at a time. Of the projects before it, it keeps a name
//! and a digest for each file, about 200 bytes for each example, and what the
//! report lists. This limits the search for duplicates:
//! - a file is compared with the files of earlier projects by its whole text only;
//!   near duplicates among files are found within one project;
//! - near duplicates among examples are found in all projects.
//!
//! When the examples are split, the run holds the middles of the validation. It
//! removes those that the training split shows, exactly or nearly.
//!
//! # Resuming a killed run
//! Examples are made in batches. A [`Batch`] is what a run needs to know of some
//! examples beside their lines. A sink can store both, and give the batches back to
//! a later run over the same projects. That run makes only the rest: everything
//! else, from duplicates to the report, follows from the batches.
//!
//! # Parts of a larger dataset
//! With [`Options::partial`] a run makes a part of a larger dataset. It forgets
//! each project before the next, splits examples by the text of their files alone
//! ([`run::assign::validates`]), and looks for what training shows in the same
//! project only. The examples of a project therefore do not depend on the other
//! projects in the part. [`sign`] gives the signatures that find near duplicates
//! among projects beforehand, and [`report::merge`] joins the reports.
//!
//! # What stands before the middle
//! The text before the middle is, byte for byte, the prompt that `complete` sends for
//! the file without the middle with the same settings: [`crate::prompt::Prompt`] makes
//! both. Context, prefix and suffix each have a budget
//! ([`PromptBudget`](crate::prompt::PromptBudget)) that depends on the options alone.
//! The middle comes on top and is never cut; a longer one than
//! [`Options::max_middle_chars`] gives no example. Each record keeps the budget of its
//! context as `context_max_chars`, and the place from which its text counts as typed as
//! `context_start`, so a reader can ask `getContext` with the same `max_chars` and
//! `start_offset` and compare.
//!
//! With `max_tokens` all budgets are smaller, by the characters that a token is
//! estimated to have, and a text that has more tokens anyway gives no example.

mod batch;
pub mod cut;
pub mod diff;
pub mod duplicates;
mod error;
pub mod evaluation;
pub mod format;
pub mod history;
mod json_line;
mod measure;
pub mod mix;
mod options;
mod prompt;
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
pub use self::error::{DatasetError, NothingCut};
pub use self::options::{ControlTokenPolicy, Dedup, Options, SecretPolicy, SplitUnit, WrongOption};
pub use self::record::{Example, SpanKind};
pub use self::repo::{InRoot, Repo};
pub use self::run::Run;
pub use self::run::preview::preview;
pub use self::run::progress::Progress;
pub use self::select::signatures::{FileSignature, sign};
pub use self::sink::{ExampleText, Sink};

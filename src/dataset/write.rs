//! The dataset on disk: the only room of [`crate::dataset`] that accesses files.
//!
//! A [`StagingFolder`] is a folder that replaces the output in one step when the dataset is
//! complete. Its [`DataWriter`] keeps the examples in a `spool` until their order is
//! known, with a `journal` from which an interrupted run can be resumed. Then it
//! writes the `files` of the dataset in the wanted
//! [`FileFormat`](crate::dataset::format::FileFormat), and the `card` describes them.
//! [`WithRejects`] also writes the file of rejects, [`Signatures`] writes the
//! signatures by which near duplicates are found, and [`join()`] joins parts that were
//! made one by one. [`read`] reads a dataset that was written.

mod abandoned;
mod card;
mod columns;
mod data_writer;
mod error;
mod evaluation;
mod files;
mod join;
mod journal;
#[cfg_attr(not(feature = "parquet"), path = "write/no_parquet.rs")]
mod parquet;
pub mod read;
mod rejects;
mod signatures;
mod spool;
mod stage;
mod syncing_file;

pub use self::data_writer::DataWriter;
pub use self::error::DatasetWriteError;
pub use self::evaluation::read_evaluations;
pub use self::join::join;
pub use self::journal::Task;
pub use self::rejects::WithRejects;
pub use self::signatures::Signatures;
pub use self::stage::StagingFolder;

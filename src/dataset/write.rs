//! The dataset on disk: with [`super::read`], the one room of
//! [`crate::dataset`] that knows a file.
//!
//! A [`Stage`] is a folder in the making that replaces the output in one step.
//! Its [`Spool`] keeps the examples until their order is known, with a journal
//! from which a killed run goes on, and then writes the files, named as `files`
//! has it, each in the wanted [`FileFormat`]; `card` tells people and loaders what
//! is in them. [`WithRejects`] keeps what was refused as well, [`Signatures`]
//! is a file of what near duplicates are found by, and [`join`] tells of parts
//! that were made one by one as of one dataset.

mod card;
mod columns;
pub(super) mod files;
mod join;
mod journal;
#[cfg_attr(not(feature = "parquet"), path = "write/no_parquet.rs")]
mod parquet;
pub mod read;
mod rejects;
mod signatures;
mod spool;
mod stage;
mod steady;

use std::path::Path;

pub use self::join::join;
pub use self::journal::Task;
pub use self::rejects::WithRejects;
pub use self::signatures::Signatures;
pub use self::spool::Spool;
pub use self::stage::Stage;

/// Why a dataset could not be written, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WriteError(String);

impl WriteError {
    fn new(doing: &str, path: &Path, error: impl std::fmt::Display) -> Self {
        Self(format!("cannot {doing} {}: {error}", path.display()))
    }
}

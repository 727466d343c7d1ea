//! The errors of the engine.

use std::any::Any;

use crate::cancel::Cancelled;
use crate::dataset::DatasetError;
use crate::dataset::write::DatasetWriteError;
use crate::files::FilesError;
use crate::guard;
use crate::secrets::RulesError;

/// The engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its threads cannot be started.
    #[error("cannot start {threads} worker threads: {reason}")]
    Threads {
        /// The number of threads.
        threads: usize,
        /// The error of the system.
        reason: String,
    },
    /// The rules for secrets are invalid.
    #[error(transparent)]
    Secrets(#[from] RulesError),
}

/// A project cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its files cannot be listed.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The request was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Reading it failed inside fimd.
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// Work on a thread has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// The work panicked with this message.
    #[error("panicked: {0}")]
    Panicked(String),
    /// The threads have stopped.
    #[error("the engine has stopped")]
    Stopped,
}

impl WorkError {
    /// The error for a payload of [`std::panic::catch_unwind`].
    #[must_use]
    pub fn caught(payload: &(dyn Any + Send)) -> Self {
        Self::Panicked(guard::message(payload))
    }
}

/// A dataset was not written.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Making its examples failed or was cancelled.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The output cannot be written.
    #[error(transparent)]
    Write(#[from] DatasetWriteError),
    /// The sources cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl From<Cancelled> for GenerateError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Dataset(cancelled.into())
    }
}

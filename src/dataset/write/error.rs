//! The error of everything that writes a dataset.

use std::path::Path;

/// The reason why a dataset cannot be written, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatasetWriteError(pub(super) String);

impl DatasetWriteError {
    /// The error of an operation on `path`: `cannot write PATH: error`.
    pub(super) fn new(doing: &str, path: &Path, error: impl std::fmt::Display) -> Self {
        Self(format!("cannot {doing} {}: {error}", path.display()))
    }
}

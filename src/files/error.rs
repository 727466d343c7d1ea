//! The error of this room.

/// Why the project's files could not be listed or read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct FilesError(pub String);

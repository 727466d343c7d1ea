//! The errors of commands, with their exit codes.

use std::process::ExitCode;

use crate::dataset::stored::ReadError;
use crate::dataset::write::DatasetWriteError;
use crate::dataset::{DatasetError, WrongOption};
use crate::engine::GenerateError;

/// Why a command failed: one line that names the cause and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments or the settings are invalid: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The work failed: exit code 1.
    #[error("{0}")]
    Failure(String),
}

impl CliError {
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Failure(_) => 1,
        })
    }
}

impl From<DatasetError> for CliError {
    fn from(error: DatasetError) -> Self {
        match error {
            DatasetError::Options(wrong) => wrong.into(),
            DatasetError::Cancelled(_) => Self::Failure("interrupted: nothing was written".into()),
            other => Self::Failure(other.to_string()),
        }
    }
}

impl From<WrongOption> for CliError {
    fn from(wrong: WrongOption) -> Self {
        Self::Usage(wrong.of_flag())
    }
}

impl From<GenerateError> for CliError {
    fn from(error: GenerateError) -> Self {
        match error {
            GenerateError::Dataset(error) => error.into(),
            GenerateError::Write(error) => error.into(),
            GenerateError::Files(error) => Self::Failure(error.to_string()),
        }
    }
}

impl From<DatasetWriteError> for CliError {
    fn from(error: DatasetWriteError) -> Self {
        Self::Failure(error.to_string())
    }
}

impl From<ReadError> for CliError {
    fn from(error: ReadError) -> Self {
        Self::Failure(error.to_string())
    }
}

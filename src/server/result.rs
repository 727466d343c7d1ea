//! The result of a method, and the errors of other rooms as JSON-RPC errors.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::engine::{OpenError, WorkError};
use crate::rpc::Error;

/// Runs once the answer is on its way to the client.
pub(super) type AfterAnswer = Box<dyn FnOnce() + Send>;

/// What a method answers.
pub(super) struct MethodResult {
    /// The result as JSON text.
    pub(super) json: Box<RawValue>,
    /// What the method does after its answer.
    pub(super) after: Option<AfterAnswer>,
}

impl From<Box<RawValue>> for MethodResult {
    fn from(json: Box<RawValue>) -> Self {
        Self { json, after: None }
    }
}

impl MethodResult {
    /// The result `null`.
    pub(super) fn null() -> Self {
        RawValue::NULL.to_owned().into()
    }
}

/// A method's result as JSON text.
pub(super) fn json(result: &impl Serialize) -> Result<Box<RawValue>, Error> {
    to_raw_value(result)
        .map_err(|error| Error::internal(format!("cannot write the result: {error}")))
}

impl From<WorkError> for Error {
    fn from(error: WorkError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Cancelled(_) => Self::cancelled(),
            OpenError::Work(error) => error.into(),
            OpenError::Files(error) => Self::internal(error.to_string()),
        }
    }
}

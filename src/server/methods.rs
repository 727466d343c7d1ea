//! What the methods do, one file each.

pub(super) mod cancel_request;
pub(super) mod complete;
pub(super) mod generate_dataset;
pub(super) mod get_context;
pub(super) mod initialize;
pub(super) mod jobs;
pub(super) mod settings;
pub(super) mod status;
pub(super) mod tags;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::engine::WorkError;
use crate::rpc::Error;

/// A method's result as JSON text.
fn json(result: &impl Serialize) -> Result<Box<RawValue>, Error> {
    to_raw_value(result).map_err(|e| Error::internal(format!("cannot write the result: {e}")))
}

impl From<WorkError> for Error {
    fn from(error: WorkError) -> Self {
        Self::internal(error.to_string())
    }
}

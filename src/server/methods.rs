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

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::buffers::OpenBuffers;
use super::project::Connected;
use crate::engine::{Engine, WorkError};
use crate::rpc::Error;

/// Who asks, and for what.
pub(super) struct Asked {
    pub(super) engine: Engine,
    /// What `initialize` has set up, if there was one.
    pub(super) connected: Option<Arc<Connected>>,
    /// The client's open buffers.
    pub(super) open: OpenBuffers,
    pub(super) params: Option<Box<RawValue>>,
}

impl Asked {
    /// What `initialize` has set up.
    fn connected(&self) -> Result<&Arc<Connected>, Error> {
        self.connected.as_ref().ok_or_else(Error::not_initialized)
    }
}

/// A method's result as JSON text.
fn json(result: &impl Serialize) -> Result<Box<RawValue>, Error> {
    to_raw_value(result).map_err(|e| Error::internal(format!("cannot write the result: {e}")))
}

impl From<WorkError> for Error {
    fn from(error: WorkError) -> Self {
        Self::internal(error.to_string())
    }
}

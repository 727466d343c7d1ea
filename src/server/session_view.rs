//! What a method sees of the session that calls it.

use std::sync::Arc;

use super::buffers::OpenBuffers;
use super::project::{ClientProject, CurrentProject};
use crate::engine::Engine;
use crate::engine::completion::Completions;
use crate::rpc::Error;

/// The state of a session when a request arrived.
pub(super) struct SessionView {
    /// The engine, as a handle of this client.
    pub(super) engine: Engine,
    /// The client's completions.
    pub(super) completions: Arc<Completions>,
    /// The client's open buffers.
    pub(super) open: OpenBuffers,
    /// The client's project.
    pub(super) current: CurrentProject,
}

impl SessionView {
    /// Waits for `initialize` and returns its project, if it opened one.
    pub(super) async fn project(&self) -> Option<Arc<ClientProject>> {
        self.current.clone().wait().await
    }

    /// Waits for `initialize` and returns its project.
    ///
    /// # Errors
    /// [`Error::not_initialized`] if there is none.
    pub(super) async fn required_project(&self) -> Result<Arc<ClientProject>, Error> {
        self.project().await.ok_or_else(Error::not_initialized)
    }
}

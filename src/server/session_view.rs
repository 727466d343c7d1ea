//! What a method sees of the session that calls it.

use std::sync::Arc;

use super::buffers::OpenBuffers;
use super::session_projects::SessionProjects;
use crate::engine::Engine;
use crate::engine::completion::Completions;

/// The state of a session when a request arrived.
pub(super) struct SessionView {
    /// The engine, as a handle of this client.
    pub(super) engine: Engine,
    /// The client's completions.
    pub(super) completions: Arc<Completions>,
    /// The client's open buffers.
    pub(super) open: OpenBuffers,
    /// The client's projects.
    pub(super) projects: SessionProjects,
}

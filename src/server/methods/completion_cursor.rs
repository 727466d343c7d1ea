//! The cursor of a completion: a place in a buffer of a client, with what the
//! engine needs to complete there.

use std::sync::Arc;

use super::buffer::{BufferParams, CursorParams, NamedBuffer};
use crate::config::ContextSources;
use crate::engine::Engine;
use crate::engine::completion::{BufferPosition, CompletionRequest, Completions, Trigger};
use crate::index::Snapshot;
use crate::rpc::Error;
use crate::server::buffers::OpenBuffers;
use crate::server::project::ClientProject;
use crate::server::session_view::SessionView;

/// A cursor in a buffer of a client.
pub(in crate::server) struct CompletionCursor {
    /// The client's project.
    pub(in crate::server) project: Arc<ClientProject>,
    /// The client's open buffers.
    pub(in crate::server) open: OpenBuffers,
    /// The key of the buffer's file.
    pub(in crate::server) path: String,
    /// The buffer's text.
    pub(in crate::server) content: String,
    /// The sources of its context.
    pub(in crate::server) sources: ContextSources,
    /// The cursor, in bytes.
    pub(in crate::server) cursor: usize,
}

impl CompletionCursor {
    /// The cursor that the parameters name.
    pub(super) fn resolve(
        session: &SessionView,
        project: Arc<ClientProject>,
        buffer: BufferParams,
        cursor: CursorParams,
    ) -> Result<Self, Error> {
        let open = session.open.clone();
        let NamedBuffer {
            key: path,
            content,
            sources,
        } = buffer.resolve(&project, &open)?;
        Ok(Self {
            cursor: cursor.byte(&content, &project),
            project,
            open,
            path,
            content,
            sources,
        })
    }

    /// Makes the project's snapshot with all open buffers but this one.
    pub(super) fn snapshot(&self) -> impl FnOnce() -> Arc<Snapshot> + Send + use<> {
        let (open, project) = (self.open.clone(), Arc::clone(&self.project));
        let path = self.path.clone();
        move || open.over(&project, &path)
    }

    /// The request for a completion at this cursor.
    pub(super) fn request(self) -> CompletionRequest {
        let root = self.project.roots.root();
        CompletionRequest {
            repo: root
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            sources: self.sources,
            secrets: self.project.options.secrets().cloned(),
            position: BufferPosition {
                root: root.to_owned(),
                path: self.path,
                content: self.content,
                cursor: self.cursor,
            },
            trigger: Trigger::default(),
            max_items: 1,
            max_tokens: None,
            max_lines: None,
        }
    }

    /// Lets the model server read the prompt for this cursor.
    pub(super) fn read_ahead(self, engine: &Engine, completions: &Arc<Completions>) {
        let snapshot = self.snapshot();
        completions.read_ahead(engine, self.request(), snapshot);
    }

    /// Asks the model for a completion before the client does.
    pub(in crate::server) fn prefetch(self, engine: &Engine, completions: &Arc<Completions>) {
        let snapshot = self.snapshot();
        completions.prefetch(engine, self.request(), snapshot);
    }
}

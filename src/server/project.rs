//! The project that a request is about.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::ContextSources;
use crate::engine::{Engine, Project};
use crate::files::Roots;
use crate::index::Index;
use crate::secrets::{InContext, Secrets};
use crate::text::Encoding;

/// How a client wants its contexts, and the units in which it counts.
#[derive(Clone, Debug)]
pub(super) struct ClientOptions {
    /// Whether the client wants chunks found by BM25.
    pub(super) bm25: bool,
    /// What the client wants to be done with secrets; none to follow the settings.
    pub(super) asked_secrets: Option<InContext>,
    /// A handle of this client.
    pub(super) engine: Engine,
    /// The unit of the client's offsets.
    pub(super) offsets: Encoding,
    /// The unit of the characters in the client's positions.
    pub(super) positions: Encoding,
}

impl ClientOptions {
    /// The sources of contexts, which the settings may switch off.
    pub(super) fn sources(&self) -> ContextSources {
        let enabled = self.engine.settings().context.sources;
        ContextSources {
            bm25: self.bm25 && enabled.bm25,
            ..enabled
        }
    }

    /// The finder of secrets, if contexts are to hide them.
    pub(super) fn secrets(&self) -> Option<&Arc<Secrets>> {
        let asked = self.asked_secrets;
        let wanted = asked.unwrap_or_else(|| self.engine.settings().context.secrets);
        (wanted == InContext::Redact).then(|| self.engine.secrets())
    }
}

/// A project as a client sees it.
#[derive(Debug)]
pub(super) struct ClientProject {
    /// Its folders.
    pub(super) roots: Roots,
    /// Its files.
    pub(super) index: Arc<Index>,
    /// What the client wants of it.
    pub(super) options: ClientOptions,
    /// Keeps the project open. None if there is no project, only a file.
    _project: Option<Arc<Project>>,
}

impl ClientProject {
    /// A project that has been read.
    pub(super) fn new(project: Arc<Project>, options: ClientOptions) -> Self {
        Self {
            roots: project.roots.clone(),
            index: Arc::clone(&project.index),
            options,
            _project: Some(project),
        }
    }

    /// No files, for a file in the folder of `roots` that belongs to no project.
    pub(super) fn without_files(roots: Roots, options: ClientOptions) -> Self {
        Self {
            roots,
            index: Arc::default(),
            options,
            _project: None,
        }
    }
}

/// The project of the last `initialize` before a request, which may still be at
/// work. A request takes it when it arrives, so a client need not wait for the
/// answer to `initialize`.
#[derive(Clone, Debug)]
pub(super) struct CurrentProject(watch::Receiver<InitializeState>);

/// None while `initialize` is at work.
type InitializeState = Option<Option<Arc<ClientProject>>>;

/// Announces the result of an `initialize`.
#[derive(Debug)]
pub(super) struct ProjectPublisher(watch::Sender<InitializeState>);

impl CurrentProject {
    /// A project that is known; none before the first `initialize`.
    pub(super) fn known(project: Option<Arc<ClientProject>>) -> Self {
        Self(watch::channel(Some(project)).1)
    }

    /// The project of an `initialize` that is at work.
    pub(super) fn pending() -> (ProjectPublisher, Self) {
        let (sender, receiver) = watch::channel(None);
        (ProjectPublisher(sender), Self(receiver))
    }

    /// The project, if it is known now.
    pub(super) fn now(&self) -> Option<Arc<ClientProject>> {
        self.0.borrow().clone().flatten()
    }

    /// Waits until `initialize` has ended. Waits for nothing if the project is
    /// known.
    pub(super) async fn wait(mut self) -> Option<Arc<ClientProject>> {
        // Takes a known project without an await, which the runtime may delay.
        if let Some(known) = &*self.0.borrow() {
            return known.clone();
        }
        // An error means that the session has ended.
        let known = self.0.wait_for(Option::is_some).await.ok()?;
        known.clone().flatten()
    }

    /// Whether no `initialize` came between the two.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

impl ProjectPublisher {
    /// Gives the requests that wait for it their project.
    pub(super) fn publish(self, project: Option<Arc<ClientProject>>) {
        self.0.send_replace(Some(project));
    }
}

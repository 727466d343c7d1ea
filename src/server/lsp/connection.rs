//! The state of one LSP connection, shared by the handlers and their tasks.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tower_lsp::ls_types::{MessageType, ShowMessageParams};

use super::documents::{DocumentView, Documents};
use super::features::ClientFeatures;
use super::runs::Runs;
use super::stale::StaleDiagnostics;
use crate::engine::Engine;
use crate::engine::completion::Completions;
use crate::server::client_projects::ClientProjects;
use crate::server::peer::Peer;
use crate::server::session_projects::SessionProjects;
use crate::text::Encoding;

/// What `initialize` has set up.
struct Initialized {
    projects: Arc<ClientProjects>,
    /// The unit of the client's positions.
    positions: Encoding,
    features: ClientFeatures,
}

/// The state of one connection.
pub(super) struct Connection {
    pub(super) engine: Engine,
    pub(super) peer: Arc<Peer>,
    /// Set once: tower-lsp lets no other request through before `initialize`, and
    /// no second `initialize` after it.
    initialized: OnceLock<Initialized>,
    /// A handler holds the lock for as long as an edit takes.
    documents: Mutex<Documents>,
    /// The documents whose diagnostics the client does not know yet.
    pub(super) stale: Arc<StaleDiagnostics>,
    pub(super) runs: Runs,
    pub(super) completions: Arc<Completions>,
    /// The text of the last tag that has run.
    last_tag: Mutex<Option<String>>,
}

impl Connection {
    /// The state before `initialize`.
    pub(super) fn new(engine: Engine, peer: Arc<Peer>) -> Self {
        let languages = engine.settings().tags.languages.clone();
        let documents = Documents::new(engine.limits().max_buffer_bytes, languages);
        Self {
            engine,
            peer,
            initialized: OnceLock::new(),
            documents: Mutex::new(documents),
            stale: Arc::default(),
            runs: Runs::default(),
            completions: Arc::default(),
            last_tag: Mutex::default(),
        }
    }

    /// Keeps what `initialize` has set up. tower-lsp calls `initialize` again only
    /// after it has failed.
    pub(super) fn initialize(
        &self,
        projects: Arc<ClientProjects>,
        positions: Encoding,
        features: ClientFeatures,
    ) {
        self.initialized.get_or_init(|| Initialized {
            projects,
            positions,
            features,
        });
    }

    /// The client's projects; none before `initialize`.
    pub(super) fn projects(&self) -> Option<&Arc<ClientProjects>> {
        self.initialized.get().map(|known| &known.projects)
    }

    /// The client's projects, as requests see them.
    pub(super) fn projects_now(&self) -> SessionProjects {
        SessionProjects::known(self.projects().cloned())
    }

    /// The client's features; none before `initialize`.
    pub(super) fn features(&self) -> ClientFeatures {
        let known = self.initialized.get();
        known.map(|known| known.features).unwrap_or_default()
    }

    /// The open documents, locked.
    pub(super) fn documents(&self) -> MutexGuard<'_, Documents> {
        self.documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The unit of the client's positions. No document is open before it is known.
    pub(super) fn encoding(&self) -> Encoding {
        let known = self.initialized.get();
        known.map_or(Encoding::Utf16, |known| known.positions)
    }

    /// The present state of a document, if it is open and not too large.
    pub(super) fn view(&self, uri: &str) -> Option<DocumentView> {
        self.documents().view(uri, self.encoding())
    }

    /// The present state of a document, if its language is one with tags.
    pub(super) fn tagged(&self, uri: &str) -> Option<DocumentView> {
        self.documents().tagged(uri, self.encoding())
    }

    /// The text of the last tag that has run.
    pub(super) fn last_tag(&self) -> Option<String> {
        let last = self.last_tag.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the text of a tag that runs, so that it can be repeated.
    pub(super) fn remember_tag(&self, tag: String) {
        let last = self.last_tag.lock();
        *last.unwrap_or_else(PoisonError::into_inner) = Some(tag);
    }

    /// Shows the user a message.
    pub(super) async fn show_message(&self, typ: MessageType, text: &str) {
        let message = format!("fimd: {text}");
        let params = ShowMessageParams { typ, message };
        let told = self.peer.tell("window/showMessage", &params);
        if told.await.is_none() {
            tracing::info!("the client left before this message: {text}");
        }
    }
}

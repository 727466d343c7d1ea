//! Which project a connection's requests are about.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::ContextSources;
use crate::engine::Project;
use crate::secrets::Secrets;
use crate::text::Encoding;

/// What `initialize` has set up for a connection.
#[derive(Debug)]
pub(super) struct Connected {
    /// The project.
    pub(super) project: Arc<Project>,
    /// What its contexts are made of.
    pub(super) sources: ContextSources,
    /// What finds the secrets that its contexts are to hide, if they are.
    pub(super) secrets: Option<Arc<Secrets>>,
    /// The unit of the client's offsets.
    pub(super) offsets: Encoding,
    /// The unit of the characters in its positions.
    pub(super) positions: Encoding,
}

/// What the last `initialize` before a request has come to, or will: requests
/// hold it from their arrival on, so a client need not wait for the answer.
#[derive(Clone, Debug)]
pub(super) struct Current(watch::Receiver<State>);

type State = Option<Option<Arc<Connected>>>;

/// Says what an `initialize` has come to.
#[derive(Debug)]
pub(super) struct Publisher(watch::Sender<State>);

impl Current {
    /// That of a connection before its first `initialize`.
    pub(super) fn none() -> Self {
        Self(watch::channel(Some(None)).1)
    }

    /// That of an `initialize` which is under way.
    pub(super) fn pending() -> (Publisher, Self) {
        let (sender, receiver) = watch::channel(None);
        (Publisher(sender), Self(receiver))
    }

    /// Waits until it is known.
    pub(super) async fn wait(mut self) -> Option<Arc<Connected>> {
        // The other end goes unheard only when the session ends.
        let known = self.0.wait_for(Option::is_some).await.ok()?;
        known.clone().flatten()
    }

    /// Whether no `initialize` came between the two.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

impl Publisher {
    /// Lets the requests go that wait for it.
    pub(super) fn publish(self, connected: Option<Arc<Connected>>) {
        self.0.send_replace(Some(connected));
    }
}

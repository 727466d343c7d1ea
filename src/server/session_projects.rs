//! The projects that the requests of a session are about.

use std::sync::Arc;

use tokio::sync::watch;

use super::client_projects::ClientProjects;
use super::project::ClientProject;
use crate::rpc::Error;
use crate::text::Encoding;

/// The projects of the last `initialize` before a request, which may still be at
/// work. A request takes them when it arrives, so a client need not wait for the
/// answer to `initialize`.
#[derive(Clone, Debug)]
pub(super) struct SessionProjects(watch::Receiver<InitializeState>);

/// None while `initialize` is at work.
type InitializeState = Option<Option<Arc<ClientProjects>>>;

/// Announces the result of an `initialize`.
#[derive(Debug)]
pub(super) struct ProjectsPublisher(watch::Sender<InitializeState>);

impl SessionProjects {
    /// Projects that are known; none before the first `initialize`.
    pub(super) fn known(projects: Option<Arc<ClientProjects>>) -> Self {
        Self(watch::channel(Some(projects)).1)
    }

    /// The projects of an `initialize` that is at work.
    pub(super) fn pending() -> (ProjectsPublisher, Self) {
        let (sender, receiver) = watch::channel(None);
        (ProjectsPublisher(sender), Self(receiver))
    }

    /// The projects, if they are known now.
    pub(super) fn now(&self) -> Option<Arc<ClientProjects>> {
        self.0.borrow().clone().flatten()
    }

    /// Waits until `initialize` has ended. Waits for nothing if the projects are
    /// known.
    pub(super) async fn wait(&self) -> Option<Arc<ClientProjects>> {
        // Takes known projects without an await, which the runtime may delay.
        if let Some(known) = &*self.0.borrow() {
            return known.clone();
        }
        // An error means that the session has ended.
        let mut receiver = self.0.clone();
        let known = receiver.wait_for(Option::is_some).await.ok()?;
        known.clone().flatten()
    }

    /// Whether no `initialize` came between the two.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }

    /// Waits for `initialize`.
    ///
    /// # Errors
    /// [`Error::not_initialized`] if there was none that succeeded.
    pub(super) async fn initialized(&self) -> Result<Arc<ClientProjects>, Error> {
        self.wait().await.ok_or_else(Error::not_initialized)
    }

    /// Waits for `initialize` and returns the project of the file that the client
    /// calls `name`, by its path or URI.
    ///
    /// # Errors
    /// [`Error::not_initialized`] before `initialize`, and if the project cannot be
    /// read.
    pub(super) async fn of(&self, name: &str) -> Result<Arc<ClientProject>, Error> {
        self.initialized().await?.of(name).await
    }

    /// The project of the file that the client calls `name`, if it is open now.
    pub(super) fn open_project(&self, name: &str) -> Option<Arc<ClientProject>> {
        self.now()?.known(name)
    }

    /// Waits for `initialize` and returns the unit of the client's offsets: bytes if
    /// it has named none.
    pub(super) async fn offsets(&self) -> Encoding {
        let projects = self.wait().await;
        projects.map_or_else(Encoding::default, |projects| projects.options().offsets)
    }
}

impl ProjectsPublisher {
    /// Gives the requests that wait for them their projects.
    pub(super) fn publish(self, projects: Option<Arc<ClientProjects>>) {
        self.0.send_replace(Some(projects));
    }
}

//! The projects that the requests of a session are about.

use std::sync::Arc;

use super::file_projects::FileProjects;
use super::project::{ClientProject, CurrentProject};
use crate::files::Roots;
use crate::rpc::Error;
use crate::text::Encoding;

/// One project for all files, or one for each file.
#[derive(Clone)]
pub(super) enum SessionProjects {
    /// The project that `initialize` names.
    Named(CurrentProject),
    /// The project that each file's path tells.
    ByFile(Arc<FileProjects>),
}

impl SessionProjects {
    /// Waits for `initialize` and returns the project that it names, if any.
    pub(super) async fn named(&self) -> Option<Arc<ClientProject>> {
        match self {
            Self::Named(current) => current.clone().wait().await,
            Self::ByFile(_) => None,
        }
    }

    /// Waits for `initialize`.
    ///
    /// # Errors
    /// [`Error::not_initialized`] if there was none that succeeded.
    pub(super) async fn initialized(&self) -> Result<(), Error> {
        match self {
            Self::Named(_) if self.named().await.is_none() => Err(Error::not_initialized()),
            Self::Named(_) | Self::ByFile(_) => Ok(()),
        }
    }

    /// Waits for `initialize` and returns the project of the file that the client
    /// calls `name`, by its path or URI.
    ///
    /// # Errors
    /// [`Error::not_initialized`] before `initialize`, and if the project cannot be
    /// read.
    pub(super) async fn of(&self, name: &str) -> Result<Arc<ClientProject>, Error> {
        match self {
            Self::Named(_) => self.named().await.ok_or_else(Error::not_initialized),
            Self::ByFile(projects) => projects.of(name).await,
        }
    }

    /// The project of the file that the client calls `name`, if it is open now.
    pub(super) fn known(&self, name: &str) -> Option<Arc<ClientProject>> {
        match self {
            Self::Named(current) => current.now(),
            Self::ByFile(projects) => projects.known(name),
        }
    }

    /// The roots from which the file that the client calls `name` gets its key; none
    /// before `initialize`.
    pub(super) fn roots(&self, name: &str) -> Option<Roots> {
        match self {
            Self::Named(current) => Some(current.now()?.roots.clone()),
            Self::ByFile(projects) => Some(projects.roots(name)),
        }
    }

    /// Waits for `initialize` and returns the unit of the client's offsets: bytes if
    /// it has named none.
    pub(super) async fn offsets(&self) -> Encoding {
        match self {
            Self::Named(_) => {
                let project = self.named().await;
                project.map_or_else(Encoding::default, |project| project.options.offsets)
            }
            Self::ByFile(projects) => projects.options().offsets,
        }
    }
}

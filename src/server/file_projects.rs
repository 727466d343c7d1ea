//! The projects of an LSP client that names none. fimd finds the project of each
//! file from the file's path and reads it when a request first needs it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use tracing::Instrument;

use super::project::{ClientOptions, ClientProject};
use crate::cancel::{Cancel, CancelOnDrop};
use crate::engine::Engine;
use crate::files::{FilesError, Roots, named_path};
use crate::rpc::Error;

/// A project that is read once.
type ProjectCell = Arc<OnceCell<Arc<ClientProject>>>;

/// The projects of the files of one connection.
pub(super) struct FileProjects {
    engine: Engine,
    options: ClientOptions,
    /// The include paths of every project.
    includes: Vec<PathBuf>,
    /// The projects that a request has needed, by their root folders.
    opened: Mutex<BTreeMap<PathBuf, ProjectCell>>,
    /// Stops the reading of projects when the connection ends.
    end: Cancel,
    _stop: CancelOnDrop,
}

impl FileProjects {
    /// No projects yet, of a client with these options.
    pub(super) fn new(engine: Engine, options: ClientOptions, includes: Vec<PathBuf>) -> Self {
        let end = Cancel::default();
        Self {
            engine,
            options,
            includes,
            opened: Mutex::default(),
            _stop: end.clone().into(),
            end,
        }
    }

    /// The client's options.
    pub(super) fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// The folders by which the file that the client calls `name` has its key.
    pub(super) fn roots(&self, name: &str) -> Roots {
        let path = named_path(name);
        let found = self.find(&path).ok().flatten();
        found.unwrap_or_else(|| Roots::of_lone_file(&path))
    }

    /// The project of the file that the client calls `name`. Reads it if no request
    /// has needed it before. A file outside of all projects has one without files.
    ///
    /// # Errors
    /// If an include path or the project cannot be read.
    pub(super) async fn of(&self, name: &str) -> Result<Arc<ClientProject>, Error> {
        let path = named_path(name);
        let found = self.find(&path);
        let found =
            found.map_err(|error| Error::invalid_params(format!("include_paths: {error}")))?;
        let Some(roots) = found else {
            let (roots, options) = (Roots::of_lone_file(&path), self.options.clone());
            return Ok(Arc::new(ClientProject::without_files(roots, options)));
        };
        let cell = Arc::clone(self.opened().entry(roots.root().to_owned()).or_default());
        cell.get_or_try_init(|| self.open(roots)).await.cloned()
    }

    /// The project of the file that the client calls `name`, if it has been read.
    pub(super) fn known(&self, name: &str) -> Option<Arc<ClientProject>> {
        let roots = self.roots(name);
        let cell = self.opened().get(roots.root()).cloned();
        cell?.get().cloned()
    }

    /// The folders of the project of a file, if there is one.
    fn find(&self, file: &Path) -> Result<Option<Roots>, FilesError> {
        let root = Roots::find(file).filter(|root| root.is_absolute());
        root.map(|root| Roots::new(&root, &self.includes))
            .transpose()
    }

    /// Reads a project in a task of its own: a client often cancels the request
    /// that is the first to need it, and asks again.
    async fn open(&self, roots: Roots) -> Result<Arc<ClientProject>, Error> {
        let (engine, end) = (self.engine.clone(), self.end.clone());
        let read = async move { engine.project(roots, end).await };
        let task = tokio::spawn(read.in_current_span());
        let read = task
            .await
            .map_err(|error| Error::internal(error.to_string()))?;
        let project = read?;
        self.engine.uses(&project);
        Ok(Arc::new(ClientProject::new(project, self.options.clone())))
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, ProjectCell>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

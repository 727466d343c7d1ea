//! The projects of one client. The client names the folders that it works in, or
//! none. fimd finds the project of each file from its path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use tracing::Instrument;

use super::project::{ClientOptions, ClientProject};
use crate::cancel::{Cancel, CancelOnDrop};
use crate::engine::Engine;
use crate::files::{FilesError, Roots, root_of, root_within};
use crate::rpc::Error;

/// A folder that the client names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedFolder {
    /// Its canonical path.
    pub(super) path: PathBuf,
    /// Whether it is one project. If not, Composer projects inside it are projects of
    /// their own.
    pub(super) is_project: bool,
}

impl NamedFolder {
    /// The folder at `path`.
    ///
    /// # Errors
    /// If there is no folder that can be read.
    pub(super) fn new(path: &Path, is_project: bool) -> Result<Self, FilesError> {
        let path = Roots::new(path, &[])?.root().to_owned();
        Ok(Self { path, is_project })
    }
}

/// A project that a request has named, with its folders.
#[derive(Debug)]
struct FoundProject {
    roots: Roots,
    /// The project, which is read once.
    read: OnceCell<Arc<ClientProject>>,
}

/// The projects of the files of one connection.
#[derive(Debug)]
pub(super) struct ClientProjects {
    engine: Engine,
    options: ClientOptions,
    /// The include paths of every project.
    includes: Vec<PathBuf>,
    /// The folders that the client names. Its lock and the next one are held for a
    /// moment only; who holds both takes the next one first.
    folders: Mutex<Vec<NamedFolder>>,
    /// The projects that have been needed, by their root folders; all belong to `folders`.
    found: Mutex<BTreeMap<PathBuf, Arc<FoundProject>>>,
    /// Stops the reading of projects when the connection ends.
    end: Cancel,
    _stop: CancelOnDrop,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientProjects {
    /// No projects yet, of a client that works in `folders`.
    pub(super) fn new(
        engine: Engine,
        options: ClientOptions,
        folders: Vec<NamedFolder>,
        includes: Vec<PathBuf>,
    ) -> Self {
        let end = Cancel::default();
        Self {
            engine,
            options,
            includes,
            folders: Mutex::new(folders),
            found: Mutex::default(),
            _stop: end.clone().into(),
            end,
        }
    }

    /// The client's options.
    pub(super) fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// The folders that the client names, in the order in which it named them.
    pub(super) fn folders(&self) -> Vec<NamedFolder> {
        lock(&self.folders).clone()
    }

    /// The client now works in `folders`. Releases the projects that these do not name
    /// or hold.
    pub(super) fn work_in(&self, folders: Vec<NamedFolder>) {
        let is_left = |root: &Path| {
            let file = root.join("any.php");
            !folders.is_empty() && root_in(&folders, &file).is_some_and(|found| found == root)
        };
        let mut found = lock(&self.found);
        found.retain(|root, _| is_left(root));
        *lock(&self.folders) = folders;
    }

    /// The folders of the project of the file that the client calls `name`; they give
    /// the file its key.
    pub(super) fn roots(&self, name: &str) -> Roots {
        let path = self.options.path(name);
        let found = self.find(&path).ok().flatten();
        found.map_or_else(|| Roots::of_lone_file(&path), |found| found.roots.clone())
    }

    /// The project of the file that the client calls `name`. Reads it if no request
    /// has needed it before. A file outside of all projects has one without files.
    ///
    /// # Errors
    /// If an include path or the project cannot be read.
    pub(super) async fn of(&self, name: &str) -> Result<Arc<ClientProject>, Error> {
        let path = self.options.path(name);
        match self.find(&path).map_err(|error| wrong_include(&error))? {
            Some(found) => self.read(&found).await,
            None => {
                let (roots, options) = (Roots::of_lone_file(&path), self.options.clone());
                Ok(Arc::new(ClientProject::without_files(roots, options)))
            }
        }
    }

    /// The project of the file that the client calls `name`, if it has been read.
    pub(super) fn known(&self, name: &str) -> Option<Arc<ClientProject>> {
        let found = self.find(&self.options.path(name)).ok()??;
        found.read.get().cloned()
    }

    /// Reads the project at `root`, a folder that the client names.
    ///
    /// # Errors
    /// If an include path or the project cannot be read.
    pub(super) async fn open(&self, root: &Path) -> Result<Arc<ClientProject>, Error> {
        let is_named = |folders: &[NamedFolder]| folders.iter().any(|named| named.path == root);
        let found = self.found(root, is_named);
        let found = found.map_err(|error| wrong_include(&error))?;
        self.read(&found).await
    }

    /// The project of the file at a path, if there is one.
    fn find(&self, file: &Path) -> Result<Option<Arc<FoundProject>>, FilesError> {
        let Some(root) = root_in(&self.folders(), file) else {
            return Ok(None);
        };
        let is_left = |folders: &[NamedFolder]| root_in(folders, file).is_some_and(|at| at == root);
        self.found(&root, is_left).map(Some)
    }

    /// The project at `root`, which need not have been read. Remembers it if it is one
    /// `of` the client's folders, which may have changed meanwhile.
    fn found(
        &self,
        root: &Path,
        of: impl Fn(&[NamedFolder]) -> bool,
    ) -> Result<Arc<FoundProject>, FilesError> {
        if let Some(known) = lock(&self.found).get(root) {
            return Ok(Arc::clone(known));
        }
        let opened = self.folders();
        let opened = opened.iter().map(|named| &*named.path);
        let roots = Roots::new(root, &self.includes)?;
        let roots = opened.fold(roots, Roots::opened_in);
        let key = roots.root().to_owned();
        let new = Arc::new(FoundProject {
            roots,
            read: OnceCell::new(),
        });
        let mut found = lock(&self.found);
        if !of(&lock(&self.folders)) {
            return Ok(new);
        }
        Ok(Arc::clone(found.entry(key).or_insert(new)))
    }

    /// Reads a project in a task of its own: a client often cancels the request
    /// that is the first to need it, and asks again.
    async fn read(&self, found: &FoundProject) -> Result<Arc<ClientProject>, Error> {
        let read = found.read.get_or_try_init(|| async {
            let (engine, end) = (self.engine.clone(), self.end.clone());
            let roots = found.roots.clone();
            let extensions = self.options.extensions.clone();
            let read = async move { engine.project(roots, extensions, end).await };
            let task = tokio::spawn(read.in_current_span());
            let read = task
                .await
                .map_err(|error| Error::internal(error.to_string()))?;
            let project = read?;
            let used = self.engine.uses(&project);
            let options = self.options.clone();
            Ok(Arc::new(ClientProject::new(project, used, options)))
        });
        read.await.cloned()
    }
}

/// The root of the project of `file` for a client that works in `folders`. A file
/// outside of the only folder belongs to that folder.
fn root_in(folders: &[NamedFolder], file: &Path) -> Option<PathBuf> {
    let holding = folders.iter().filter(|named| file.starts_with(&named.path));
    let deepest = holding.max_by_key(|named| named.path.components().count());
    match (deepest, folders) {
        (Some(named), _) if named.is_project => Some(named.path.clone()),
        (Some(named), _) => Some(root_within(&named.path, file)),
        (None, []) => root_of(file).filter(|root| root.is_absolute()),
        (None, [only]) => Some(only.path.clone()),
        (None, _) => None,
    }
}

fn wrong_include(error: &FilesError) -> Error {
    Error::invalid_params(format!("include_paths: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::text::Encoding;

    #[tokio::test]
    async fn a_folder_that_the_client_has_left_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let named = NamedFolder::new(folder.path(), true).unwrap();
        let engine = Engine::new(Settings::default(), None).unwrap();
        let options = ClientOptions {
            bm25: true,
            asked_secrets: None,
            engine: engine.clone(),
            offsets: Encoding::Utf8,
            extensions: None,
            positions: Encoding::Utf16,
            base: "/".into(),
        };
        let projects = ClientProjects::new(engine, options, vec![named.clone()], Vec::new());
        projects.open(&named.path).await.unwrap();
        assert_eq!(lock(&projects.found).len(), 1);
        // As when the client takes the folder away before fimd has begun to read it.
        projects.work_in(Vec::new());
        projects.open(&named.path).await.unwrap();
        assert_eq!(lock(&projects.found).len(), 0);
    }
}

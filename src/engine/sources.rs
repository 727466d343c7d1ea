//! The sources of a dataset: the projects in folders and the repositories in
//! files of rows, read one after another.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::error::GenerateError;
use super::project::Project;
use super::reading::read_without_index;
use crate::cancel::Cancel;
use crate::dataset::history::History;
use crate::dataset::{Options, Repo};
use crate::files::{
    Cache, FilesError, GitHistory, Repositories, Repository, Roots, WalkOptions, is_brought_back,
    origin_of,
};
use crate::index::{Exclusion, Index, Origin, Snapshot, SourceFile};

/// The sources of a dataset: project folders, then repositories.
#[derive(Debug)]
pub struct DatasetSources {
    folders: Vec<ProjectFolder>,
    /// Files of rows: see [`Repositories`].
    inputs: Vec<PathBuf>,
    walk: WalkOptions,
    cache: Option<Cache>,
}

#[derive(Debug)]
struct ProjectFolder {
    name: String,
    roots: Roots,
    /// The project, if it is open already.
    open: Option<Arc<Project>>,
}

/// The files of a project folder.
struct FolderFiles {
    /// Sorted by key.
    files: Vec<Arc<SourceFile>>,
    /// See [`Repo::snapshot`].
    snapshot: Arc<Snapshot>,
    left_out: Arc<Vec<Exclusion>>,
}

impl ProjectFolder {
    /// The open project; reads it unless it is open.
    fn project(
        &mut self,
        walk: &WalkOptions,
        cache: &Option<Cache>,
        check: &(impl Fn() -> Result<(), GenerateError> + Sync),
    ) -> Result<Arc<Project>, GenerateError> {
        if let Some(project) = self.open.take() {
            return Ok(project);
        }
        let project = Project::read(self.roots.clone(), walk.clone(), cache.clone(), check)?;
        project.write_stale_cache();
        Ok(Arc::new(project))
    }

    /// Its files, with an index of them if `with_contexts`.
    fn read(
        &mut self,
        with_contexts: bool,
        walk: &WalkOptions,
        cache: &Option<Cache>,
        check: &(impl Fn() -> Result<(), GenerateError> + Sync),
    ) -> Result<FolderFiles, GenerateError> {
        if !with_contexts && self.open.is_none() {
            let (files, left_out) = read_without_index(&self.roots, walk, check)?;
            return Ok(FolderFiles {
                files,
                snapshot: Arc::default(),
                left_out: left_out.into(),
            });
        }
        let project = self.project(walk, cache, check)?;
        let snapshot = project.index.snapshot();
        Ok(FolderFiles {
            files: snapshot.files().cloned().collect(),
            snapshot,
            left_out: project.left_out(),
        })
    }
}

/// What [`DatasetSources::each`] reads of each project, besides its files.
#[derive(Clone, Copy, Default)]
pub(super) struct SourceNeeds {
    /// The names of the projects in folders; repositories always have a name.
    pub(super) names: bool,
    /// The origin of the files in folders.
    pub(super) origin: bool,
    /// An index, for contexts.
    pub(super) contexts: bool,
    /// The history of the projects in folders: its last commits, so many.
    pub(super) history: Option<usize>,
}

/// An item of [`DatasetSources::each`].
pub(super) enum SourceItem<'a> {
    Project(&'a Repo<'a>),
    /// A row that is no file of any repository.
    RefusedRow(&'a Exclusion),
}

impl DatasetSources {
    /// The projects in `folders`, each with the include paths of `options` and
    /// named after its folder, then the repositories of the files `inputs`. A
    /// folder that is named twice counts once. The projects' indexes are cached in
    /// `cache`.
    ///
    /// # Errors
    /// If there are no sources, or a folder or include path cannot be read.
    pub fn new(
        folders: &[PathBuf],
        inputs: &[PathBuf],
        options: &Options,
        walk: WalkOptions,
        cache: Option<Cache>,
    ) -> Result<Self, FilesError> {
        if !inputs.is_empty() && !options.include_path.is_empty() {
            return Err(FilesError(
                "an include path belongs to a project folder, and rows have none; leave it out, or run twice".into(),
            ));
        }
        if !inputs.is_empty() && options.git.is_some() {
            return Err(FilesError(
                "--git reads the git repository of a project folder, and rows have none; leave it out, or run twice".into(),
            ));
        }
        let mut names = FxHashSet::default();
        let mut found: Vec<ProjectFolder> = Vec::new();
        for folder in folders {
            let roots = Roots::new(folder, &options.include_path)?.trusting(&walk.trusted_projects);
            if found.iter().any(|folder| folder.roots == roots) {
                continue;
            }
            let name = unused_name(roots.root(), &mut names);
            let open = None;
            found.push(ProjectFolder { name, roots, open });
        }
        if found.is_empty() && inputs.is_empty() {
            return Err(FilesError(
                "no project; name the folder of one, or a file of rows".into(),
            ));
        }
        Ok(Self {
            folders: found,
            inputs: inputs.to_vec(),
            walk,
            cache,
        })
    }

    /// Opens the projects in the folders. Each comes with its name in the dataset.
    ///
    /// # Errors
    /// If a project cannot be read, and once `cancel` is set.
    pub fn open(self, cancel: &Cancel) -> Result<Vec<(String, Arc<Project>)>, GenerateError> {
        let check = || cancel.check().map_err(GenerateError::from);
        let Self {
            folders,
            walk,
            cache,
            ..
        } = self;
        let open = |mut folder: ProjectFolder| {
            let project = folder.project(&walk, &cache, &check)?;
            Ok((folder.name, project))
        };
        folders.into_iter().map(open).collect()
    }

    /// The files of the first project that is a folder; none if there is no folder.
    ///
    /// # Errors
    /// If the project cannot be read, and those of `check`.
    pub(super) fn first_files(
        &self,
        check: &(impl Fn() -> Result<(), GenerateError> + Sync),
    ) -> Result<Vec<Arc<SourceFile>>, GenerateError> {
        match self.folders.first() {
            Some(folder) => Ok(read_without_index(&folder.roots, &self.walk, check)?.0),
            None => Ok(Vec::new()),
        }
    }

    /// The folders of the project, if the sources are a single project folder.
    #[must_use]
    pub fn only(&self) -> Option<&Roots> {
        match (&*self.folders, &*self.inputs) {
            ([folder], []) => Some(&folder.roots),
            _ => None,
        }
    }

    /// These sources, with `project` for its folder, which is then not read again.
    /// Its files must have been found with the same options.
    #[must_use]
    pub fn with_open(mut self, project: Arc<Project>) -> Self {
        for folder in &mut self.folders {
            if folder.roots == project.roots {
                folder.open = Some(Arc::clone(&project));
            }
        }
        self
    }

    /// These sources, with `name` for the project, if they are a single project folder.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        if let [folder] = &mut *self.folders {
            name.clone_into(&mut folder.name);
        }
        self
    }

    /// The paths of all folders and files of rows.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let folders = self.folders.iter().map(|folder| folder.roots.root());
        folders.chain(self.inputs.iter().map(PathBuf::as_path))
    }

    /// Reads the sources one after another and passes each project, and each row
    /// that is no file of any repository, to `take`. `check` is asked before each
    /// file whether to go on.
    ///
    /// # Errors
    /// If a source cannot be read, and those of `check` and `take`.
    pub(super) fn each(
        self,
        needs: SourceNeeds,
        check: &(impl Fn() -> Result<(), GenerateError> + Sync),
        take: &mut dyn FnMut(SourceItem<'_>) -> Result<(), GenerateError>,
    ) -> Result<(), GenerateError> {
        let Self {
            folders,
            inputs,
            walk,
            cache,
        } = self;
        // The files of rows are opened first, so that their errors come at once.
        let names: Vec<_> = folders.iter().map(|folder| folder.name.clone()).collect();
        let names = names.iter().map(String::as_str);
        let mut repositories = Repositories::open(&inputs, walk.clone(), names)?;
        for mut folder in folders {
            let history = needs
                .history
                .map(|most| GitHistory::open(folder.roots.root(), most, walk.max_file_bytes))
                .transpose()?;
            let contents = folder.read(needs.contexts, &walk, &cache, check)?;
            let origin = match needs.origin {
                true => origin_of(folder.roots.root()),
                false => Origin::default(),
            };
            take(SourceItem::Project(&Repo {
                name: needs.names.then_some(&*folder.name),
                title: &folder.name,
                files: &contents.files,
                snapshot: &contents.snapshot,
                in_root: &|key| folder.roots.owns(key),
                brought_back: &|key| is_brought_back(&folder.roots, &folder.roots.path(key)),
                left_out: &contents.left_out,
                history: history.as_ref().map(|history| history as &dyn History),
                origin: &|_| origin.clone(),
            }))?;
        }
        let mut refused = RefusedRows::default();
        while let Some(repository) = repositories.next(check)? {
            refused.take(&mut repositories, take)?;
            take_repository(repository, needs, take)?;
        }
        refused.take(&mut repositories, take)?;
        refused.warn();
        Ok(())
    }
}

/// The name of the folder `root`; if `names` has it already, with a number.
fn unused_name(root: &Path, names: &mut FxHashSet<String>) -> String {
    let base = root.file_name().unwrap_or(root.as_os_str());
    let base = base.to_string_lossy().into_owned();
    let mut name = base.clone();
    let mut number = 2_usize;
    while !names.insert(name.clone()) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}

fn take_repository(
    repository: Repository,
    needs: SourceNeeds,
    take: &mut dyn FnMut(SourceItem<'_>) -> Result<(), GenerateError>,
) -> Result<(), GenerateError> {
    let Repository {
        name,
        files,
        left_out,
        origins,
    } = repository;
    let snapshot = match needs.contexts {
        true => Index::build(files.clone()).snapshot(),
        false => Arc::default(),
    };
    take(SourceItem::Project(&Repo {
        name: Some(&name),
        title: &name,
        files: &files,
        snapshot: &snapshot,
        in_root: &|_| true,
        brought_back: &|_| false,
        left_out: &left_out,
        history: None,
        origin: &|key| origins.get(key).cloned().unwrap_or_default(),
    }))
}

/// The refused rows, for one warning at the end.
#[derive(Default)]
struct RefusedRows {
    count: usize,
    first: Option<Exclusion>,
}

impl RefusedRows {
    fn take(
        &mut self,
        repositories: &mut Repositories,
        take: &mut dyn FnMut(SourceItem<'_>) -> Result<(), GenerateError>,
    ) -> Result<(), GenerateError> {
        for row in repositories.take_refused() {
            take(SourceItem::RefusedRow(&row))?;
            self.count += 1;
            self.first.get_or_insert(row);
        }
        Ok(())
    }

    fn warn(&self) {
        if let Some(Exclusion { key, rule }) = &self.first {
            tracing::warn!(
                rows = self.count,
                "rows were left out, the first at {key}: {rule}; metadata.json names all"
            );
        }
    }
}

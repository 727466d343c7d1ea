//! Writing the dataset of some projects: what `fimd generate` and the server's
//! jobs have in common. And the signatures of their files, which come before a
//! dataset that is made part by part.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::{Project, project::read_files};
use crate::cancel::{Cancel, Cancelled};
use crate::dataset::report::DatasetCounts;
use crate::dataset::write::{Signatures, Stage, Task, WithRejects, WriteError};
use crate::dataset::{self, Options, Progress, Repo, Run};
use crate::files::{
    Cache, Exclusion, FilesError, Origin, Repositories, Repository, Roots, WalkOptions,
};
use crate::index::{Index, Snapshot, SourceFile};
use crate::model::{Families, Model};

/// Why a dataset was not written.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// There is none.
    #[error(transparent)]
    Dataset(#[from] dataset::DatasetError),
    /// It cannot be put where it is wanted.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What it is to be made of cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl From<Cancelled> for GenerateError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Dataset(cancelled.into())
    }
}

/// What a dataset is made of: project folders, then repositories.
#[derive(Debug)]
pub struct DatasetSources {
    folders: Vec<Folder>,
    /// Files of rows: see [`Repositories`].
    inputs: Vec<PathBuf>,
    walk: WalkOptions,
    cache: Option<Cache>,
}

#[derive(Debug)]
struct Folder {
    name: String,
    roots: Roots,
    /// The project, if it is open already.
    open: Option<Arc<Project>>,
}

impl Folder {
    /// The project, read unless it is open.
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
        project.keep_if_worth();
        Ok(Arc::new(project))
    }

    /// Its files, and an index of them if `with_contexts`.
    fn read(
        &mut self,
        with_contexts: bool,
        walk: &WalkOptions,
        cache: &Option<Cache>,
        check: &(impl Fn() -> Result<(), GenerateError> + Sync),
    ) -> Result<Read, GenerateError> {
        if !with_contexts && self.open.is_none() {
            let (files, left_out) = read_files(&self.roots, walk, check)?;
            return Ok(Read {
                files,
                snapshot: Arc::default(),
                left_out: left_out.into(),
            });
        }
        let project = self.project(walk, cache, check)?;
        let snapshot = project.index.snapshot();
        Ok(Read {
            files: snapshot.files().cloned().collect(),
            snapshot,
            left_out: project.left_out(),
        })
    }
}

impl DatasetSources {
    /// The projects in `folders`, each with the include paths of `options` and
    /// named for its folder, then the repositories of the files `inputs`. A
    /// folder named twice counts once. `cache` is where what is learnt about
    /// projects is kept.
    ///
    /// # Errors
    /// If there is nothing at all, or a folder or include path cannot be read.
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
        let mut names = FxHashSet::default();
        let mut found: Vec<Folder> = Vec::new();
        for folder in folders {
            let roots = Roots::new(folder, &options.include_path)?;
            if found.iter().any(|folder| folder.roots == roots) {
                continue;
            }
            let base = roots.root().file_name().unwrap_or(roots.root().as_os_str());
            let base = base.to_string_lossy().into_owned();
            let more = (2_usize..).map(|n| format!("{base}-{n}"));
            let mut free = [base.clone()].into_iter().chain(more);
            if let Some(name) = free.find(|name| names.insert(name.clone())) {
                let open = None;
                found.push(Folder { name, roots, open });
            }
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

    /// The projects in the folders, all read, with what their examples call
    /// them where there are more than one.
    ///
    /// # Errors
    /// If one cannot be read, or the work was asked to stop.
    pub fn open(self, cancel: &Cancel) -> Result<Vec<(String, Arc<Project>)>, GenerateError> {
        let check = || cancel.check().map_err(GenerateError::from);
        let Self {
            folders,
            walk,
            cache,
            ..
        } = self;
        let open = |mut folder: Folder| {
            let project = folder.project(&walk, &cache, &check)?;
            Ok((folder.name, project))
        };
        folders.into_iter().map(open).collect()
    }

    /// The folders of the project, where it is only one.
    #[must_use]
    pub fn only(&self) -> Option<&Roots> {
        match (&*self.folders, &*self.inputs) {
            ([folder], []) => Some(&folder.roots),
            _ => None,
        }
    }

    /// These, with `project` for that of its folders: it is not read again. It
    /// should be one whose files were found as these are to be.
    #[must_use]
    pub fn with_open(mut self, project: Arc<Project>) -> Self {
        for folder in &mut self.folders {
            if folder.roots == project.roots {
                folder.open = Some(Arc::clone(&project));
            }
        }
        self
    }

    /// Gives `take` each project in turn, with what `wants` says, and each row
    /// that is no file of any.
    fn each(
        self,
        wants: Wants,
        check: &(impl Fn() -> Result<(), GenerateError> + Sync),
        take: &mut dyn FnMut(Item<'_>) -> Result<(), GenerateError>,
    ) -> Result<(), GenerateError> {
        let Self {
            folders,
            inputs,
            walk,
            cache,
        } = self;
        // Opened before the folders are worked on, so that what is wrong with them
        // is said at once.
        let taken: Vec<_> = folders.iter().map(|folder| folder.name.clone()).collect();
        let taken = taken.iter().map(String::as_str);
        let mut repositories = Repositories::open(&inputs, walk.clone(), taken)?;
        for mut folder in folders {
            let read = folder.read(wants.contexts, &walk, &cache, check)?;
            let origin = match wants.origin {
                true => Origin::of(folder.roots.root()),
                false => Origin::default(),
            };
            take(Item::Project(&Repo {
                name: wants.names.then_some(&*folder.name),
                title: &folder.name,
                files: &read.files,
                snapshot: &read.snapshot,
                in_root: &|key| folder.roots.owns(key),
                left_out: &read.left_out,
                origin: &|_| origin.clone(),
            }))?;
        }
        let mut refused = Refused::default();
        while let Some(repository) = repositories.next(check)? {
            refused.take(&mut repositories, take)?;
            let Repository {
                name,
                files,
                left_out,
                origins,
            } = repository;
            let snapshot = match wants.contexts {
                true => Index::build(files.clone()).snapshot(),
                false => Arc::default(),
            };
            take(Item::Project(&Repo {
                name: Some(&name),
                title: &name,
                files: &files,
                snapshot: &snapshot,
                in_root: &|_| true,
                left_out: &left_out,
                origin: &|key| origins.get(key).cloned().unwrap_or_default(),
            }))?;
        }
        refused.take(&mut repositories, take)?;
        refused.warn();
        Ok(())
    }

    /// What tells a run over these for `model` from others.
    fn task(&self, options: &Options, model: &Model) -> Result<Task, WriteError> {
        let folders = self.folders.iter().map(|folder| folder.roots.root());
        let inputs = self.inputs.iter().map(PathBuf::as_path);
        let all = folders.chain(inputs);
        let all = all.map(|path| path.display().to_string());
        Task::new(options, model.family(), all)
    }
}

/// What is wanted of the projects of [`DatasetSources`], beside their files.
#[derive(Clone, Copy, Default)]
struct Wants {
    /// What those in folders are called; others have a name anyway.
    names: bool,
    /// Where the files of folders are from.
    origin: bool,
    /// An index to read contexts from.
    contexts: bool,
}

/// The files of a project.
struct Read {
    /// In the order of keys.
    files: Vec<Arc<SourceFile>>,
    /// See [`Repo::snapshot`].
    snapshot: Arc<Snapshot>,
    left_out: Arc<Vec<Exclusion>>,
}

/// What [`DatasetSources`] give, one after the other.
enum Item<'a> {
    Project(&'a Repo<'a>),
    Refused(&'a Exclusion),
}

/// Writes the signatures of the files of `sources` that `options` would cut to
/// the Parquet file `output`: how many, in parallel on the current rayon pool.
///
/// # Errors
/// See [`GenerateError`]; the file is then what it was.
pub fn sign(
    sources: DatasetSources,
    options: &Options,
    output: &Path,
    cancel: &Cancel,
) -> Result<usize, GenerateError> {
    options.check().map_err(dataset::DatasetError::from)?;
    let mut signatures = Signatures::new(output)?;
    let check = || cancel.check().map_err(GenerateError::from);
    let mut count = 0;
    let wants = Wants {
        names: true,
        ..Wants::default()
    };
    sources.each(wants, &check, &mut |item| {
        if let Item::Project(repo) = item {
            for signed in dataset::sign(repo, options, cancel)? {
                signatures.push(&signed)?;
                count += 1;
            }
        }
        Ok(())
    })?;
    signatures.publish()?;
    Ok(count)
}

/// Generates the dataset of `sources`, one project after the other, and
/// publishes it, in parallel on the current rayon pool.
///
/// # Errors
/// See [`GenerateError`]; the stage's output is then what it was.
pub fn generate(
    sources: DatasetSources,
    options: &Options,
    families: &Families,
    stage: Stage,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<DatasetCounts, GenerateError> {
    let model = options
        .model(families, std::fs::read)
        .map_err(dataset::DatasetError::from)?;
    let sink = stage.sink(&sources.task(options, &model)?, options)?;
    let mut sink = WithRejects::new(sink, options.rejects.as_deref(), &stage)?;
    let mut run = Run::new(options, &model, &mut sink, cancel, progress)?;
    let check = || cancel.check().map_err(GenerateError::from);
    let wants = Wants {
        names: options.provenance || options.partial || sources.only().is_none(),
        origin: options.provenance,
        contexts: options.context_budget() > 0,
    };
    sources.each(wants, &check, &mut |item| match item {
        Item::Project(repo) => Ok(run.project(repo)?),
        Item::Refused(row) => {
            run.refused(row);
            Ok(())
        }
    })?;
    let (report, page) = run.finish()?;
    check()?;
    sink.publish(|| stage.publish(&report, page.as_deref()))?;
    Ok(report.counts)
}

/// The rows that were refused, for the log.
#[derive(Default)]
struct Refused {
    count: usize,
    first: Option<Exclusion>,
}

impl Refused {
    fn take(
        &mut self,
        repositories: &mut Repositories,
        take: &mut dyn FnMut(Item<'_>) -> Result<(), GenerateError>,
    ) -> Result<(), GenerateError> {
        for row in repositories.take_refused() {
            take(Item::Refused(&row))?;
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

//! Brings the index of a project up to date with the disk. When files have
//! changed, it looks at these files alone. When folders or ignore rules have
//! changed, it walks the project, reads the stamp of every file, and reads the
//! files whose stamps differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustc_hash::FxHashSet;

use super::reading::read_each;
use crate::files::watch::{self, DiskChanges};
use crate::files::{
    self, Composer, FilesError, NameRules, ProjectFile, Roots, SourceFolders, Stamp, Walk,
    WalkOptions,
};
use crate::index::{Exclusion, Index, IndexChange, Library};

/// What is left out of a project, as of the last time its files were listed.
pub(super) type SharedExclusions = Arc<ArcSwap<Vec<Exclusion>>>;

/// Shared by the tasks that bring one project up to date, one at a time.
pub(super) type SharedDisk = Arc<tokio::sync::Mutex<Disk>>;

/// The state of the disk as the index has it. The only writer of the index.
#[derive(Debug)]
pub(super) struct Disk {
    roots: Roots,
    options: WalkOptions,
    index: Arc<Index>,
    library: Arc<Composer>,
    /// Every file of the project by key, including those that cannot be read.
    synced: BTreeMap<String, SyncedFile>,
    folders: BTreeSet<PathBuf>,
    source: SourceFolders,
    missing: Vec<PathBuf>,
    left_out: SharedExclusions,
    /// The present problems with the files. Each was logged when it came up.
    logged: BTreeSet<String>,
    /// Whether the project exceeds its memory limit.
    is_too_large: bool,
}

/// A file as the index has it.
#[derive(Debug)]
struct SyncedFile {
    path: PathBuf,
    /// Its stamp, if an equal stamp proves that the file is unchanged.
    stamp: Option<Stamp>,
}

impl SyncedFile {
    fn new(file: ProjectFile, read_at: SystemTime, could_be_read: bool) -> (String, Self) {
        // A file that cannot be read is tried again only when it changes, because
        // each attempt is logged.
        let is_sure = !could_be_read || file.stamp.is_settled(read_at);
        let synced = Self {
            path: file.path,
            stamp: is_sure.then_some(file.stamp),
        };
        (file.key, synced)
    }
}

/// What a change at a path means for the project.
enum PathChange {
    /// Nothing: no file of the project is or was there.
    Irrelevant,
    /// The file is there.
    Present(ProjectFile),
    /// The file with this key is gone.
    Removed(String),
    /// More than one file may have changed.
    Unclear,
}

impl Disk {
    /// The state after the files of `walk` were read, none of them before
    /// `read_at`, to build `index`.
    pub(super) fn new(
        roots: &Roots,
        options: WalkOptions,
        index: Arc<Index>,
        library: Arc<Composer>,
        walk: Walk,
        read_at: SystemTime,
        left_out: SharedExclusions,
    ) -> Self {
        let synced = walk.files.into_iter().map(|file| {
            let could_be_read = index.live(&file.key).is_some();
            SyncedFile::new(file, read_at, could_be_read)
        });
        Self {
            synced: synced.collect(),
            roots: roots.clone(),
            options,
            logged: walk
                .warnings
                .into_iter()
                .chain(library.warnings())
                .collect(),
            library,
            folders: walk.folders,
            source: walk.source,
            missing: Vec::new(),
            left_out,
            is_too_large: false,
            index,
        }
    }

    /// The root and the include paths that are missing. The index has none of
    /// their files until they come back.
    pub(super) fn missing(&self) -> &[PathBuf] {
        &self.missing
    }

    /// Whether the root or an include path has disappeared since the last walk. The
    /// watcher may not report this, because it need not watch a folder above them.
    pub(super) fn has_lost_a_top(&self) -> bool {
        let mut tops = self.roots.tops();
        tops.any(|top| !self.missing.iter().any(|gone| gone == top) && !top.exists())
    }

    /// The folders and files to watch.
    pub(super) fn to_watch(&self) -> BTreeSet<PathBuf> {
        watch::wanted(&self.roots, &self.folders, &self.library)
    }

    /// Brings the index up to date with `changes`.
    pub(super) fn absorb(&mut self, changes: &DiskChanges) {
        let go_on = || Ok::<_, FilesError>(());
        // The error has been logged already.
        drop(self.absorb_some(changes, &go_on));
    }

    fn absorb_some<E: From<FilesError> + Send>(
        &mut self,
        changes: &DiskChanges,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let DiskChanges::Paths(paths) = changes else {
            return self.refresh(check);
        };
        let (mut present, mut removed) = (Vec::new(), Vec::new());
        for path in paths {
            match self.change_at(path) {
                PathChange::Irrelevant => {}
                PathChange::Present(file) => present.push(file),
                PathChange::Removed(key) => removed.push(key),
                PathChange::Unclear => return self.refresh(check),
            }
        }
        self.update(present, removed, check)
    }

    fn name_rules(&self) -> NameRules<'_> {
        NameRules {
            roots: &self.roots,
            extensions: &self.options.extensions,
            folders: &self.source,
        }
    }

    fn change_at(&self, path: &Path) -> PathChange {
        let is_rule = path.file_name().is_some_and(files::is_rule_file);
        let mut tops = self.roots.tops();
        if is_rule
            || self.folders.contains(path)
            || self.library.depends_on(path)
            || tops.any(|top| top.starts_with(path))
        {
            return PathChange::Unclear;
        }
        let Some(key) = self.roots.key_of(path) else {
            return PathChange::Irrelevant;
        };
        let synced = self.synced.get(&key);
        // If several paths have one key, only a walk can tell which of them wins.
        if key.contains('\u{FFFD}') || synced.is_some_and(|synced| synced.path != path) {
            return PathChange::Unclear;
        }
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() && files::is_walked(self.name_rules(), path) => {
                return PathChange::Unclear;
            }
            Ok(metadata) if metadata.is_file() && files::belongs(self.name_rules(), path) => {
                if metadata.len() > self.options.max_file_bytes {
                    // The walk warns of it, once.
                    return PathChange::Unclear;
                }
                if !files::file_holds_php(path, self.options.max_file_bytes) {
                    // The walk notes that it is left out.
                    return PathChange::Unclear;
                }
                return PathChange::Present(ProjectFile::new(key, path.to_owned(), &metadata));
            }
            _ => {}
        }
        match synced {
            Some(_) => PathChange::Removed(key),
            None => PathChange::Irrelevant,
        }
    }

    /// Brings the index up to date with the disk. Reads the files whose stamps have
    /// changed. Readers see the old state until the new one is complete.
    ///
    /// # Errors
    /// If the root or an include path is missing; the index is then up to date
    /// without its files. If the project exceeds a limit; the index then stays as
    /// it is.
    pub(super) fn refresh<E: From<FilesError> + Send>(
        &mut self,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let walk = files::walk_existing(&self.roots, &self.options);
        if let Some(error) = walk.over {
            if self.logged.insert(error.to_string()) {
                tracing::warn!("{error}; the index is no longer brought up to date");
            }
            return Err(error.into());
        }
        let present: FxHashSet<&str> = walk.files.iter().map(|file| &*file.key).collect();
        let removed = self.synced.keys().filter(|key| !present.contains(&***key));
        let removed = removed.cloned().collect();
        self.update(walk.files, removed, check)?;
        self.folders = walk.folders;
        self.source = walk.source;
        let unreadable = self
            .synced
            .keys()
            .filter(|key| self.index.live(key).is_none());
        let mut left_out = walk.left_out;
        left_out.extend(unreadable.map(|key| Exclusion {
            key: key.clone(),
            rule: "cannot be read".into(),
        }));
        left_out.sort_by(|a, b| a.key.cmp(&b.key));
        self.left_out.store(Arc::new(left_out));
        if self.library.is_outdated(&walk.beside) {
            let library = Composer::open(&self.roots, &walk.beside, &self.options);
            self.library = Arc::new(library);
            let library = Arc::clone(&self.library);
            self.index.set_library(library as Arc<dyn Library>);
        }
        let missing = walk
            .missing
            .iter()
            .map(|(_, error)| format!("{error}; its files are left out until it comes back"));
        let warnings = walk.warnings.into_iter().chain(missing);
        let warnings: BTreeSet<String> = warnings.chain(self.library.warnings()).collect();
        for warning in warnings.difference(&self.logged) {
            tracing::warn!("{warning}");
        }
        self.logged = warnings;
        let (missing, errors): (_, Vec<_>) = walk.missing.into_iter().unzip();
        self.missing = missing;
        match errors.into_iter().next() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Reads those of the `present` files whose stamps have changed, drops the
    /// `removed` keys, and publishes all changes in one snapshot.
    fn update<E: Send>(
        &mut self,
        mut present: Vec<ProjectFile>,
        removed: Vec<String>,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        present.retain(|file| {
            let synced = self.synced.get(&file.key);
            synced.is_none_or(|synced| synced.path != file.path || synced.stamp != Some(file.stamp))
        });
        let read_at = SystemTime::now();
        let most = self.options.max_file_bytes;
        let outcomes = read_each(&present, |file| files::read(file, most), check)?;
        let mut changes = Vec::new();
        for key in removed {
            self.synced.remove(&key);
            changes.push(IndexChange::Remove(key.into()));
        }
        for (file, outcome) in present.into_iter().zip(outcomes) {
            let (key, synced) = SyncedFile::new(file, read_at, outcome.is_ok());
            match (self.index.live(&key), outcome) {
                (Some(old), Ok(new)) if old.text == new.text && old.lossy == new.lossy => {}
                (_, Ok(new)) => changes.push(IndexChange::Put(Arc::new(new))),
                (Some(old), Err(_)) => changes.push(IndexChange::Remove(Arc::clone(&old.path))),
                (None, Err(_)) => {}
            }
            self.synced.insert(key, synced);
        }
        if !changes.is_empty() {
            tracing::debug!(files = changes.len(), "changed");
            self.index.apply(changes);
            self.check_memory();
        }
        Ok(())
    }

    /// Warns when the project grows above its memory limit. fimd goes on serving it,
    /// because an editor is using it, but refuses to open it again.
    fn check_memory(&mut self) {
        let bytes = self.index.snapshot().memory() as u64;
        let within = self.options.check_memory(&self.roots, bytes);
        let was_too_large = std::mem::replace(&mut self.is_too_large, within.is_err());
        if let Err(error) = within
            && !was_too_large
        {
            tracing::warn!("{error}; until it is opened anew it is served as it is");
        }
    }
}

#[cfg(test)]
mod tests;

//! What a project's index knows of the disk, and how it is brought up to date:
//! file by file where files have changed, by a walk that reads nothing but
//! stamps where folders or rules have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustc_hash::FxHashSet;

use super::project::{SharedLeftOut, read_found};
use crate::files::watch::{self, DiskChanges};
use crate::files::{
    self, Composer, Exclusion, FilesError, ProjectFile, Roots, Stamp, Walk, WalkOptions,
};
use crate::index::{Index, IndexChange, Library};

/// Shared by those who bring one project up to date, one after another.
pub(super) type SharedDisk = Arc<tokio::sync::Mutex<Disk>>;

/// See the module. The only writer of its index.
#[derive(Debug)]
pub(super) struct Disk {
    roots: Roots,
    options: WalkOptions,
    index: Arc<Index>,
    library: Arc<Composer>,
    /// Every file that belongs to the project, by key, also those that could
    /// not be read.
    known: BTreeMap<String, Known>,
    folders: BTreeSet<PathBuf>,
    missing: Vec<PathBuf>,
    left_out: SharedLeftOut,
    /// What is wrong with the files at present, and was said when it came up.
    said: BTreeSet<String>,
    /// Whether the project has grown above its limit of memory.
    is_too_large: bool,
}

/// A file as it was when it was read last.
#[derive(Debug)]
struct Known {
    path: PathBuf,
    /// Its stamp, if the file is sure to be the same while it has it.
    stamp: Option<Stamp>,
}

impl Known {
    fn new(found: ProjectFile, read_at: SystemTime, could_be_read: bool) -> (String, Self) {
        // What cannot be read is tried again when it changes, not before: each
        // try is logged.
        let is_sure = !could_be_read || found.stamp.is_settled(read_at);
        let known = Self {
            path: found.path,
            stamp: is_sure.then_some(found.stamp),
        };
        (found.key, known)
    }
}

/// What has become of what is, or was, at a path.
enum Now {
    /// No file of the project is or was there.
    Nothing,
    File(ProjectFile),
    /// There was a file with this key.
    Gone(String),
    /// More than one file may be other than it was.
    Unclear,
}

impl Disk {
    /// What is known once the files of `walk` were read, from `read_at` on, to
    /// build `index`.
    pub(super) fn new(
        roots: &Roots,
        options: WalkOptions,
        index: Arc<Index>,
        library: Arc<Composer>,
        walk: Walk,
        read_at: SystemTime,
        left_out: SharedLeftOut,
    ) -> Self {
        let known = walk.files.into_iter().map(|found| {
            let could_be_read = index.live(&found.key).is_some();
            Known::new(found, read_at, could_be_read)
        });
        Self {
            known: known.collect(),
            roots: roots.clone(),
            options,
            library,
            folders: walk.folders,
            missing: Vec::new(),
            left_out,
            said: walk.warnings.into_iter().collect(),
            is_too_large: false,
            index,
        }
    }

    /// The root and the include paths that are gone. Their files are, too,
    /// until they come back.
    pub(super) fn missing(&self) -> &[PathBuf] {
        &self.missing
    }

    /// Whether the root or an include path is gone that was there when they were
    /// looked at last. No folder above them need be watched that would tell.
    pub(super) fn has_lost_a_top(&self) -> bool {
        let mut tops = self.roots.includes().chain([self.roots.root()]);
        tops.any(|top| !self.missing.iter().any(|gone| gone == top) && !top.exists())
    }

    /// The folders and files in which changes have to be noticed.
    pub(super) fn to_watch(&self) -> BTreeSet<PathBuf> {
        watch::wanted(&self.roots, &self.folders, &self.library)
    }

    /// Brings the index up to date with what `changes` tell of.
    pub(super) fn absorb(&mut self, changes: &DiskChanges) {
        let go_on = || Ok::<_, FilesError>(());
        // What there is to say of it has been logged.
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
        let (mut found, mut gone) = (Vec::new(), Vec::new());
        for path in paths {
            match self.now(path) {
                Now::Nothing => {}
                Now::File(file) => found.push(file),
                Now::Gone(key) => gone.push(key),
                Now::Unclear => return self.refresh(check),
            }
        }
        self.update(found, gone, check)
    }

    fn now(&self, path: &Path) -> Now {
        let is_rule = path.file_name().is_some_and(files::is_rule);
        let mut tops = self.roots.includes().chain([self.roots.root()]);
        if is_rule
            || self.folders.contains(path)
            || self.library.rests_on(path)
            || tops.any(|top| top.starts_with(path))
        {
            return Now::Unclear;
        }
        let Some(key) = self.roots.key_of(path) else {
            return Now::Nothing;
        };
        let known = self.known.get(&key);
        // Of several paths with one key the walk knows which has it.
        if key.contains('\u{FFFD}') || known.is_some_and(|known| known.path != path) {
            return Now::Unclear;
        }
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() && files::is_walked(&self.roots, path) => {
                return Now::Unclear;
            }
            Ok(metadata) if metadata.is_file() && files::belongs(&self.roots, path) => {
                if metadata.len() > self.options.max_file_bytes {
                    // The walk says so, once.
                    return Now::Unclear;
                }
                let in_root = self.roots.includes().all(|top| !path.starts_with(top));
                return Now::File(ProjectFile::new(key, path.to_owned(), &metadata, in_root));
            }
            _ => {}
        }
        if known.is_some() {
            Now::Gone(key)
        } else {
            Now::Nothing
        }
    }

    /// Brings the index up to date with the disk, reading what has another
    /// stamp. Readers see the old state until all of the new one is there.
    ///
    /// # Errors
    /// If the root or an include path is gone; the index is up to date then,
    /// too, without its files. If the project has grown above a limit; the
    /// index then stays as it is.
    pub(super) fn refresh<E: From<FilesError> + Send>(
        &mut self,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let walk = files::walk_what_is_there(&self.roots, &self.options);
        if let Some(error) = walk.over {
            if self.said.insert(error.to_string()) {
                tracing::warn!("{error}; the index is no longer brought up to date");
            }
            return Err(error.into());
        }
        let still: FxHashSet<&str> = walk.files.iter().map(|found| &*found.key).collect();
        let gone = self.known.keys().filter(|key| !still.contains(&***key));
        let gone = gone.cloned().collect();
        self.update(walk.files, gone, check)?;
        self.folders = walk.folders;
        let unreadable = self
            .known
            .keys()
            .filter(|key| self.index.live(key).is_none());
        let mut left_out = walk.left_out;
        left_out.extend(unreadable.map(|key| Exclusion {
            key: key.clone(),
            rule: "cannot be read".into(),
        }));
        left_out.sort_by(|a, b| a.key.cmp(&b.key));
        self.left_out.store(Arc::new(left_out));
        if self.library.is_outdated() {
            self.library = Arc::new(Composer::open(&self.roots, &self.options));
            let library = Arc::clone(&self.library);
            self.index.set_library(library as Arc<dyn Library>);
        }
        let missing = walk
            .missing
            .iter()
            .map(|(_, error)| format!("{error}; its files are left out until it comes back"));
        let wrong: BTreeSet<String> = walk.warnings.into_iter().chain(missing).collect();
        for warning in wrong.difference(&self.said) {
            tracing::warn!("{warning}");
        }
        self.said = wrong;
        let (missing, errors): (_, Vec<_>) = walk.missing.into_iter().unzip();
        self.missing = missing;
        match errors.into_iter().next() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Takes note of files that are there and of keys that are not, and
    /// publishes what has changed at once.
    fn update<E: Send>(
        &mut self,
        mut found: Vec<ProjectFile>,
        gone: Vec<String>,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        found.retain(|found| {
            let known = self.known.get(&found.key);
            known.is_none_or(|known| known.path != found.path || known.stamp != Some(found.stamp))
        });
        let read_at = SystemTime::now();
        let outcomes = read_found(&found, files::read, check)?;
        let mut changes = Vec::new();
        for key in gone {
            self.known.remove(&key);
            changes.push(IndexChange::Remove(key.into()));
        }
        for (found, outcome) in found.into_iter().zip(outcomes) {
            let (key, known) = Known::new(found, read_at, outcome.is_ok());
            match (self.index.live(&key), outcome) {
                (Some(old), Ok(new)) if old.text == new.text && old.lossy == new.lossy => {}
                (_, Ok(new)) => changes.push(IndexChange::Put(Arc::new(new))),
                (Some(old), Err(_)) => changes.push(IndexChange::Remove(Arc::clone(&old.path))),
                (None, Err(_)) => {}
            }
            self.known.insert(key, known);
        }
        if !changes.is_empty() {
            tracing::debug!(files = changes.len(), "changed");
            self.index.apply(changes);
            self.check_memory();
        }
        Ok(())
    }

    /// Says when the project grows above its limit of memory. It is served on:
    /// an editor is at work in it. When it is opened next it is refused.
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

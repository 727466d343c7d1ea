//! Hearing of changes to files. What is heard are hints: that something may
//! have happened at a path, never what. Whoever acts on them looks for himself.
//!
//! Folders are watched one by one, those that the walk has visited: trees that
//! do not belong to the project cost nothing.

mod coalesce;

use std::collections::BTreeSet;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use notify::{ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

pub use coalesce::Coalescer;

use super::{Composer, Roots, folders_above};

/// What may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskChanges {
    /// What is, was or will be at these paths; of a folder, all that is below.
    Paths(BTreeSet<PathBuf>),
    /// Anything.
    Rescan,
    /// Anything, and also which folders are watched: events were lost.
    Lost,
}

impl Default for DiskChanges {
    fn default() -> Self {
        Self::Paths(BTreeSet::new())
    }
}

/// Why changes cannot be heard of.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system gives no more watches.
    #[error("too few inotify watches; raise fs.inotify.max_user_watches")]
    TooFew,
    /// The system gives no more watchers, or none at all.
    #[error("{0}; raise fs.inotify.max_user_instances if it is too low")]
    System(notify::Error),
}

/// The folders and files in which changes to a project have to be noticed:
/// `folders`, those that the walk has visited, and what its extent rests on.
#[must_use]
pub fn wanted(roots: &Roots, folders: &BTreeSet<PathBuf>, library: &Composer) -> BTreeSet<PathBuf> {
    let mut wanted = folders.clone();
    wanted.extend(roots.includes().map(Path::to_path_buf));
    wanted.extend(folders_above(roots.root()));
    wanted.extend(library.folders().map(Path::to_path_buf));
    wanted
}

/// Watches folders and single files.
#[derive(Debug)]
pub struct Watcher {
    notify: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
}

impl Watcher {
    /// A watcher that tells `heard` of changes, from a thread of its own.
    ///
    /// # Errors
    /// If the system has no watcher to give.
    pub fn new(heard: impl Fn(DiskChanges) + Send + 'static) -> Result<Self, WatchError> {
        let notify = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            match event {
                Ok(event) if event.need_rescan() => heard(DiskChanges::Lost),
                // To read a file is such an event, also when we do.
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
                Ok(event) => heard(DiskChanges::Paths(event.paths.into_iter().collect())),
                Err(error) => {
                    tracing::debug!("an event was lost: {error}");
                    heard(DiskChanges::Lost);
                }
            }
        })
        .map_err(WatchError::System)?;
        Ok(Self {
            notify,
            watched: BTreeSet::new(),
        })
    }

    /// Watches `wanted`, what of it exists, and nothing else. Whether
    /// something is watched that was not before: it may have changed unheard.
    ///
    /// What `changes` tell of is watched anew. A watch stays with the folder
    /// that it was set on when another takes its name.
    ///
    /// # Errors
    /// If the system gives no more watches.
    pub fn follow(
        &mut self,
        changes: &DiskChanges,
        wanted: &BTreeSet<PathBuf>,
    ) -> Result<bool, WatchError> {
        let mut stale: BTreeSet<PathBuf> = self.watched.difference(wanted).cloned().collect();
        match changes {
            DiskChanges::Paths(paths) => {
                for path in paths.intersection(&self.watched) {
                    stale.extend(below(&self.watched, path).cloned());
                }
            }
            DiskChanges::Rescan => {}
            DiskChanges::Lost => stale.clone_from(&self.watched),
        }
        // All of them before any is set: one that is set on a folder which has
        // one under its old name would share its fate.
        for path in &stale {
            // The watch of what is gone is gone already.
            drop(self.notify.unwatch(path));
            self.watched.remove(path);
        }
        let mut news = false;
        for path in wanted {
            if !self.watched.contains(path) && self.watch(path)? {
                self.watched.insert(path.clone());
                news = true;
            }
        }
        Ok(news)
    }

    /// Whether `path` could be watched; not if it is gone or closed to us.
    fn watch(&mut self, path: &Path) -> Result<bool, WatchError> {
        let Err(error) = self.notify.watch(path, RecursiveMode::NonRecursive) else {
            return Ok(true);
        };
        match &error.kind {
            ErrorKind::PathNotFound => Ok(false),
            ErrorKind::Io(io)
                if matches!(
                    io.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::NotADirectory
                        | io::ErrorKind::PermissionDenied
                ) =>
            {
                Ok(false)
            }
            ErrorKind::MaxFilesWatch => Err(WatchError::TooFew),
            _ => Err(WatchError::System(error)),
        }
    }
}

/// Those of `paths` that are `folder` or lie below it.
fn below<'a>(paths: &'a BTreeSet<PathBuf>, folder: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
    // Paths are in the order of their components: a folder's stand together.
    paths
        .range::<Path, _>((Bound::Included(folder), Bound::Unbounded))
        .take_while(move |path| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn watcher() -> (Watcher, Receiver<DiskChanges>) {
        let (sender, receiver) = mpsc::channel();
        // The test may have ended.
        let watcher = Watcher::new(move |changes| drop(sender.send(changes))).unwrap();
        (watcher, receiver)
    }

    /// Waits to hear of `path`; gives everything that was heard before.
    fn hear(heard: &Receiver<DiskChanges>, path: &Path) -> BTreeSet<PathBuf> {
        let mut all = BTreeSet::new();
        while !all.contains(path) {
            match heard.recv_timeout(PATIENCE).unwrap() {
                DiskChanges::Paths(paths) => all.extend(paths),
                other => panic!("{other:?}"),
            }
        }
        all
    }

    fn set(paths: &[&Path]) -> BTreeSet<PathBuf> {
        paths.iter().map(|path| path.to_path_buf()).collect()
    }

    #[test]
    fn reading_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join("a.php"), "a").unwrap();
        let (mut watcher, heard) = watcher();
        assert!(watcher.follow(&DiskChanges::Rescan, &set(&[root])).unwrap());
        assert!(!watcher.follow(&DiskChanges::Rescan, &set(&[root])).unwrap());
        std::fs::read(root.join("a.php")).unwrap();
        std::fs::read_dir(root).unwrap();
        std::fs::write(root.join("b.php"), "b").unwrap();
        let all = hear(&heard, &root.join("b.php"));
        assert_eq!(all, set(&[&root.join("b.php")]));
    }

    #[test]
    fn what_is_not_wanted_or_does_not_exist_is_not_watched() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        std::fs::create_dir(&one).unwrap();
        let (mut watcher, heard) = watcher();
        assert!(
            watcher
                .follow(&DiskChanges::Rescan, &set(&[&one, &two]))
                .unwrap()
        );
        std::fs::create_dir(&two).unwrap();
        assert!(watcher.follow(&DiskChanges::Rescan, &set(&[&two])).unwrap());
        std::fs::write(one.join("a.php"), "").unwrap();
        std::fs::write(two.join("a.php"), "").unwrap();
        let all = hear(&heard, &two.join("a.php"));
        assert!(!all.contains(&one.join("a.php")), "{all:?}");
    }

    #[test]
    fn a_folder_that_takes_anothers_name_is_watched() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        for path in [&one, &one.join("below"), &two] {
            std::fs::create_dir(path).unwrap();
        }
        let wanted = set(&[folder.path(), &one, &one.join("below"), &two]);
        let (mut watcher, heard) = watcher();
        watcher.follow(&DiskChanges::Rescan, &wanted).unwrap();
        std::fs::rename(&one, folder.path().join("three")).unwrap();
        std::fs::rename(&two, &one).unwrap();
        hear(&heard, &one);
        let moved = DiskChanges::Paths(set(&[&one, &two]));
        let three = folder.path().join("three");
        let wanted = set(&[folder.path(), &one, &three, &three.join("below")]);
        assert!(watcher.follow(&moved, &wanted).unwrap());
        for path in [one.join("a"), three.join("b"), three.join("below/c")] {
            std::fs::write(&path, "").unwrap();
            hear(&heard, &path);
        }
    }
}

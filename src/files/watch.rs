//! Watches the project's files for changes. A reported change is only a hint
//! that something may have happened at a path. The receiver has to look at the
//! path to see what happened.
//!
//! The watcher watches single folders: those that the walk has visited. Trees
//! that do not belong to the project cost nothing.

mod changes;
mod coalesce;

use std::collections::BTreeSet;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use notify::{ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

pub use self::changes::DiskChanges;
pub use self::coalesce::Coalescer;
use super::library::Composer;
use super::reach::folders_above;
use super::roots::Roots;

/// Why files cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system allows no more watches.
    #[error("too few inotify watches; raise fs.inotify.max_user_watches")]
    TooFew,
    /// The system allows no more watchers, or none at all.
    #[error("{0}; raise fs.inotify.max_user_instances if it is too low")]
    System(notify::Error),
}

/// The folders and files to watch for changes to a project: `folders`, those
/// that the walk has visited, and all others that decide what belongs to it.
#[must_use]
pub fn wanted(roots: &Roots, folders: &BTreeSet<PathBuf>, library: &Composer) -> BTreeSet<PathBuf> {
    let mut wanted = folders.clone();
    wanted.extend(roots.includes().map(Path::to_path_buf));
    wanted.extend(roots.tops().flat_map(folders_above));
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
    /// A watcher that reports changes to `report`, from a thread of its own.
    ///
    /// # Errors
    /// If the system allows no more watchers.
    pub fn new(report: impl Fn(DiskChanges) + Send + 'static) -> Result<Self, WatchError> {
        let notify = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            match event {
                Ok(event) if event.need_rescan() => report(DiskChanges::Lost),
                // Reading a file is such an event too, and fimd reads files.
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
                Ok(event) => report(DiskChanges::Paths(event.paths.into_iter().collect())),
                Err(error) => {
                    tracing::debug!("an event was lost: {error}");
                    report(DiskChanges::Lost);
                }
            }
        })
        .map_err(WatchError::System)?;
        Ok(Self {
            notify,
            watched: BTreeSet::new(),
        })
    }

    /// Watches those paths of `wanted` that exist, and nothing else. Returns
    /// whether it watches a path that it did not watch before: that path may have
    /// changed unnoticed.
    ///
    /// Sets the watches at the paths of `changes` again, because a watch stays
    /// with its folder when another folder takes the folder's name.
    ///
    /// # Errors
    /// If the system allows no more watches.
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
        // First remove all stale watches, then set new ones. A watch set on a
        // folder that is still watched under its old name would be removed with
        // the old one.
        for path in &stale {
            // A path that is gone has lost its watch already.
            drop(self.notify.unwatch(path));
            self.watched.remove(path);
        }
        let mut has_new = false;
        for path in wanted {
            if !self.watched.contains(path) && self.watch(path)? {
                self.watched.insert(path.clone());
                has_new = true;
            }
        }
        Ok(has_new)
    }

    /// Watches `path`. Returns whether that worked: not if the path is gone or
    /// fimd may not read it.
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

/// The paths that are `folder` or lie below it.
fn below<'a>(paths: &'a BTreeSet<PathBuf>, folder: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
    // Paths are ordered by their components, so those below a folder are adjacent.
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

    /// Waits for a report of `path` and returns everything reported up to it.
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
    fn reading_a_file_reports_no_change() {
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
    fn only_wanted_and_existing_folders_are_watched() {
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
    fn a_folder_that_takes_another_ones_name_is_watched() {
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

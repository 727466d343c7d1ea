//! Keeps the index of a project up to date while somebody uses it: by watching
//! its folders, or by polling where they cannot be watched.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until};

use super::Engine;
use super::disk::SharedDisk;
use crate::files::watch::{Coalescer, DiskChanges, WatchError, Watcher};

/// The interval of full walks while the folders are watched, in case the watcher
/// misses a change. A walk takes a tenth of a second for 10,000 files.
const RESCAN: Duration = Duration::from_secs(10 * 60);
/// The shortest interval of polling.
const POLL: Duration = Duration::from_secs(2);
/// Polling takes at most one part in this many of the time.
const POLL_SHARE: u32 = 20;
/// The interval of looking for a missing folder.
const POLL_MISSING: Duration = Duration::from_secs(1);

/// Keeps the index of a project up to date until the future is dropped.
pub(super) async fn keep_fresh(engine: Engine, disk: SharedDisk) {
    let queue = Arc::new(ChangeQueue::default());
    let watcher = queue
        .watcher()
        .map_err(|error| warn_of_polling(&error))
        .ok();
    keep_fresh_by(watcher, &queue, &engine, &disk).await;
}

/// Like [`keep_fresh`], by the changes that `watcher` puts into `queue`; without a
/// watcher by polling.
async fn keep_fresh_by(
    mut watcher: Option<Watcher>,
    queue: &Arc<ChangeQueue>,
    engine: &Engine,
    disk: &SharedDisk,
) {
    // The first walk starts once the watches are in place. It finds the changes
    // since the project was read.
    let mut changes = DiskChanges::default();
    loop {
        let started = Instant::now();
        let work = {
            let queue = Arc::clone(queue);
            move |disk: &mut super::Disk| {
                disk.absorb(&changes);
                let watcher = watcher.and_then(|mut watcher| {
                    match watcher.follow(&changes, &disk.to_watch()) {
                        // A change before the watch was in place is not reported.
                        Ok(news) if news || disk.has_lost_a_top() => queue.settle(),
                        Ok(_) => {}
                        Err(error) => {
                            warn_of_polling(&error);
                            return None;
                        }
                    }
                    Some(watcher)
                });
                (watcher, disk.missing().to_vec())
            }
        };
        let missing;
        (watcher, missing) = match engine.on_disk(disk, work).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!("the index is not up to date: {error}; this is a bug, report it");
                (None, Vec::new())
            }
        };
        // Under constant changes, the updates take at most half of the time.
        let took = started.elapsed();
        sleep(took).await;
        let next_walk = match watcher {
            Some(_) => RESCAN,
            None => POLL.max(took * POLL_SHARE),
        };
        changes = tokio::select! {
            changes = queue.next() => changes,
            () = sleep(next_walk) => DiskChanges::Rescan,
            () = appeared(missing) => DiskChanges::Rescan,
        };
    }
}

fn warn_of_polling(error: &WatchError) {
    tracing::warn!(
        "changes to files cannot be heard of: {error}; they are looked for every few seconds"
    );
}

/// Waits until one of the paths exists.
async fn appeared(missing: Vec<PathBuf>) {
    if missing.is_empty() {
        return std::future::pending().await;
    }
    while !missing.iter().any(|path| path.exists()) {
        sleep(POLL_MISSING).await;
    }
}

/// The changes that the watcher has reported and that are not handled yet.
#[derive(Debug, Default)]
struct ChangeQueue {
    /// Never held across an await.
    changes: Mutex<Coalescer>,
    added: Notify,
}

impl ChangeQueue {
    fn watcher(self: &Arc<Self>) -> Result<Watcher, WatchError> {
        let queue = Arc::clone(self);
        Watcher::new(move |changes| queue.with(|queued| queued.add(changes, Instant::now())))
    }

    /// Adds a full walk, which starts once no change comes any more.
    fn settle(&self) {
        self.with(|queued| queued.settle(Instant::now()));
    }

    fn with(&self, act: impl FnOnce(&mut Coalescer)) {
        act(&mut self.changes.lock().unwrap_or_else(PoisonError::into_inner));
        self.added.notify_one();
    }

    /// The next batch; else when it is due, if there is one.
    fn take(&self) -> Result<DiskChanges, Option<Instant>> {
        let mut queued = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        queued.take(Instant::now()).ok_or_else(|| queued.due())
    }

    /// The next batch, once it is due.
    async fn next(&self) -> DiskChanges {
        loop {
            match self.take() {
                Ok(changes) => return changes,
                Err(Some(due)) => sleep_until(due.into()).await,
                Err(None) => self.added.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Settings;
    use crate::engine::{Project, ProjectOptions};

    fn open(root: &Path) -> Arc<Project> {
        Project::open(&ProjectOptions {
            root: root.into(),
            ..ProjectOptions::default()
        })
        .unwrap()
    }

    fn engine() -> Engine {
        Engine::new(Settings::default(), None).unwrap()
    }

    /// Waits until the index holds `text` at `key`; fails after a minute.
    async fn becomes(project: &Project, key: &str, text: Option<&str>) {
        let start = Instant::now();
        loop {
            let now = project.index.live(key);
            if now.as_ref().map(|file| &*file.text) == text {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{key}: {now:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn without_a_watcher_changes_are_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.php"), "<?php // a").unwrap();
        let project = open(folder.path());
        let (queue, engine) = (Arc::default(), engine());
        let changes = async {
            std::fs::write(path("b.php"), "<?php // b").unwrap();
            becomes(&project, "b.php", Some("<?php // b")).await;
            std::fs::write(path("a.php"), "<?php // A").unwrap();
            becomes(&project, "a.php", Some("<?php // A")).await;
            std::fs::remove_file(path("a.php")).unwrap();
            becomes(&project, "a.php", None).await;
        };
        tokio::select! {
            () = keep_fresh_by(None, &queue, &engine, &project.disk) => panic!("it never ends"),
            () = changes => {}
        }
    }

    #[tokio::test]
    async fn a_root_that_goes_before_the_watches_stand_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("a.php"), "<?php // a").unwrap();
        let project = open(&root);
        std::fs::remove_dir_all(&root).unwrap();
        let changes = async {
            becomes(&project, "a.php", None).await;
            std::fs::create_dir(&root).unwrap();
            std::fs::write(root.join("a.php"), "<?php // again").unwrap();
            becomes(&project, "a.php", Some("<?php // again")).await;
        };
        tokio::select! {
            () = keep_fresh(engine(), Arc::clone(&project.disk)) => panic!("it never ends"),
            () = changes => {}
        }
    }

    #[tokio::test]
    async fn what_changes_before_the_watches_stand_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.php"), "<?php // a").unwrap();
        let project = open(folder.path());
        std::fs::write(path("a.php"), "<?php // A").unwrap();
        std::fs::create_dir(path("new")).unwrap();
        std::fs::write(path("new/b.php"), "<?php // b").unwrap();
        let changes = async {
            becomes(&project, "a.php", Some("<?php // A")).await;
            becomes(&project, "new/b.php", Some("<?php // b")).await;
        };
        tokio::select! {
            () = keep_fresh(engine(), Arc::clone(&project.disk)) => panic!("it never ends"),
            () = changes => {}
        }
    }
}

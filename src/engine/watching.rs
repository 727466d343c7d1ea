//! Keeping a project like the disk while somebody holds it: hearing of changes,
//! or looking for them where the system lets nobody hear.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until};

use super::Engine;
use super::disk::SharedDisk;
use crate::files::watch::{Coalescer, DiskChanges, WatchError, Watcher};

/// After so long everything is looked at, whatever was heard. A tenth of a
/// second of work for ten thousand files: an insurance that costs nothing.
const INSURANCE: Duration = Duration::from_secs(10 * 60);
/// How often things are looked at when nothing can be heard, at most …
const POLL: Duration = Duration::from_secs(2);
/// … and so that looking takes no more than one part in so many of the time.
const POLL_SHARE: u32 = 20;
/// How often a folder is looked for that is gone.
const LOOK_FOR_MISSING: Duration = Duration::from_secs(1);

/// Keeps a project like the disk for as long as it is polled.
pub(super) async fn keep_fresh(engine: Engine, disk: SharedDisk) {
    let ear = Arc::new(Ear::default());
    let watcher = ear.watcher().map_err(|error| lost(&error)).ok();
    keep_fresh_by(watcher, &ear, &engine, &disk).await;
}

/// Likewise by what `watcher` tells `ear`, or by looking every few seconds.
async fn keep_fresh_by(
    mut watcher: Option<Watcher>,
    ear: &Arc<Ear>,
    engine: &Engine,
    disk: &SharedDisk,
) {
    // What has changed since the project was read, unheard, is looked for once
    // the watches stand: they are news, like those of every new folder.
    let mut changes = DiskChanges::default();
    loop {
        let started = Instant::now();
        let work = {
            let ear = Arc::clone(ear);
            move |disk: &mut super::Disk| {
                disk.absorb(&changes);
                let watcher = watcher.and_then(|mut watcher| {
                    match watcher.follow(&changes, &disk.to_watch()) {
                        // What went before it could be watched is not heard of.
                        Ok(news) if news || disk.has_lost_a_top() => ear.settle(),
                        Ok(_) => {}
                        Err(error) => {
                            lost(&error);
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
        // In a storm no more than half of the time goes into it.
        let took = started.elapsed();
        sleep(took).await;
        let look_again = match watcher {
            Some(_) => INSURANCE,
            None => POLL.max(took * POLL_SHARE),
        };
        changes = tokio::select! {
            heard = ear.next() => heard,
            () = sleep(look_again) => DiskChanges::Rescan,
            () = appeared(missing) => DiskChanges::Rescan,
        };
    }
}

fn lost(error: &WatchError) {
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
        sleep(LOOK_FOR_MISSING).await;
    }
}

/// What was heard and not acted on yet.
#[derive(Debug, Default)]
struct Ear {
    /// Held for a moment, never while waiting.
    heard: Mutex<Coalescer>,
    something: Notify,
}

impl Ear {
    fn watcher(self: &Arc<Self>) -> Result<Watcher, WatchError> {
        let ear = Arc::clone(self);
        Watcher::new(move |changes| ear.with(|heard| heard.add(changes, Instant::now())))
    }

    fn settle(&self) {
        self.with(|heard| heard.settle(Instant::now()));
    }

    fn with(&self, act: impl FnOnce(&mut Coalescer)) {
        act(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        self.something.notify_one();
    }

    fn take(&self) -> Result<DiskChanges, Option<Instant>> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.take(Instant::now()).ok_or_else(|| heard.due())
    }

    /// The next batch, once it is due.
    async fn next(&self) -> DiskChanges {
        loop {
            match self.take() {
                Ok(changes) => return changes,
                Err(Some(due)) => sleep_until(due.into()).await,
                Err(None) => self.something.notified().await,
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

    /// Whether the index comes to hold `text` at `key`, before time is up.
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
        let (ear, engine) = (Arc::default(), engine());
        let changes = async {
            std::fs::write(path("b.php"), "<?php // b").unwrap();
            becomes(&project, "b.php", Some("<?php // b")).await;
            std::fs::write(path("a.php"), "<?php // A").unwrap();
            becomes(&project, "a.php", Some("<?php // A")).await;
            std::fs::remove_file(path("a.php")).unwrap();
            becomes(&project, "a.php", None).await;
        };
        tokio::select! {
            () = keep_fresh_by(None, &ear, &engine, &project.disk) => panic!("it never ends"),
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

//! The long-lived state behind every connection: the projects, each with its
//! index, the threads that work on them, and the jobs. Knows no protocol.

pub mod completion;
mod disk;
mod generation;
mod jobs;
mod pool;
mod project;
mod settings;
mod status;
pub mod tags;
mod watching;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

pub use self::generation::{DatasetSources, GenerateError, generate, sign};
pub use self::jobs::{
    DatasetOrder, Job, JobStage, JobState, JobStatus, SubmitError, WrittenDataset,
};
pub use self::pool::WorkError;
pub use self::project::{Project, ProjectOptions};
pub use self::settings::SettingsChanges;
pub use self::status::{ClientStatus, EngineStatus, IndexStatus, MethodStatus, ProjectStatus};

use self::completion::ModelServer;
use self::disk::{Disk, SharedDisk};
use self::jobs::Jobs;
use self::pool::{Pool, Turns};
use self::settings::LiveSettings;
use self::status::{Client, Tally};
use self::tags::RunLog;
use crate::cancel::{Cancel, Cancelled};
use crate::config::{Limits, Settings};
use crate::files::{Cache, FilesError, Roots};
use crate::secrets::{RulesError, Secrets};

/// Why the engine has no project to give.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The files could not be listed.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Nobody wants the project any more.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Reading it failed inside.
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The threads that it works on could not be started.
    #[error("cannot start {threads} worker threads: {reason}")]
    Threads {
        /// How many were wanted.
        threads: usize,
        /// Why they are not there.
        reason: String,
    },
    /// It could not find secrets.
    #[error(transparent)]
    Secrets(#[from] RulesError),
}

/// How long a project stays after the last who held it: an editor that is
/// started again finds it as it was.
const LINGER: Duration = Duration::from_secs(5 * 60);

/// The niceness of a thread that gives way to all others.
#[cfg(target_os = "linux")]
const LOWEST_PRIORITY: i32 = 19;

/// A handle on the long-lived state. Clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    turns: Turns,
    /// Whose handle it is, if a client's.
    client: Option<Arc<Client>>,
    /// Where runs of tags are remembered.
    run_log: Option<RunLog>,
}

#[derive(Debug)]
struct Shared {
    settings: LiveSettings,
    /// The one asked last, with its connections.
    model_server: Mutex<Option<Arc<ModelServer>>>,
    secrets: Arc<Secrets>,
    tally: Arc<Tally>,
    /// For what clients wait for while people type.
    requests: Pool,
    /// For reading projects, so that no request waits behind that.
    reading: Pool,
    /// Every project that somebody holds or waits for. There are a handful, so
    /// a list; the lock is held for a look, never while a project is read.
    projects: Mutex<Vec<(Roots, Slot)>>,
    /// The datasets that are generated in the background.
    jobs: Jobs,
    cache: Option<Cache>,
}

/// A place for a project: empty once nobody holds it. The lock is held while
/// it is read, so that two who ask for the same one read it one after another.
type Slot = Arc<tokio::sync::Mutex<Weak<Project>>>;

impl Engine {
    /// An engine without projects, with as many threads as the machine has
    /// processors, that keeps to `settings`. What it learns about projects it
    /// keeps in `cache`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn new(settings: Settings, cache: Option<Cache>) -> Result<Self, StartError> {
        let requests = Pool::new()?;
        Ok(Self {
            turns: requests.turns(),
            client: None,
            run_log: None,
            shared: Arc::new(Shared {
                settings: LiveSettings::new(settings),
                model_server: Mutex::default(),
                secrets: Arc::new(Secrets::new()?),
                tally: Arc::new(Tally::new()),
                requests,
                reading: Pool::new()?,
                projects: Mutex::default(),
                jobs: Jobs::default(),
                cache,
            }),
        })
    }

    /// A handle for one client: its work queues behind its own before it
    /// queues behind that of others, so that one who floods waits for itself.
    /// The client counts as connected as long as a clone of it lives; `framing`
    /// is how the status calls its framing.
    #[must_use]
    pub fn for_client(&self, framing: &'static str) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            turns: self.shared.requests.turns(),
            client: Some(Arc::new(Client::join(&self.shared.tally, framing))),
            run_log: self.run_log.clone(),
        }
    }

    /// The same engine; this handle and those made of it remember runs of tags
    /// in `log`.
    #[must_use]
    pub fn with_run_log(self, log: Option<RunLog>) -> Self {
        Self {
            run_log: log,
            ..self
        }
    }

    /// Where runs of tags are remembered, if they are.
    #[must_use]
    pub fn run_log(&self) -> Option<&RunLog> {
        self.run_log.as_ref()
    }

    /// How much of everything there may be.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.settings().limits
    }

    /// What finds secrets.
    #[must_use]
    pub fn secrets(&self) -> &Arc<Secrets> {
        &self.shared.secrets
    }

    /// The number of the client whose handle this is, counted from 1.
    #[must_use]
    pub fn client_number(&self) -> Option<u64> {
        self.client.as_ref().map(|client| client.number())
    }

    /// Notes that the client asks about `project` from now on.
    pub fn uses(&self, project: &Arc<Project>) {
        if let Some(client) = &self.client {
            client.uses(project);
        }
    }

    /// Counts a request of `method` that has its answer.
    pub fn answered(&self, method: &str, took: Duration, is_error: bool) {
        self.shared.tally.answered(method, took, is_error);
    }

    /// What there is to tell. Takes time in proportion to the files held.
    #[must_use]
    pub fn status(&self) -> EngineStatus {
        let (mut status, connected) = self.shared.tally.status();
        let projects = self.projects().clone();
        for (roots, slot) in projects {
            let held = match slot.try_lock() {
                Ok(project) => match project.upgrade() {
                    Some(project) => Some(project),
                    None => continue,
                },
                // It is being read.
                Err(_) => None,
            };
            let clients = held.as_ref().map_or(0, |held| {
                let of_it = |project: &&Weak<Project>| project.as_ptr() == Arc::as_ptr(held);
                connected.iter().filter(of_it).count()
            });
            status.projects.push(ProjectStatus {
                root: roots.root().to_string_lossy().into_owned(),
                index: held.as_deref().map(IndexStatus::of),
                clients,
            });
        }
        let jobs = self.jobs();
        let jobs = jobs.iter().map(|job| (job.id().to_owned(), job.status()));
        status.jobs = jobs.collect();
        status
    }

    /// Runs `work` off the runtime, on one of the engine's threads. Waits its
    /// turn; work whose future is dropped before then never starts.
    ///
    /// # Errors
    /// [`WorkError::Panicked`] if it does.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        self.shared.requests.run(&self.turns, work).await
    }

    /// The project with these folders, up to date with the disk. Everybody who
    /// names the same folders shares one index, for as long as one of them
    /// holds it and some minutes longer.
    ///
    /// # Errors
    /// If its files cannot be listed, once `cancel` is set, and on a panic.
    pub async fn project(&self, roots: Roots, cancel: Cancel) -> Result<Arc<Project>, OpenError> {
        let slot = self.slot(&roots);
        let mut held = slot.lock().await;
        let shared = held.upgrade();
        if let Some(project) = shared {
            let check = move || cancel.check().map_err(OpenError::from);
            let refresh = move |disk: &mut Disk| disk.refresh(&check);
            self.on_disk(&project.disk, refresh).await??;
            return Ok(project);
        }
        let options = self.limits().walk();
        let cache = self.shared.cache.clone();
        let work = move || {
            let started = Instant::now();
            let check = || cancel.check().map_err(OpenError::from);
            let project = Project::read(roots, options, cache, &check).map(Arc::new)?;
            let snapshot = project.index.snapshot();
            tracing::info!(
                root = %project.roots.root().display(),
                files = snapshot.files().count(),
                bytes = snapshot.files().map(|file| file.text.len()).sum::<usize>(),
                chunks = snapshot.chunk_count(),
                ms = started.elapsed().as_millis(),
                "project read"
            );
            Ok::<_, OpenError>(project)
        };
        let reading = &self.shared.reading;
        let project = reading.run(&reading.turns(), work).await??;
        *held = Arc::downgrade(&project);
        tokio::spawn(keep(self.clone(), Arc::clone(&project)));
        if project.is_worth_keeping() {
            keep_in_background(Arc::clone(&project));
        }
        Ok(project)
    }

    /// Brings the cache up to date with all projects. Blocks while it is
    /// written: to be called when no client is left.
    pub fn close(&self) {
        let projects = self.projects().clone();
        for (_, slot) in projects {
            // One that is being read has nothing to keep yet.
            if let Some(project) = slot.try_lock().ok().and_then(|held| held.upgrade()) {
                project.keep();
            }
        }
    }

    /// Runs `work` on what a project knows of the disk, off the runtime and
    /// apart from what clients wait for. One after another: the lock is taken
    /// before a thread is, which might otherwise wait for itself.
    async fn on_disk<T: Send + 'static>(
        &self,
        disk: &SharedDisk,
        work: impl FnOnce(&mut Disk) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let mut disk = Arc::clone(disk).lock_owned().await;
        let reading = &self.shared.reading;
        reading.run(&reading.turns(), move || work(&mut disk)).await
    }

    fn projects(&self) -> MutexGuard<'_, Vec<(Roots, Slot)>> {
        let projects = self.shared.projects.lock();
        projects.unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, roots: &Roots) -> Slot {
        let mut projects = self.projects();
        // A slot that only this list holds can be locked at once.
        projects.retain(|(_, slot)| {
            Arc::strong_count(slot) > 1
                || slot
                    .try_lock()
                    .is_ok_and(|project| project.strong_count() > 0)
        });
        if let Some((_, slot)) = projects.iter().find(|(known, _)| known == roots) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        projects.push((roots.clone(), Arc::clone(&slot)));
        slot
    }
}

/// Keeps a project, and keeps it like the disk, until it is to be dropped.
async fn keep(engine: Engine, project: Arc<Project>) {
    let disk = Arc::clone(&project.disk);
    tokio::select! {
        () = linger(project) => {}
        () = watching::keep_fresh(engine, disk) => {}
    }
}

/// Holds a project until nobody else has for [`LINGER`], give or take a tenth,
/// and sees to it that the cache is up to date by then.
async fn linger(project: Arc<Project>) {
    const LOOKS: u32 = 10;
    let mut alone = 0;
    while alone <= LOOKS {
        tokio::time::sleep(LINGER / LOOKS).await;
        alone = match Arc::strong_count(&project) {
            1 => alone + 1,
            _ => 0,
        };
        if alone == 1 && !project.is_kept() {
            keep_in_background(Arc::clone(&project));
        }
    }
    tracing::info!(root = %project.roots.root().display(), "project dropped");
}

/// Writes a project to the cache on a thread of its own that gives way to all
/// others.
fn keep_in_background(project: Arc<Project>) {
    let keep = move || {
        // Elsewhere than on Linux it would be that of the whole process.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
            tracing::debug!("the cache is written at full priority: {error}");
        }
        project.keep();
    };
    if let Err(error) = thread::Builder::new().name("fimd-cache".into()).spawn(keep) {
        tracing::warn!("no thread for writing the cache: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(project: &Project) -> Vec<String> {
        let snapshot = project.index.snapshot();
        snapshot
            .files()
            .map(|file| format!("{}: {}", file.path, file.text))
            .collect()
    }

    fn folder() -> (tempfile::TempDir, Roots) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.php"), "<?php // a").unwrap();
        std::fs::write(folder.path().join("b.php"), "<?php // b").unwrap();
        let roots = Roots::new(folder.path(), &[]).unwrap();
        (folder, roots)
    }

    #[tokio::test]
    async fn those_who_name_the_same_folders_share_an_index() {
        let engine = Engine::new(Settings::default(), None).unwrap();
        let (_folder, roots) = folder();
        let open = || engine.project(roots.clone(), Cancel::default());
        let (first, second) = tokio::join!(open(), open());
        let first = first.unwrap();
        assert!(Arc::ptr_eq(&first, &second.unwrap()));
        assert_eq!(keys(&first), ["a.php: <?php // a", "b.php: <?php // b"]);
    }

    #[tokio::test]
    async fn a_project_named_again_is_brought_up_to_date() {
        let engine = Engine::new(Settings::default(), None).unwrap();
        let (folder, roots) = folder();
        let open = || engine.project(roots.clone(), Cancel::default());
        let project = open().await.unwrap();
        std::fs::remove_file(folder.path().join("a.php")).unwrap();
        std::fs::write(folder.path().join("b.php"), "<?php // new").unwrap();
        std::fs::write(folder.path().join("c.php"), "<?php // c").unwrap();
        let again = open().await.unwrap();
        assert!(Arc::ptr_eq(&project, &again));
        assert_eq!(keys(&project), ["b.php: <?php // new", "c.php: <?php // c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_project_that_nobody_holds_is_dropped_some_minutes_later() {
        let engine = Engine::new(Settings::default(), None).unwrap();
        let (_folder, roots) = folder();
        let project = engine.project(roots, Cancel::default()).await.unwrap();
        let alive = Arc::downgrade(&project);
        tokio::time::sleep(2 * LINGER).await;
        drop(project);
        tokio::time::sleep(LINGER / 2).await;
        assert_eq!(alive.strong_count(), 1);
        tokio::time::sleep(LINGER).await;
        assert_eq!(alive.strong_count(), 0);
        let (_other, roots) = folder();
        let _project = engine.project(roots, Cancel::default()).await.unwrap();
        assert_eq!(engine.shared.projects.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_cancelled_project_is_not_read() {
        let engine = Engine::new(Settings::default(), None).unwrap();
        let (_folder, roots) = folder();
        let cancel = Cancel::default();
        cancel.cancel();
        let outcome = engine.project(roots, cancel).await;
        assert!(matches!(outcome, Err(OpenError::Cancelled(_))));
    }
}

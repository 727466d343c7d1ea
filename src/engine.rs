//! The long-lived state behind all connections: the projects with their indexes,
//! the threads that work on them, and the jobs. Knows no protocol.

mod client_settings;
pub mod completion;
mod disk;
mod error;
mod generation;
mod jobs;
mod model_status;
mod pool;
mod project;
mod reading;
mod settings;
mod signing;
mod sources;
mod status;
pub mod tags;
mod watching;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

pub use self::error::{GenerateError, OpenError, StartError, WorkError};
pub use self::generation::generate;
pub use self::jobs::{
    DatasetOrder, Job, JobStage, JobState, JobStatus, SubmitError, WrittenDataset,
};
pub use self::model_status::{ModelStatus, RecentValues};
pub use self::project::{Project, ProjectOptions};
pub use self::settings::{SettingsChanges, SettingsFileStatus};
pub use self::signing::sign;
pub use self::sources::DatasetSources;
pub use self::status::{
    ClientStatus, EngineStatus, IndexStatus, MethodStatus, ProjectStatus, ProjectUse,
};

use self::client_settings::OwnSettings;
use self::completion::ModelServer;
use self::disk::{Disk, SharedDisk};
use self::jobs::Jobs;
use self::pool::{Permits, Pool};
use self::settings::LiveSettings;
use self::status::{Activity, ConnectedClient};
use self::tags::RunLog;
use crate::cancel::Cancel;
use crate::config::{Limits, Settings};
use crate::files::{Cache, Extensions, Roots};
use crate::index::Index;
use crate::secrets::Secrets;

/// How long a project stays open after its last user has left, so that a restarted
/// editor finds its index.
const LINGER: Duration = Duration::from_secs(5 * 60);

/// The niceness of a thread that yields to all others.
#[cfg(target_os = "linux")]
const LOWEST_PRIORITY: i32 = 19;

/// A handle to the long-lived state. Clones share the state.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    permits: Permits,
    /// The client that owns the handle; none for the program itself.
    client: Option<Arc<ConnectedClient>>,
    own_settings: Arc<OwnSettings>,
    /// The log of tag runs.
    run_log: Option<RunLog>,
}

#[derive(Debug)]
struct Shared {
    settings: LiveSettings,
    /// The model server of the latest settings, with its connections, for all clients
    /// without settings of their own.
    model_server: Mutex<Option<Arc<ModelServer>>>,
    secrets: Arc<Secrets>,
    activity: Arc<Activity>,
    /// For requests, on which a user waits.
    requests: Pool,
    /// For reading projects, so that no request waits for them.
    reading: Pool,
    /// Every project that is open or being opened: a handful, so a list suffices.
    /// The lock is held for a moment, never while a project is read.
    projects: Mutex<Vec<(Roots, Extensions, ProjectSlot)>>,
    /// The jobs that generate datasets in the background.
    jobs: Jobs,
    cache: Option<Cache>,
}

/// The place of a project: empty once nobody uses the project. The lock is held
/// while the project is read. If two clients ask for it, it is read once.
type ProjectSlot = Arc<tokio::sync::Mutex<Weak<Project>>>;

impl Engine {
    /// An engine with `settings` and without projects, with one thread per processor
    /// in each pool. It caches the indexes of projects in `cache`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn new(settings: Settings, cache: Option<Cache>) -> Result<Self, StartError> {
        let requests = Pool::new()?;
        Ok(Self {
            permits: requests.permits(),
            client: None,
            own_settings: Arc::default(),
            run_log: None,
            shared: Arc::new(Shared {
                settings: LiveSettings::new(settings),
                model_server: Mutex::default(),
                secrets: Arc::new(Secrets::new()?),
                activity: Arc::new(Activity::new()),
                requests,
                reading: Pool::new()?,
                projects: Mutex::default(),
                jobs: Jobs::default(),
                cache,
            }),
        })
    }

    /// A handle for one client. The client has a queue of its own, so that a client
    /// with many requests delays itself and not the others. It counts as connected
    /// as long as a clone of the handle lives. `framing` is the name of its framing
    /// in the status.
    #[must_use]
    pub fn for_client(&self, framing: &'static str) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            permits: self.shared.requests.permits(),
            client: Some(Arc::new(ConnectedClient::join(
                &self.shared.activity,
                framing,
            ))),
            own_settings: Arc::default(),
            run_log: self.run_log.clone(),
        }
    }

    /// The same engine; this handle, and handles made from it, log runs of tags in
    /// `log`.
    #[must_use]
    pub fn with_run_log(self, log: Option<RunLog>) -> Self {
        Self {
            run_log: log,
            ..self
        }
    }

    /// The log of tag runs, if there is one.
    #[must_use]
    pub fn run_log(&self) -> Option<&RunLog> {
        self.run_log.as_ref()
    }

    /// The limits of the settings.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.settings().limits
    }

    /// The finder of secrets.
    #[must_use]
    pub fn secrets(&self) -> &Arc<Secrets> {
        &self.shared.secrets
    }

    /// The number of the client that owns the handle, counted from 1.
    #[must_use]
    pub fn client_number(&self) -> Option<u64> {
        self.client.as_ref().map(|client| client.number())
    }

    /// Counts the client among the users of a project, for the status, until the
    /// result is dropped. None if the handle is no client's.
    #[must_use]
    pub fn uses(&self, project: &Arc<Project>) -> Option<ProjectUse> {
        let client = self.client.as_ref()?;
        Some(ProjectUse::new(client, project))
    }

    /// Counts an answered request of `method`, for the status.
    pub fn answered(&self, method: &str, took: Duration, is_error: bool) {
        self.shared.activity.answered(method, took, is_error);
    }

    /// Counts a completion, for the status.
    pub(super) fn completed(&self, timings: &completion::Timings) {
        self.shared.activity.model.completed(timings);
    }

    /// Notes for the status whether the model server reads whole prompts again, and what
    /// the prompts for a budget in time are made with.
    pub(super) fn saw_model(&self, rereads: bool, target: Option<completion::TargetStatus>) {
        self.shared.activity.model.saw(rereads, target);
    }

    /// The status. Takes time in proportion to the number of files in all indexes.
    #[must_use]
    pub fn status(&self) -> EngineStatus {
        let (mut status, connected) = self.shared.activity.status();
        let projects = self.projects().clone();
        for (roots, _, slot) in projects {
            let held = match slot.try_lock() {
                Ok(project) => match project.upgrade() {
                    Some(project) => Some(project),
                    None => continue,
                },
                // The project is being read.
                Err(_) => None,
            };
            let clients = held.as_ref().map_or(0, |held| {
                let is_it = |project: &Weak<Project>| project.as_ptr() == Arc::as_ptr(held);
                let uses_it = |used: &&Vec<Weak<Project>>| used.iter().any(is_it);
                connected.iter().filter(uses_it).count()
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
        status.settings = self.settings_file().borrow().clone();
        status
    }

    /// Runs `work` on one of the engine's threads, outside the async runtime, in the
    /// order of the queue. If the future is dropped before, the work never starts.
    ///
    /// # Errors
    /// [`WorkError::Panicked`] if it does.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        self.shared.requests.run(&self.permits, work).await
    }

    /// Whether requests or projects are at work on the engine's threads.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        self.shared.requests.is_busy() || self.shared.reading.is_busy()
    }

    /// The project with these folders, up to date with the disk, of the files with
    /// these endings, else those of the settings. All users of the same share one
    /// project. It stays open for some minutes after its
    /// last user.
    ///
    /// # Errors
    /// If its files cannot be listed, once `cancel` is set, and on a panic.
    pub async fn project(
        &self,
        roots: Roots,
        extensions: Option<Extensions>,
        cancel: Cancel,
    ) -> Result<Arc<Project>, OpenError> {
        let options = self.settings().walk().with_extensions(extensions);
        let roots = roots.trusting(&options.trusted_projects);
        let slot = self.slot(&roots, &options.extensions);
        let mut held = slot.lock().await;
        let shared = held.upgrade();
        if let Some(project) = shared {
            let check = move || cancel.check().map_err(OpenError::from);
            let refresh = move |disk: &mut Disk| disk.refresh(&check);
            self.on_disk(&project.disk, refresh).await??;
            return Ok(project);
        }
        let cache = self.shared.cache.clone();
        let work = move || {
            let started = Instant::now();
            let check = || cancel.check().map_err(OpenError::from);
            let project = Project::read(roots, options, cache, &check).map(Arc::new)?;
            let snapshot = project.index.snapshot();
            tracing::info!(
                root = %project.roots.root().display(),
                files = snapshot.file_count(),
                bytes = snapshot.files().map(|file| file.text.len()).sum::<usize>(),
                chunks = snapshot.chunk_count(),
                ms = started.elapsed().as_millis(),
                "project read"
            );
            Ok::<_, OpenError>(project)
        };
        let reading = &self.shared.reading;
        let project = reading.run(&reading.permits(), work).await??;
        *held = Arc::downgrade(&project);
        tokio::spawn(keep_open(self.clone(), Arc::clone(&project)));
        read_packages_in_background(Arc::clone(&project.index));
        if project.cache_is_stale() {
            write_cache_in_background(Arc::clone(&project));
        }
        Ok(project)
    }

    /// Writes the indexes of all projects to the cache. Blocks meanwhile, so call it
    /// when no client is left.
    pub fn close(&self) {
        let projects = self.projects().clone();
        for (.., slot) in projects {
            // A project that is still being read has no index yet.
            if let Some(project) = slot.try_lock().ok().and_then(|held| held.upgrade()) {
                project.write_cache();
            }
        }
    }

    /// Runs `work` on `disk`, outside the async runtime and apart from requests. Work
    /// on one disk runs one at a time. The lock is taken before a thread is
    /// occupied: otherwise threads that wait for the lock could block its holder.
    async fn on_disk<T: Send + 'static>(
        &self,
        disk: &SharedDisk,
        work: impl FnOnce(&mut Disk) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let mut disk = Arc::clone(disk).lock_owned().await;
        let reading = &self.shared.reading;
        reading
            .run(&reading.permits(), move || work(&mut disk))
            .await
    }

    fn projects(&self) -> MutexGuard<'_, Vec<(Roots, Extensions, ProjectSlot)>> {
        let projects = self.shared.projects.lock();
        projects.unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, roots: &Roots, extensions: &Extensions) -> ProjectSlot {
        let mut projects = self.projects();
        // Nobody else can hold the lock of a slot that only this list has.
        projects.retain(|(.., slot)| {
            Arc::strong_count(slot) > 1
                || slot
                    .try_lock()
                    .is_ok_and(|project| project.strong_count() > 0)
        });
        let is_same = |(known, its, _): &&(Roots, Extensions, ProjectSlot)| {
            known == roots && its == extensions
        };
        if let Some((.., slot)) = projects.iter().find(is_same) {
            return Arc::clone(slot);
        }
        let slot = ProjectSlot::default();
        projects.push((roots.clone(), extensions.clone(), Arc::clone(&slot)));
        slot
    }
}

/// Keeps a project open and up to date until nobody uses it any more.
async fn keep_open(engine: Engine, project: Arc<Project>) {
    let disk = Arc::clone(&project.disk);
    tokio::select! {
        () = linger(project) => {}
        () = watching::keep_fresh(engine, disk) => {}
    }
}

/// Holds a project until nobody else has held it for [`LINGER`], give or take a
/// tenth, and writes its cache.
async fn linger(project: Arc<Project>) {
    const CHECKS: u32 = 10;
    let mut alone = 0;
    while alone <= CHECKS {
        tokio::time::sleep(LINGER / CHECKS).await;
        alone = match Arc::strong_count(&project) {
            1 => alone + 1,
            _ => 0,
        };
        if alone == 1 && !project.cache_is_current() {
            write_cache_in_background(Arc::clone(&project));
        }
    }
    tracing::info!(root = %project.roots.root().display(), "project dropped");
}

/// Reads the files of packages that matter to a project, so that the first request
/// need not wait for all of it.
fn read_packages_in_background(index: Arc<Index>) {
    let read = move || drop(index.snapshot().packages());
    if let Err(error) = thread::Builder::new()
        .name("fimd-packages".into())
        .spawn(read)
    {
        tracing::warn!("no thread for reading packages: {error}");
    }
}

/// Writes a project to the cache on a thread of its own with the lowest priority.
fn write_cache_in_background(project: Arc<Project>) {
    let write = move || {
        // Other systems than Linux would set the priority of the whole process.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
            tracing::debug!("the cache is written at full priority: {error}");
        }
        project.write_cache();
    };
    if let Err(error) = thread::Builder::new()
        .name("fimd-cache".into())
        .spawn(write)
    {
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
        let open = || engine.project(roots.clone(), None, Cancel::default());
        let (first, second) = tokio::join!(open(), open());
        let first = first.unwrap();
        assert!(Arc::ptr_eq(&first, &second.unwrap()));
        assert_eq!(keys(&first), ["a.php: <?php // a", "b.php: <?php // b"]);
    }

    #[tokio::test]
    async fn a_project_named_again_is_brought_up_to_date() {
        let engine = Engine::new(Settings::default(), None).unwrap();
        let (folder, roots) = folder();
        let open = || engine.project(roots.clone(), None, Cancel::default());
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
        let project = engine
            .project(roots, None, Cancel::default())
            .await
            .unwrap();
        let alive = Arc::downgrade(&project);
        tokio::time::sleep(2 * LINGER).await;
        drop(project);
        tokio::time::sleep(LINGER / 2).await;
        assert_eq!(alive.strong_count(), 1);
        tokio::time::sleep(LINGER).await;
        assert_eq!(alive.strong_count(), 0);
        let (_other, roots) = folder();
        let _project = engine
            .project(roots, None, Cancel::default())
            .await
            .unwrap();
        assert_eq!(engine.shared.projects.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_cancelled_project_is_not_read() {
        let engine = Engine::new(Settings::default(), None).unwrap();
        let (_folder, roots) = folder();
        let cancel = Cancel::default();
        cancel.cancel();
        let outcome = engine.project(roots, None, cancel).await;
        assert!(matches!(outcome, Err(OpenError::Cancelled(_))));
    }
}

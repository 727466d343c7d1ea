//! The status of the engine: its clients, its projects and jobs, and the times of
//! its answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::model_status::{ModelStatus, ModelTimes};
use super::{JobStatus, Project, SettingsFileStatus};

/// The name under which requests are counted whose method has never had a result,
/// because a client may send any number of unknown names.
const OTHER: &str = "other";

/// The longest time that is counted, in microseconds: one hour.
const MAX_MICROS: u64 = 3_600_000_000;

/// The result of the method `fimd/status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineStatus {
    /// The program's version.
    pub version: String,
    /// The process number.
    pub pid: u32,
    /// Milliseconds since the engine started.
    pub uptime_ms: u64,
    /// How the process follows its settings file. Older versions do not tell.
    #[serde(default)]
    pub settings: SettingsFileStatus,
    /// The open projects, in the order in which they were opened.
    pub projects: Vec<ProjectStatus>,
    /// The connected clients, including the one that asks, in the order in which they
    /// connected.
    pub clients: Vec<ClientStatus>,
    /// The jobs that are queued, running or ended lately, with their ids, in the order
    /// in which they were submitted.
    pub jobs: Vec<(String, JobStatus)>,
    /// The answered requests, by method.
    pub methods: BTreeMap<String, MethodStatus>,
    /// What users were shown of the model server's answers. Older versions do not tell.
    #[serde(default)]
    pub model: ModelStatus,
}

/// One project.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProjectStatus {
    /// Its root folder.
    pub root: String,
    /// Its index; none while the project is being read.
    pub index: Option<IndexStatus>,
    /// How many clients are connected to it.
    pub clients: usize,
}

/// One project's index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexStatus {
    /// Files.
    pub files: usize,
    /// Chunks.
    pub chunks: usize,
    /// Bytes of memory, by accounting: texts, facts and postings.
    pub memory_bytes: usize,
    /// Milliseconds since the index last changed.
    pub updated_ms_ago: u64,
}

/// One connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientStatus {
    /// Its number, counted from 1 since the engine started.
    pub number: u64,
    /// The framing of its messages.
    pub framing: String,
    /// The roots of its projects, in the order in which it came to use them.
    #[serde(default)]
    pub roots: Vec<String>,
    /// Milliseconds since it connected.
    pub connected_ms: u64,
}

/// The answered requests of one method. Times are in milliseconds, from reading the
/// request to its answer, including the wait in queues.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MethodStatus {
    /// How many have been answered.
    pub requests: u64,
    /// How many of these with an error.
    pub errors: u64,
    /// The median.
    pub p50_ms: f64,
    /// The 90th percentile.
    pub p90_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The longest time.
    pub max_ms: f64,
}

/// The counters of clients and requests.
#[derive(Debug)]
pub(super) struct Activity {
    started: Instant,
    /// The number of the newest client, and the connected clients by number. The
    /// lock is held for a moment only.
    clients: Mutex<(u64, BTreeMap<u64, ClientEntry>)>,
    /// The lock is held while one request is counted.
    methods: Mutex<BTreeMap<String, MethodTimes>>,
    pub(super) model: ModelTimes,
}

#[derive(Debug)]
struct ClientEntry {
    framing: &'static str,
    since: Instant,
    /// The projects in use. One may be in use twice.
    projects: Vec<Weak<Project>>,
}

#[derive(Debug)]
struct MethodTimes {
    errors: u64,
    /// In microseconds, with two significant digits.
    times: Histogram<u64>,
}

/// The use of a project by a client, until this is dropped.
#[derive(Debug)]
pub struct ProjectUse {
    client: Arc<ConnectedClient>,
    project: Weak<Project>,
}

/// A client that counts as connected until this is dropped.
#[derive(Debug)]
pub(super) struct ConnectedClient {
    number: u64,
    activity: Arc<Activity>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            clients: Mutex::default(),
            methods: Mutex::default(),
            model: ModelTimes::default(),
        }
    }

    /// Counts an answered request of `method`.
    pub(super) fn answered(&self, method: &str, took: Duration, is_error: bool) {
        let mut methods = lock(&self.methods);
        let known = !is_error || methods.contains_key(method);
        let name = if known { method } else { OTHER };
        if !methods.contains_key(name) {
            let times = match Histogram::new_with_max(MAX_MICROS, 2) {
                Ok(times) => times,
                Err(error) => {
                    tracing::error!("requests are not counted: {error}");
                    return;
                }
            };
            methods.insert(name.to_owned(), MethodTimes { errors: 0, times });
        }
        if let Some(method) = methods.get_mut(name) {
            method.errors += u64::from(is_error);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            method.times.saturating_record(micros);
        }
    }

    /// The status without settings, projects and jobs, and the projects of each client.
    pub(super) fn status(&self) -> (EngineStatus, Vec<Vec<Weak<Project>>>) {
        let clients = lock(&self.clients);
        let projects = clients.1.values().map(|client| client.projects.clone());
        let projects = projects.collect();
        let clients = clients.1.iter().map(|(&number, client)| ClientStatus {
            number,
            framing: client.framing.into(),
            roots: roots(&client.projects),
            connected_ms: millis(client.since.elapsed()),
        });
        let clients = clients.collect();
        let methods = lock(&self.methods);
        let methods = methods.iter().map(|(name, MethodTimes { errors, times })| {
            let ms = |micros: u64| micros as f64 / 1e3;
            let status = MethodStatus {
                requests: times.len(),
                errors: *errors,
                p50_ms: ms(times.value_at_quantile(0.5)),
                p90_ms: ms(times.value_at_quantile(0.9)),
                p99_ms: ms(times.value_at_quantile(0.99)),
                max_ms: ms(times.max()),
            };
            (name.clone(), status)
        });
        let status = EngineStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            uptime_ms: millis(self.started.elapsed()),
            settings: SettingsFileStatus::default(),
            projects: Vec::new(),
            clients,
            jobs: Vec::new(),
            methods: methods.collect(),
            model: self.model.status(),
        };
        (status, projects)
    }
}

impl ConnectedClient {
    /// Registers a client.
    pub(super) fn join(activity: &Arc<Activity>, framing: &'static str) -> Self {
        let mut clients = lock(&activity.clients);
        clients.0 += 1;
        let number = clients.0;
        let entry = ClientEntry {
            framing,
            since: Instant::now(),
            projects: Vec::new(),
        };
        clients.1.insert(number, entry);
        Self {
            number,
            activity: Arc::clone(activity),
        }
    }

    /// Its number, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Changes the projects in use.
    fn change(&self, change: impl FnOnce(&mut Vec<Weak<Project>>)) {
        if let Some(client) = lock(&self.activity.clients).1.get_mut(&self.number) {
            change(&mut client.projects);
        }
    }
}

impl ProjectUse {
    /// Begins the use of a project by a client.
    pub(super) fn new(client: &Arc<ConnectedClient>, project: &Arc<Project>) -> Self {
        let project = Arc::downgrade(project);
        client.change(|used| used.push(Weak::clone(&project)));
        let client = Arc::clone(client);
        Self { client, project }
    }
}

impl Drop for ProjectUse {
    fn drop(&mut self) {
        self.client.change(|used| {
            if let Some(at) = used.iter().position(|one| one.ptr_eq(&self.project)) {
                used.remove(at);
            }
        });
    }
}

impl Drop for ConnectedClient {
    fn drop(&mut self) {
        lock(&self.activity.clients).1.remove(&self.number);
    }
}

/// The roots of `projects`, each once.
fn roots(projects: &[Weak<Project>]) -> Vec<String> {
    let mut roots = Vec::new();
    for project in projects.iter().filter_map(Weak::upgrade) {
        let root = project.roots.root().to_string_lossy().into_owned();
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

impl IndexStatus {
    /// The status of the index of `project`. Takes time in proportion to its files.
    pub(super) fn of(project: &Project) -> Self {
        let snapshot = project.index.snapshot();
        Self {
            files: snapshot.file_count(),
            chunks: snapshot.chunk_count(),
            memory_bytes: snapshot.memory(),
            updated_ms_ago: millis(project.index.updated().elapsed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_clients_make_up_are_counted_together() {
        let activity = Activity::new();
        let ms = Duration::from_millis;
        for n in 0..100 {
            activity.answered(&format!("made up {n}"), ms(1), true);
        }
        activity.answered("real", ms(10), false);
        activity.answered("real", ms(30), true);
        let (status, _) = activity.status();
        let names: Vec<_> = status.methods.keys().collect();
        assert_eq!(names, [OTHER, "real"]);
        assert_eq!(status.methods[OTHER].requests, 100);
        let real = &status.methods["real"];
        assert_eq!((real.requests, real.errors), (2, 1));
        assert!((real.p50_ms - 10.0).abs() < 0.2, "{real:?}");
        assert!((real.max_ms - 30.0).abs() < 0.5, "{real:?}");
    }

    #[test]
    fn a_client_counts_until_it_leaves() {
        let activity = Arc::new(Activity::new());
        let first = ConnectedClient::join(&activity, "lines");
        let second = ConnectedClient::join(&activity, "headers");
        drop(first);
        let (status, _) = activity.status();
        assert_eq!(status.clients.len(), 1);
        assert_eq!(status.clients[0].number, second.number());
        assert_eq!(status.clients[0].framing, "headers");
    }
}

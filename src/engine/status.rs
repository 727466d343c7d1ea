//! What the engine tells of itself: who is connected, what it holds, and how
//! long clients wait for its answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{JobStatus, Project};

/// Where requests are counted whose method has never been answered with a
/// result: clients can make up names without end.
const OTHER: &str = "other";

/// What takes longer counts as an hour, in microseconds.
const MAX_MICROS: u64 = 3_600_000_000;

/// What `fimd/status` answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineStatus {
    /// The program's version.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// Milliseconds since the engine started.
    pub uptime_ms: u64,
    /// The projects that are held, in the order in which they were opened.
    pub projects: Vec<ProjectStatus>,
    /// Who is connected, whoever asks included, in the order in which they came.
    pub clients: Vec<ClientStatus>,
    /// The jobs that wait, run or ended lately, by id, in the order in which
    /// they were asked for.
    pub jobs: Vec<(String, JobStatus)>,
    /// By method, the requests that were answered.
    pub methods: BTreeMap<String, MethodStatus>,
}

/// One project.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProjectStatus {
    /// Its root folder.
    pub root: String,
    /// What is in its index; nothing while it is read.
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
    /// Bytes of memory by accounting: texts, facts and index.
    pub memory_bytes: usize,
    /// Milliseconds since its files last changed.
    pub updated_ms_ago: u64,
}

/// One connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientStatus {
    /// Its number, counted from 1 since the engine started.
    pub number: u64,
    /// How its messages are framed.
    pub framing: String,
    /// The root of its project; none before `initialize`.
    pub root: Option<String>,
    /// Milliseconds since it came.
    pub connected_ms: u64,
}

/// How the requests of one method were answered. Times are in milliseconds,
/// from the reading of the request to the answer, waiting included.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MethodStatus {
    /// How many were answered.
    pub requests: u64,
    /// How many of those with an error.
    pub errors: u64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// Nine in ten took no longer.
    pub p90_ms: f64,
    /// All but one in a hundred took no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// The part of the status that is gathered as clients come, ask and go.
#[derive(Debug)]
pub(super) struct Tally {
    started: Instant,
    /// The number of the newest client, and those who are connected. Held for
    /// a look.
    clients: Mutex<(u64, BTreeMap<u64, Connected>)>,
    /// Held for as long as it takes to count one request.
    methods: Mutex<BTreeMap<String, Method>>,
}

#[derive(Debug)]
struct Connected {
    framing: &'static str,
    since: Instant,
    project: Weak<Project>,
}

#[derive(Debug)]
struct Method {
    errors: u64,
    /// In microseconds, to two digits.
    times: Histogram<u64>,
}

/// A client that is connected, until this is dropped.
#[derive(Debug)]
pub(super) struct Client {
    number: u64,
    tally: Arc<Tally>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            clients: Mutex::default(),
            methods: Mutex::default(),
        }
    }

    /// Counts a request of `method` that was answered.
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
            methods.insert(name.to_owned(), Method { errors: 0, times });
        }
        if let Some(method) = methods.get_mut(name) {
            method.errors += u64::from(is_error);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            method.times.saturating_record(micros);
        }
    }

    /// Everything but the projects and jobs, and who is connected to what.
    pub(super) fn status(&self) -> (EngineStatus, Vec<Weak<Project>>) {
        let clients = lock(&self.clients);
        let projects = clients
            .1
            .values()
            .map(|client| Weak::clone(&client.project));
        let projects = projects.collect();
        let clients = clients.1.iter().map(|(&number, client)| ClientStatus {
            number,
            framing: client.framing.into(),
            root: client.project.upgrade().map(|project| root(&project)),
            connected_ms: millis(client.since.elapsed()),
        });
        let clients = clients.collect();
        let methods = lock(&self.methods);
        let methods = methods.iter().map(|(name, Method { errors, times })| {
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
            projects: Vec::new(),
            clients,
            jobs: Vec::new(),
            methods: methods.collect(),
        };
        (status, projects)
    }
}

impl Client {
    /// Counts a client in.
    pub(super) fn join(tally: &Arc<Tally>, framing: &'static str) -> Self {
        let mut clients = lock(&tally.clients);
        clients.0 += 1;
        let number = clients.0;
        let connected = Connected {
            framing,
            since: Instant::now(),
            project: Weak::new(),
        };
        clients.1.insert(number, connected);
        Self {
            number,
            tally: Arc::clone(tally),
        }
    }

    /// Its number, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Notes which project it asks about from now on.
    pub(super) fn uses(&self, project: &Arc<Project>) {
        if let Some(client) = lock(&self.tally.clients).1.get_mut(&self.number) {
            client.project = Arc::downgrade(project);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        lock(&self.tally.clients).1.remove(&self.number);
    }
}

fn root(project: &Project) -> String {
    project.roots.root().to_string_lossy().into_owned()
}

impl IndexStatus {
    /// That of a project. Takes time in proportion to its files.
    pub(super) fn of(project: &Project) -> Self {
        let snapshot = project.index.snapshot();
        Self {
            files: snapshot.files().count(),
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
        let tally = Tally::new();
        let ms = Duration::from_millis;
        for n in 0..100 {
            tally.answered(&format!("made up {n}"), ms(1), true);
        }
        tally.answered("real", ms(10), false);
        tally.answered("real", ms(30), true);
        let (status, _) = tally.status();
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
        let tally = Arc::new(Tally::new());
        let first = Client::join(&tally, "lines");
        let second = Client::join(&tally, "headers");
        drop(first);
        let (status, _) = tally.status();
        assert_eq!(status.clients.len(), 1);
        assert_eq!(status.clients[0].number, second.number());
        assert_eq!(status.clients[0].framing, "headers");
    }
}

//! Jobs: datasets that are generated in the background. A few run at a time,
//! the others wait in order; those that have ended are remembered for a while.
//!
//! A job works on a pool of its own, so that no job's work is picked up by a
//! thread on which another one waits, and on threads that yield to everybody.
//! What such a thread shares with those that serve requests is atomics and
//! immutable snapshots: it holds no lock that they may wait for.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Engine;
use super::error::{GenerateError, OpenError, StartError, WorkError};
use super::generation::generate;
use super::pool::Pool;
use super::sources::DatasetSources;
use crate::cancel::Cancel;
use crate::dataset::report::DatasetCounts;
use crate::dataset::write::{Stage as Output, WriteError};
use crate::dataset::{self, Options, Progress, WrongOption};
use crate::files::{FilesError, resolve};

/// How many jobs run at a time.
const MAX_RUNNING: usize = 2;

/// How many jobs may wait for their turn.
const MAX_QUEUED: usize = 64;

/// How many jobs that have ended are remembered.
const MAX_REMEMBERED: usize = 100;

/// What a job is to do.
#[derive(Clone, Debug)]
pub struct DatasetOrder {
    /// The root folders of projects, absolute.
    pub projects: Vec<PathBuf>,
    /// Files of rows, absolute: see [`Repositories`](crate::files::Repositories).
    pub inputs: Vec<PathBuf>,
    /// Where the dataset goes, absolute.
    pub output: PathBuf,
    /// Whether to go on with what an interrupted run has left, and to leave
    /// the same if it is interrupted itself.
    pub resume: bool,
    /// What examples are wanted.
    pub options: Options,
}

/// Why a job was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Its options make no sense.
    #[error(transparent)]
    Options(#[from] WrongOption),
    /// A job that has not ended writes to the same place.
    #[error("output: {0} is being written by {1}; wait for that job or cancel it")]
    Busy(String, String),
    /// Too many wait already.
    #[error("{MAX_QUEUED} jobs are waiting; wait until some have ended or cancel them")]
    Full,
    /// The server is about to end.
    #[error("the server is ending")]
    Ending,
    /// The place could not be looked at.
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// It is at work.
    Running,
    /// The dataset is where it was wanted.
    Done,
    /// It could not do what it was to; nothing was written.
    Failed,
    /// It was cancelled; nothing was written.
    Cancelled,
}

impl JobState {
    /// Whether the job will not change any more.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// What a job works at, or worked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStage {
    /// Nothing yet.
    Waiting,
    /// Finding and reading the project's files.
    Reading,
    /// Cutting holes and assembling their contexts.
    Generating,
    /// Splitting the examples and writing them.
    Writing,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobStatus {
    /// Where it is in its life.
    pub state: JobState,
    /// What it works at, or worked at last.
    pub stage: JobStage,
    /// Files done.
    pub files_done: usize,
    /// Files in all; 0 until they have been read.
    pub files_total: usize,
    /// Examples so far.
    pub examples: usize,
    /// What it has come to, once it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<WrittenDataset>,
    /// Why it failed, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a job has made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrittenDataset {
    /// Where it is.
    pub output: PathBuf,
    /// What is in it.
    #[serde(flatten)]
    pub counts: DatasetCounts,
}

#[derive(Clone, Debug)]
enum Phase {
    Queued,
    Running,
    Done(WrittenDataset),
    Failed(String),
    Cancelled,
}

impl Phase {
    fn state(&self) -> JobState {
        match self {
            Self::Queued => JobState::Queued,
            Self::Running => JobState::Running,
            Self::Done(_) => JobState::Done,
            Self::Failed(_) => JobState::Failed,
            Self::Cancelled => JobState::Cancelled,
        }
    }
}

/// A job, from its order to when it is forgotten.
#[derive(Debug)]
pub struct Job {
    /// Counted from 1.
    number: u64,
    id: String,
    order: DatasetOrder,
    /// The output however it is spelled.
    target: PathBuf,
    cancel: Cancel,
    /// Changed only by threads that do not yield.
    phase: watch::Sender<Phase>,
    /// Not part of `phase`: a thread that yields counts, and may be put aside
    /// at any time, so it must not hold a lock.
    files_done: AtomicUsize,
    files_total: AtomicUsize,
    examples: AtomicUsize,
    is_writing: AtomicBool,
}

impl Job {
    /// What it is called, as long as this process lives.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> JobStatus {
        let phase = self.phase.borrow().clone();
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let state = phase.state();
        let (files_done, files_total) = (count(&self.files_done), count(&self.files_total));
        let (result, error) = match phase {
            Phase::Done(dataset) => (Some(dataset), None),
            Phase::Failed(error) => (None, Some(error)),
            Phase::Queued | Phase::Running | Phase::Cancelled => (None, None),
        };
        JobStatus {
            state,
            stage: match (state, files_total) {
                (JobState::Queued, _) => JobStage::Waiting,
                _ if self.is_writing.load(Ordering::Relaxed) => JobStage::Writing,
                (_, 0) => JobStage::Reading,
                _ => JobStage::Generating,
            },
            files_done,
            files_total,
            examples: count(&self.examples),
            result,
            error,
        }
    }

    /// Waits until it has ended.
    pub async fn ended(&self) {
        let mut phase = self.phase.subscribe();
        // The sender lives as long as `self`.
        drop(phase.wait_for(|phase| phase.state().has_ended()).await);
    }

    fn count(&self, progress: Progress) {
        let set = |counter: &AtomicUsize, count| counter.store(count, Ordering::Relaxed);
        set(&self.files_total, progress.files_total);
        set(&self.files_done, progress.files_done);
        set(&self.examples, progress.examples);
        self.is_writing
            .store(progress.is_writing, Ordering::Relaxed);
    }
}

/// All jobs of an engine.
#[derive(Debug, Default)]
pub(super) struct Jobs(Mutex<Registry>);

/// The lock on it is held for a look, by threads that do not yield.
#[derive(Debug, Default)]
struct Registry {
    submitted: u64,
    queued: VecDeque<Arc<Job>>,
    running: Vec<Arc<Job>>,
    ended: VecDeque<Arc<Job>>,
    is_ending: bool,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn all(&self) -> impl Iterator<Item = &Arc<Job>> {
        self.queued.iter().chain(&self.running).chain(&self.ended)
    }

    /// Lets jobs run while they may. To be called in a Tokio runtime.
    fn start(&mut self, engine: &Engine) {
        while self.running.len() < MAX_RUNNING
            && let Some(job) = self.queued.pop_front()
        {
            tracing::info!(job = job.id, "job started");
            job.phase.send_replace(Phase::Running);
            self.running.push(Arc::clone(&job));
            tokio::spawn(run(engine.clone(), job));
        }
    }

    fn end(&mut self, job: &Arc<Job>, phase: Phase) {
        tracing::info!(job = job.id, state = ?phase.state(), "job ended");
        self.running.retain(|running| !Arc::ptr_eq(running, job));
        self.ended.push_back(Arc::clone(job));
        if self.ended.len() > MAX_REMEMBERED {
            self.ended.pop_front();
        }
        job.phase.send_replace(phase);
    }
}

impl Engine {
    /// Accepts a job and starts it when its turn comes. To be called in a
    /// Tokio runtime. The job goes on when whoever asked for it has left.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn submit(&self, order: DatasetOrder) -> Result<Arc<Job>, SubmitError> {
        order.options.check()?;
        order.options.family(&self.settings().families)?;
        let output = order.output.clone();
        let target = self.run(move || resolve(&output)).await?;
        let mut registry = self.shared.jobs.lock();
        if registry.is_ending {
            return Err(SubmitError::Ending);
        }
        let mut unfinished = registry.queued.iter().chain(&registry.running);
        if let Some(other) = unfinished.find(|job| job.target == target) {
            let output = order.output.display().to_string();
            return Err(SubmitError::Busy(output, other.id.clone()));
        }
        if registry.queued.len() == MAX_QUEUED {
            return Err(SubmitError::Full);
        }
        registry.submitted += 1;
        let job = Arc::new(Job {
            number: registry.submitted,
            id: format!("dataset-{}", registry.submitted),
            order,
            target,
            cancel: Cancel::default(),
            phase: watch::Sender::new(Phase::Queued),
            files_done: AtomicUsize::default(),
            files_total: AtomicUsize::default(),
            examples: AtomicUsize::default(),
            is_writing: AtomicBool::default(),
        });
        registry.queued.push_back(Arc::clone(&job));
        registry.start(self);
        Ok(job)
    }

    /// Every job that waits, runs or is remembered: the oldest order first.
    pub(super) fn jobs(&self) -> Vec<Arc<Job>> {
        let mut jobs: Vec<_> = self.shared.jobs.lock().all().cloned().collect();
        jobs.sort_by_key(|job| job.number);
        jobs
    }

    /// The job of that id, unless it ended long ago.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<Arc<Job>> {
        let registry = self.shared.jobs.lock();
        registry.all().find(|job| job.id == id).cloned()
    }

    /// Asks a job to stop: one that waits has ended at once, one that runs
    /// ends soon, unless it is done before.
    pub fn cancel_job(&self, job: &Arc<Job>) {
        job.cancel.cancel();
        let mut registry = self.shared.jobs.lock();
        let waits = registry
            .queued
            .iter()
            .position(|queued| Arc::ptr_eq(queued, job));
        if let Some(place) = waits {
            registry.queued.remove(place);
            registry.end(job, Phase::Cancelled);
        }
    }

    /// Cancels all jobs, accepts no more, and waits until those that ran have
    /// cleaned up after themselves.
    pub async fn end_jobs(&self) {
        let unfinished: Vec<_> = {
            let mut registry = self.shared.jobs.lock();
            registry.is_ending = true;
            let Registry {
                queued, running, ..
            } = &*registry;
            queued.iter().chain(running).cloned().collect()
        };
        for job in &unfinished {
            self.cancel_job(job);
        }
        for job in unfinished {
            job.ended().await;
        }
    }
}

/// Why a job did not do what it was to.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Start(#[from] StartError),
}

impl From<WriteError> for JobError {
    fn from(error: WriteError) -> Self {
        Self::Generate(error.into())
    }
}

impl From<FilesError> for JobError {
    fn from(error: FilesError) -> Self {
        Self::Open(error.into())
    }
}

impl From<WorkError> for JobError {
    fn from(error: WorkError) -> Self {
        Self::Open(error.into())
    }
}

/// Does a job's work, then starts the next.
async fn run(engine: Engine, job: Arc<Job>) {
    let phase = match work(&engine, &job).await {
        Ok(counts) => Phase::Done(WrittenDataset {
            output: job.order.output.clone(),
            counts,
        }),
        Err(
            JobError::Open(OpenError::Cancelled(_))
            | JobError::Generate(GenerateError::Dataset(dataset::DatasetError::Cancelled(_))),
        ) => Phase::Cancelled,
        Err(error) => Phase::Failed(error.to_string()),
    };
    let mut registry = engine.shared.jobs.lock();
    registry.end(&job, phase);
    registry.start(&engine);
}

/// The steps of `fimd generate`. A project with the usual files is the one
/// that everybody shares: it is read as for a client, since clients wait for it.
async fn work(engine: &Engine, job: &Arc<Job>) -> Result<DatasetCounts, JobError> {
    let pool = Pool::in_background()?;
    let permits = pool.permits();
    let usual = engine.limits().walk();
    let walk = usual
        .clone()
        .with_max_file_bytes(job.order.options.max_file_bytes);
    let options = Options {
        max_file_bytes: Some(walk.max_file_bytes),
        ..job.order.options.clone()
    };
    let is_usual = walk == usual;
    let order = job.order.clone();
    let prepare = move || {
        let DatasetOrder {
            projects,
            inputs,
            output,
            resume,
            options,
        } = order;
        let output = Output::new(&output, resume)?;
        let sources = DatasetSources::new(&projects, &inputs, &options, walk, None)?;
        Ok::<_, JobError>((output, sources))
    };
    let (output, mut sources) = pool.run(&permits, prepare).await??;
    if let Some(roots) = sources.only().cloned()
        && is_usual
    {
        let project = engine.project(roots, job.cancel.clone()).await?;
        sources = sources.with_open(project);
    }
    let job = Arc::clone(job);
    let engine = engine.clone();
    let generate = move || {
        let count = &mut |progress| job.count(progress);
        generate(
            sources,
            &options,
            &engine.settings().families,
            output,
            &job.cancel,
            count,
        )
    };
    Ok(pool.run(&permits, generate).await??)
}

//! Jobs: datasets that are generated in the background. A few jobs run at a time,
//! and the others wait in order. The engine remembers the last jobs that have
//! ended.
//!
//! Each job has a pool of its own: in a common pool, a thread that waits for one
//! job could pick up work of another. The threads of that pool have the lowest
//! priority. They share only atomics and immutable snapshots with the threads of
//! requests, and hold no lock that those may wait for.

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
use crate::dataset::write::{DatasetWriteError, StagingFolder};
use crate::dataset::{self, Options, Progress, WrongOption};
use crate::files::{FilesError, resolve};

/// The most jobs that run at a time.
const MAX_RUNNING: usize = 2;

/// The most jobs that may be queued.
const MAX_QUEUED: usize = 64;

/// The most ended jobs that are remembered.
const MAX_REMEMBERED: usize = 100;

/// The parameters of a job.
#[derive(Clone, Debug)]
pub struct DatasetOrder {
    /// The root folders of projects, absolute.
    pub projects: Vec<PathBuf>,
    /// Files of rows, absolute: see [`Repositories`](crate::files::Repositories).
    pub inputs: Vec<PathBuf>,
    /// The output folder, absolute.
    pub output: PathBuf,
    /// Whether to continue an interrupted run, and to leave what a later run needs to
    /// continue this one.
    pub resume: bool,
    /// The options of the dataset.
    pub options: Options,
}

/// A job was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Its options are invalid.
    #[error(transparent)]
    Options(#[from] WrongOption),
    /// An unfinished job writes to the same output.
    #[error("output: {0} is being written by {1}; wait for that job or cancel it")]
    Busy(String, String),
    /// Too many jobs are queued.
    #[error("{MAX_QUEUED} jobs are waiting; wait until some have ended or cancel them")]
    Full,
    /// The server is about to end.
    #[error("the server is ending")]
    Ending,
    /// Resolving the output path failed inside fimd.
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It is queued.
    Queued,
    /// It runs.
    Running,
    /// The dataset is written.
    Done,
    /// It failed; nothing was written.
    Failed,
    /// It was cancelled; nothing was written.
    Cancelled,
}

impl JobState {
    /// Whether the state is final.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// The work that a job does, or did last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStage {
    /// Nothing yet.
    Waiting,
    /// Finding and reading the project's files.
    Reading,
    /// Cutting holes and assembling their contexts.
    Generating,
    /// Splitting and writing the examples.
    Writing,
}

/// The progress of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobStatus {
    /// Its state.
    pub state: JobState,
    /// The work that it does, or did last.
    pub stage: JobStage,
    /// Files done.
    pub files_done: usize,
    /// Files in all; 0 until they have been read.
    pub files_total: usize,
    /// Examples so far.
    pub examples: usize,
    /// The dataset, once the job is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<WrittenDataset>,
    /// The error of a failed job, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A dataset that a job has written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrittenDataset {
    /// The output folder.
    pub output: PathBuf,
    /// Its counts of files and examples.
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

/// A job, from its submission until it is forgotten.
#[derive(Debug)]
pub struct Job {
    /// Counted from 1.
    number: u64,
    id: String,
    order: DatasetOrder,
    /// The resolved path of the output, to compare outputs.
    target: PathBuf,
    cancel: Cancel,
    /// Changed only by threads of normal priority.
    phase: watch::Sender<Phase>,
    /// Counted by threads of the lowest priority, which must not hold the lock of
    /// `phase`, because the system may suspend them at any time.
    files_done: AtomicUsize,
    files_total: AtomicUsize,
    examples: AtomicUsize,
    is_writing: AtomicBool,
}

impl Job {
    /// Its id, unique in this process.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its progress.
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

    /// Waits until the job has ended.
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

/// Its lock is held for a moment only, by threads of normal priority.
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

    /// Starts queued jobs up to the limit. Must be called in a Tokio runtime.
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
    /// Queues a job, which goes on after its client has left. Must be called in a
    /// Tokio runtime.
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

    /// All jobs that are queued, running or remembered, the oldest first.
    pub(super) fn jobs(&self) -> Vec<Arc<Job>> {
        let mut jobs: Vec<_> = self.shared.jobs.lock().all().cloned().collect();
        jobs.sort_by_key(|job| job.number);
        jobs
    }

    /// The job with this id, unless the engine has forgotten it.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<Arc<Job>> {
        let registry = self.shared.jobs.lock();
        registry.all().find(|job| job.id == id).cloned()
    }

    /// Cancels a job: a queued job ends at once, a running one soon, unless it is done
    /// before.
    pub fn cancel_job(&self, job: &Arc<Job>) {
        job.cancel.cancel();
        let mut registry = self.shared.jobs.lock();
        let position = registry
            .queued
            .iter()
            .position(|queued| Arc::ptr_eq(queued, job));
        if let Some(position) = position {
            registry.queued.remove(position);
            registry.end(job, Phase::Cancelled);
        }
    }

    /// Cancels all jobs, accepts no new ones, and waits until the running jobs have
    /// removed their temporary files.
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

/// A job failed or was cancelled.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Start(#[from] StartError),
}

impl From<DatasetWriteError> for JobError {
    fn from(error: DatasetWriteError) -> Self {
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

/// Runs a job, then starts the next.
async fn run(engine: Engine, job: Arc<Job>) {
    let phase = match generate_for(&engine, &job).await {
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

/// Generates the dataset of a job, as `fimd generate` does. If the job has one
/// project and the usual options for finding files, it shares the project with the
/// clients: the pool for clients reads it, because clients may wait for it.
async fn generate_for(engine: &Engine, job: &Arc<Job>) -> Result<DatasetCounts, JobError> {
    let pool = Pool::in_background()?;
    let permits = pool.permits();
    let usual = engine.settings().walk();
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
        let output = StagingFolder::new(&output, resume)?;
        let sources = DatasetSources::new(&projects, &inputs, &options, walk, None)?;
        Ok::<_, JobError>((output, sources))
    };
    let (output, mut sources) = pool.run(&permits, prepare).await??;
    if let Some(roots) = sources.only().cloned()
        && is_usual
    {
        let project = engine.project(roots, None, job.cancel.clone()).await?;
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

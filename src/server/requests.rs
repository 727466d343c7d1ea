//! The requests of one connection that are in flight.

use std::future::Future;

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinError, JoinSet};
use tracing::Instrument;

use super::outcome::outcome;
use super::reply::{Answer, Destination, Notifier, Outgoing, Quiet, Reply};
use crate::cancel::Cancel;
use crate::rpc::{Id, Refusal};

/// Reading goes on while the messages in flight weigh less than this.
const MAX_IN_FLIGHT_BYTES: usize = 64 << 20;

/// What a message in flight weighs besides its own bytes, so that at most some
/// thousand are.
const TASK_BYTES: usize = 64 << 10;

/// A message that is being answered.
struct Running {
    id: Option<Id>,
    weight: usize,
    cancel: Option<oneshot::Sender<()>>,
}

/// A task that has ended.
pub(super) type Finished = Result<(task::Id, ()), JoinError>;

/// What has been asked and not answered. Dropping it ends all of it.
pub(super) struct Requests {
    answers: mpsc::Sender<Outgoing>,
    quiet: Quiet,
    tasks: JoinSet<()>,
    running: FxHashMap<task::Id, Running>,
    in_flight_bytes: usize,
}

impl Requests {
    /// None, of a client whose answers go to `answers`.
    pub(super) fn new(answers: mpsc::Sender<Outgoing>, quiet: Quiet) -> Self {
        Self {
            answers,
            quiet,
            tasks: JoinSet::new(),
            running: FxHashMap::default(),
            in_flight_bytes: 0,
        }
    }

    /// Where single answers go.
    pub(super) fn output(&self) -> Destination {
        Destination::Client(self.answers.clone())
    }

    /// How the client is told what it has not asked for.
    pub(super) fn notifier(&self) -> Notifier {
        Notifier::new(&self.answers)
    }

    /// The client has asked for the end: it is only answered from now on.
    pub(super) fn be_quiet(&self) {
        self.quiet.begin();
    }

    /// Whether more may be read.
    pub(super) fn have_room(&self) -> bool {
        self.in_flight_bytes < MAX_IN_FLIGHT_BYTES
    }

    /// Whether the task is still at work.
    pub(super) fn is_running(&self, task: task::Id) -> bool {
        self.running.contains_key(&task)
    }

    /// Waits for the next task to end; none if there is none.
    pub(super) async fn next_finished(&mut self) -> Option<Finished> {
        self.tasks.join_next_with_id().await
    }

    /// Forgets a task that has ended.
    pub(super) fn finished(&mut self, task: Finished) {
        let id = match task {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!("an answer was lost: {error}");
                error.id()
            }
        };
        if let Some(running) = self.running.remove(&id) {
            self.in_flight_bytes -= running.weight;
        }
    }

    /// Answers a message that is no request.
    pub(super) fn refuse(&mut self, refusal: Refusal, destination: Destination, bytes: usize) {
        let Refusal { id, error } = refusal;
        tracing::debug!(code = error.code(), bytes, "refused");
        let reply = Reply::to_refused(id, destination);
        self.spawn(None, bytes, None, reply.send(Err(error)));
    }

    /// Starts `work`, whose outcome is the answer. The work is told to stop
    /// when it is cancelled.
    pub(super) fn request<F>(
        &mut self,
        id: Option<Id>,
        reply: Reply,
        bytes: usize,
        work: impl FnOnce(Cancel) -> F,
    ) -> task::Id
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let (cancel, cancelled) = oneshot::channel();
        let stop = Cancel::default();
        let work = work(stop.clone());
        self.spawn(id, bytes, Some(cancel), async move {
            reply.send(outcome(work, cancelled, stop).await).await;
        })
    }

    /// Runs a task that answers something of so many bytes.
    pub(super) fn spawn(
        &mut self,
        id: Option<Id>,
        bytes: usize,
        cancel: Option<oneshot::Sender<()>>,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> task::Id {
        let weight = bytes + TASK_BYTES;
        self.in_flight_bytes += weight;
        let task = self.tasks.spawn(task.in_current_span()).id();
        self.running.insert(task, Running { id, weight, cancel });
        task
    }

    /// Cancels the requests in flight with this id. A look at each is cheap:
    /// there are some thousand at most.
    pub(super) fn cancel(&mut self, target: &RawValue) {
        #[expect(clippy::iter_over_hash_type, reason = "all that match are cancelled")]
        for running in self.running.values_mut() {
            if running.id.as_ref().is_some_and(|id| id.is(target))
                && let Some(cancel) = running.cancel.take()
                && cancel.send(()).is_err()
            {
                tracing::debug!("cancelled what was just answered");
            }
        }
    }
}

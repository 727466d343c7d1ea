//! The requests of one connection that are in flight.

use std::future::Future;

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinError, JoinSet};
use tracing::Instrument;

use super::output::{NotificationGate, Notifier, Outgoing};
use super::reply::{Destination, Reply};
use super::result::MethodResult;
use super::work;
use crate::cancel::Cancel;
use crate::rpc::{Error, Id, Refusal};

/// How many bytes the messages in flight may weigh before the session reads no
/// further.
const MAX_IN_FLIGHT_BYTES: usize = 64 << 20;

/// The weight in bytes of a message in flight besides its own length. It limits
/// the number of messages in flight to about a thousand.
const TASK_BYTES: usize = 64 << 10;

/// A message that is being answered.
struct RequestInFlight {
    id: Option<Id>,
    /// The weight in bytes.
    weight: usize,
    cancel: Option<oneshot::Sender<()>>,
}

/// The end of a task.
pub(super) type TaskEnd = Result<(task::Id, ()), JoinError>;

/// The requests that have no answer yet. Dropping it ends all of them.
pub(super) struct Requests {
    answers: mpsc::Sender<Outgoing>,
    gate: NotificationGate,
    tasks: JoinSet<()>,
    in_flight: FxHashMap<task::Id, RequestInFlight>,
    in_flight_bytes: usize,
}

impl Requests {
    /// No requests yet, of a client whose answers go to `answers`.
    pub(super) fn new(answers: mpsc::Sender<Outgoing>, gate: NotificationGate) -> Self {
        Self {
            answers,
            gate,
            tasks: JoinSet::new(),
            in_flight: FxHashMap::default(),
            in_flight_bytes: 0,
        }
    }

    /// The destination of an answer that is a message of its own.
    pub(super) fn output(&self) -> Destination {
        Destination::Client(self.answers.clone())
    }

    /// Sends the client what it has not asked for.
    pub(super) fn notifier(&self) -> Notifier {
        Notifier::new(&self.answers)
    }

    /// Notes that the client has asked for the end: from now on it gets only
    /// answers.
    pub(super) fn stop_notifications(&self) {
        self.gate.close();
    }

    /// Whether the session may read another message.
    pub(super) fn have_room(&self) -> bool {
        self.in_flight_bytes < MAX_IN_FLIGHT_BYTES
    }

    /// Whether the task is still at work.
    pub(super) fn is_running(&self, task: task::Id) -> bool {
        self.in_flight.contains_key(&task)
    }

    /// Waits for the next task to end; none if there is no task.
    pub(super) async fn next_finished(&mut self) -> Option<TaskEnd> {
        self.tasks.join_next_with_id().await
    }

    /// Forgets a task that has ended.
    pub(super) fn forget(&mut self, end: TaskEnd) {
        let id = match end {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!("an answer was lost: {error}");
                error.id()
            }
        };
        if let Some(request) = self.in_flight.remove(&id) {
            self.in_flight_bytes -= request.weight;
        }
    }

    /// Answers a message of `bytes` bytes that is not a request.
    pub(super) fn refuse(&mut self, refusal: Refusal, destination: Destination, bytes: usize) {
        let Refusal { id, error } = refusal;
        tracing::debug!(code = error.code(), bytes, "refused");
        let reply = Reply::to_refused(id, destination, bytes);
        self.spawn(None, bytes, None, reply.send(Err(error)));
    }

    /// Runs `work`, whose result is the answer.
    ///
    /// The work runs at once until it first waits, and then goes on in a task of
    /// its own. Changes that a method makes before it waits are therefore made in
    /// the order of messages. `work` gets a flag, which is set when the request is
    /// cancelled or the client leaves.
    pub(super) fn run<F, T>(&mut self, reply: Reply, work: impl FnOnce(Cancel) -> F) -> task::Id
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: Into<MethodResult> + Send + 'static,
    {
        let (cancel, cancelled) = oneshot::channel();
        let flag = Cancel::default();
        let mut work = Box::pin(work(flag.clone()));
        let at_once = work::begin(work.as_mut());
        let end = work::finish(work, cancelled, flag);
        let (id, bytes) = (reply.id().cloned(), reply.bytes());
        self.spawn(id, bytes, Some(cancel), async move {
            let result = match at_once {
                Some(result) => result,
                None => end.await,
            };
            reply.send(result.map(Into::into)).await;
        })
    }

    /// Runs a task that answers a message of `bytes` bytes.
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
        let request = RequestInFlight { id, weight, cancel };
        self.in_flight.insert(task, request);
        task
    }

    /// Cancels the requests in flight with this id. Looks at all of them, which
    /// are about a thousand at most.
    pub(super) fn cancel(&mut self, target: &RawValue) {
        #[expect(clippy::iter_over_hash_type, reason = "all that match are cancelled")]
        for request in self.in_flight.values_mut() {
            if request.id.as_ref().is_some_and(|id| id.is(target))
                && let Some(cancel) = request.cancel.take()
                && cancel.send(()).is_err()
            {
                tracing::debug!("cancelled a request that was just answered");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::engine::Engine;
    use crate::rpc::Call;

    #[tokio::test]
    async fn work_begins_in_the_order_of_messages() {
        let engine = Engine::new(crate::config::Settings::default(), None).unwrap();
        let (answers, mut answered) = mpsc::channel(64);
        let mut requests = Requests::new(answers, NotificationGate::default());
        let begun = Arc::new(Mutex::new(Vec::new()));
        for number in 0..9 {
            let call = Call {
                id: None,
                method: "m".into(),
                params: None,
            };
            let reply = Reply::to_call(&engine, &call, requests.output(), 0);
            let order = Arc::clone(&begun);
            requests.run(reply, |_| async move {
                order.lock().unwrap().push(number);
                tokio::task::yield_now().await;
                Ok(MethodResult::null())
            });
            assert_eq!(begun.lock().unwrap().len(), number + 1);
        }
        while let Some(end) = requests.next_finished().await {
            requests.forget(end);
        }
        assert_eq!(*begun.lock().unwrap(), Vec::from_iter(0..9));
        drop(requests);
        assert!(
            answered.recv().await.is_none(),
            "notifications have no answers"
        );
    }
}

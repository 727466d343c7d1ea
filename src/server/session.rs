//! One connection: reads messages in order, runs requests concurrently, and
//! gives each exactly one answer.
//!
//! The loop owns the connection's state and never waits for a client: it reads
//! no further while [`MAX_IN_FLIGHT_BYTES`] are in flight, and whatever has to
//! wait, waits in a task of its own. Requests see the project of the last
//! `initialize` before them and are answered after it.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinError, JoinSet};

use super::methods::{cancel_request, get_context, initialize};
use super::outcome::outcome;
use super::project::Current;
use super::reply::{self, Destination, Reply};
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::rpc::lines::{Line, Lines, MAX_MESSAGE_BYTES};
use crate::rpc::{self, Call, Id, Message, Refusal};

/// Reading goes on while the messages in flight weigh less than this.
const MAX_IN_FLIGHT_BYTES: usize = 64 << 20;

/// What a message in flight weighs besides its own bytes, so that at most some
/// thousand are.
const TASK_BYTES: usize = 64 << 10;

/// How many answers may wait for the client to read them, besides those whose
/// tasks wait.
const WAITING_ANSWERS: usize = 64;

/// Serves one connection to its end; see [`serve`](super::serve).
pub(super) async fn run<R, W>(
    engine: Engine,
    mut lines: Lines<R>,
    output: W,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (answers, waiting) = mpsc::channel(WAITING_ANSWERS);
    let mut writer = tokio::spawn(reply::write(waiting, output));
    let mut session = Session {
        engine,
        answers,
        current: Current::none(),
        tasks: JoinSet::new(),
        running: FxHashMap::default(),
        in_flight_bytes: 0,
    };
    let mut shutdown = pin!(shutdown);
    let mut last_reply = None;
    let mut failure = None;
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            written = &mut writer => return close(written),
            Some(finished) = session.tasks.join_next_with_id() => session.finished(finished),
            line = lines.next(), if session.in_flight_bytes < MAX_IN_FLIGHT_BYTES => match line {
                Ok(Some(line)) => if let Some(end) = session.line(line) {
                    last_reply = end.reply;
                    break;
                },
                Ok(None) => break,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            },
        }
    }
    // What was asked before the end is answered before it.
    loop {
        tokio::select! {
            written = &mut writer => return close(written),
            finished = session.tasks.join_next_with_id() => match finished {
                Some(finished) => session.finished(finished),
                None => break,
            },
        }
    }
    if let Some(reply) = last_reply {
        reply.send(Ok(RawValue::NULL.to_owned())).await;
    }
    drop(session);
    close(writer.await)?;
    failure.map_or(Ok(()), Err)
}

/// What the writer's end means for the connection. A client that reads no
/// further has left, which is its right.
fn close(written: Result<io::Result<()>, JoinError>) -> io::Result<()> {
    match written.map_err(io::Error::other)? {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// The client asked for the end.
struct End {
    /// The reply to send when everything else has been answered, if it is
    /// still to be sent.
    reply: Option<Reply>,
}

/// A message that is being answered.
struct Running {
    id: Option<Id>,
    weight: usize,
    cancel: Option<oneshot::Sender<()>>,
}

struct Session {
    engine: Engine,
    answers: mpsc::Sender<String>,
    current: Current,
    tasks: JoinSet<()>,
    running: FxHashMap<task::Id, Running>,
    in_flight_bytes: usize,
}

impl Session {
    /// Starts what a line asks for.
    fn line(&mut self, line: Line) -> Option<End> {
        let (message, bytes) = match line {
            Line::Message(bytes) => (Message::read(&bytes), bytes.len()),
            Line::TooLong => {
                let error = rpc::Error::invalid_request(format!(
                    "a message may have {MAX_MESSAGE_BYTES} bytes; this one was skipped"
                ));
                (Message::One(Err(error.into())), 0)
            }
        };
        match message {
            Message::One(call) => {
                let destination = Destination::Line(self.answers.clone());
                let reply = self.call(call, destination, bytes)?;
                Some(End { reply: Some(reply) })
            }
            Message::Batch(calls) => self.batch(calls, bytes),
        }
    }

    /// Starts the calls of a batch and the task that gathers their answers.
    /// What follows the batch sees what it opened once it has been answered.
    fn batch(&mut self, calls: Vec<Result<Call, Refusal>>, bytes: usize) -> Option<End> {
        let (gather, gathered) = mpsc::channel(calls.len());
        let before = self.current.clone();
        let share = bytes / calls.len();
        let mut end = None;
        for (place, call) in calls.into_iter().enumerate() {
            let destination = Destination::Batch(place, gather.clone());
            if let Some(reply) = self.call(call, destination, share) {
                self.spawn(None, 0, None, reply.send(Ok(RawValue::NULL.to_owned())));
                end = Some(End { reply: None });
            }
        }
        let opened = (!self.current.is(&before)).then(|| {
            let (publisher, after) = Current::pending();
            (publisher, std::mem::replace(&mut self.current, after))
        });
        let answers = self.answers.clone();
        self.spawn(None, 0, None, async move {
            if let Some(array) = reply::gather(gathered).await
                && answers.send(array).await.is_err()
            {
                tracing::debug!("the client left before the answer");
            }
            if let Some((publisher, opened)) = opened {
                publisher.publish(opened.wait().await);
            }
        });
        end
    }

    /// Starts one call. Gives the reply back if it is `shutdown`.
    fn call(
        &mut self,
        call: Result<Call, Refusal>,
        destination: Destination,
        bytes: usize,
    ) -> Option<Reply> {
        let Call { id, method, params } = match call {
            Ok(call) => call,
            Err(Refusal { id, error }) => {
                tracing::debug!("refused: {error}");
                let reply = Reply::to_refused(id, destination);
                self.spawn(None, bytes, None, reply.send(Err(error)));
                return None;
            }
        };
        tracing::debug!(method, id = id.as_ref().map(tracing::field::display), bytes);
        let reply = Reply::to_call(id.clone(), destination);
        match method.as_str() {
            "shutdown" => return Some(reply),
            "initialize" => self.initialize(id, params, reply, bytes),
            "getContext" => {
                let engine = self.engine.clone();
                let current = self.current.clone();
                self.request(id, reply, bytes, |cancel| async move {
                    get_context::run(&engine, current.wait().await, params, cancel).await
                });
            }
            "$/cancelRequest" => {
                let cancelled = cancel_request::target(params.as_deref()).map(|target| {
                    self.cancel(target);
                    RawValue::NULL.to_owned()
                });
                self.settled(id, reply, bytes, cancelled);
            }
            _ => self.settled(id, reply, bytes, Err(rpc::Error::method_not_found(&method))),
        }
        None
    }

    /// Answers what needs no work, in its turn.
    fn settled(&mut self, id: Option<Id>, reply: Reply, bytes: usize, answer: reply::Answer) {
        let current = self.current.clone();
        self.request(id, reply, bytes, |_| async move {
            current.wait().await;
            answer
        });
    }

    /// Starts `work`, whose outcome is the answer.
    fn request<F>(
        &mut self,
        id: Option<Id>,
        reply: Reply,
        bytes: usize,
        work: impl FnOnce(Cancel) -> F,
    ) where
        F: Future<Output = reply::Answer> + Send + 'static,
    {
        let (cancel, cancelled) = oneshot::channel();
        let stop = Cancel::default();
        let work = work(stop.clone());
        self.spawn(id, bytes, Some(cancel), async move {
            reply.send(outcome(work, cancelled, stop).await).await;
        });
    }

    /// Opens a project, for this connection's later requests. One that fails
    /// or is cancelled leaves them the project they had.
    fn initialize(
        &mut self,
        id: Option<Id>,
        params: Option<Box<RawValue>>,
        reply: Reply,
        bytes: usize,
    ) {
        let (publisher, current) = Current::pending();
        let before = std::mem::replace(&mut self.current, current);
        let engine = self.engine.clone();
        let (cancel, cancelled) = oneshot::channel();
        self.spawn(id, bytes, Some(cancel), async move {
            let stop = Cancel::default();
            let work = async {
                before.clone().wait().await;
                initialize::run(&engine, params.as_deref(), stop.clone()).await
            };
            match outcome(work, cancelled, stop.clone()).await {
                Ok((counts, connected)) => {
                    reply.send(Ok(counts)).await;
                    publisher.publish(Some(Arc::new(connected)));
                }
                Err(error) => {
                    reply.send(Err(error)).await;
                    publisher.publish(before.wait().await);
                }
            }
        });
    }

    /// Runs a task that answers something of so many bytes.
    fn spawn(
        &mut self,
        id: Option<Id>,
        bytes: usize,
        cancel: Option<oneshot::Sender<()>>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let weight = bytes + TASK_BYTES;
        self.in_flight_bytes += weight;
        let task = self.tasks.spawn(task);
        let running = Running { id, weight, cancel };
        self.running.insert(task.id(), running);
    }

    /// Forgets a task that has ended.
    fn finished(&mut self, task: Result<(task::Id, ()), JoinError>) {
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

    /// Cancels the requests in flight with this id. A look at each is cheap:
    /// there are some thousand at most.
    fn cancel(&mut self, target: &RawValue) {
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

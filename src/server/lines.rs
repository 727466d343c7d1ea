//! The protocol of *lines*, the seed's: requests run concurrently; they see
//! the project of the last `initialize` before them and are answered after it.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::buffers::OpenBuffers;
use super::methods::Asked;
use super::methods::{
    cancel_request, complete, generate_dataset, get_context, initialize, jobs, settings, status,
    tags,
};
use super::outcome::outcome;
use super::progress;
use super::project::Current;
use super::reply::{self, Destination, Reply};
use super::requests::Requests;
use super::session::{End, Flow, Protocol};
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::engine::completion::Completions;
use crate::rpc::{self, Call, Id, Message, Refusal};

/// The state of a connection.
pub(super) struct LinesProtocol {
    engine: Engine,
    current: Current,
    completions: Arc<Completions>,
}

impl Protocol for LinesProtocol {
    fn message(&mut self, message: Message, bytes: usize, requests: &mut Requests) -> Flow {
        match message {
            Message::One(call) => match self.call(call, requests.output(), bytes, requests) {
                Some(reply) => Flow::End(End::Orderly, Some(reply)),
                None => Flow::Continue,
            },
            Message::Batch(calls) => self.batch(calls, bytes, requests),
            Message::Answer(answer) => {
                let error = rpc::Error::invalid_request("method: expected a string");
                let refusal = Refusal {
                    id: Some(answer.id),
                    error,
                };
                requests.refuse(refusal, requests.output(), bytes);
                Flow::Continue
            }
        }
    }

    fn is_ready(&self, _: &Requests) -> bool {
        true
    }

    fn hears_of_settings(&self, _: &Requests) -> bool {
        true
    }
}

impl LinesProtocol {
    /// That of a connection before its first message.
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            current: Current::none(),
            completions: Arc::default(),
        }
    }

    /// Starts the calls of a batch and the task that gathers their answers.
    /// What follows the batch sees what it opened once it has been answered.
    fn batch(
        &mut self,
        calls: Vec<Result<Call, Refusal>>,
        bytes: usize,
        requests: &mut Requests,
    ) -> Flow {
        let (gather, gathered) = mpsc::channel(calls.len());
        let before = self.current.clone();
        let share = bytes / calls.len();
        let mut flow = Flow::Continue;
        for (place, call) in calls.into_iter().enumerate() {
            let destination = Destination::Batch(place, gather.clone());
            if let Some(reply) = self.call(call, destination, share, requests) {
                let null = RawValue::NULL.to_owned();
                requests.spawn(None, 0, None, reply.send(Ok(null)));
                flow = Flow::End(End::Orderly, None);
            }
        }
        let opened = (!self.current.is(&before)).then(|| {
            let (publisher, after) = Current::pending();
            (publisher, std::mem::replace(&mut self.current, after))
        });
        let output = requests.output();
        requests.spawn(None, 0, None, async move {
            if let Some((array, after)) = reply::gather(gathered).await {
                output.send(array, Some(after)).await;
            }
            if let Some((publisher, opened)) = opened {
                publisher.publish(opened.wait().await);
            }
        });
        flow
    }

    /// Starts one call. Gives the reply back if it is `shutdown`.
    fn call(
        &mut self,
        call: Result<Call, Refusal>,
        destination: Destination,
        bytes: usize,
        requests: &mut Requests,
    ) -> Option<Reply> {
        let call = match call {
            Ok(call) => call,
            Err(refusal) => {
                requests.refuse(refusal, destination, bytes);
                return None;
            }
        };
        let _span = reply::span(&call).entered();
        let asked = reply::Asked::now(&self.engine, &call, bytes);
        let Call { id, method, params } = call;
        let reply = Reply::to_call(id.clone(), destination, asked);
        match method.as_str() {
            "shutdown" => return Some(reply),
            "initialize" => self.initialize(id, params, reply, bytes, requests),
            "getContext" => {
                let engine = self.engine.clone();
                let current = self.current.clone();
                requests.request(id, reply, bytes, |cancel| async move {
                    let connected = current.wait().await;
                    let open = OpenBuffers::default();
                    get_context::run(&engine, connected, open, params, cancel).await
                });
            }
            "generateDataset" => {
                let engine = self.engine.clone();
                let current = self.current.clone();
                let reply = reply.then(progress::follow(engine.clone(), requests.notifier()));
                requests.request(id, reply, bytes, |_| async move {
                    let connected = current.wait().await;
                    generate_dataset::run(&engine, connected, params.as_deref()).await
                });
            }
            "job/status" | "job/cancel" => {
                let answer = match method.as_str() {
                    "job/status" => jobs::status,
                    _ => jobs::cancel,
                };
                let engine = self.engine.clone();
                let current = self.current.clone();
                requests.request(id, reply, bytes, |_| async move {
                    current.wait().await;
                    answer(&engine, params.as_deref())
                });
            }
            "fimd/status" => {
                let engine = self.engine.clone();
                requests.request(id, reply, bytes, |_| status::run(engine));
            }
            "complete" | "completion/accepted" => {
                let (asked, completions) = (self.asked(params), &self.completions);
                complete::start(&method, asked, completions, id, reply, bytes, requests);
            }
            "fimd/settings" => {
                self.settled(id, reply, bytes, settings::run(&self.engine), requests);
            }
            "tags/parse" | "tags/prompt" | "tags/run" | "tags/applyConfig" => {
                let asked = self.asked(params);
                tags::start(&method, asked, id, reply, bytes, requests);
            }
            "$/cancelRequest" => {
                let cancelled = cancel_request::target(params.as_deref()).map(|target| {
                    requests.cancel(target);
                    RawValue::NULL.to_owned()
                });
                self.settled(id, reply, bytes, cancelled, requests);
            }
            _ => {
                let unknown = Err(rpc::Error::method_not_found(&method));
                self.settled(id, reply, bytes, unknown, requests);
            }
        }
        None
    }

    /// A call of this connection, once the `initialize` before it is done.
    fn asked(&self, params: Option<Box<RawValue>>) -> impl Future<Output = Asked> + use<> {
        let (engine, current) = (self.engine.clone(), self.current.clone());
        async move {
            Asked {
                engine,
                connected: current.wait().await,
                open: OpenBuffers::default(),
                params,
            }
        }
    }

    /// Answers what needs no work, in its turn.
    fn settled(
        &mut self,
        id: Option<Id>,
        reply: Reply,
        bytes: usize,
        answer: reply::Answer,
        requests: &mut Requests,
    ) {
        let current = self.current.clone();
        requests.request(id, reply, bytes, |_| async move {
            current.wait().await;
            answer
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
        requests: &mut Requests,
    ) {
        let (publisher, current) = Current::pending();
        let before = std::mem::replace(&mut self.current, current);
        let engine = self.engine.clone();
        let (cancel, cancelled) = oneshot::channel();
        requests.spawn(id, bytes, Some(cancel), async move {
            let stop = Cancel::default();
            let work = async {
                before.clone().wait().await;
                initialize::lines(&engine, params.as_deref(), stop.clone()).await
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
}

//! The session of an NDJSON client, which speaks the predecessor's protocol.
//! Requests run concurrently. They see the projects of the last `initialize`
//! before them and are answered after it.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::buffers::Buffers;
use super::methods::{Method, cancel_request, initialize};
use super::reply::{self, Destination, Reply};
use super::requests::Requests;
use super::result::MethodResult;
use super::session::{Flow, Protocol, SessionEnd};
use super::session_projects::SessionProjects;
use super::session_view::SessionView;
use super::work;
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::engine::completion::Completions;
use crate::rpc::{Call, Error, Message, Refusal};

/// The state of an NDJSON connection.
pub(super) struct NdjsonSession {
    engine: Engine,
    current: SessionProjects,
    completions: Arc<Completions>,
}

impl Protocol for NdjsonSession {
    fn message(&mut self, message: Message, bytes: usize, requests: &mut Requests) -> Flow {
        match message {
            Message::One(call) => match self.call(call, requests.output(), bytes, requests) {
                Some(reply) => Flow::End(SessionEnd::Orderly, Some(reply)),
                None => Flow::Continue,
            },
            Message::Batch(calls) => self.batch(calls, bytes, requests),
            // fimd sends an NDJSON client no requests.
            Message::Response(response) => {
                let refusal = Refusal {
                    id: Some(response.id),
                    error: Error::invalid_request("method: expected a string"),
                };
                requests.refuse(refusal, requests.output(), bytes);
                Flow::Continue
            }
        }
    }

    fn is_ready(&self, _: &Requests) -> bool {
        true
    }

    fn can_hear_of_settings(&self, _: &Requests) -> bool {
        true
    }
}

impl NdjsonSession {
    /// The session before its first message.
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            current: SessionProjects::known(None),
            completions: Arc::default(),
        }
    }

    /// Starts the calls of a batch and the task that gathers their answers. An
    /// `initialize` in the batch counts for later messages once the whole batch
    /// is answered.
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
        for (index, call) in calls.into_iter().enumerate() {
            let destination = Destination::Batch(index, gather.clone());
            if let Some(reply) = self.call(call, destination, share, requests) {
                requests.spawn(None, 0, None, reply.send(Ok(MethodResult::null())));
                flow = Flow::End(SessionEnd::Orderly, None);
            }
        }
        let opened = (!self.current.is(&before)).then(|| {
            let (publisher, after) = SessionProjects::pending();
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

    /// Starts one call. Returns the reply if the call is `shutdown`.
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
        let reply = Reply::to_call(&self.engine, &call, destination, bytes);
        let Call { method, params, .. } = call;
        match method.as_str() {
            "shutdown" => return Some(reply),
            "initialize" => self.initialize(params, reply, requests),
            "$/cancelRequest" => {
                let target = cancel_request::target(params.as_deref());
                let result = target.map(|target| requests.cancel(target));
                self.answer(reply, result.map(|()| MethodResult::null()), requests);
            }
            name => match Method::parse(name, params.as_deref()) {
                Some(method) => method.start(self.view(), reply, requests),
                None => self.answer(reply, Err(Error::method_not_found(name)), requests),
            },
        }
        None
    }

    fn view(&self) -> SessionView {
        SessionView {
            engine: self.engine.clone(),
            completions: Arc::clone(&self.completions),
            open: Buffers::new(self.engine.limits().max_buffer_bytes).open(),
            projects: self.current.clone(),
        }
    }

    /// Answers a call that needs no work, after the `initialize` before it.
    fn answer(&self, reply: Reply, result: Result<MethodResult, Error>, requests: &mut Requests) {
        let current = self.current.clone();
        requests.run(reply, |_| async move {
            current.wait().await;
            result
        });
    }

    /// Opens projects for the later requests of this connection. If that fails or is
    /// cancelled, they keep the projects that they had.
    fn initialize(&mut self, params: Option<Box<RawValue>>, reply: Reply, requests: &mut Requests) {
        let (publisher, current) = SessionProjects::pending();
        let before = std::mem::replace(&mut self.current, current);
        let engine = self.engine.clone();
        let (cancel, cancelled) = oneshot::channel();
        let (id, bytes) = (reply.id().cloned(), reply.bytes());
        requests.spawn(id, bytes, Some(cancel), async move {
            let work = async {
                before.wait().await;
                initialize::ndjson(&engine, params.as_deref()).await
            };
            match work::finish(work, cancelled, Cancel::default()).await {
                Ok((counts, projects)) => {
                    reply.send(Ok(counts.into())).await;
                    publisher.publish(Some(projects));
                }
                Err(error) => {
                    reply.send(Err(error)).await;
                    publisher.publish(before.wait().await);
                }
            }
        });
    }
}

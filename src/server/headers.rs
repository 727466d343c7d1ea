//! The protocol of *headers*, LSP's, served by tower-lsp: this pump gives its
//! service one message after another, in order.
//!
//! tower-lsp's own `Server` polls handlers in any order, so that a `getContext`
//! can see the text before a `didChange` that was sent first. Here each handler
//! runs at its message's turn up to the first thing that it waits for; handlers
//! of notifications never wait, and those of requests take what they need of
//! the connection's state before they do.
//!
//! The methods on tags are started by the pump itself: they need a way to the
//! client, and no `initialize`; so are completions, which lines have too.
//!
//! Inside, requests are numbered by the pump: an id comes back as the client
//! wrote it, and one that is used twice is answered twice.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::task;
use tower_lsp::jsonrpc::{ErrorCode, Request, Response};
use tower_lsp::{ExitedError, LspService};
use tower_service::Service;

use super::lsp::{self, Backend};
use super::methods::{self, cancel_request, complete, tags};
use super::peer::Peer;
use super::progress;
use super::reply::{self, Answer, Asked, Notifier, Reply};
use super::requests::Requests;
use super::session::{End, Flow, Protocol};
use crate::engine::{Engine, WorkError};
use crate::rpc::{self, Call, Message};

/// The state of a connection.
pub(super) struct HeadersProtocol {
    engine: Engine,
    peer: Arc<Peer>,
    service: LspService<Backend>,
    /// The number of the next request.
    number: i64,
    /// The last `initialize`.
    initialize: Option<task::Id>,
    /// Whether the client has asked for `shutdown`.
    shut_down: bool,
}

/// What a handler will come to.
type Handled = Pin<Box<dyn Future<Output = Result<Option<Response>, ExitedError>> + Send>>;

impl Protocol for HeadersProtocol {
    fn message(&mut self, message: Message, bytes: usize, requests: &mut Requests) -> Flow {
        let call = match message {
            Message::One(Ok(call)) => call,
            Message::One(Err(refusal)) => {
                requests.refuse(refusal, requests.output(), bytes);
                return Flow::Continue;
            }
            Message::Answer(answer) => {
                self.peer.answered(answer);
                return Flow::Continue;
            }
            Message::Batch(_) => {
                let error = rpc::Error::invalid_request(
                    "LSP knows no batches; send one request per message",
                );
                requests.refuse(error.into(), requests.output(), bytes);
                return Flow::Continue;
            }
        };
        self.call(call, bytes, requests)
    }

    /// Not before `initialize` is answered: what follows needs its outcome,
    /// and LSP forbids clients to send anything before.
    fn is_ready(&self, requests: &Requests) -> bool {
        self.initialize
            .is_none_or(|task| !requests.is_running(task))
    }

    /// Not before `initialize` is answered: LSP forbids it.
    fn hears_of_settings(&self, requests: &Requests) -> bool {
        self.is_ready(requests) && self.service.inner().is_connected()
    }
}

impl HeadersProtocol {
    /// That of a connection before its first message.
    pub(super) fn new(engine: Engine, client: Notifier) -> Self {
        let peer = Arc::new(Peer::new(client));
        Self {
            service: lsp::service(engine.clone(), Arc::clone(&peer)),
            engine,
            peer,
            number: 0,
            initialize: None,
            shut_down: false,
        }
    }

    /// Starts one call.
    fn call(&mut self, call: Call, bytes: usize, requests: &mut Requests) -> Flow {
        let _span = reply::span(&call).entered();
        let asked = Asked::now(&self.engine, &call, bytes);
        let Call { id, method, params } = call;
        let mut reply = Reply::to_call(id.clone(), requests.output(), asked);
        if method == "$/cancelRequest" {
            match cancel_request::target(params.as_deref()) {
                Ok(target) => requests.cancel(target),
                Err(error) => tracing::debug!(code = error.code(), "nothing cancelled"),
            }
            if id.is_none() {
                return Flow::Continue;
            }
        }
        match method.as_str() {
            "generateDataset" => {
                reply = reply.then(progress::follow(self.engine.clone(), requests.notifier()));
            }
            "shutdown" => requests.be_quiet(),
            _ => {}
        }
        let has_id = id.is_some();
        let is_of_tags = method.starts_with("tags/");
        if !self.shut_down && (is_of_tags || complete::METHODS.contains(&method.as_str())) {
            let (connected, open) = self.service.inner().now();
            let asked = std::future::ready(methods::Asked {
                engine: self.engine.clone(),
                connected,
                open,
                params,
            });
            if is_of_tags {
                tags::start(&method, asked, id, reply, bytes, requests);
            } else {
                let completions = self.service.inner().completions();
                complete::start(&method, asked, completions, id, reply, bytes, requests);
            }
            return Flow::Continue;
        }
        // They ask for none, and tower-lsp would refuse them.
        let params = params.filter(|_| !["fimd/settings", "fimd/status"].contains(&&*method));
        let handled = match params.as_deref().map(read_params).transpose() {
            Ok(params) => self.start(&method, has_id, params),
            Err(error) => Err(error),
        };
        let task = requests.request(id, reply, bytes, |_| {
            finish(method.clone(), has_id, handled)
        });
        match method.as_str() {
            "initialize" if has_id => self.initialize = Some(task),
            "shutdown" => self.shut_down = true,
            "exit" if self.shut_down => return Flow::End(End::Orderly, None),
            "exit" => return Flow::End(End::WithoutShutdown, None),
            _ => {}
        }
        Flow::Continue
    }

    /// Gives the service a message and runs its handler up to the first thing
    /// that it waits for.
    fn start(
        &mut self,
        method: &str,
        has_id: bool,
        params: Option<Value>,
    ) -> Result<Started, rpc::Error> {
        let mut request = Request::build(method.to_owned());
        if has_id {
            self.number += 1;
            request = request.id(self.number);
        }
        if let Some(params) = params {
            request = request.params(params);
        }
        let request = request.finish();
        let mut context = Context::from_waker(Waker::noop());
        let started = catch_unwind(AssertUnwindSafe(|| {
            // Ready until `exit`, after which nothing is read any more.
            if let Poll::Ready(ready) = self.service.poll_ready(&mut context) {
                ready?;
            }
            let mut handled: Handled = self.service.call(request);
            Ok::<_, ExitedError>(match handled.as_mut().poll(&mut context) {
                Poll::Ready(response) => Started::Done(response?),
                Poll::Pending => Started::Waiting(handled),
            })
        }));
        match started {
            Ok(Ok(started)) => Ok(started),
            Ok(Err(exited)) => Err(rpc::Error::internal(exited.to_string())),
            Err(panic) => Err(WorkError::caught(&*panic).into()),
        }
    }
}

/// A handler that has had its turn.
enum Started {
    /// It needed nothing else.
    Done(Option<Response>),
    /// It waits; whoever polls it next is woken.
    Waiting(Handled),
}

/// The answer to a call of `method`.
async fn finish(method: String, has_id: bool, started: Result<Started, rpc::Error>) -> Answer {
    let response = match started? {
        Started::Done(response) => response,
        Started::Waiting(handled) => handled
            .await
            .map_err(|exited| rpc::Error::internal(exited.to_string()))?,
    };
    let Some(response) = response else {
        // That of a notification goes nowhere; tower-lsp gives none either to
        // requests that it does not know if their method begins with `$/`.
        return match has_id {
            true => Err(rpc::Error::method_not_found(&method)),
            false => Ok(RawValue::NULL.to_owned()),
        };
    };
    match response.into_parts().1 {
        Ok(result) => to_raw_value(&result)
            .map_err(|error| rpc::Error::internal(format!("cannot write the result: {error}"))),
        Err(error) if error.code == ErrorCode::MethodNotFound => {
            Err(rpc::Error::method_not_found(&method))
        }
        Err(error) => Err(lsp::error_of_ours(&error)),
    }
}

fn read_params(params: &RawValue) -> Result<Value, rpc::Error> {
    serde_json::from_str(params.get())
        .map_err(|error| rpc::Error::invalid_params(format!("params: {error}")))
}

//! The session of an LSP client. fimd's own methods take the same road as in an
//! NDJSON session; tower-lsp's service handles LSP's own messages. This file
//! gives the service one message after another, in order.
//!
//! tower-lsp's own `Server` polls handlers in any order, so that a request can
//! see the text before a `didChange` that was sent first. Here each handler runs
//! at its message's turn up to the first thing that it waits for
//! ([`Requests::run`]). Handlers of notifications never wait, and handlers of
//! requests take what they need of the connection's state before they wait.
//!
//! The service gets numbers of this file as ids: the client's id comes back as
//! the client wrote it, and an id that is used twice is answered twice.

use std::sync::Arc;
use std::task::{Context, Waker};

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::task;
use tower_lsp::jsonrpc::{self, ErrorCode};
use tower_lsp::{ExitedError, LspService};
use tower_service::Service;

use super::lsp::{self, Backend};
use super::methods::inline_completion::InlineCompletionParams;
use super::methods::{Method, cancel_request};
use super::output::Notifier;
use super::peer::Peer;
use super::reply::{self, Reply};
use super::requests::Requests;
use super::session::{Flow, Protocol, SessionEnd};
use crate::engine::Engine;
use crate::rpc::{Call, Error, Message};

/// LSP's code for a request before `initialize`.
const SERVER_NOT_INITIALIZED: i32 = -32002;

/// The state of an LSP connection.
pub(super) struct LspSession {
    engine: Engine,
    peer: Arc<Peer>,
    service: LspService<Backend>,
    /// The id of the last request that the service got.
    last_number: i64,
    /// The task of the last `initialize`.
    initialize: Option<task::Id>,
    /// Whether the client has asked for `shutdown`.
    is_shut_down: bool,
}

impl Protocol for LspSession {
    fn message(&mut self, message: Message, bytes: usize, requests: &mut Requests) -> Flow {
        match message {
            Message::One(Ok(call)) => return self.call(call, bytes, requests),
            Message::One(Err(refusal)) => requests.refuse(refusal, requests.output(), bytes),
            Message::Response(response) => self.peer.take_response(response),
            Message::Batch(_) => {
                let error =
                    Error::invalid_request("LSP knows no batches; send one request per message");
                requests.refuse(error.into(), requests.output(), bytes);
            }
        }
        Flow::Continue
    }

    /// Not while `initialize` is at work: what follows needs its result, and LSP
    /// forbids clients to send anything before its answer.
    fn is_ready(&self, requests: &Requests) -> bool {
        self.initialize
            .is_none_or(|task| !requests.is_running(task))
    }

    /// Not before `initialize` is answered: LSP forbids it.
    fn can_hear_of_settings(&self, requests: &Requests) -> bool {
        self.is_ready(requests) && self.service.inner().is_initialized()
    }

    fn settings_changed(&mut self) {
        self.service.inner().settings_changed();
    }
}

impl LspSession {
    /// The session before its first message.
    pub(super) fn new(engine: Engine, client: Notifier) -> Self {
        let peer = Arc::new(Peer::new(client));
        Self {
            service: lsp::service(engine.clone(), Arc::clone(&peer)),
            engine,
            peer,
            last_number: 0,
            initialize: None,
            is_shut_down: false,
        }
    }

    /// Starts one call.
    fn call(&mut self, call: Call, bytes: usize, requests: &mut Requests) -> Flow {
        let _span = reply::span(&call).entered();
        let reply = Reply::to_call(&self.engine, &call, requests.output(), bytes);
        let Call { method, params, .. } = call;
        let params = params.as_deref();
        let is_early = !self.service.inner().is_initialized();
        if is_early && !matches!(method.as_str(), "initialize" | "exit") {
            // LSP drops notifications that come this early.
            let refusal = Error::new(SERVER_NOT_INITIALIZED, "Server not initialized");
            requests.run(reply, |_| async { Err::<Box<RawValue>, _>(refusal) });
            return Flow::Continue;
        }
        match method.as_str() {
            "$/cancelRequest" => {
                match cancel_request::target(params) {
                    Ok(target) => requests.cancel(target),
                    Err(error) => tracing::debug!(code = error.code(), "nothing cancelled"),
                }
                // The service refuses it as a request.
                if reply.id().is_some() {
                    self.call_service(&method, params, reply, requests);
                }
            }
            "initialize" => {
                let is_request = reply.id().is_some();
                let task = self.call_service(&method, params, reply, requests);
                self.initialize = is_request.then_some(task).or(self.initialize);
            }
            "shutdown" => {
                requests.stop_notifications();
                self.call_service(&method, params, reply, requests);
                self.is_shut_down = true;
            }
            "exit" => {
                self.call_service(&method, params, reply, requests);
                let end = match self.is_shut_down {
                    true => SessionEnd::Orderly,
                    false => SessionEnd::WithoutShutdown,
                };
                return Flow::End(end, None);
            }
            "textDocument/didChange" if reply.id().is_none() && !self.is_shut_down => {
                self.service.inner().change(params);
            }
            name => match own_method(name, params) {
                Some(method) => self.call_method(method, reply, requests),
                None => {
                    self.call_service(name, params, reply, requests);
                }
            },
        }
        Flow::Continue
    }

    /// Starts a method of fimd, or refuses it after `shutdown`.
    fn call_method(&self, method: Method, reply: Reply, requests: &mut Requests) {
        if self.is_shut_down {
            let refusal = Error::invalid_request("Invalid request");
            requests.run(reply, |_| async { Err::<Box<RawValue>, _>(refusal) });
        } else {
            let session = self.service.inner().session_view();
            method.start(session, reply, requests);
        }
    }

    /// Gives a message to tower-lsp's service and starts its handler.
    fn call_service(
        &mut self,
        method: &str,
        params: Option<&RawValue>,
        reply: Reply,
        requests: &mut Requests,
    ) -> task::Id {
        let handled = params.map(read_value).transpose().map(|params| {
            let mut request = jsonrpc::Request::build(method.to_owned());
            if reply.id().is_some() {
                self.last_number += 1;
                request = request.id(self.last_number);
            }
            if let Some(params) = params {
                request = request.params(params);
            }
            // The service is ready until `exit`, after which nothing is read.
            let _ready = self
                .service
                .poll_ready(&mut Context::from_waker(Waker::noop()));
            self.service.call(request.finish())
        });
        let is_request = reply.id().is_some();
        let method = method.to_owned();
        requests.run(reply, |_| async move {
            let exited = |error: ExitedError| Error::internal(error.to_string());
            let response = handled?.await.map_err(exited)?;
            service_result(&method, is_request, response)
        })
    }
}

/// The method of fimd with this name. `textDocument/inlineCompletion` is one of
/// LSP that tower-lsp does not know.
fn own_method(name: &str, params: Option<&RawValue>) -> Option<Method> {
    match name {
        "textDocument/inlineCompletion" => {
            let params = InlineCompletionParams::read(params);
            Some(Method::InlineCompletion(params))
        }
        name => Method::parse(name, params),
    }
}

/// The result of a call of tower-lsp's service.
fn service_result(
    method: &str,
    is_request: bool,
    response: Option<jsonrpc::Response>,
) -> Result<Box<RawValue>, Error> {
    let Some(response) = response else {
        // The service answers no notification, and no request of an unknown
        // method whose name begins with `$/`.
        return match is_request {
            true => Err(Error::method_not_found(method)),
            false => Ok(RawValue::NULL.to_owned()),
        };
    };
    match response.into_parts().1 {
        Ok(result) => to_raw_value(&result)
            .map_err(|error| Error::internal(format!("cannot write the result: {error}"))),
        Err(error) if error.code == ErrorCode::MethodNotFound => {
            Err(Error::method_not_found(method))
        }
        Err(error) => Err(lsp::from_lsp_error(&error)),
    }
}

fn read_value(params: &RawValue) -> Result<Value, Error> {
    serde_json::from_str(params.get())
        .map_err(|error| Error::invalid_params(format!("params: {error}")))
}

//! The right to answer one message, and the way of the answer: to the client or
//! into the array that answers a batch.

use std::time::Instant;

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::output::Outgoing;
use super::result::{AfterAnswer, MethodResult};
use crate::engine::Engine;
use crate::rpc::{self, Call, Id};

/// How many characters of a method's name and of an id the log shows. The client
/// chooses both.
const LOGGED_CHARS: usize = 40;

/// The answer to one call of a batch.
pub(super) struct BatchAnswer {
    /// The position of the call in the batch.
    index: usize,
    text: String,
    after: Option<AfterAnswer>,
}

/// Where the text of an answer goes.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    /// To the client, as a message of its own.
    Client(mpsc::Sender<Outgoing>),
    /// Into the answer to a batch, at a position.
    Batch(usize, mpsc::Sender<BatchAnswer>),
}

impl Destination {
    /// Sends the text of an answer, then runs `after`. Waits while the client
    /// has too many answers to read.
    pub(super) async fn send(self, text: String, after: Option<AfterAnswer>) {
        let is_sent = match self {
            Self::Client(answers) => answers.send(Outgoing::Answer(text)).await.is_ok_and(|()| {
                if let Some(after) = after {
                    after();
                }
                true
            }),
            Self::Batch(index, batch) => {
                let answer = BatchAnswer { index, text, after };
                batch.send(answer).await.is_ok()
            }
        };
        if !is_sent {
            tracing::debug!("the client left before the answer");
        }
    }
}

/// The right to answer one message, once. A reply may be dropped without an
/// answer only if the client has left.
pub(super) struct Reply {
    id: Option<Id>,
    /// The length of the message in bytes.
    bytes: usize,
    /// None if the message is a notification.
    destination: Option<Destination>,
    /// None if the message is not a call.
    record: Option<CallRecord>,
}

impl Reply {
    /// To a call, just read, of `bytes` bytes. Goes nowhere if the call is a
    /// notification.
    pub(super) fn to_call(
        engine: &Engine,
        call: &Call,
        destination: Destination,
        bytes: usize,
    ) -> Self {
        Self {
            id: call.id.clone(),
            bytes,
            destination: call.id.is_some().then_some(destination),
            record: Some(CallRecord {
                engine: engine.clone(),
                method: call.method.clone(),
                since: Instant::now(),
            }),
        }
    }

    /// To a message of `bytes` bytes that is not a call. An id that could not be
    /// read is answered as `null`.
    pub(super) fn to_refused(id: Option<Id>, destination: Destination, bytes: usize) -> Self {
        Self {
            id,
            bytes,
            destination: Some(destination),
            record: None,
        }
    }

    /// The id of the call; none for a notification.
    pub(super) fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// The length of the message in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Answers. Waits while the client has too many answers to read.
    pub(super) async fn send(self, result: Result<MethodResult, rpc::Error>) {
        let Some(destination) = self.destination else {
            if let Err(error) = result {
                tracing::debug!(code = error.code(), "a notification failed");
            }
            return;
        };
        let (result, after) = match result {
            Ok(MethodResult { json, after }) => (Ok(json), after),
            Err(error) => (Err(error), None),
        };
        let result: Result<&RawValue, &rpc::Error> = result.as_deref();
        let text = rpc::answer(self.id.as_ref(), result);
        if let Some(record) = self.record {
            record.finish(result.err(), self.bytes, text.len());
        }
        destination.send(text, after).await;
    }
}

/// Measures a call from its reading until its answer goes to the writer.
#[derive(Debug)]
struct CallRecord {
    engine: Engine,
    method: String,
    since: Instant,
}

impl CallRecord {
    /// Counts and logs the call, without any content of the question or the
    /// answer.
    fn finish(&self, error: Option<&rpc::Error>, bytes_in: usize, bytes_out: usize) {
        let took = self.since.elapsed();
        self.engine.answered(&self.method, took, error.is_some());
        tracing::info!(
            bytes_in,
            bytes_out,
            ms = took.as_secs_f64() * 1e3,
            error = error.map(rpc::Error::code),
            "answered"
        );
    }
}

/// The log's span of a call.
pub(super) fn span(call: &Call) -> tracing::Span {
    // Skips the formatting if the log does not show the span.
    if !tracing::enabled!(tracing::Level::INFO) {
        return tracing::Span::none();
    }
    let id = call.id.as_ref().map(ToString::to_string);
    let id = id.map(|id| tracing::field::display(format!("{id:.LOGGED_CHARS$}")));
    let method = format!("{:.LOGGED_CHARS$}", call.method);
    tracing::info_span!("request", method, id)
}

/// Waits until every reply of a batch has been sent or dropped, and joins the
/// answers in the order of the calls. Returns none if the batch held only
/// notifications, else the text and what runs after it.
pub(super) async fn gather(
    mut answers: mpsc::Receiver<BatchAnswer>,
) -> Option<(String, AfterAnswer)> {
    let mut gathered = Vec::new();
    while let Some(answer) = answers.recv().await {
        gathered.push(answer);
    }
    gathered.sort_unstable_by_key(|answer| answer.index);
    let (texts, after): (Vec<_>, Vec<_>) = gathered
        .into_iter()
        .map(|answer| (answer.text, answer.after))
        .unzip();
    let after = Box::new(|| after.into_iter().flatten().for_each(|after| after()));
    (!texts.is_empty()).then(|| (format!("[{}]", texts.join(",")), after as AfterAnswer))
}

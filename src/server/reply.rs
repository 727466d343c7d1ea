//! The way of one answer back to the client.

use std::io;
use std::time::Instant;

use serde_json::value::RawValue;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::engine::Engine;
use crate::rpc::frames::Framing;
use crate::rpc::{self, Call, Id};

/// A result as JSON text, or an error.
pub(super) type Answer = Result<Box<RawValue>, rpc::Error>;

/// Where the text of an answer goes.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    /// The client, as a message of its own.
    Client(mpsc::Sender<String>),
    /// A place in the array that answers a batch.
    Batch(usize, mpsc::Sender<(usize, String)>),
}

impl Destination {
    /// Sends the text of an answer. Waits while the client has too many to read.
    pub(super) async fn send(self, text: String) {
        let sent = match self {
            Self::Client(answers) => answers.send(text).await.is_ok(),
            Self::Batch(place, batch) => batch.send((place, text)).await.is_ok(),
        };
        if !sent {
            tracing::debug!("the client left before the answer");
        }
    }
}

/// The right to answer one message, once. To drop it without an answer is
/// right for a session whose client has gone, and for nothing else.
#[derive(Debug)]
pub(super) struct Reply {
    id: Option<Id>,
    destination: Option<Destination>,
    /// What is told of the answer, if it is one to a call.
    asked: Option<Asked>,
}

/// A call from its reading on: how long it takes is counted until its answer
/// goes to the writer.
#[derive(Debug)]
pub(super) struct Asked {
    engine: Engine,
    method: String,
    bytes: usize,
    since: Instant,
}

impl Asked {
    /// A call of so many bytes, just read.
    pub(super) fn now(engine: &Engine, call: &Call, bytes: usize) -> Self {
        Self {
            engine: engine.clone(),
            method: call.method.clone(),
            bytes,
            since: Instant::now(),
        }
    }

    /// Counts it and logs it, without a word of what was asked or answered.
    fn answered(&self, answer: &Answer, bytes_out: usize) {
        let took = self.since.elapsed();
        let error = answer.as_ref().err();
        self.engine.answered(&self.method, took, error.is_some());
        tracing::info!(
            bytes_in = self.bytes,
            bytes_out,
            ms = took.as_secs_f64() * 1e3,
            error = error.map(rpc::Error::code),
            "answered"
        );
    }
}

impl Reply {
    /// To a call: goes nowhere if it is a notification.
    pub(super) fn to_call(id: Option<Id>, destination: Destination, asked: Asked) -> Self {
        Self {
            destination: id.is_some().then_some(destination),
            id,
            asked: Some(asked),
        }
    }

    /// To a message that is no call: with the id `null` if it had none.
    pub(super) fn to_refused(id: Option<Id>, destination: Destination) -> Self {
        Self {
            id,
            destination: Some(destination),
            asked: None,
        }
    }

    /// Answers. Waits while the client has too many answers to read.
    pub(super) async fn send(self, answer: Answer) {
        match (self.destination, &answer) {
            (Some(destination), _) => {
                let text = rpc::answer(self.id.as_ref(), &answer);
                if let Some(asked) = self.asked {
                    asked.answered(&answer, text.len());
                }
                destination.send(text).await;
            }
            (None, Err(error)) => {
                tracing::debug!(code = error.code(), "a notification failed");
            }
            (None, Ok(_)) => {}
        }
    }
}

/// The span in which a call is worked on. The client chooses method and id, so
/// of long ones the log shows the beginning alone.
pub(super) fn span(call: &Call) -> tracing::Span {
    const SHOWN_CHARS: usize = 40;
    let id = call.id.as_ref().map(ToString::to_string);
    let id = id.map(|id| tracing::field::display(format!("{id:.SHOWN_CHARS$}")));
    let method = format!("{:.SHOWN_CHARS$}", call.method);
    tracing::info_span!("request", method, id)
}

/// The array of a batch's answers, in the order of its requests; none if it
/// held only notifications. Complete once every reply has been sent or dropped.
pub(super) async fn gather(mut answers: mpsc::Receiver<(usize, String)>) -> Option<String> {
    let mut gathered = Vec::new();
    while let Some(answer) = answers.recv().await {
        gathered.push(answer);
    }
    gathered.sort_unstable();
    let texts: Vec<String> = gathered.into_iter().map(|(_, text)| text).collect();
    (!texts.is_empty()).then(|| format!("[{}]", texts.join(",")))
}

/// Writes messages as they come, each flushed at once, until their senders are gone.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    mut messages: mpsc::Receiver<String>,
    mut output: W,
    framing: Framing,
) -> io::Result<()> {
    while let Some(message) = messages.recv().await {
        output.write_all(framing.frame(message).as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

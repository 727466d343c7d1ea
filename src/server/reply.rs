//! The way of one answer back to the client, and of what it is told unasked.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::value::RawValue;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::engine::Engine;
use crate::rpc::frames::Framing;
use crate::rpc::{self, Call, Id};

/// A result as JSON text, or an error.
pub(super) type Answer = Result<Box<RawValue>, rpc::Error>;

/// What happens once an answer is on its way: what it does comes after it.
pub(super) type Then = Box<dyn FnOnce(&Answer) + Send>;

/// A [`Then`] that knows the answer.
type After = Box<dyn FnOnce() + Send>;

/// A message on its way to the client.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// One answer, or those of a batch.
    Answer(String),
    /// A notification, which is dropped once the session has become quiet.
    Unasked(String),
}

/// Says whether the client wants to hear answers alone, since it has asked for
/// the end. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Quiet(Arc<AtomicBool>);

impl Quiet {
    /// From the next message on, which is written after this, nothing unasked
    /// is written any more.
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Tells a client what it has not asked for, in any framing. It does not keep
/// the connection open.
#[derive(Clone, Debug)]
pub(super) struct Notifier(mpsc::WeakSender<Outgoing>);

impl Notifier {
    /// Of the client whose messages go to `output`.
    pub(super) fn new(output: &mpsc::Sender<Outgoing>) -> Self {
        Self(output.downgrade())
    }

    /// Sends the notification that `make` makes. Waits while the client has
    /// too much to read, and makes it then, so that what is sent is news.
    /// None if the client has gone.
    pub(super) async fn send<E: Display>(
        &self,
        make: impl FnOnce() -> Result<String, E>,
    ) -> Option<()> {
        let output = self.0.upgrade()?;
        let room = output.reserve().await.ok()?;
        match make() {
            Ok(notification) => room.send(Outgoing::Unasked(notification)),
            Err(error) => tracing::error!("a notification cannot be written: {error}"),
        }
        Some(())
    }

    /// Whether nobody is told anything any more.
    pub(super) fn has_gone(&self) -> bool {
        self.0.upgrade().is_none_or(|output| output.is_closed())
    }
}

/// An answer, its place in a batch, and what comes after it.
pub(super) type Placed = (usize, String, Option<After>);

/// Where the text of an answer goes.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    /// The client, as a message of its own.
    Client(mpsc::Sender<Outgoing>),
    /// A place in the array that answers a batch.
    Batch(usize, mpsc::Sender<Placed>),
}

impl Destination {
    /// Sends the text of an answer, then does what comes after it. Waits
    /// while the client has too many to read.
    pub(super) async fn send(self, text: String, after: Option<After>) {
        let sent = match self {
            Self::Client(answers) => answers.send(Outgoing::Answer(text)).await.is_ok_and(|()| {
                if let Some(after) = after {
                    after();
                }
                true
            }),
            Self::Batch(place, batch) => batch.send((place, text, after)).await.is_ok(),
        };
        if !sent {
            tracing::debug!("the client left before the answer");
        }
    }
}

/// The right to answer one message, once. To drop it without an answer is
/// right for a session whose client has gone, and for nothing else.
pub(super) struct Reply {
    id: Option<Id>,
    destination: Option<Destination>,
    then: Option<Then>,
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
            then: None,
            asked: Some(asked),
        }
    }

    /// To a message that is no call: with the id `null` if it had none.
    pub(super) fn to_refused(id: Option<Id>, destination: Destination) -> Self {
        Self {
            id,
            destination: Some(destination),
            then: None,
            asked: None,
        }
    }

    /// The same, with something that comes after the answer.
    pub(super) fn then(self, then: Then) -> Self {
        Self {
            then: Some(then),
            ..self
        }
    }

    /// Answers. Waits while the client has too many answers to read.
    pub(super) async fn send(self, answer: Answer) {
        match (self.destination, answer) {
            (Some(destination), answer) => {
                let text = rpc::answer(self.id.as_ref(), &answer);
                if let Some(asked) = self.asked {
                    asked.answered(&answer, text.len());
                }
                let after = self
                    .then
                    .map(|then| Box::new(move || then(&answer)) as After);
                destination.send(text, after).await;
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
    // What nobody reads is not written out either.
    if !tracing::enabled!(tracing::Level::INFO) {
        return tracing::Span::none();
    }
    let id = call.id.as_ref().map(ToString::to_string);
    let id = id.map(|id| tracing::field::display(format!("{id:.SHOWN_CHARS$}")));
    let method = format!("{:.SHOWN_CHARS$}", call.method);
    tracing::info_span!("request", method, id)
}

/// The array of a batch's answers, in the order of its requests; none if it
/// held only notifications. Complete once every reply has been sent or dropped.
/// What comes after them comes after all of it.
pub(super) async fn gather(mut answers: mpsc::Receiver<Placed>) -> Option<(String, After)> {
    let mut gathered = Vec::new();
    while let Some(answer) = answers.recv().await {
        gathered.push(answer);
    }
    gathered.sort_unstable_by_key(|(place, ..)| *place);
    let (texts, after): (Vec<_>, Vec<_>) = gathered
        .into_iter()
        .map(|(_, text, after)| (text, after))
        .unzip();
    let after = Box::new(|| after.into_iter().flatten().for_each(|after| after()));
    (!texts.is_empty()).then(|| (format!("[{}]", texts.join(",")), after as After))
}

/// Writes messages as they come, each flushed at once, until their senders are
/// gone; nothing unasked once the session is quiet.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    mut messages: mpsc::Receiver<Outgoing>,
    mut output: W,
    framing: Framing,
    quiet: Quiet,
) -> io::Result<()> {
    while let Some(message) = messages.recv().await {
        let message = match message {
            Outgoing::Unasked(_) if quiet.0.load(Ordering::Acquire) => continue,
            Outgoing::Answer(text) | Outgoing::Unasked(text) => text,
        };
        output.write_all(framing.frame(message).as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

//! The way of one answer back to the client.

use std::io;

use serde_json::value::RawValue;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::rpc::frames::Framing;
use crate::rpc::{self, Id};

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
}

impl Reply {
    /// To a call: goes nowhere if it is a notification.
    pub(super) fn to_call(id: Option<Id>, destination: Destination) -> Self {
        Self {
            destination: id.is_some().then_some(destination),
            id,
        }
    }

    /// To a message that is no call: with the id `null` if it had none.
    pub(super) fn to_refused(id: Option<Id>, destination: Destination) -> Self {
        Self {
            id,
            destination: Some(destination),
        }
    }

    /// Answers. Waits while the client has too many answers to read.
    pub(super) async fn send(self, answer: Answer) {
        match (self.destination, &answer) {
            (Some(destination), _) => {
                destination
                    .send(rpc::answer(self.id.as_ref(), &answer))
                    .await;
            }
            (None, Err(error)) => tracing::debug!("a notification failed: {error}"),
            (None, Ok(_)) => {}
        }
    }
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

//! The way of one answer back to the client.

use std::io;

use serde_json::value::RawValue;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::rpc::{self, Id};

/// A result as JSON text, or an error.
pub(super) type Answer = Result<Box<RawValue>, rpc::Error>;

/// Where the text of an answer goes.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    /// A line of the output.
    Line(mpsc::Sender<String>),
    /// A place in the array that answers a batch.
    Batch(usize, mpsc::Sender<(usize, String)>),
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
        let id = self.id.as_ref();
        let sent = match self.destination {
            None => {
                if let Err(error) = &answer {
                    tracing::debug!("a notification failed: {error}");
                }
                true
            }
            Some(Destination::Line(lines)) => lines.send(rpc::answer(id, &answer)).await.is_ok(),
            Some(Destination::Batch(place, batch)) => {
                let text = rpc::answer(id, &answer);
                batch.send((place, text)).await.is_ok()
            }
        };
        if !sent {
            tracing::debug!("the client left before the answer");
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

/// Writes lines as they come, each flushed at once, until their senders are gone.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    mut lines: mpsc::Receiver<String>,
    mut output: W,
) -> io::Result<()> {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        output.write_all(line.as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

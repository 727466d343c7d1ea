//! The way of messages to the client: answers, and notifications that no
//! request asked for.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::rpc::Framing;

/// A message on its way to the client.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// One answer, or the answers to a batch.
    Answer(String),
    /// A notification or a request of fimd. The writer drops it once the
    /// [`NotificationGate`] is closed.
    Unasked(String),
}

/// Whether the client still wants messages that are not answers. Once it has asked
/// for the end, it wants none. Clones share the state.
#[derive(Clone, Debug, Default)]
pub(super) struct NotificationGate(Arc<AtomicBool>);

impl NotificationGate {
    /// From now on the writer drops all messages that are not answers.
    pub(super) fn close(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Sends the client what it has not asked for, in either framing. A notifier
/// does not keep the connection open.
#[derive(Clone, Debug)]
pub(super) struct Notifier(mpsc::WeakSender<Outgoing>);

impl Notifier {
    /// Notifies the client whose messages go to `output`.
    pub(super) fn new(output: &mpsc::Sender<Outgoing>) -> Self {
        Self(output.downgrade())
    }

    /// Waits until the output has room for a message, then makes and sends the
    /// one that `make` gives, so that its content is up to date. Returns none if
    /// the client has left.
    pub(super) async fn send<E: Display>(
        &self,
        make: impl FnOnce() -> Result<String, E>,
    ) -> Option<()> {
        let output = self.0.upgrade()?;
        let room = output.reserve().await.ok()?;
        match make() {
            Ok(message) => room.send(Outgoing::Unasked(message)),
            Err(error) => tracing::error!("a notification cannot be written: {error}"),
        }
        Some(())
    }

    /// Whether the client has left.
    pub(super) fn is_disconnected(&self) -> bool {
        self.0.upgrade().is_none_or(|output| output.is_closed())
    }
}

/// Writes messages as they come and flushes each, until all senders are gone.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    mut messages: mpsc::Receiver<Outgoing>,
    mut output: W,
    framing: Framing,
    gate: NotificationGate,
) -> io::Result<()> {
    while let Some(message) = messages.recv().await {
        let message = match message {
            Outgoing::Unasked(_) if gate.is_closed() => continue,
            Outgoing::Answer(text) | Outgoing::Unasked(text) => text,
        };
        output.write_all(framing.frame(message).as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

//! One connection: reads messages in order and gives them to the protocol of its
//! framing, which starts the requests.
//!
//! The loop never waits for the client. It reads no further while too many
//! requests are in flight, and all other waiting happens in tasks.

use std::future::Future;
use std::io;
use std::pin::pin;

use tokio::io::{AsyncBufRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::output::{self, NotificationGate, Notifier};
use super::reply::Reply;
use super::requests::Requests;
use super::result::MethodResult;
use super::settings::{self, SettingsNews};
use crate::engine::Engine;
use crate::rpc::{self, Frame, FrameReader, Framing, Message};

/// How many answers the output holds for the client to read. The tasks of other
/// answers wait.
const WAITING_ANSWERS: usize = 64;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// By `shutdown`, by the end of the input, or from outside.
    Orderly,
    /// By LSP's `exit` without `shutdown` before it. LSP asks for the exit code 1.
    WithoutShutdown,
}

/// What the session does after a message.
pub(super) enum Flow {
    /// It reads the next one.
    Continue,
    /// It ends, because the client has asked for it, once all requests are
    /// answered. The reply, if there is one, is answered last.
    End(SessionEnd, Option<Reply>),
}

/// The meaning of the messages of a framing.
pub(super) trait Protocol {
    /// Starts what a message of `bytes` bytes asks for. Never waits.
    fn message(&mut self, message: Message, bytes: usize, requests: &mut Requests) -> Flow;

    /// Whether the session may read the next message.
    fn is_ready(&self, requests: &Requests) -> bool;

    /// Whether the client may be told of changed settings now. If not, the session
    /// tells it later.
    fn can_hear_of_settings(&self, requests: &Requests) -> bool;

    /// The settings have changed.
    fn settings_changed(&mut self) {}
}

/// Serves one connection to its end; see [`serve`](super::serve::serve).
/// `protocol` makes the protocol that gives the messages their meaning.
pub(super) async fn run<P, R, W>(
    engine: Engine,
    protocol: impl FnOnce(Notifier) -> P,
    framing: Framing,
    mut frames: FrameReader<R>,
    output: W,
    shutdown: impl Future<Output = ()>,
) -> io::Result<SessionEnd>
where
    P: Protocol,
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let max_message_bytes = engine.limits().max_message_bytes;
    let mut news = SettingsNews::new(&engine);
    // Holds at most one task, which waits until the output has room.
    let mut telling = JoinSet::new();
    let (answers, waiting) = mpsc::channel(WAITING_ANSWERS);
    let gate = NotificationGate::default();
    let mut writer = tokio::spawn(output::write(waiting, output, framing, gate.clone()));
    let mut requests = Requests::new(answers, gate);
    let mut protocol = protocol(requests.notifier());
    let mut shutdown = pin!(shutdown);
    let mut end = SessionEnd::Orderly;
    let mut last_reply = None;
    let mut failure = None;
    loop {
        let may_read = requests.have_room() && protocol.is_ready(&requests);
        tokio::select! {
            () = &mut shutdown => break,
            written = &mut writer => return close(written).map(|()| end),
            Some(finished) = requests.next_finished() => requests.forget(finished),
            Some(told) = telling.join_next() => log_if_not_told(told),
            warning = news.next(),
                if telling.is_empty() && protocol.can_hear_of_settings(&requests) =>
            {
                protocol.settings_changed();
                let client = requests.notifier();
                telling.spawn(settings::tell(engine.clone(), client, framing, warning));
            }
            frame = frames.next(), if may_read => match frame {
                Ok(Some(frame)) => {
                    let (message, bytes) = read(frame, max_message_bytes);
                    if let Flow::End(how, reply) = protocol.message(message, bytes, &mut requests) {
                        (end, last_reply) = (how, reply);
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            },
        }
    }
    requests.stop_notifications();
    // Answers all requests that were read.
    loop {
        tokio::select! {
            written = &mut writer => return close(written).map(|()| end),
            finished = requests.next_finished() => match finished {
                Some(finished) => requests.forget(finished),
                None => break,
            },
        }
    }
    if let Some(reply) = last_reply {
        reply.send(Ok(MethodResult::null())).await;
    }
    // The writer ends once all senders of answers are gone.
    drop((protocol, requests));
    close(writer.await)?;
    failure.map_or(Ok(end), Err)
}

/// Logs that the client was not told of changed settings, if so.
fn log_if_not_told(told: Result<(), JoinError>) {
    if let Err(error) = told {
        tracing::error!("a change of settings was not told: {error}");
    }
}

/// The message of a frame and its length in bytes.
fn read(frame: Frame, max_message_bytes: usize) -> (Message, usize) {
    match frame {
        Frame::Message(bytes) => (Message::read(&bytes), bytes.len()),
        Frame::TooLong => {
            let error = rpc::Error::invalid_request(format!(
                "a message may have {max_message_bytes} bytes; this one was skipped; raise \
                 max_message_bytes under [limits] in the settings file"
            ));
            (Message::One(Err(error.into())), 0)
        }
        Frame::NoRoom => {
            let error = rpc::Error::invalid_request(
                "the unfinished messages of all clients take too much memory; this one was \
                 skipped; send it again later",
            );
            (Message::One(Err(error.into())), 0)
        }
        Frame::Malformed(what) => (Message::One(Err(rpc::Error::parse(what).into())), 0),
    }
}

/// The result of the connection after the end of its writer. A client that has
/// stopped to read has left, which is no error.
fn close(written: Result<io::Result<()>, JoinError>) -> io::Result<()> {
    match written.map_err(io::Error::other)? {
        Err(error) if has_left(&error) => Ok(()),
        outcome => outcome,
    }
}

/// Whether writing failed because the client has left.
fn has_left(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

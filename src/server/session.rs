//! One connection: reads messages in order and hands them to the protocol of
//! its framing, which starts what they ask for.
//!
//! The loop never waits for a client: it reads no further while as much is in
//! flight as may be, and whatever has to wait, waits in a task of its own.

use std::future::Future;
use std::io;
use std::pin::pin;

use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::reply::{self, Notifier, Quiet, Reply};
use super::requests::Requests;
use super::settings;
use crate::engine::Engine;
use crate::rpc::frames::{Frame, Frames, Framing};
use crate::rpc::{self, Message};

/// How many answers may wait for the client to read them, besides those whose
/// tasks wait.
const WAITING_ANSWERS: usize = 64;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Orderly,
    /// With LSP's `exit` and no `shutdown` before it, for which LSP asks the
    /// exit code 1.
    WithoutShutdown,
}

/// What a message led to.
pub(super) enum Flow {
    /// The next one can be read.
    Continue,
    /// The client asked for the end: it comes once everything has been
    /// answered, at last with this reply, if there is one.
    End(End, Option<Reply>),
}

/// What the messages of a framing mean.
pub(super) trait Protocol {
    /// Starts what a message of so many bytes asks for. Never waits.
    fn message(&mut self, message: Message, bytes: usize, requests: &mut Requests) -> Flow;

    /// Whether the next message may be read.
    fn is_ready(&self, requests: &Requests) -> bool;

    /// Whether the client may be told of settings that change. Who may not yet
    /// is told later.
    fn hears_of_settings(&self, requests: &Requests) -> bool;
}

/// Serves one connection to its end; see [`serve`](super::serve). What its
/// messages mean is up to `protocol`, made with a way to tell the client what
/// it has not asked for.
pub(super) async fn run<P, R, W>(
    engine: Engine,
    protocol: impl FnOnce(Notifier) -> P,
    framing: Framing,
    mut frames: Frames<R>,
    output: W,
    shutdown: impl Future<Output = ()>,
) -> io::Result<End>
where
    P: Protocol,
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let max_message_bytes = engine.limits().max_message_bytes;
    let mut changes = engine.settings_changes();
    // At most one, which waits until the client has room for it.
    let mut telling = JoinSet::new();
    let (answers, waiting) = mpsc::channel(WAITING_ANSWERS);
    let quiet = Quiet::default();
    let mut writer = tokio::spawn(reply::write(waiting, output, framing, quiet.clone()));
    let mut requests = Requests::new(answers, quiet);
    let mut protocol = protocol(requests.notifier());
    let mut shutdown = pin!(shutdown);
    let mut end = End::Orderly;
    let mut last_reply = None;
    let mut failure = None;
    loop {
        let may_read = requests.have_room() && protocol.is_ready(&requests);
        tokio::select! {
            () = &mut shutdown => break,
            written = &mut writer => return close(written).map(|()| end),
            Some(finished) = requests.next_finished() => requests.finished(finished),
            Some(told) = telling.join_next() => if let Err(error) = told {
                tracing::error!("a change of settings was not told: {error}");
            },
            Ok(()) = changes.changed(),
                if telling.is_empty() && protocol.hears_of_settings(&requests) =>
            {
                telling.spawn(settings::tell(engine.clone(), requests.notifier()));
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
    requests.be_quiet();
    // What was asked before the end is answered before it.
    loop {
        tokio::select! {
            written = &mut writer => return close(written).map(|()| end),
            finished = requests.next_finished() => match finished {
                Some(finished) => requests.finished(finished),
                None => break,
            },
        }
    }
    if let Some(reply) = last_reply {
        reply.send(Ok(RawValue::NULL.to_owned())).await;
    }
    // The writer ends when nobody can send it answers any more.
    drop((protocol, requests));
    close(writer.await)?;
    failure.map_or(Ok(end), Err)
}

/// What a frame says, and how many bytes it takes to remember it.
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
        Frame::Malformed(what) => (Message::One(Err(rpc::Error::parse(what).into())), 0),
    }
}

/// What the writer's end means for the connection. A client that reads no
/// further has left, which is its right.
fn close(written: Result<io::Result<()>, JoinError>) -> io::Result<()> {
    match written.map_err(io::Error::other)? {
        Err(error) if has_left(&error) => Ok(()),
        outcome => outcome,
    }
}

/// Whether writing failed because nobody reads.
fn has_left(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

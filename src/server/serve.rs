//! One client, served over two streams of bytes.

use std::future::Future;
use std::io;
use std::pin::pin;

use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tracing::Instrument;

use super::lsp_session::LspSession;
use super::ndjson_session::NdjsonSession;
use super::session::{self, SessionEnd};
use crate::engine::Engine;
use crate::rpc::{FrameReader, Framing, MessageRoom};

/// The size of the input's buffer in bytes.
const READ_BYTES: usize = 1 << 16;

/// Answers the requests on `input`, of the only client of the process, on `output`. The
/// first byte decides the framing. The session ends when the client asks for the end, the
/// input ends, the client stops to read the output, or `shutdown` completes. It answers
/// all requests that it has read before it ends.
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub async fn serve<R, W>(
    engine: Engine,
    input: R,
    output: W,
    shutdown: impl Future<Output = ()>,
) -> io::Result<SessionEnd>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let room = MessageRoom::new(engine.limits().max_message_bytes);
    serve_one(engine, room, input, output, shutdown).await
}

/// Like [`serve`], of one of many clients. Messages that have not come as a whole take
/// memory of `room`.
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub(super) async fn serve_one<R, W>(
    engine: Engine,
    room: MessageRoom,
    input: R,
    output: W,
    shutdown: impl Future<Output = ()>,
) -> io::Result<SessionEnd>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let mut input = BufReader::with_capacity(READ_BYTES, input);
    let mut shutdown = pin!(shutdown);
    let framing = tokio::select! {
        framing = Framing::detect(&mut input) => framing?,
        () = &mut shutdown => None,
    };
    let Some(framing) = framing else {
        return Ok(SessionEnd::Orderly);
    };
    let engine = engine.for_client(framing.name());
    let limit = engine.limits().max_message_bytes;
    let frames = FrameReader::new(framing, input, limit, room);
    let span = tracing::info_span!(
        "client",
        number = engine.client_number(),
        framing = framing.name()
    );
    let session = async {
        tracing::info!("connected");
        let end = match framing {
            Framing::Ndjson => {
                let protocol = |_| NdjsonSession::new(engine.clone());
                session::run(engine.clone(), protocol, framing, frames, output, shutdown).await
            }
            Framing::Lsp => {
                let protocol = |client| LspSession::new(engine.clone(), client);
                session::run(engine.clone(), protocol, framing, frames, output, shutdown).await
            }
        };
        tracing::info!("left");
        end
    };
    session.instrument(span).await
}

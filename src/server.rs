//! Serves the engine to clients: [`serve`] to one over two streams of bytes,
//! [`listen`] to many over a socket.
//!
//! [`rpc`](crate::rpc) frames and reads messages. A session gives every request
//! exactly one answer; what a message means is decided by the protocol of its
//! framing: *lines*, the seed's, or *headers*, LSP's. A file under `methods`
//! does what one method does, for both. Streams and the end of the service are
//! arguments, so that stdio, a socket and a test are served alike.

mod buffers;
mod headers;
mod lines;
mod lsp;
mod methods;
mod outcome;
mod params;
mod peer;
mod progress;
mod project;
mod reply;
mod requests;
mod session;
mod settings;
mod socket;

use std::future::Future;
use std::io;
use std::pin::pin;

use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tracing::Instrument;

pub use self::session::End;
pub use self::socket::{Socket, SocketError, listen};

use self::headers::HeadersProtocol;
use self::lines::LinesProtocol;
use crate::engine::Engine;
use crate::rpc::frames::{Frames, Framing};

/// How many bytes are read from the input at once.
const READ_BYTES: usize = 1 << 16;

/// Answers the requests on `input` on `output`, in the framing that the first
/// byte tells, until the client asks for the end, the input ends, nobody reads
/// the output any more, or `shutdown` completes. What was asked before is
/// answered first.
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub async fn serve<R, W>(
    engine: Engine,
    input: R,
    output: W,
    shutdown: impl Future<Output = ()>,
) -> io::Result<End>
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
        return Ok(End::Orderly);
    };
    let engine = engine.for_client(framing.name());
    let limit = engine.limits().max_message_bytes;
    let frames = Frames::new(framing, input, limit);
    let span = tracing::info_span!(
        "client",
        number = engine.client_number(),
        framing = framing.name()
    );
    let session = async {
        tracing::info!("connected");
        let end = match framing {
            Framing::Lines => {
                let protocol = |_| LinesProtocol::new(engine.clone());
                session::run(engine.clone(), protocol, framing, frames, output, shutdown).await
            }
            Framing::Headers => {
                let protocol = |client| HeadersProtocol::new(engine.clone(), client);
                session::run(engine.clone(), protocol, framing, frames, output, shutdown).await
            }
        };
        tracing::info!("left");
        end
    };
    session.instrument(span).await
}

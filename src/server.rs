//! Serves the engine to one client over two streams of bytes: [`serve`].
//!
//! [`rpc`](crate::rpc) frames and reads messages, a session gives every
//! request exactly one answer, and a file under `methods` does what one method
//! does. Streams and the end of the service are arguments, so that stdio, a
//! socket and a test are served alike.

mod methods;
mod outcome;
mod params;
mod project;
mod reply;
mod session;

use std::future::Future;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, BufReader};

use crate::engine::Engine;
use crate::rpc::lines::{Lines, MAX_MESSAGE_BYTES};

/// How many bytes are read from the input at once.
const READ_BYTES: usize = 1 << 16;

/// Answers the requests on `input`, one JSON-RPC message per line, on `output`,
/// until the client asks for the end, the input ends, nobody reads the output
/// any more, or `shutdown` completes. What was asked before is answered first.
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub async fn serve<R, W>(
    engine: Engine,
    input: R,
    output: W,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let input = BufReader::with_capacity(READ_BYTES, input);
    let lines = Lines::new(input, MAX_MESSAGE_BYTES);
    session::run(engine, lines, output, shutdown).await
}

//! Serves the engine to clients: [`serve`] to one over two streams of bytes,
//! [`listen`] to many over a socket.
//!
//! [`rpc`](crate::rpc) frames and reads messages. A session gives every request
//! exactly one answer. Each framing has a session of its own: NDJSON speaks the
//! predecessor's protocol, LSP that of language servers. Both start fimd's own
//! methods in one place, `methods`, which has a file per method. The streams and
//! the signal that ends the service are arguments, so that stdio, a socket and a
//! test are served alike.

mod buffers;
mod client_projects;
mod lsp;
mod lsp_session;
mod methods;
mod ndjson_session;
mod output;
mod params;
mod peer;
mod progress;
mod project;
mod reply;
mod requests;
mod result;
mod serve;
mod session;
mod session_projects;
mod session_view;
mod settings;
mod socket;
mod work;

pub use self::serve::serve;
pub use self::session::SessionEnd;
pub use self::socket::{Socket, SocketError, listen};

//! JSON-RPC 2.0: reading and writing messages in two framings, *NDJSON* (one
//! message per line) and *LSP* (`Content-Length` headers). Knows no method.

mod error;
mod frame;
mod framing;
mod lsp_frames;
mod message;
mod ndjson;
mod room;
mod write;

pub use self::error::Error;
pub use self::frame::Frame;
pub use self::framing::{FrameReader, Framing};
pub use self::lsp_frames::LspFrames;
pub use self::message::{Call, Id, JsonKind, MAX_BATCH, Message, Refusal, Response};
pub use self::ndjson::NdjsonFrames;
pub use self::room::MessageRoom;
pub use self::write::{answer, notification, request};

//! The unit into which both framings cut a stream.

/// The next piece of a stream of messages.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message, without the bytes that frame it.
    Message(Vec<u8>),
    /// A message above the limit. The reader drops or skips its bytes.
    TooLong,
    /// Bytes that frame no message, and what is wrong with them. The reader
    /// skips them.
    Malformed(String),
}

//! The unit into which both framings cut a stream.

/// The next piece of a stream of messages.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message, without the bytes that frame it.
    Message(Vec<u8>),
    /// A message above the limit. The reader drops or skips its bytes.
    TooLong,
    /// A message for which there was no memory, because of the unfinished messages of
    /// other clients. The reader drops and skips its bytes.
    NoRoom,
    /// Bytes that frame no message, and what is wrong with them. The reader
    /// skips them.
    Malformed(String),
}

//! The choice between the two framings. The first byte of a stream that is not
//! white space decides: an NDJSON client begins with `{` or `[`, an LSP client
//! with the name of a header.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::frame::Frame;
use super::lsp_frames::LspFrames;
use super::ndjson::NdjsonFrames;
use super::room::MessageRoom;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// How the messages of one connection are framed, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One message per line.
    Ndjson,
    /// LSP's: `Content-Length` and an empty line before each message.
    Lsp,
}

impl Framing {
    /// Waits for the first byte that is not white space and takes the white
    /// space before it, and a byte order mark. Returns nothing if the input ends first. The future can
    /// be dropped and the function called again.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub async fn detect(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        loop {
            let available = input.fill_buf().await?;
            if available.is_empty() {
                return Ok(None);
            }
            let blank = available.iter().take_while(|byte| is_blank(**byte));
            let blank = blank.count();
            let first = available.get(blank).copied();
            input.consume(blank);
            match first {
                Some(b'{' | b'[') => return Ok(Some(Self::Ndjson)),
                Some(_) => return Ok(Some(Self::Lsp)),
                None => {}
            }
        }
    }

    /// The name of the framing in `fimd/status` and in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "lines",
            Self::Lsp => "headers",
        }
    }

    /// The bytes that carry `message`, which holds no line break.
    #[must_use]
    pub fn frame(self, mut message: String) -> String {
        match self {
            Self::Ndjson => {
                message.push('\n');
                message
            }
            Self::Lsp => format!("Content-Length: {}\r\n\r\n{message}", message.len()),
        }
    }
}

/// Whether `byte` is white space or one of a byte order mark, which some clients send
/// before their first message.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || BYTE_ORDER_MARK.contains(&byte)
}

/// Reads the frames of a stream, in either framing.
#[derive(Debug)]
pub enum FrameReader<R> {
    /// Reads [`Framing::Ndjson`].
    Ndjson(NdjsonFrames<R>),
    /// Reads [`Framing::Lsp`].
    Lsp(LspFrames<R>),
}

impl<R: AsyncBufRead + Unpin> FrameReader<R> {
    /// Reads `input`. A message may have `max_bytes` bytes, and as much memory as `room`
    /// has.
    pub fn new(framing: Framing, input: R, max_bytes: usize, room: MessageRoom) -> Self {
        match framing {
            Framing::Ndjson => Self::Ndjson(NdjsonFrames::new(input, max_bytes, room)),
            Framing::Lsp => Self::Lsp(LspFrames::new(input, max_bytes, room)),
        }
    }

    /// The next frame; none at the end of the input. The future can be dropped
    /// and the method called again without loss.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<Frame>> {
        match self {
            Self::Ndjson(frames) => frames.next().await,
            Self::Lsp(frames) => frames.next().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    #[tokio::test]
    async fn the_first_byte_decides_the_framing_and_stays() {
        for (input, framing, rest) in [
            (" \r\n\t{}", Some(Framing::Ndjson), "{}"),
            ("[1]", Some(Framing::Ndjson), "[1]"),
            ("Content-", Some(Framing::Lsp), "Content-"),
            ("\ncontent", Some(Framing::Lsp), "content"),
            ("5", Some(Framing::Lsp), "5"),
            ("\u{feff}{}", Some(Framing::Ndjson), "{}"),
            ("\u{feff}\r\nContent-", Some(Framing::Lsp), "Content-"),
            (" \n", None, ""),
            ("", None, ""),
        ] {
            let mut reader = BufReader::with_capacity(2, input.as_bytes());
            assert_eq!(Framing::detect(&mut reader).await.unwrap(), framing);
            let mut left = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut left)
                .await
                .unwrap();
            assert_eq!(left, rest);
        }
    }
}

//! How a stream of bytes is cut into messages. The first byte that is not white
//! space tells: a client of *lines* begins with `{` or `[`, one of *headers*
//! with the name of a header.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

pub use super::headers::Headers;
pub use super::lines::Lines;

/// What a stream holds next.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message, without what frames it.
    Message(Vec<u8>),
    /// A message above the limit. Its bytes are gone or will be skipped.
    TooLong,
    /// Bytes that frame no message, and what is wrong with them. They are skipped.
    Malformed(String),
}

/// How the messages of one connection are framed, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One message per line.
    Lines,
    /// LSP's: `Content-Length` and an empty line before each message.
    Headers,
}

impl Framing {
    /// Waits for the byte that tells; none if the input ends before it. Takes
    /// the white space before that byte. Can be dropped and called again.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub async fn detect(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        loop {
            let available = input.fill_buf().await?;
            if available.is_empty() {
                return Ok(None);
            }
            let blank = available.len() - available.trim_ascii_start().len();
            let first = available.get(blank).copied();
            input.consume(blank);
            match first {
                Some(b'{' | b'[') => return Ok(Some(Self::Lines)),
                Some(_) => return Ok(Some(Self::Headers)),
                None => {}
            }
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Headers => "headers",
        }
    }

    /// The bytes that carry `message`, which holds no line break.
    #[must_use]
    pub fn frame(self, mut message: String) -> String {
        match self {
            Self::Lines => {
                message.push('\n');
                message
            }
            Self::Headers => format!("Content-Length: {}\r\n\r\n{message}", message.len()),
        }
    }
}

/// The frames of a stream, in either framing.
#[derive(Debug)]
pub enum Frames<R> {
    /// See [`Framing::Lines`].
    Lines(Lines<R>),
    /// See [`Framing::Headers`].
    Headers(Headers<R>),
}

impl<R: AsyncBufRead + Unpin> Frames<R> {
    /// Those of `input`, with messages of at most `max_bytes` bytes.
    pub fn new(framing: Framing, input: R, max_bytes: usize) -> Self {
        match framing {
            Framing::Lines => Self::Lines(Lines::new(input, max_bytes)),
            Framing::Headers => Self::Headers(Headers::new(input, max_bytes)),
        }
    }

    /// The next frame; none at the end of the input. Can be dropped and called
    /// again without loss.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<Frame>> {
        match self {
            Self::Lines(lines) => lines.next().await,
            Self::Headers(headers) => headers.next().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    #[tokio::test]
    async fn the_first_byte_tells_the_framing_and_stays() {
        for (input, framing, rest) in [
            (" \r\n\t{}", Some(Framing::Lines), "{}"),
            ("[1]", Some(Framing::Lines), "[1]"),
            ("Content-", Some(Framing::Headers), "Content-"),
            ("\ncontent", Some(Framing::Headers), "content"),
            ("5", Some(Framing::Headers), "5"),
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

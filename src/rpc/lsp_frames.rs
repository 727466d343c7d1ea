//! The LSP framing: `Content-Length: N`, an empty line, N bytes.
//!
//! After bytes that are no header, reading resumes at the next
//! `Content-Length:`, wherever in a line it stands. A client that miscounts one
//! message thus loses only that message.

use std::io;

use memchr::memchr;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::frame::Frame;
use super::room::{MessageRoom, MessageShare};

/// How many bytes of one header are kept.
const MAX_HEADER_BYTES: usize = 4096;

/// How many bytes are kept of the end of a longer header, which may be a
/// `Content-Length`.
const KEPT_BYTES: usize = 64;

/// The longest message that is skipped, in bytes. A greater number is no length: a
/// client that sends it would never be heard again.
const MAX_SKIPPED_BYTES: u64 = 1 << 40;

/// The name of the one header that counts, in lower case.
const CONTENT_LENGTH: &[u8] = b"content-length:";

/// Cuts a stream into messages by their headers. Holds at most one message and
/// one buffer of the stream.
#[derive(Debug)]
pub struct LspFrames<R> {
    input: R,
    max_bytes: usize,
    next: ReadState,
    /// The bytes read of the part that comes next.
    read: Vec<u8>,
    /// What they take of the room of all clients.
    share: MessageShare,
}

/// Which part of the stream comes next.
#[derive(Clone, Copy, Debug)]
enum ReadState {
    /// A header, or the empty line after the last one.
    Header {
        /// The message's `Content-Length` in bytes, once it was given.
        length: Option<u64>,
        /// Whether the message has headers.
        begun: bool,
        /// Whether something since the last message was no header.
        malformed: bool,
    },
    /// The body of a message, with its length in bytes.
    Body(usize),
    /// The body of a message that is not kept, with the bytes left to skip.
    Skipped(u64),
}

impl ReadState {
    const MESSAGE: Self = Self::Header {
        length: None,
        begun: false,
        malformed: false,
    };
}

impl<R: AsyncBufRead + Unpin> LspFrames<R> {
    /// Reads `input`. A message may have `max_bytes` bytes, and as much memory as `room`
    /// has.
    pub fn new(input: R, max_bytes: usize, room: MessageRoom) -> Self {
        Self {
            input,
            max_bytes,
            next: ReadState::MESSAGE,
            read: Vec::new(),
            share: MessageShare::new(room),
        }
    }

    /// The next frame; none at the end of the input, even inside a message. The
    /// future can be dropped and the method called again without loss.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            // A message of no bytes is complete before anything is read.
            if let ReadState::Body(length) = self.next
                && self.read.len() == length
            {
                self.next = ReadState::MESSAGE;
                self.share.release();
                return Ok(Some(Frame::Message(std::mem::take(&mut self.read))));
            }
            let available = self.input.fill_buf().await?;
            if available.is_empty() {
                return Ok(None);
            }
            match self.next {
                ReadState::Body(length) => {
                    let taken = available.len().min(length - self.read.len());
                    self.read.extend_from_slice(&available[..taken]);
                    self.input.consume(taken);
                    if !self.share.hold(self.read.len()) {
                        let left = length - std::mem::take(&mut self.read).len();
                        self.next = match left {
                            0 => ReadState::MESSAGE,
                            left => ReadState::Skipped(left as u64),
                        };
                        return Ok(Some(Frame::NoRoom));
                    }
                }
                ReadState::Skipped(left) => {
                    let taken = usize::try_from(left)
                        .map_or(available.len(), |left| left.min(available.len()));
                    self.input.consume(taken);
                    self.next = match left - taken as u64 {
                        0 => ReadState::MESSAGE,
                        left => ReadState::Skipped(left),
                    };
                }
                ReadState::Header { .. } => {
                    let end = memchr(b'\n', available);
                    let taken = end.map_or(available.len(), |end| end + 1);
                    self.read
                        .extend_from_slice(&available[..end.unwrap_or(taken)]);
                    self.input.consume(taken);
                    if let Some(frame) = self.header(end.is_some()) {
                        return Ok(Some(frame));
                    }
                }
            }
        }
    }

    /// Takes the part of a header that has been read; `complete` says whether it
    /// is all of it.
    fn header(&mut self, complete: bool) -> Option<Frame> {
        let ReadState::Header {
            length,
            begun,
            malformed,
        } = &mut self.next
        else {
            return None;
        };
        let was_malformed = *malformed;
        let mut complaint = None;
        if self.read.len() > MAX_HEADER_BYTES {
            self.read.drain(..self.read.len() - KEPT_BYTES);
            complaint = Some(format!("a header of more than {MAX_HEADER_BYTES} bytes"));
        }
        if complete {
            let mut line = std::mem::take(&mut self.read);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            match (read_header(&line), *length) {
                (HeaderLine::End, Some(length)) => {
                    let fits = usize::try_from(length)
                        .ok()
                        .filter(|&n| n <= self.max_bytes);
                    self.next = fits.map_or(ReadState::Skipped(length), ReadState::Body);
                    return fits.is_none().then_some(Frame::TooLong);
                }
                (HeaderLine::End, None) if *begun => {
                    complaint = Some("no Content-Length before the empty line".into());
                    *begun = false;
                }
                (HeaderLine::End, None) => {}
                (HeaderLine::Length(given), _) => {
                    *length = Some(given);
                    *malformed = false;
                }
                (HeaderLine::Other, _) => *begun = true,
                (HeaderLine::Malformed, _) => {
                    let line = String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned();
                    let expected = || format!("expected Content-Length: N, found {line:?}");
                    complaint = Some(complaint.unwrap_or_else(expected));
                }
            }
        }
        // One complaint covers all bytes up to the next Content-Length.
        *malformed |= complaint.is_some();
        complaint.filter(|_| !was_malformed).map(Frame::Malformed)
    }
}

/// One line before a message.
enum HeaderLine {
    /// The empty line.
    End,
    /// `Content-Length`, in bytes, possibly after bytes that are no header.
    Length(u64),
    /// Any other header.
    Other,
    /// Not a header.
    Malformed,
}

fn read_header(line: &[u8]) -> HeaderLine {
    if line.is_empty() {
        return HeaderLine::End;
    }
    let length = line
        .windows(CONTENT_LENGTH.len())
        .rposition(|window| window.eq_ignore_ascii_case(CONTENT_LENGTH));
    if let Some(at) = length {
        let digits = line[at + CONTENT_LENGTH.len()..].trim_ascii();
        let number = std::str::from_utf8(digits).ok();
        return number
            .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|number| number.parse().ok())
            .filter(|number| *number <= MAX_SKIPPED_BYTES)
            .map_or(HeaderLine::Malformed, HeaderLine::Length);
    }
    let name = memchr(b':', line).map_or(&[][..], |colon| &line[..colon]);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    if !name.is_empty() && name.iter().all(is_name) {
        HeaderLine::Other
    } else {
        HeaderLine::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, BufReader};

    /// The frames of `input` when it arrives in chunks that end at `cuts`.
    fn frames(input: &[u8], cuts: &[usize]) -> Vec<Frame> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut ours, theirs) = tokio::io::duplex(1 << 16);
            let mut reader = LspFrames::new(BufReader::new(theirs), 9, MessageRoom::new(0));
            let mut read = Vec::new();
            let mut start = 0;
            for &end in cuts.iter().chain([&input.len()]) {
                ours.write_all(&input[start..end]).await.unwrap();
                start = end;
                // Poll until all that has arrived is read, then drop the future.
                while let Some(frame) = tokio::select! {
                    biased;
                    frame = reader.next() => frame.unwrap(),
                    () = std::future::ready(()) => None,
                } {
                    read.push(frame);
                }
            }
            drop(ours);
            while let Some(frame) = reader.next().await.unwrap() {
                read.push(frame);
            }
            read
        })
    }

    fn message(text: &str) -> Frame {
        Frame::Message(text.into())
    }

    fn malformed(what: &str) -> Frame {
        Frame::Malformed(what.into())
    }

    #[test]
    fn messages_are_read_by_their_length() {
        let input = b"Content-Length: 2\r\n\r\n{}content-LENGTH:4\nContent-Type: x\r\n\n{\n }\
            \r\nContent-Length: 0\r\n\r\nContent-Length: 1\r\n\r\n5";
        let read = frames(input, &[]);
        assert_eq!(
            read,
            [message("{}"), message("{\n }"), message(""), message("5")]
        );
    }

    #[test]
    fn a_message_above_the_limit_is_skipped() {
        let input = b"Content-Length: 10\r\n\r\n0123456789Content-Length: 9\r\n\r\n012345678";
        assert_eq!(frames(input, &[]), [Frame::TooLong, message("012345678")]);
        // What no client sends is no length, and does not swallow what follows.
        let input = b"Content-Length: 18446744073709551615\r\n\r\n{}Content-Length: 2\r\n\r\n{}";
        let found = r#"expected Content-Length: N, found "Content-Length: 18446744073709551615""#;
        assert_eq!(frames(input, &[]), [malformed(found), message("{}")]);
    }

    #[test]
    fn what_is_no_header_is_named_once_and_the_next_message_is_read() {
        let input = b"hello\r\nworld\r\n\r\nContent-Length: 2\r\n\r\n{}\
            Content-Length: -1\r\n\r\n{}Content-Length: 1\r\n\r\n1\
            Content-Type: x\r\n\r\nContent-Length: 1\r\n\r\n2";
        assert_eq!(
            frames(input, &[]),
            [
                malformed("expected Content-Length: N, found \"hello\""),
                message("{}"),
                malformed("expected Content-Length: N, found \"Content-Length: -1\""),
                message("1"),
                malformed("no Content-Length before the empty line"),
                message("2"),
            ]
        );
    }

    #[test]
    fn a_header_without_end_is_not_kept() {
        let mut input = vec![b'x'; 1 << 20];
        input.extend_from_slice(b"Content-Length: 1\r\n\r\n1");
        let read = frames(&input[input.len() - (1 << 15)..], &[]);
        assert_eq!(
            read,
            [malformed("a header of more than 4096 bytes"), message("1")]
        );
    }

    #[tokio::test]
    async fn a_length_claimed_takes_no_memory() {
        let input = &b"Content-Length: 60000000\r\n\r\n{"[..];
        let mut reader = LspFrames::new(BufReader::new(input), usize::MAX, MessageRoom::new(0));
        assert_eq!(reader.next().await.unwrap(), None);
        assert!(reader.read.capacity() < 100);
    }

    proptest::proptest! {
        #[test]
        fn any_chunking_gives_the_same_frames(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "Content-Length: 2\r\n", "Content-Length: 12\r\n", "Content-Length: x\r\n",
                "Other: y\n", "\r\n", "\n", "{}", "junk", "Content-",
            ]), 0..12),
            mut cuts in proptest::collection::vec(0usize..=99, 0..8),
        ) {
            let input = parts.concat();
            cuts.retain(|&cut| cut <= input.len());
            cuts.sort_unstable();
            let whole = frames(input.as_bytes(), &[]);
            proptest::prop_assert_eq!(frames(input.as_bytes(), &cuts), whole);
        }
    }

    #[tokio::test]
    async fn a_message_without_room_is_skipped() {
        let length = 3 << 20;
        let body = vec![b'x'; length];
        let head = format!("Content-Length: {length}\r\n\r\n");
        let next = b"Content-Length: 2\r\n\r\n{}";
        let input = [head.as_bytes(), &*body, next].concat();
        let input = BufReader::with_capacity(1 << 16, &*input);
        let mut reader = LspFrames::new(input, usize::MAX, MessageRoom::new(1 << 20));
        assert_eq!(reader.next().await.unwrap(), Some(Frame::NoRoom));
        assert_eq!(reader.read.capacity(), 0);
        assert_eq!(
            reader.next().await.unwrap(),
            Some(Frame::Message(b"{}".to_vec()))
        );
    }
}

//! The NDJSON framing: one message per line.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::frame::Frame;
use super::room::{MessageRoom, MessageShare};

/// Cuts a stream into lines. Holds at most the limit of a message and one buffer
/// of the stream.
#[derive(Debug)]
pub struct NdjsonFrames<R> {
    input: R,
    max_bytes: usize,
    line: Vec<u8>,
    /// What the line takes of the room of all clients.
    share: MessageShare,
    /// Whether the rest of the line belongs to a message that is not kept.
    skipping: bool,
}

impl<R: AsyncBufRead + Unpin> NdjsonFrames<R> {
    /// Reads `input`. A line may have `max_bytes` bytes, and as much memory as `room` has.
    pub fn new(input: R, max_bytes: usize, room: MessageRoom) -> Self {
        Self {
            input,
            max_bytes,
            line: Vec::new(),
            share: MessageShare::new(room),
            skipping: false,
        }
    }

    /// The next line that is not blank; none at the end of the input. The last
    /// line needs no line break. The future can be dropped and the method called
    /// again without loss.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            let available = self.input.fill_buf().await?;
            let at_end = available.is_empty();
            let line_break = memchr::memchr(b'\n', available);
            let length = line_break.unwrap_or(available.len());
            if !self.skipping {
                self.line.extend_from_slice(&available[..length]);
            }
            self.input
                .consume(length + usize::from(line_break.is_some()));

            if line_break.is_none() && !at_end {
                // The one byte above the limit may be the `\r` of a `\r\n`.
                let is_too_long = self.line.len() > self.max_bytes + 1;
                if is_too_long || !self.share.hold(self.line.len()) {
                    self.line = Vec::new();
                    self.share.release();
                    self.skipping = true;
                    return Ok(Some(match is_too_long {
                        true => Frame::TooLong,
                        false => Frame::NoRoom,
                    }));
                }
                continue;
            }
            let mut line = std::mem::take(&mut self.line);
            self.share.release();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            let was_skipped = std::mem::take(&mut self.skipping);
            if line.len() > self.max_bytes {
                return Ok(Some(Frame::TooLong));
            }
            if !was_skipped && !line.trim_ascii().is_empty() {
                return Ok(Some(Frame::Message(line)));
            }
            if at_end {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, BufReader};

    /// The frames of `input` when it arrives in chunks that end at `cuts`.
    fn lines(input: &[u8], cuts: &[usize], max_bytes: usize) -> Vec<Frame> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut ours, theirs) = tokio::io::duplex(1 << 16);
            let mut lines =
                NdjsonFrames::new(BufReader::new(theirs), max_bytes, MessageRoom::new(0));
            let mut read = Vec::new();
            let mut start = 0;
            for &end in cuts.iter().chain([&input.len()]) {
                ours.write_all(&input[start..end]).await.unwrap();
                start = end;
                // Poll until all that has arrived is read, then drop the future.
                while let Some(line) = tokio::select! {
                    biased;
                    line = lines.next() => line.unwrap(),
                    () = std::future::ready(()) => None,
                } {
                    read.push(line);
                }
            }
            drop(ours);
            while let Some(line) = lines.next().await.unwrap() {
                read.push(line);
            }
            read
        })
    }

    fn message(text: &str) -> Frame {
        Frame::Message(text.into())
    }

    #[test]
    fn blank_lines_and_carriage_returns_are_tolerated() {
        let read = lines(b"\r\n\n  \na\r\n b \n\nlast", &[], 99);
        assert_eq!(read, [message("a"), message(" b "), message("last")]);
    }

    #[test]
    fn a_message_may_have_the_limit_and_not_one_byte_more() {
        let read = lines(b"1234\n1234\r\n12345\n12345\r\n1234567890\nabcd", &[], 4);
        let long = || Frame::TooLong;
        assert_eq!(
            read,
            [
                message("1234"),
                message("1234"),
                long(),
                long(),
                long(),
                message("abcd")
            ]
        );
    }

    #[tokio::test]
    async fn a_message_above_the_limit_is_not_kept() {
        let input = vec![b'x'; 1 << 20];
        let mut lines = NdjsonFrames::new(
            BufReader::with_capacity(16, &input[..]),
            100,
            MessageRoom::new(0),
        );
        assert_eq!(lines.next().await.unwrap(), Some(Frame::TooLong));
        assert_eq!(lines.line.capacity(), 0);
        assert_eq!(lines.next().await.unwrap(), None);
        assert_eq!(lines.line.capacity(), 0);
    }

    #[tokio::test]
    async fn a_message_without_room_is_skipped_and_the_room_of_others_comes_back() {
        let long = |megabytes: usize| [vec![b'x'; megabytes << 20], b"\nnext\n".to_vec()].concat();
        let room = MessageRoom::new(2 << 20);
        let (first, second) = (long(2), long(4));
        fn reader<'a>(input: &'a [u8], room: &MessageRoom) -> NdjsonFrames<BufReader<&'a [u8]>> {
            let input = BufReader::with_capacity(1 << 16, input);
            NdjsonFrames::new(input, 1 << 30, room.clone())
        }
        let mut half = reader(&first, &room);
        assert!(half.share.hold(3 << 20));
        let mut other = reader(&second, &room);
        assert_eq!(other.next().await.unwrap(), Some(Frame::NoRoom));
        assert_eq!(other.line.capacity(), 0);
        assert_eq!(other.next().await.unwrap(), Some(message("next")));
        drop(half);
        let mut third = reader(&first, &room);
        let Some(Frame::Message(whole)) = third.next().await.unwrap() else {
            panic!("there is room again");
        };
        assert_eq!(whole.len(), 2 << 20);
    }

    proptest::proptest! {
        #[test]
        fn any_chunking_gives_the_same_lines(
            input in "[ab\r\n ]{0,60}",
            mut cuts in proptest::collection::vec(0usize..=60, 0..8),
        ) {
            cuts.retain(|&cut| cut <= input.len());
            cuts.sort_unstable();
            let whole = lines(input.as_bytes(), &[], 5);
            proptest::prop_assert_eq!(lines(input.as_bytes(), &cuts, 5), whole);
        }
    }
}

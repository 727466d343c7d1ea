//! The messages in the bytes of a stream: the data of server-sent events, or lines. Every
//! byte is looked at once and copied at most twice, however the bytes are cut into chunks.

use std::collections::VecDeque;

use memchr::memchr2;

/// The longest line of a stream, and the longest message, in bytes. The longest that
/// servers send repeat the whole prompt.
pub(super) const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// The mark before the text of some streams.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How the messages of a stream are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageForm {
    /// Server-sent events. A message is the data of one; their other fields, and
    /// comments, mean nothing.
    Events,
    /// A message in each line. Blank lines mean nothing.
    Lines,
}

/// The bytes are no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MessageError {
    #[error("the answer has a message of more than {MAX_MESSAGE_BYTES} bytes")]
    TooLong,
    #[error("the answer is not UTF-8")]
    NotUtf8,
}

/// Cuts the bytes of a stream into messages.
#[derive(Debug)]
pub(super) struct Messages {
    form: MessageForm,
    /// The beginning of the line that has not ended.
    line: Vec<u8>,
    /// The data of the event that has not ended, each line of it with a line break.
    data: Vec<u8>,
    /// Whether no line has ended yet.
    is_first_line: bool,
    /// Whether the last line has ended with `\r`, to which a `\n` may belong.
    after_return: bool,
    complete: VecDeque<String>,
    /// How many bytes were looked at or copied.
    #[cfg(test)]
    steps: usize,
}

impl Messages {
    pub(super) fn new(form: MessageForm) -> Self {
        Self {
            form,
            line: Vec::new(),
            data: Vec::new(),
            is_first_line: true,
            after_return: false,
            complete: VecDeque::new(),
            #[cfg(test)]
            steps: 0,
        }
    }

    /// The next message that is complete.
    pub(super) fn next(&mut self) -> Option<String> {
        self.complete.pop_front()
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    /// If a line or a message is too long, or a message is not UTF-8.
    pub(super) fn push(&mut self, mut chunk: &[u8]) -> Result<(), MessageError> {
        if self.after_return && !chunk.is_empty() {
            self.after_return = false;
            chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
        }
        while let Some(end) = memchr2(b'\r', b'\n', chunk) {
            self.extend_line(&chunk[..end])?;
            self.end_line()?;
            let is_return = chunk[end] == b'\r';
            chunk = &chunk[end + 1..];
            if is_return {
                self.after_return = chunk.is_empty();
                chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
            }
        }
        self.extend_line(chunk)
    }

    /// Ends the stream. A line that has not ended is a message, too; an event is none.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub(super) fn finish(&mut self) -> Result<(), MessageError> {
        match self.form {
            MessageForm::Events => Ok(()),
            MessageForm::Lines => self.end_line(),
        }
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), MessageError> {
        #[cfg(test)]
        {
            self.steps += 2 * bytes.len();
        }
        if self.line.len() + bytes.len() > MAX_MESSAGE_BYTES {
            return Err(MessageError::TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), MessageError> {
        let line = std::mem::take(&mut self.line);
        let mut bytes = &*line;
        if std::mem::take(&mut self.is_first_line) {
            bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        }
        match self.form {
            MessageForm::Lines => self.complete(bytes.to_vec())?,
            MessageForm::Events if bytes.is_empty() => {
                let mut data = std::mem::take(&mut self.data);
                data.pop();
                self.complete(data)?;
            }
            MessageForm::Events => self.add_field(bytes)?,
        }
        // The next line needs no new memory.
        self.line = line;
        self.line.clear();
        Ok(())
    }

    /// Adds a line of an event.
    fn add_field(&mut self, line: &[u8]) -> Result<(), MessageError> {
        let value = match line.strip_prefix(b"data") {
            Some([]) => b"".as_slice(),
            Some([b':', value @ ..]) => value.strip_prefix(b" ").unwrap_or(value),
            // A comment or another field.
            _ => return Ok(()),
        };
        #[cfg(test)]
        {
            self.steps += value.len();
        }
        if self.data.len() + value.len() >= MAX_MESSAGE_BYTES {
            return Err(MessageError::TooLong);
        }
        self.data.extend_from_slice(value);
        self.data.push(b'\n');
        Ok(())
    }

    /// Adds a message, unless it is blank.
    fn complete(&mut self, message: Vec<u8>) -> Result<(), MessageError> {
        #[cfg(test)]
        {
            self.steps += message.len();
        }
        let message = String::from_utf8(message).map_err(|_| MessageError::NotUtf8)?;
        if !message.trim().is_empty() {
            self.complete.push_back(message);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The messages of `stream`, which comes in chunks of `size` bytes.
    fn read(form: MessageForm, stream: &[u8], size: usize) -> (Vec<String>, usize) {
        let mut messages = Messages::new(form);
        let mut read = Vec::new();
        for chunk in stream.chunks(size) {
            messages.push(chunk).unwrap();
            read.extend(std::iter::from_fn(|| messages.next()));
        }
        messages.finish().unwrap();
        read.extend(std::iter::from_fn(|| messages.next()));
        (read, messages.steps)
    }

    /// The messages as the standard defines them, read slowly.
    fn reference(stream: &str) -> Vec<String> {
        let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
        let stream = stream.replace("\r\n", "\n").replace('\r', "\n");
        let (mut read, mut data) = (Vec::new(), Vec::new());
        let ended = stream.rfind('\n').map_or("", |end| &stream[..end]);
        for line in ended.split('\n') {
            match line.split_once(':').unwrap_or((line, "")) {
                ("", _) if line.is_empty() => {
                    read.push(data.join("\n"));
                    data.clear();
                }
                ("data", value) => data.push(value.strip_prefix(' ').unwrap_or(value)),
                _ => {}
            }
        }
        read.retain(|message| !message.trim().is_empty());
        read
    }

    proptest! {
        #[test]
        fn chunks_of_any_size_give_what_the_standard_says(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "data", "data:", "data: ", "dat", ":", " ", "\r", "\n", "\r\n", "\n\n", "x",
                    "\u{e9}", "id: 1", "event",
                ]),
                0..40,
            ),
            mark in any::<bool>(),
            size in 1_usize..9,
        ) {
            let mark = if mark { "\u{feff}" } else { "" };
            let stream = format!("{mark}{}", parts.concat());
            prop_assert_eq!(read(MessageForm::Events, stream.as_bytes(), size).0, reference(&stream));
        }
    }

    #[test]
    fn lines_are_messages_and_blank_ones_mean_nothing() {
        let (read, _) = read(MessageForm::Lines, b"\n{1}\r\n  \n{2}\n\n{3}", 2);
        assert_eq!(read, ["{1}", "{2}", "{3}"]);
    }

    /// A large answer: in one event of one line, of many lines, in many events, in
    /// comments.
    #[test]
    fn the_work_grows_with_the_bytes_and_not_with_the_chunks() {
        let streams: [fn(usize) -> String; 4] = [
            |n| format!("data: {}\n\n", "x".repeat(4 * n)),
            |n| format!("{}\n", "data: x\n".repeat(n / 2)),
            |n| "data: x\n\n".repeat(n / 2),
            |n| ": ping\n\n".repeat(n / 2),
        ];
        for (which, stream) in streams.iter().enumerate() {
            for n in [1 << 10, 1 << 12, 1 << 14] {
                let stream = stream(n);
                for size in [1, 100, stream.len()] {
                    let (_, steps) = read(MessageForm::Events, stream.as_bytes(), size);
                    assert!(
                        steps <= 4 * stream.len(),
                        "stream {which} of {} bytes in chunks of {size}: {steps} steps",
                        stream.len(),
                    );
                }
            }
        }
    }

    #[test]
    fn lines_and_messages_without_an_end_are_given_up() {
        let megabyte = "x".repeat(1 << 20);
        let begun = |form, begin: &str, again: &str| {
            let mut messages = Messages::new(form);
            messages.push(begin.as_bytes()).unwrap();
            let times = (0..20).take_while(|_| messages.push(again.as_bytes()).is_ok());
            (times.count(), messages.push(again.as_bytes()))
        };
        for (form, begin, again) in [
            (MessageForm::Events, "data: ", &*megabyte),
            (MessageForm::Events, ": ", &*megabyte),
            (MessageForm::Events, "", &*format!("data: {megabyte}\n")),
            (MessageForm::Lines, "", &*megabyte),
        ] {
            let given_up = begun(form, begin, again);
            assert!(matches!(given_up.0, 7 | 8), "{given_up:?}");
            assert_eq!(given_up.1, Err(MessageError::TooLong));
        }
    }
}

//! The parser of one tag: its position in the text, its notes, and the tokens that
//! all kinds of tags share. It stops at the first fault.

use super::fault::{Fault, Note, NoteKind};

/// The text that begins a tag.
pub(super) const OPEN: &str = "[[[";
/// The text that ends a tag.
pub(super) const CLOSE: &str = "]]]";

/// The parser of one tag.
pub(super) struct TagParser<'t> {
    /// The document from the tag's `[[[` on.
    text: &'t str,
    at: usize,
    notes: Vec<Note>,
}

pub(super) type Parsed<T> = Result<T, Fault>;

impl<'t> TagParser<'t> {
    /// A parser for the tag at the beginning of `text`.
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: OPEN.len(),
            notes: Vec::new(),
        }
    }

    /// The position of the parser, in bytes from the tag's start.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes back to `at`.
    pub(super) fn rewind(&mut self, at: usize) {
        self.at = at;
    }

    /// The text from `start` to the position of the parser.
    pub(super) fn read_since(&self, start: usize) -> &'t str {
        &self.text[start..self.at]
    }

    /// How many bytes the parser may have looked at, including the word at which it
    /// stopped.
    pub(super) fn reach(&self) -> usize {
        let word = self.rest().trim_start_matches(is_word);
        match word.is_empty() {
            // Text appended to the document would continue the word.
            true => usize::MAX,
            false => self.text.len() - word.len() + CLOSE.len(),
        }
    }

    /// Skips white space. Returns the next character, without reading it.
    pub(super) fn first(&mut self) -> Option<char> {
        self.skip_space();
        self.peek()
    }

    pub(super) fn integer(&mut self) -> Parsed<u64> {
        let start = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| Fault {
            message: format!("the number {digits} is too large"),
            at: start,
            hint: "numbers end at 18446744073709551615",
        })
    }

    /// Reads a string in quotes.
    pub(super) fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        let quote = self.peek().unwrap_or('"');
        if quote == '\'' {
            self.note(NoteKind::Extension, start, "text in single quotes".into());
        }
        self.at += quote.len_utf8();
        let mut string = String::new();
        loop {
            let plain = self.take_while(|c| c != quote && c != '\\');
            string.push_str(plain);
            let at = self.at;
            match self.next() {
                Some('\\') => {}
                Some(_) => return Ok(string),
                None => {
                    return Err(Fault {
                        message: format!("the text that begins with {quote} does not end"),
                        at: start,
                        hint: "close the quote; write \\\" for a quote inside",
                    });
                }
            }
            string.push(match self.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('\\') => '\\',
                Some('"') => '"',
                Some('\'') if quote == '\'' => '\'',
                other => {
                    let found = other.map_or_else(String::new, String::from);
                    return Err(Fault {
                        message: format!("\\{found} is no escape"),
                        at,
                        hint: "escapes are \\\" \\\\ \\n and \\t",
                    });
                }
            });
        }
    }

    /// The end of a malformed tag, and how many bytes were looked at to find it. The
    /// tag ends behind the first `]]]` that is not inside a string on one line. If
    /// another `[[[` comes before, or there is no `]]]`, it ends with its first
    /// line.
    pub(super) fn recover(&self) -> (usize, usize) {
        let bytes = self.text.as_bytes();
        let (mut at, mut looked_at) = (OPEN.len(), 0);
        let end_of_line = |limit: usize| {
            let line = memchr::memchr(b'\n', &bytes[..limit]).unwrap_or(limit);
            self.text[..line].trim_end_matches(is_space).len()
        };
        while let Some(found) = memchr::memchr3(b'[', b']', b'"', &bytes[at..]) {
            at += found;
            let rest = &self.text[at..];
            if rest.starts_with(CLOSE) {
                return (at + CLOSE.len(), looked_at.max(at + CLOSE.len()));
            }
            if rest.starts_with(OPEN) {
                return (end_of_line(at), looked_at.max(at + OPEN.len()));
            }
            let string = match rest.starts_with('"') {
                true => string_on_a_line(rest),
                false => Ok(1),
            };
            at += string.unwrap_or_else(|end| {
                looked_at = looked_at.max(at.saturating_add(end));
                1
            });
        }
        (end_of_line(bytes.len()), usize::MAX)
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let is_there = self.rest().starts_with(expected);
        if is_there {
            self.at += expected.len();
        }
        is_there
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let len = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    pub(super) fn skip_space(&mut self) {
        self.take_while(is_space);
    }

    pub(super) fn word(&mut self) -> &'t str {
        self.take_while(is_word)
    }

    pub(super) fn note(&mut self, kind: NoteKind, at: usize, message: String) {
        self.notes.push(Note { kind, message, at });
    }

    pub(super) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// The fault that something else stands here instead of `what`.
    pub(super) fn expected(&self, what: &str, hint: &'static str) -> Fault {
        let found = match self.peek() {
            None => "the end of the text".to_owned(),
            Some(c) if is_word(c) => {
                let rest = self.rest();
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                rest[..end].chars().take(40).collect()
            }
            Some(c) => format!("{c:?}"),
        };
        Fault {
            message: format!("expected {what}, found {found}"),
            at: self.at,
            hint,
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The length of the string at the start of `text`, in bytes. If the line ends
/// before the string, the error is the number of bytes that were looked at.
fn string_on_a_line(text: &str) -> Result<usize, usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += memchr::memchr3(b'"', b'\\', b'\n', rest).ok_or(usize::MAX)?;
        match bytes[at] {
            b'"' => return Ok(at + 1),
            b'\\' => at += 2,
            _ => return Err(at + 1),
        }
    }
}

/// Whether the tag language counts `c` as white space.
pub(super) fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

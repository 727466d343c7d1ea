//! What stands in one tag: a parser that stops at the first fault.

use super::{Boundary, CLOSE, Fault, OPEN, Side, is_space};

/// The most tokens that a tag may ask for.
pub(super) const MAX_TOKENS: u32 = 16_384;

/// A tag that asks for text in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Fim {
    /// The most tokens to generate.
    pub max_tokens: u32,
    /// What else it says, in order.
    pub calls: Vec<FunctionCall>,
    /// What is unusual about it.
    pub notes: Vec<Note>,
}

/// A call in a FIM tag. Its arguments are of the kind and number that the
/// function takes.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCall {
    /// What is called.
    pub function: TagFunction,
    /// With what.
    pub args: Vec<Arg>,
}

/// The functions of FIM tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagFunction {
    /// Ends the text behind the first of some patterns.
    Stop,
    /// Ends the text before the first of some patterns.
    Chop,
    /// Sets the temperature.
    Temp,
    /// Sets the share of probability that tokens are drawn from.
    TopP,
    /// Adds to the end of the text.
    Append,
    /// Adds to the beginning of the text.
    Prepend,
    /// Keeps soft prefix and suffix tags.
    Keep,
}

/// An argument.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Arg {
    /// Text that was in quotes.
    Text(String),
    /// An integer.
    Integer(u64),
    /// A number with a fraction.
    Decimal(f64),
    /// A bare name.
    #[serde(skip)]
    Name(String),
}

/// What is unusual about a tag that is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether it is to be warned of.
    pub kind: NoteKind,
    /// What it is, in one line.
    pub message: String,
    /// Where, in bytes from the tag's start.
    pub at: usize,
}

/// How unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// Understood here, and no part of FIMpad's language.
    Extension,
    /// Does not do what it says.
    Warning,
}

impl TagFunction {
    /// Every function.
    pub const ALL: [Self; 7] = [
        Self::Stop,
        Self::Chop,
        Self::Temp,
        Self::TopP,
        Self::Append,
        Self::Prepend,
        Self::Keep,
    ];

    /// Its name in FIMpad's language, or the first of ours.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Chop => "chop",
            Self::Temp => "temp",
            Self::TopP => "top_p",
            Self::Append => "append",
            Self::Prepend => "prepend",
            Self::Keep => "keep",
        }
    }

    /// What it does, for whoever reads a tag.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Stop => "stop(\"…\", …): end the text right after the first of these",
            Self::Chop => "chop(\"…\", …): end the text right before the first of these",
            Self::Temp => "temp(\"0.8\"): the temperature, from 0 to 2",
            Self::TopP => "top_p(\"0.95\"): nucleus sampling, from 0 to 1",
            Self::Append => "append(\"…\"): put this behind the generated text",
            Self::Prepend => "prepend(\"…\"): put this before the generated text",
            Self::Keep => "keep(): leave soft prefix and suffix tags where they are",
        }
    }

    /// The function with this name, and whether the name is an extension.
    fn named(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "stop" => (Self::Stop, false),
            "chop" => (Self::Chop, false),
            "temp" => (Self::Temp, false),
            "top_p" => (Self::TopP, false),
            "append" => (Self::Append, false),
            "tail" => (Self::Chop, true),
            "temperature" => (Self::Temp, true),
            "prepend" => (Self::Prepend, true),
            "keep" | "keep_tags" => (Self::Keep, true),
            _ => return None,
        })
    }

    /// What is wrong with `args`, and with which of them.
    fn objection(self, args: &[Arg]) -> Option<(usize, String)> {
        let name = self.name();
        let wrong = |(at, arg): (usize, &Arg), expected: &str| {
            Some((at, format!("{name}: expected {expected}, found {arg}")))
        };
        let count = match self {
            Self::Stop | Self::Chop => 1..=usize::MAX,
            Self::Temp | Self::TopP | Self::Append | Self::Prepend => 1..=1,
            Self::Keep => 0..=0,
        };
        if !count.contains(&args.len()) {
            let expected = match *count.start() {
                0 => "no argument",
                _ if *count.end() == 1 => "one argument",
                _ => "one argument or more",
            };
            let message = format!("{name}: expected {expected}, found {}", args.len());
            return Some((*count.end(), message));
        }
        let mut numbered = args.iter().enumerate();
        match self {
            Self::Stop | Self::Chop => numbered
                .find(|(_, arg)| !matches!(arg, Arg::Text(text) if !text.is_empty()))
                .and_then(|at| wrong(at, "text in quotes, not empty")),
            Self::Append | Self::Prepend => numbered
                .find(|(_, arg)| !matches!(arg, Arg::Text(_)))
                .and_then(|at| wrong(at, "text in quotes")),
            Self::Temp => numbered
                .find(|(_, arg)| !arg.number().is_some_and(|n| (0.0..=2.0).contains(&n)))
                .and_then(|at| wrong(at, "a number from 0 to 2")),
            Self::TopP => numbered
                .find(|(_, arg)| !arg.number().is_some_and(|n| (0.0..=1.0).contains(&n)))
                .and_then(|at| wrong(at, "a number from 0 to 1")),
            Self::Keep => None,
        }
    }
}

impl Arg {
    /// The text that was in quotes.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, bare or in quotes.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => decimal(text.trim_matches(is_space)),
            Self::Integer(number) => Some(*number as f64),
            Self::Decimal(number) => Some(*number),
            Self::Name(_) => None,
        }
    }
}

impl std::fmt::Display for Arg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Decimal(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "the name {name}"),
        }
    }
}

/// A number written with digits and at most one point.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

/// Reads one tag; see [`TagParser::new`].
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

    /// How far it has come, in bytes from the tag's start.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// How many bytes it can have looked at: what stopped it may be a word.
    pub(super) fn reach(&self) -> usize {
        let word = self.rest().trim_start_matches(is_word);
        match word.is_empty() {
            // More text would be read on.
            true => usize::MAX,
            false => self.text.len() - word.len() + CLOSE.len(),
        }
    }

    /// The first character that is not white space.
    pub(super) fn first(&mut self) -> Option<char> {
        self.skip_space();
        self.peek()
    }

    /// Reads a FIM tag from its digits on.
    pub(super) fn fim(&mut self) -> Parsed<Fim> {
        let max_tokens = self.max_tokens()?;
        let mut calls = Vec::new();
        loop {
            self.skip_space();
            if self.eat(CLOSE) {
                break;
            }
            if !self.eat(";") {
                return Err(self.expected("`;` or `]]]`", "put `;` between statements"));
            }
            self.skip_space();
            if self.eat(CLOSE) {
                break;
            }
            calls.push(self.call()?);
        }
        Ok(Fim {
            max_tokens,
            calls,
            notes: std::mem::take(&mut self.notes),
        })
    }

    fn max_tokens(&mut self) -> Parsed<u32> {
        let at = self.at;
        let asked = self.integer()?;
        let clamped = u32::try_from(asked).map_or(MAX_TOKENS, |n| n.min(MAX_TOKENS));
        if u64::from(clamped) < asked {
            let message = format!("{asked} tokens are more than {MAX_TOKENS}, which is used");
            self.note(NoteKind::Warning, at, message);
        }
        if asked == 0 {
            self.note(NoteKind::Warning, at, "0 tokens: nothing will come".into());
        }
        Ok(clamped)
    }

    /// Reads a statement that is not the first.
    fn call(&mut self) -> Parsed<FunctionCall> {
        let mut at = self.at;
        let mut name = self.word();
        let label = ["before", "after", "post"].contains(&name);
        if label {
            self.skip_space();
        }
        if label && self.eat(":") {
            let message = format!("`{name}:` before a function, which acts when it always does");
            self.note(NoteKind::Extension, at, message);
            self.skip_space();
            at = self.at;
            name = self.word();
        }
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            self.at = at;
            let hint = match self.peek() {
                Some('0'..='9') => "the number of tokens stands first, and once",
                Some(';') => "leave out one `;`",
                _ => "functions are stop, chop, temp, top_p and append",
            };
            return Err(self.expected("a function", hint));
        }
        let Some((function, extension)) = TagFunction::named(name) else {
            return Err(Fault {
                message: format!("unknown function {name}"),
                at,
                hint: "functions are stop, chop, temp, top_p and append",
            });
        };
        if extension {
            let message = match name == function.name() {
                true => format!("{name}()"),
                false => format!("{name}() for {}()", function.name()),
            };
            self.note(NoteKind::Extension, at, message);
        }
        let (args, places) = self.args()?;
        if let Some((place, message)) = function.objection(&args) {
            return Err(Fault {
                message,
                at: places.get(place).copied().unwrap_or(at),
                hint: function.help(),
            });
        }
        Ok(FunctionCall { function, args })
    }

    /// Reads arguments in parentheses, and where each begins.
    fn args(&mut self) -> Parsed<(Vec<Arg>, Vec<usize>)> {
        let (mut args, mut places) = (Vec::new(), Vec::new());
        self.skip_space();
        if !self.eat("(") {
            return Err(self.expected("`(`", "a function has its arguments in parentheses"));
        }
        self.skip_space();
        if self.eat(")") {
            return Ok((args, places));
        }
        loop {
            places.push(self.at);
            args.push(self.arg()?);
            self.skip_space();
            if self.eat(")") {
                return Ok((args, places));
            }
            if !self.eat(",") {
                return Err(self.expected("`,` or `)`", "put `,` between arguments"));
            }
            self.skip_space();
        }
    }

    fn arg(&mut self) -> Parsed<Arg> {
        match self.peek() {
            Some('"' | '\'') => self.string().map(Arg::Text),
            Some('0'..='9') => self.number(),
            Some('a'..='z' | 'A'..='Z' | '_') => Ok(Arg::Name(self.word().to_owned())),
            _ => Err(self.expected("an argument", "arguments are text in quotes or numbers")),
        }
    }

    /// Reads an integer, or a number with a fraction.
    fn number(&mut self) -> Parsed<Arg> {
        let start = self.at;
        let whole = self.integer()?;
        if !self.eat(".") {
            return Ok(Arg::Integer(whole));
        }
        let fraction = self.word();
        let number = decimal(&self.text[start..self.at]).filter(|_| !fraction.is_empty());
        let number = number.ok_or_else(|| Fault {
            message: format!("{:?} is no number", &self.text[start..self.at]),
            at: start,
            hint: "write it like 0.8",
        })?;
        self.note(NoteKind::Extension, start, "a bare decimal number".into());
        Ok(Arg::Decimal(number))
    }

    fn integer(&mut self) -> Parsed<u64> {
        let start = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| Fault {
            message: format!("the number {digits} is too large"),
            at: start,
            hint: "numbers end at 18446744073709551615",
        })
    }

    /// Reads text in quotes.
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

    /// Reads a prefix or suffix tag; none if another word stands there.
    pub(super) fn boundary(&mut self) -> Option<Parsed<Boundary>> {
        let start = self.at;
        let (side, hard) = match self.word() {
            "prefix" => (Side::Prefix, false),
            "PREFIX" => (Side::Prefix, true),
            "suffix" => (Side::Suffix, false),
            "SUFFIX" => (Side::Suffix, true),
            _ => {
                self.at = start;
                return None;
            }
        };
        self.skip_space();
        Some(match self.eat(CLOSE) {
            true => Ok(Boundary { side, hard }),
            false => Err(self.expected("`]]]`", "a prefix or suffix tag is that one word")),
        })
    }

    /// Where a tag with a fault ends, and how far was looked for it: behind the
    /// first `]]]` that is not in a string on one line; or, if another `[[[`
    /// comes first or nothing, where its first line ends.
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

    /// The fault that something else stands here.
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

/// The length of the string at the beginning of `text`; if the line ends before
/// it does, how many bytes were looked at to tell.
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

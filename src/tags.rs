//! The language of FIMpad tags, pure: text in, tags out.
//!
//! A tag stands between `[[[` and `]]]`. What comes first inside says what it
//! is: a digit begins a *FIM* tag, which asks for text to be generated in its
//! place; `prefix`, `PREFIX`, `suffix` and `SUFFIX` bound what the model is
//! shown; `(` begins a comment and `{` a preset of settings. White space may
//! stand after `[[[` and before `]]]`. Everything else is plain text.
//!
//! Parsing never fails: what begins like a tag and is none is [`TagKind::Invalid`]
//! and says why. Tags and the text between them tile the document. Offsets
//! inside a tag count from its start, so that an edit before it moves it whole.

pub mod colours;
mod config;
mod parse;
pub mod settings;
pub mod stop;
#[cfg(test)]
mod tests;
mod window;

use std::ops::Range;

use memchr::memmem;

pub use self::config::{Config, ConfigEntry, ConfigKey};
pub use self::parse::{Arg, Fim, FunctionCall, Note, NoteKind, TagFunction};
pub use self::window::{Edit, Stop, TagPrompt, TagWindow};

use self::parse::TagParser;

const OPEN: &str = "[[[";
const CLOSE: &str = "]]]";

/// A tag in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    /// What it is.
    pub kind: TagKind,
    /// How many bytes from its start on were looked at to tell: an edit behind
    /// them cannot change it.
    reach: usize,
}

/// What a tag is.
#[derive(Clone, Debug, PartialEq)]
pub enum TagKind {
    /// Asks for text in its place.
    Fim(Fim),
    /// Bounds what the model is shown.
    Boundary(Boundary),
    /// A remark, which the model is never shown: its text, in bytes from the
    /// tag's start.
    Comment(Range<usize>),
    /// Changes settings.
    Config(Config),
    /// Begins like a tag and is none.
    Invalid(Fault),
}

impl TagKind {
    /// The name of the kind, for messages and JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fim(_) => "fim",
            Self::Boundary(boundary) => match boundary.side {
                Side::Prefix => "prefix",
                Side::Suffix => "suffix",
            },
            Self::Comment(_) => "comment",
            Self::Config(_) => "config",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// A prefix or suffix tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Which side of a FIM tag it bounds.
    pub side: Side,
    /// Whether it stays where it is when it has been used.
    pub hard: bool,
}

/// A side of a FIM tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The text before it.
    Prefix,
    /// The text after it.
    Suffix,
}

/// What is wrong with a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was expected and what was found, in one line.
    pub message: String,
    /// Where, in bytes from the tag's start.
    pub at: usize,
    /// What to do about it.
    pub hint: &'static str,
}

/// The tags of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    list: Vec<Tag>,
    /// Where comments begin that never end and so are plain text: a `)]]]`
    /// anywhere behind one would make it a comment.
    open_comments: Vec<usize>,
}

/// A piece of a text: one tag, or the plain text between two.
#[derive(Clone, Debug, PartialEq)]
pub enum Tile<'a> {
    /// No tag.
    Plain(Range<usize>),
    /// A tag.
    Tag(&'a Tag),
}

impl Tags {
    /// The tags of `text`, in time proportional to its length.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut scanner = TagScanner::new(text);
        let mut list: Vec<Tag> = Vec::new();
        while let Some(tag) = scanner.next_tag(list.last().map_or(0, |tag| tag.range.end)) {
            list.push(tag);
        }
        Self {
            list,
            open_comments: scanner.open_comments,
        }
    }

    /// The tags, in order.
    #[must_use]
    pub fn all(&self) -> &[Tag] {
        &self.list
    }

    /// The tags and the plain text between them: they tile a text of `len` bytes.
    pub fn spans(&self, len: usize) -> impl Iterator<Item = Tile<'_>> {
        let starts = self.list.iter().map(|tag| tag.range.start);
        let ends = self.list.iter().map(|tag| tag.range.end);
        let gaps = std::iter::once(0).chain(ends).zip(starts.chain([len]));
        let tags = self.list.iter().map(Some).chain([None]);
        gaps.zip(tags).flat_map(|((start, end), tag)| {
            let plain = (start < end).then_some(Tile::Plain(start..end));
            plain.into_iter().chain(tag.map(Tile::Tag))
        })
    }

    /// The tag that contains the byte `at` or ends right before it.
    #[must_use]
    pub fn at(&self, at: usize) -> Option<&Tag> {
        let after = self.list.partition_point(|tag| tag.range.start <= at);
        self.list[..after].last().filter(|tag| tag.range.end >= at)
    }

    /// Brings the tags up to date after the bytes `replaced` of the old text
    /// gave way to `inserted` bytes, which made it `text`. Only what the edit
    /// can reach is read again.
    pub fn edit(&mut self, text: &str, replaced: Range<usize>, inserted: usize) {
        let mut scanner = TagScanner::new(text);
        let reached = |tag: &Tag| tag.range.start.saturating_add(tag.reach) >= replaced.start;
        let mut kept = self
            .list
            .iter()
            .position(reached)
            .unwrap_or(self.list.len());
        let mut from = before_edit(text, replaced.start);
        if let Some(reached) = self.list.get(kept) {
            from = from.min(reached.range.start);
        }
        let open_comments = std::mem::take(&mut self.open_comments);
        let open_before = open_comments.partition_point(|open| *open < from);
        match open_comments[..open_before].first() {
            Some(open) if scanner.is_comment(*open) => {
                kept = kept.min(self.list.partition_point(|tag| tag.range.start < *open));
                from = *open;
            }
            _ => scanner.open_comments = open_comments[..open_before].to_vec(),
        }
        let tail = self.list.split_off(kept);
        from = from.max(self.list.last().map_or(0, |tag| tag.range.end));
        let moved = |at: usize| at - replaced.len() + inserted;
        let mut tail = tail
            .into_iter()
            .skip_while(|tag| tag.range.start < replaced.end)
            .map(|tag| Tag {
                range: moved(tag.range.start)..moved(tag.range.end),
                ..tag
            })
            .peekable();
        while let Some(tag) = scanner.next_tag(from) {
            while tail
                .next_if(|old| old.range.start < tag.range.start)
                .is_some()
            {}
            if tail
                .peek()
                .is_some_and(|old| old.range.start == tag.range.start)
            {
                // From here on the text is the old one, and so are its tags.
                let behind = open_comments.iter().filter(|open| **open >= replaced.end);
                let behind = behind.map(|open| moved(*open));
                let behind = behind.filter(|open| *open > tag.range.start);
                scanner.open_comments.extend(behind);
                self.list.extend(tail);
                break;
            }
            from = tag.range.end;
            self.list.push(tag);
        }
        self.open_comments = scanner.open_comments;
    }
}

/// Where a tag can begin at the earliest that was none and becomes one by an
/// edit at `at`: before the brackets, the white space and the word that lead up
/// to it.
fn before_edit(text: &str, at: usize) -> usize {
    let before = &text[..at];
    let before = before.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let before = before.trim_end_matches(is_space);
    before.trim_end_matches('[').len()
}

/// White space, as the language has it.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

/// Finds one tag after another.
struct TagScanner<'t> {
    text: &'t str,
    /// The last end of a comment that was looked for: where its `)` is and
    /// where the tag ends.
    comment_end: Option<(usize, usize)>,
    /// From where on no comment ends.
    no_comment_end: usize,
    /// See [`Tags::open_comments`].
    open_comments: Vec<usize>,
}

impl<'t> TagScanner<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            comment_end: None,
            no_comment_end: usize::MAX,
            open_comments: Vec::new(),
        }
    }

    /// The first tag that begins at `from` or later.
    fn next_tag(&mut self, mut from: usize) -> Option<Tag> {
        loop {
            let start = from + memmem::find(&self.text.as_bytes()[from..], OPEN.as_bytes())?;
            if let Some(tag) = self.tag(start) {
                return Some(tag);
            }
            from = start + 1;
        }
    }

    /// The tag whose `[[[` stands at `start`, if it is one.
    fn tag(&mut self, start: usize) -> Option<Tag> {
        let mut parser = TagParser::new(&self.text[start..]);
        let parsed = match parser.first()? {
            '0'..='9' => parser.fim().map(TagKind::Fim),
            '{' => parser.config().map(TagKind::Config),
            'p' | 'P' | 's' | 'S' => parser.boundary()?.map(TagKind::Boundary),
            '(' => return self.comment(start, parser.at()),
            _ => return None,
        };
        let (kind, len, reach) = match parsed {
            Ok(kind) => (kind, parser.at(), parser.at()),
            Err(fault) => {
                let (len, looked_at) = parser.recover();
                (TagKind::Invalid(fault), len, looked_at.max(parser.reach()))
            }
        };
        Some(Tag {
            range: start..start + len,
            kind,
            reach,
        })
    }

    /// The comment at `start`, whose `(` is `paren` bytes behind it. One that
    /// does not end is plain text.
    fn comment(&mut self, start: usize, paren: usize) -> Option<Tag> {
        let body = start + paren + 1;
        let Some((end_of_body, end)) = self.comment_end(body) else {
            self.open_comments.push(start);
            return None;
        };
        Some(Tag {
            range: start..end,
            kind: TagKind::Comment(body - start..end_of_body - start),
            reach: end - start,
        })
    }

    /// Whether the comment at `start` ends.
    fn is_comment(&mut self, start: usize) -> bool {
        let mut parser = TagParser::new(&self.text[start..]);
        parser.first() == Some('(') && self.comment_end(start + parser.at() + 1).is_some()
    }

    /// The first `)` at `from` or later that `]]]` follows, with or without
    /// white space between, and the tag's end.
    fn comment_end(&mut self, from: usize) -> Option<(usize, usize)> {
        if from >= self.no_comment_end {
            return None;
        }
        if self.comment_end.is_some_and(|(paren, _)| paren >= from) {
            return self.comment_end;
        }
        let bytes = self.text.as_bytes();
        let mut at = from;
        self.comment_end = loop {
            let Some(close) = memmem::find(&bytes[at..], CLOSE.as_bytes()) else {
                self.no_comment_end = from;
                break None;
            };
            let close = at + close;
            let body = self.text[from..close].trim_end_matches(is_space);
            if body.ends_with(')') {
                break Some((from + body.len() - 1, close + CLOSE.len()));
            }
            at = close + 1;
        };
        self.comment_end
    }
}

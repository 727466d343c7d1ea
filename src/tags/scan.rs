//! Finds the tags of a text, one after another.

use memchr::memmem;

use super::parser::{CLOSE, OPEN, TagParser, is_space};
use super::tag::{Tag, TagKind};

/// Finds the tags of a text, one after another.
pub(super) struct TagScanner<'t> {
    text: &'t str,
    /// The end of a comment that was found last: the position of its `)` and the end
    /// of the tag.
    comment_end: Option<(usize, usize)>,
    /// No comment that begins at this byte or later has an end.
    no_comment_end: usize,
    /// See the field of [`super::Tags`] with this name.
    pub(super) open_comments: Vec<usize>,
}

impl<'t> TagScanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            comment_end: None,
            no_comment_end: usize::MAX,
            open_comments: Vec::new(),
        }
    }

    /// The first tag that begins at `from` or later.
    pub(super) fn next_tag(&mut self, mut from: usize) -> Option<Tag> {
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

    /// The comment at `start`, with its `(` at `paren` bytes from there. A comment
    /// without an end is plain text.
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

    /// Whether the comment at `start` has an end.
    pub(super) fn is_comment(&mut self, start: usize) -> bool {
        let mut parser = TagParser::new(&self.text[start..]);
        parser.first() == Some('(') && self.comment_end(start + parser.at() + 1).is_some()
    }

    /// The first `)` at `from` or later that `]]]` follows, with or without white
    /// space between them, and the end of the tag.
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

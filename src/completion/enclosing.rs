//! The literal, the comment or the HTML that a cursor stands in, and where a text
//! would end it.

use std::ops::Range;

use crate::php::lex::{LexMode, Token, TokenKind, lex_from};
use crate::text::{line_end, line_start};

/// What kind of text the cursor stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LexicalState {
    /// Code outside strings and comments.
    Code,
    /// A string with this quote.
    Quoted(u8),
    /// Inline HTML, a comment or a heredoc.
    Text,
}

/// What a cursor stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Enclosing {
    /// Code outside strings and comments.
    Code,
    /// A string with this quote.
    Quoted(u8),
    /// A heredoc or nowdoc with this label.
    Heredoc(String),
    /// A comment up to the end of its line.
    LineComment,
    /// A comment up to `*/`.
    BlockComment,
    /// Text outside `<?php … ?>`.
    Html,
}

impl Enclosing {
    /// What the end of `text` stands in. `tokens` are those of `text`.
    pub(super) fn at_end(text: &str, tokens: &[Token]) -> Self {
        let Some(last) = tokens.last() else {
            return comment_at_end(text).map_or(Self::Html, |(_, comment)| comment);
        };
        let token = last.span.of(text);
        let end = last.span.end as usize;
        match last.kind {
            TokenKind::Html | TokenKind::CloseTag => Self::Html,
            TokenKind::Doc if !token.ends_with("*/") => Self::BlockComment,
            TokenKind::String | TokenKind::Template if end == text.len() => {
                literal_at_end(token).unwrap_or(Self::Code)
            }
            _ => comment_at_end(&text[end..]).map_or(Self::Code, |(_, comment)| comment),
        }
    }

    /// The kind of text.
    pub(super) fn state(&self) -> LexicalState {
        match self {
            Self::Code => LexicalState::Code,
            Self::Quoted(quote) => LexicalState::Quoted(*quote),
            Self::Heredoc(_) | Self::LineComment | Self::BlockComment | Self::Html => {
                LexicalState::Text
            }
        }
    }

    /// The byte of `after` at which this has ended and code begins. None if this does
    /// not end in `after`; a string must end in the cursor's line. `line` is the text
    /// before the cursor in its line.
    pub(super) fn code_behind(&self, after: &str, line: &str) -> Option<usize> {
        match self {
            Self::Code => Some(0),
            Self::Quoted(quote) => {
                let rest = &after[..line_end(after, 0)];
                unescaped(rest, *quote, ends_with_escape(line)).map(|at| at + 1)
            }
            Self::Heredoc(label) => after.match_indices('\n').find_map(|(newline, _)| {
                let next = &after[newline + 1..];
                begins_with_label(next, label).map(|end| newline + 1 + end)
            }),
            Self::LineComment => Some(line_end(after, 0)),
            Self::BlockComment => {
                let end = after.find("*/")?;
                // That is the end of another comment.
                (!after[..end].contains("/*")).then_some(end + 2)
            }
            Self::Html => None,
        }
    }

    /// The bytes of `answer` that would end this. `line` is the text before it in its
    /// line.
    pub(super) fn end(&self, answer: &str, line: &str) -> Option<Range<usize>> {
        match self {
            Self::Code => None,
            Self::Quoted(quote) => {
                unescaped(answer, *quote, ends_with_escape(line)).map(|at| at..at + 1)
            }
            Self::Heredoc(label) => {
                let newlines = answer.match_indices('\n').map(|(at, _)| at + 1);
                let first = line.trim().is_empty().then_some(0);
                first.into_iter().chain(newlines).find_map(|at| {
                    let end = begins_with_label(&answer[at..], label)?;
                    Some(at..at + end)
                })
            }
            Self::LineComment => {
                let end = answer.find("?>").map(|at| at..at + 2);
                let line_break = answer.find('\r').map(|at| at..at + 1);
                end.into_iter()
                    .chain(line_break)
                    .min_by_key(|end| end.start)
            }
            Self::BlockComment if line.ends_with('*') && answer.starts_with('/') => Some(0..1),
            Self::BlockComment => answer.find("*/").map(|at| at..at + 2),
            Self::Html => {
                let tokens = lex_from(answer, 0, LexMode::Html);
                let is_closed = Self::at_end(answer, &tokens) == Self::Html;
                let mut opened = tokens.iter().rev();
                let opens =
                    |token: &&Token| matches!(token.kind, TokenKind::OpenTag | TokenKind::OpenEcho);
                let open = opened.find(opens).filter(|_| !is_closed);
                open.map(|token| token.span.range())
            }
        }
    }
}

/// The comment that reaches the end of `gap`, and where it begins. `gap` holds only
/// white space and comments.
pub(super) fn comment_at_end(gap: &str) -> Option<(usize, Enclosing)> {
    let mut at = 0;
    loop {
        let rest = &gap[at..];
        let start = at + (rest.len() - rest.trim_start().len());
        let comment = &gap[start..];
        if let Some(inside) = comment.strip_prefix("/*") {
            match inside.find("*/") {
                Some(end) => at = start + 2 + end + 2,
                None => return Some((start, Enclosing::BlockComment)),
            }
        } else if comment.starts_with("//") || comment.starts_with('#') {
            match comment.find(['\n', '\r']) {
                Some(end) => at = start + end,
                None => return Some((start, Enclosing::LineComment)),
            }
        } else {
            return None;
        }
    }
}

/// The literal that is open at the end of `token`, a string or a heredoc.
fn literal_at_end(token: &str) -> Option<Enclosing> {
    match token.as_bytes() {
        [quote @ (b'\'' | b'"' | b'`'), ..] => {
            let is_closed = unescaped(&token[1..], *quote, false).is_some();
            (!is_closed).then_some(Enclosing::Quoted(*quote))
        }
        [b'<', ..] => {
            let label = token.trim_start_matches('<').trim_start();
            let label = label.trim_start_matches(['\'', '"']);
            let is_label = |c: char| c.is_alphanumeric() || c == '_';
            let label = &label[..label.find(|c| !is_label(c)).unwrap_or(label.len())];
            let last = &token[line_start(token, token.len())..];
            let is_closed = token.contains('\n') && last.trim() == label;
            (!is_closed).then(|| Enclosing::Heredoc(label.to_owned()))
        }
        _ => None,
    }
}

/// Whether `text` ends with a backslash that escapes what follows.
pub(super) fn ends_with_escape(text: &str) -> bool {
    (text.len() - text.trim_end_matches('\\').len()) % 2 == 1
}

/// The first byte of `text` that is `quote` and not escaped. `is_escaped` tells whether
/// the first byte is.
fn unescaped(text: &str, quote: u8, mut is_escaped: bool) -> Option<usize> {
    text.bytes().position(|byte| {
        let ends = byte == quote && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

/// The byte behind the heredoc label at the start of `line`; none if it is not there.
fn begins_with_label(line: &str, label: &str) -> Option<usize> {
    let code = line.trim_start_matches([' ', '\t']);
    let behind = code.strip_prefix(label)?;
    let is_whole = !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    is_whole.then_some(line.len() - behind.len())
}

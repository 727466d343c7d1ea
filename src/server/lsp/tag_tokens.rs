//! The tokens of one tag, for highlighting and completion. The tag need not be
//! valid.

use std::ops::Range;

/// A token of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TagToken {
    /// The kind of the token.
    pub(super) kind: TagTokenKind,
    /// Its range in bytes from the start of the text.
    pub(super) range: Range<usize>,
}

/// The kind of a token of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagTokenKind {
    /// `[[[`.
    Open,
    /// `]]]`.
    Close,
    /// Letters, digits and underscores, not with a digit first.
    Word,
    /// Digits, possibly with a fraction.
    Number,
    /// Text in quotes.
    Text,
    /// Text with an opening quote and no closing one.
    OpenText,
    /// Any other character except white space.
    Symbol(char),
}

/// The tokens of `text`, in order.
pub(super) fn tag_tokens(text: &str) -> impl Iterator<Item = TagToken> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let space = text[at..].find(|c: char| !c.is_whitespace())?;
        let start = at + space;
        let rest = &text[start..];
        let first = rest.chars().next()?;
        let run = |wanted: fn(char) -> bool| rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        let (kind, len) = match first {
            '[' if rest.starts_with("[[[") => (TagTokenKind::Open, 3),
            ']' if rest.starts_with("]]]") => (TagTokenKind::Close, 3),
            '0'..='9' => (
                TagTokenKind::Number,
                run(|c| c.is_ascii_digit() || c == '.'),
            ),
            'a'..='z' | 'A'..='Z' | '_' => (
                TagTokenKind::Word,
                run(|c| c.is_ascii_alphanumeric() || c == '_'),
            ),
            '"' | '\'' => match quoted(rest, first) {
                Some(len) => (TagTokenKind::Text, len),
                None => (TagTokenKind::OpenText, rest.len()),
            },
            symbol => (TagTokenKind::Symbol(symbol), symbol.len_utf8()),
        };
        at = start + len;
        Some(TagToken {
            kind,
            range: start..at,
        })
    })
}

/// The length in bytes of the text in quotes at the start of `text`, if it has a
/// closing quote.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

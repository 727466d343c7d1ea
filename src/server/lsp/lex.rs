//! The words of one tag, for whoever paints or completes them. Says what each
//! piece looks like, whether or not the tag is valid.

use std::ops::Range;

/// A piece of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// What it is.
    pub(super) kind: PieceKind,
    /// Where, in bytes from the start of what was read.
    pub(super) range: Range<usize>,
}

/// What a piece of a tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// `[[[`.
    Open,
    /// `]]]`.
    Close,
    /// Letters, digits and underscores that begin with no digit.
    Word,
    /// Digits, with a fraction perhaps.
    Number,
    /// Text in quotes.
    Text,
    /// Text in quotes that does not end.
    OpenText,
    /// Any other character but white space.
    Mark(char),
}

/// The pieces of `text`, in order.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let space = text[at..].find(|c: char| !c.is_whitespace())?;
        let start = at + space;
        let rest = &text[start..];
        let first = rest.chars().next()?;
        let run = |wanted: fn(char) -> bool| rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        let (kind, len) = match first {
            '[' if rest.starts_with("[[[") => (PieceKind::Open, 3),
            ']' if rest.starts_with("]]]") => (PieceKind::Close, 3),
            '0'..='9' => (PieceKind::Number, run(|c| c.is_ascii_digit() || c == '.')),
            'a'..='z' | 'A'..='Z' | '_' => (
                PieceKind::Word,
                run(|c| c.is_ascii_alphanumeric() || c == '_'),
            ),
            '"' | '\'' => match quoted(rest, first) {
                Some(len) => (PieceKind::Text, len),
                None => (PieceKind::OpenText, rest.len()),
            },
            mark => (PieceKind::Mark(mark), mark.len_utf8()),
        };
        at = start + len;
        Some(Piece {
            kind,
            range: start..at,
        })
    })
}

/// The length of the text in quotes at the beginning of `text`, if it ends.
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

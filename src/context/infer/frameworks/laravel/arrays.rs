//! The strings and keys of arrays that are written out.

use crate::context::infer::limits::{CONVENTION_BYTES, CONVENTION_STRINGS, KEY_LEVELS};
use crate::php::Span;
use crate::php::lex::{LexMode, Token, TokenKind, lex_from};

/// A string in an array, and what stands behind `=>` if it is a key.
pub(super) struct ArrayEntry<'t> {
    /// The string without its quotes.
    pub(super) text: &'t str,
    /// Its bytes.
    pub(super) span: Span,
    /// Whether it is a key.
    pub(super) is_key: bool,
    /// The string or the name that its value begins with.
    pub(super) value: &'t str,
}

/// The strings in the bytes of `span` that are keys or elements.
pub(super) fn entries(text: &str, span: Span) -> Vec<ArrayEntry<'_>> {
    let end = (span.end as usize).min(span.start as usize + CONVENTION_BYTES);
    let end = text.floor_char_boundary(end.min(text.len()));
    let tokens = lex_from(&text[..end], span.start as usize, LexMode::Code);
    let mut all = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if all.len() == CONVENTION_STRINGS {
            break;
        }
        let before = at.checked_sub(1).map(|before| tokens[before].kind);
        if token.kind != TokenKind::String
            || !matches!(before, Some(TokenKind::Punct(b'[' | b',' | b'(')))
        {
            continue;
        }
        let Some(inside) = unquoted(text, *token) else {
            continue;
        };
        let is_key = tokens.get(at + 1).map(|next| next.kind) == Some(TokenKind::DoubleArrow);
        let value = tokens.get(at + 2).filter(|_| is_key);
        let written = value.map_or("", |value| {
            unquoted(text, *value).map_or(value.span.of(text), |inside| inside.of(text))
        });
        all.push(ArrayEntry {
            text: inside.of(text),
            span: inside,
            is_key,
            value: written,
        });
    }
    all
}

/// The keys of the nested arrays of a file, those of one array behind another
/// joined by dots, each with its first byte.
pub(super) fn keys(text: &str) -> Vec<(String, u32)> {
    let end = text.floor_char_boundary(CONVENTION_BYTES.min(text.len()));
    let tokens = lex_from(&text[..end], 0, LexMode::Html);
    let mut all = Vec::new();
    // The key of each array that is open; `None` for one without.
    let mut open: Vec<Option<&str>> = Vec::new();
    let mut key = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punct(b'[' | b'(') => open.push(key.take()),
            TokenKind::Punct(b']' | b')') => {
                open.pop();
            }
            TokenKind::Punct(b',') => key = None,
            TokenKind::String => {
                let is_key =
                    tokens.get(at + 1).map(|next| next.kind) == Some(TokenKind::DoubleArrow);
                let inside = unquoted(text, *token).filter(|_| is_key);
                let Some(inside) = inside else {
                    continue;
                };
                key = Some(inside.of(text));
                let above = open.get(1..).unwrap_or_default();
                if above.len() >= KEY_LEVELS || above.iter().any(Option::is_none) {
                    continue;
                }
                let path = above.iter().flatten().chain(&key).copied();
                all.push((path.collect::<Vec<_>>().join("."), inside.start));
            }
            _ => {}
        }
        if all.len() == CONVENTION_STRINGS {
            break;
        }
    }
    all
}

/// The bytes between the quotes of a string.
fn unquoted(text: &str, token: Token) -> Option<Span> {
    let quoted = token.span.of(text);
    let is_quoted = token.kind == TokenKind::String
        && quoted.len() > 2
        && quoted.ends_with(['\'', '"'])
        && quoted.starts_with(['\'', '"']);
    is_quoted.then(|| Span {
        start: token.span.start + 1,
        end: token.span.end - 1,
    })
}

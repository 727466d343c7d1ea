//! Reads the syntax around a cursor: how much of an answer fits there.

use crate::php::lex::{LexMode, Token, TokenKind, lex, lex_from};
use crate::text::{line_end, line_start};

/// How much of an answer is useful at a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionExtent {
    /// The rest of the line. There is code behind the cursor, or a literal or a
    /// comment around it.
    Line,
    /// The rest of the statement, which may have several lines.
    Statement,
    /// The whole body between a pair of braces.
    Body,
}

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

/// The syntax around a cursor.
#[derive(Clone, Debug)]
pub(super) struct CursorSyntax {
    pub(super) state: LexicalState,
    pub(super) extent: CompletionExtent,
    /// Whether only blanks stand before the cursor in its line.
    pub(super) begins_line: bool,
    /// The text behind the cursor in its line.
    pub(super) rest_of_line: String,
    /// The first line after the cursor's own that is not blank.
    pub(super) next_line: Option<String>,
    /// Whether a statement ends right before the cursor, in its line.
    pub(super) behind_statement: bool,
    /// The closing bytes of the brackets that are open at the cursor and not closed
    /// behind it, the innermost last.
    pub(super) unclosed: Vec<u8>,
}

impl CursorSyntax {
    /// The syntax around byte `cursor` of `content`, which must be on a character
    /// boundary.
    pub(super) fn new(content: &str, cursor: usize) -> Self {
        let (before, after) = content.split_at(cursor);
        let tokens = lex(before);
        let state = state_at_end(before, &tokens);
        let (open, _) = brackets(before, &tokens);
        let (_, closers) = brackets(after, &lex_from(after, 0, LexMode::Code));
        let is_closed = open
            .last()
            .is_some_and(|last| closers.first() == Some(last));
        let line = &before[line_start(before, before.len())..];
        let begins_line = line.trim().is_empty();
        let (rest, next) = after.split_at(line_end(after, 0));
        let next_line = next.lines().map(str::trim).find(|line| !line.is_empty());
        let last = tokens.last();
        let ends_statement = last.is_some_and(|last| last.is(b';') || last.is(b'}'));
        let opens_body = last.is_some_and(|last| last.is(b'{'));
        Self {
            state,
            extent: match state {
                LexicalState::Code if rest.trim().is_empty() => match next_line {
                    None if opens_body => CompletionExtent::Body,
                    Some(line) if opens_body && line.starts_with('}') => CompletionExtent::Body,
                    _ => CompletionExtent::Statement,
                },
                _ => CompletionExtent::Line,
            },
            begins_line,
            rest_of_line: rest.to_owned(),
            next_line: next_line.map(str::to_owned),
            behind_statement: state == LexicalState::Code && !begins_line && ends_statement,
            // If the innermost bracket is closed behind the cursor, the answer must not
            // close an outer one either.
            unclosed: if is_closed { Vec::new() } else { open },
        }
    }

    /// How much of an answer is useful here.
    pub(super) fn extent(&self) -> CompletionExtent {
        self.extent
    }
}

/// The byte that closes the bracket that `token` opens.
pub(super) fn closer_of(token: Token) -> Option<u8> {
    match token.kind {
        TokenKind::Punct(b'(') => Some(b')'),
        TokenKind::Punct(b'[') | TokenKind::AttributeOpen => Some(b']'),
        TokenKind::Punct(b'{') => Some(b'}'),
        _ => None,
    }
}

/// The closing bytes of the brackets that `text` opens and does not close, and the
/// closing brackets that it does not open; both in order.
pub(super) fn brackets(text: &str, tokens: &[Token]) -> (Vec<u8>, Vec<u8>) {
    let (mut open, mut closers) = (Vec::new(), Vec::new());
    for token in tokens {
        if let Some(closer) = closer_of(*token) {
            open.push(closer);
        } else if let TokenKind::Punct(closer @ (b')' | b']' | b'}')) = token.kind {
            match open.iter().rposition(|expected| *expected == closer) {
                // The brackets opened after that one are never closed.
                Some(at) => open.truncate(at),
                None => closers.push(closer),
            }
        }
    }
    debug_assert!(open.len() + closers.len() <= text.len());
    (open, closers)
}

/// What kind of text the end of `before` stands in.
fn state_at_end(before: &str, tokens: &[Token]) -> LexicalState {
    let Some(last) = tokens.last() else {
        return LexicalState::Text;
    };
    let text = last.span.of(before);
    let reaches_end = last.span.end as usize == before.len();
    match last.kind {
        TokenKind::Html | TokenKind::CloseTag => LexicalState::Text,
        TokenKind::String | TokenKind::Template if reaches_end => match text.as_bytes() {
            [quote @ (b'\'' | b'"' | b'`'), inside @ ..] if !is_closed(inside, *quote) => {
                LexicalState::Quoted(*quote)
            }
            // A heredoc without its closing label.
            [b'<', ..] if !closes_heredoc(text) => LexicalState::Text,
            _ => LexicalState::Code,
        },
        TokenKind::Doc if reaches_end && !text.ends_with("*/") => LexicalState::Text,
        _ => {
            // Plain comments are no tokens.
            let gap = &before[last.span.end as usize..];
            let line = gap.rsplit('\n').next().unwrap_or(gap);
            let is_line = line.contains("//") || line.contains('#');
            let is_block = gap.rfind("/*").is_some_and(|at| !gap[at..].contains("*/"));
            if is_line || is_block {
                LexicalState::Text
            } else {
                LexicalState::Code
            }
        }
    }
}

/// Whether a string ends with its closing quote, given the text behind the opening
/// one.
fn is_closed(inside: &[u8], quote: u8) -> bool {
    let Some((&last, rest)) = inside.split_last() else {
        return false;
    };
    let escapes = rest.iter().rev().take_while(|byte| **byte == b'\\').count();
    last == quote && escapes % 2 == 0
}

/// Whether the last line of a heredoc is its closing label.
fn closes_heredoc(text: &str) -> bool {
    let label = text.trim_start_matches('<').trim_start();
    let label = label.trim_start_matches(['\'', '"']);
    let is_label = |c: char| c.is_alphanumeric() || c == '_';
    let label = &label[..label.find(|c| !is_label(c)).unwrap_or(label.len())];
    let last = text.rsplit_once('\n').map(|(_, line)| line);
    last.is_some_and(|line| line.trim() == label)
}

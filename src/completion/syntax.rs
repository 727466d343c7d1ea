//! Reads the syntax around a cursor: how much of an answer fits there, and what the
//! text behind the cursor needs.

use super::behind::{CodeBehind, EnclosingBrackets};
use super::enclosing::{Enclosing, LexicalState};
use crate::php::lex::lex;
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
    /// What the cursor stands in.
    pub(super) enclosing: Enclosing,
    /// The text before the cursor in its line.
    pub(super) start_of_line: String,
    /// Whether the text behind the cursor needs the literal, the comment or the HTML
    /// around it to be still open.
    pub(super) must_stay_inside: bool,
    /// The brackets that are open at the cursor.
    pub(super) brackets: EnclosingBrackets,
    /// The code behind the cursor, and behind the literal around it.
    pub(super) behind: CodeBehind,
}

impl CursorSyntax {
    /// The syntax around byte `cursor` of `content`, which must be on a character
    /// boundary.
    pub(super) fn new(content: &str, cursor: usize) -> Self {
        let (before, after) = content.split_at(cursor);
        let tokens = lex(before);
        let enclosing = Enclosing::at_end(before, &tokens);
        let state = enclosing.state();
        let line = &before[line_start(before, before.len())..];
        let begins_line = line.trim().is_empty();
        let (rest, next) = after.split_at(line_end(after, 0));
        let next_line = next.lines().map(str::trim).find(|line| !line.is_empty());
        let last = tokens.last();
        let ends_statement = last.is_some_and(|last| last.is(b';') || last.is(b'}'));
        let opens_body = last.is_some_and(|last| last.is(b'{'));
        let code_behind = enclosing.code_behind(after, line);
        let behind = CodeBehind::new(&after[code_behind.unwrap_or(0)..]);
        let brackets = EnclosingBrackets::new(before, &tokens, &behind);
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
            behind_statement: state == LexicalState::Code
                && !begins_line
                && ends_statement
                && brackets.open.last().is_none_or(|open| open.closer == b'}'),
            must_stay_inside: match enclosing {
                Enclosing::Html => !after.trim().is_empty(),
                _ => state != LexicalState::Code && code_behind.is_some(),
            },
            start_of_line: line.to_owned(),
            brackets,
            enclosing,
            behind,
        }
    }

    /// How much of an answer is useful here.
    pub(super) fn extent(&self) -> CompletionExtent {
        self.extent
    }
}

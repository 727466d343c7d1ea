//! Cuts the answer of a model to what fits at the cursor.

use super::syntax::{CompletionExtent, CursorSyntax, LexicalState, brackets, closer_of};
use crate::php::lex::{LexMode, Token, TokenKind, lex_from};

/// The number of equal lines in a row that shows that the model is in a loop.
const LOOP: usize = 3;
/// The least bytes of a line that is distinctive enough to be compared.
const MIN_DISTINCTIVE: usize = 3;

/// The part of an answer that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FittedAnswer<'r> {
    /// The start of the answer that is worth showing; may be empty.
    pub(super) text: &'r str,
    /// Whether the answer was cut: then the rest of the stream does not matter.
    pub(super) is_cut: bool,
}

impl CursorSyntax {
    /// The start of the tidied `answer` that is worth showing: at most `max_lines`
    /// lines.
    pub(super) fn fit<'r>(&self, answer: &'r str, max_lines: usize) -> FittedAnswer<'r> {
        let mut end = answer.len();
        let mut cut = |at: Option<usize>| end = end.min(at.unwrap_or(end));
        let mut newlines = answer.match_indices('\n').map(|(at, _)| at);
        let lines = match self.extent {
            CompletionExtent::Line => 1,
            CompletionExtent::Statement | CompletionExtent::Body => max_lines,
        };
        cut(newlines.nth(lines.saturating_sub(1)));
        match self.state {
            LexicalState::Code => cut(self.end_of_code(answer)),
            LexicalState::Quoted(quote) => cut(self.end_of_string(answer, quote)),
            LexicalState::Text => {}
        }
        cut(self.repeated_line(answer));
        cut(looping(answer));
        let is_cut = end < answer.len();
        let mut text = answer[..end].trim_end();
        // White space is no completion, and neither is text that is there already.
        text = self.without_overlap(text);
        let first = answer.trim_start_matches([' ', '\t']).chars().next();
        // After a statement only a new line or a comment can follow.
        let is_misplaced =
            self.behind_statement && first.is_some_and(|c| !['\n', '\r', '/', '#'].contains(&c));
        if is_misplaced || text.trim().is_empty() {
            text = "";
        }
        let is_cut = is_cut || is_misplaced;
        FittedAnswer { text, is_cut }
    }

    /// The byte where fitting code ends: at a bracket that closes more than may be
    /// closed here, or behind the statement.
    fn end_of_code(&self, answer: &str) -> Option<usize> {
        let tokens = lex_from(answer, 0, LexMode::Code);
        let mut open: Vec<u8> = Vec::new();
        let mut outer = self.unclosed.clone();
        let mut last: Option<Token> = None;
        for token in tokens {
            let start = token.span.start as usize;
            if let Some(last) = last
                && self.extent == CompletionExtent::Statement
                && open.is_empty()
                && ends_statement(last)
                && let Some(newline) = answer[last.span.end as usize..start].find('\n')
            {
                return Some(last.span.end as usize + newline);
            }
            if let Some(closer) = closer_of(token) {
                open.push(closer);
            } else if let TokenKind::Punct(closer @ (b')' | b']' | b'}')) = token.kind {
                let expected = match open.pop() {
                    None => outer.pop(),
                    inner => inner,
                };
                if expected != Some(closer) {
                    return Some(start);
                }
            }
            if token.kind == TokenKind::CloseTag && self.extent != CompletionExtent::Line {
                return Some(start);
            }
            last = Some(token);
        }
        let end = last.filter(|last| {
            self.extent == CompletionExtent::Statement && open.is_empty() && ends_statement(*last)
        })?;
        let end = end.span.end as usize;
        answer[end..].find('\n').map(|newline| end + newline)
    }

    /// The byte where a string ends whose closing quote stands behind the cursor.
    fn end_of_string(&self, answer: &str, quote: u8) -> Option<usize> {
        if !self.rest_of_line.as_bytes().contains(&quote) {
            return None;
        }
        let mut is_escaped = false;
        answer.bytes().position(|byte| {
            let ends = byte == quote && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        })
    }

    /// The byte where a line starts that repeats the next line of the buffer.
    fn repeated_line(&self, answer: &str) -> Option<usize> {
        let next = self
            .next_line
            .as_deref()
            .filter(|line| is_distinctive(line))?;
        let mut start = 0;
        for (number, line) in answer.split_inclusive('\n').enumerate() {
            if (number > 0 || self.begins_line) && line.trim() == next {
                return Some(start);
            }
            start += line.len();
        }
        None
    }

    /// `text` without an end that repeats the start of the rest of the line, unless
    /// that end closes a bracket that `text` opens.
    fn without_overlap<'t>(&self, text: &'t str) -> &'t str {
        let rest = self.rest_of_line.trim_end();
        let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
        let longest = ends.rev().find_map(|end| {
            let kept = text.strip_suffix(&rest[..end])?;
            let (open, _) = brackets(kept, &lex_from(kept, 0, LexMode::Code));
            (open.is_empty() || self.state != LexicalState::Code).then_some(kept)
        });
        longest.map_or(text, str::trim_end)
    }
}

/// Whether a statement or an entry of a list can end with `token`.
fn ends_statement(token: Token) -> bool {
    matches!(token.kind, TokenKind::Punct(b';' | b'}' | b',' | b':'))
}

/// Whether a line has enough text to be compared with others.
fn is_distinctive(line: &str) -> bool {
    line.len() >= MIN_DISTINCTIVE && line.contains(char::is_alphanumeric)
}

/// The byte where a line starts for the second time of [`LOOP`] times in a row.
fn looping(answer: &str) -> Option<usize> {
    let mut start = 0;
    let mut lines: Vec<(usize, &str)> = Vec::new();
    for line in answer.split_inclusive('\n') {
        lines.push((start, line.trim()));
        start += line.len();
    }
    let same = |run: &&[(usize, &str)]| {
        is_distinctive(run[0].1) && run.iter().all(|line| line.1 == run[0].1)
    };
    lines.windows(LOOP).find(same).map(|run| run[1].0)
}

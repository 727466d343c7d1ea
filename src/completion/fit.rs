//! Cuts the answer of a model to what fits at the cursor. What stands behind the
//! cursor stays what it is: an answer closes no bracket, literal or comment that is
//! closed there, leaves none open in its line, and doubles no sign.

use std::borrow::Cow;
use std::ops::Range;

use super::behind::{OpenBracket, brackets, opened};
use super::enclosing::{Enclosing, LexicalState, comment_at_end, ends_with_escape};
use super::syntax::{CompletionExtent, CursorSyntax};
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
            LexicalState::Code => cut(self.end_of_code(answer, 0)),
            // HTML may have code, as long as that ends, too.
            LexicalState::Text if self.enclosing == Enclosing::Html => {}
            state => cut(self.end_of_enclosing(answer).and_then(|end| match state {
                _ if self.must_stay_inside => Some(end.start),
                LexicalState::Quoted(_) => self.end_of_code(answer, end.end),
                _ => Some(end.end),
            })),
        }
        cut(self.repeated_line(answer));
        cut(looping(answer));
        let is_cut = end < answer.len();
        let mut text = answer[..end].trim_end();
        // White space is no completion, and neither is text that is there already.
        text = self.without_overlap(text);
        text = self.without_open_end(text);
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

    /// The bytes of `answer` that would end the literal, the comment or the HTML around
    /// the cursor.
    fn end_of_enclosing(&self, answer: &str) -> Option<Range<usize>> {
        self.enclosing.end(answer, &self.start_of_line)
    }

    /// The byte where the code that begins at byte `from` ceases to fit: at a bracket
    /// that closes more than may be closed here, at a sign that stands behind the cursor,
    /// or behind the statement.
    fn end_of_code(&self, answer: &str, from: usize) -> Option<usize> {
        let mut open: Vec<OpenBracket> = Vec::new();
        let mut outer = self.brackets.open.clone();
        let mut last: Option<Token> = None;
        let mut ternaries = 0_usize;
        for token in lex_from(answer, from, LexMode::Code) {
            let start = token.span.start as usize;
            if let Some(last) = last
                && self.extent == CompletionExtent::Statement
                && open.is_empty()
                && ends_statement(last)
                && let Some(newline) = answer[last.span.end as usize..start].find('\n')
            {
                return Some(last.span.end as usize + newline);
            }
            let is_last = token.span.end as usize == answer.len();
            if open.is_empty() && self.is_repeated(token, is_last, &mut ternaries, outer.last()) {
                return Some(start);
            }
            if let Some(bracket) = opened(answer, last, token) {
                open.push(bracket);
            } else if let TokenKind::Punct(closer @ (b')' | b']' | b'}')) = token.kind {
                let may_close = outer.len() > self.brackets.closed_behind;
                let expected = match open.pop() {
                    None if may_close => outer.pop(),
                    inner => inner,
                };
                if expected.map(|bracket| bracket.closer) != Some(closer) {
                    return Some(start);
                }
            }
            if token.kind == TokenKind::CloseTag {
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

    /// Whether `token`, outside of the answer's own brackets and inside of `around`,
    /// stands behind the cursor already, or separates the answer from what goes on
    /// there. `is_last` tells whether nothing of the answer follows, so that the token
    /// may still grow. Counts the answer's `?` that wait for their `:`.
    fn is_repeated(
        &self,
        token: Token,
        is_last: bool,
        ternaries: &mut usize,
        around: Option<&OpenBracket>,
    ) -> bool {
        let next = self.behind.next;
        match token.kind {
            TokenKind::Punct(b';') => {
                self.behind.continues
                    || self.behind.begins_with_call
                    || around.is_some_and(|around| around.is_list)
            }
            TokenKind::Punct(b'{') | TokenKind::DoubleArrow => next == Some(token.kind),
            TokenKind::Punct(b'?') => {
                *ternaries += 1;
                false
            }
            TokenKind::Punct(b':') if next == Some(token.kind) && !is_last => {
                let is_own = *ternaries > 0;
                *ternaries = ternaries.saturating_sub(1);
                !is_own
            }
            _ => false,
        }
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
    /// that end closes a bracket that `text` opens; and without an end that repeats the
    /// sign or the arguments that follow.
    fn without_overlap<'t>(&self, text: &'t str) -> &'t str {
        let rest = self.rest_of_line.trim_end();
        let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
        let longest = ends.rev().find_map(|end| {
            let kept = text.strip_suffix(&rest[..end])?;
            let (open, _) = brackets(kept, &lex_from(kept, 0, LexMode::Code));
            (open.is_empty() || self.state != LexicalState::Code).then_some(kept)
        });
        let text = longest.map_or(text, str::trim_end);
        if self.state != LexicalState::Code {
            return text;
        }
        if self.behind.next == Some(TokenKind::Punct(b','))
            && let Some(kept) = text.strip_suffix(',')
        {
            return kept;
        }
        match text.ends_with(')') && self.behind.begins_with_call {
            true => &text[..last_group(text).unwrap_or(text.len())],
            false => text,
        }
    }

    /// `text` without an end that would take in what stands behind the cursor: a literal
    /// or a comment that is still open, brackets that are open where code follows in the
    /// line, or else statements behind the last whole one.
    fn without_open_end<'t>(&self, text: &'t str) -> &'t str {
        let rest = self.rest_of_line.trim_end();
        let from = match self.state {
            LexicalState::Code => 0,
            LexicalState::Quoted(_) if !self.must_stay_inside => {
                match self.end_of_enclosing(text) {
                    Some(quote) => quote.end,
                    None => return text,
                }
            }
            LexicalState::Text if self.enclosing == Enclosing::Html && self.must_stay_inside => {
                let code = self.end_of_enclosing(text);
                return &text[..code.map_or(text.len(), |code| code.start)];
            }
            LexicalState::Quoted(_) if ends_with_escape(text) => return &text[..text.len() - 1],
            // A `*` would end the comment.
            LexicalState::Text if rest.starts_with('/') => return text.trim_end_matches('*'),
            _ => return text,
        };
        let mut text = text;
        if !self.behind.is_blank {
            text = without_open_literal(text, from, rest.is_empty());
        }
        let mut open: Vec<OpenBracket> = Vec::new();
        let mut last: Option<Token> = None;
        let mut whole = None;
        let in_list = self.brackets.open.last().is_some_and(|open| open.is_list);
        for token in lex_from(text, from, LexMode::Code) {
            if let Some(bracket) = opened(text, last, token) {
                open.push(bracket);
            } else if token.is(b')') || token.is(b']') || token.is(b'}') {
                open.pop();
            }
            let ends_entry = token.is(b',') && in_list;
            if open.is_empty() && (token.is(b';') || token.is(b'}') || ends_entry) {
                whole = Some(token.span.end as usize);
            }
            last = Some(token);
        }
        let is_missing = open.len() == 1 && self.brackets.missing == Some(open[0].closer);
        text = match open.first() {
            Some(first) if !rest.is_empty() && !is_missing => text[..first.start].trim_end(),
            Some(_) if rest.is_empty() && self.behind.next.is_some() => {
                &text[..whole.unwrap_or(text.len())]
            }
            _ => text,
        };
        match rest {
            "" => text,
            // The cut may leave another such sign at the end.
            rest => without_merging(without_merging(text, from, rest), from, rest),
        }
    }
}

/// The byte where the round brackets at the end of `text` begin.
fn last_group(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let mut group = None;
    for token in lex_from(text, 0, LexMode::Code) {
        if let Some(bracket) = opened(text, None, token) {
            open.push(bracket);
        } else if token.is(b')') || token.is(b']') || token.is(b'}') {
            group = open.pop();
        }
    }
    group.map(|group| group.start).filter(|_| open.is_empty())
}

/// `text` up to the literal or the comment that is open at its end, if one is. Code
/// begins at byte `from`. `ends_line` tells whether the text ends its line.
fn without_open_literal(text: &str, from: usize, ends_line: bool) -> &str {
    let mut line = Cow::Borrowed(text);
    if ends_line {
        line.to_mut().push('\n');
    }
    let tokens = lex_from(&line, from, LexMode::Code);
    let Some(last) = tokens.last() else {
        let comment = comment_at_end(&line[from..]);
        return comment.map_or(text, |(at, _)| text[..from + at].trim_end());
    };
    let (start, end) = (last.span.start as usize, last.span.end as usize);
    let open = match Enclosing::at_end(&line, &tokens) {
        Enclosing::Quoted(_) | Enclosing::Heredoc(_) => Some(start),
        Enclosing::BlockComment if last.kind == TokenKind::Doc => Some(start),
        Enclosing::BlockComment | Enclosing::LineComment => {
            comment_at_end(&line[end..]).map(|(at, _)| end + at)
        }
        Enclosing::Code | Enclosing::Html => None,
    };
    open.map_or(text, |open| text[..open].trim_end())
}

/// `text` without its last token if that and the start of `rest` make a literal, a
/// comment or a tag. A heredoc is left out as well: its first line would take in `rest`.
/// Code begins at byte `from` of `text`.
fn without_merging<'t>(text: &'t str, from: usize, rest: &str) -> &'t str {
    let whole = [text, rest].concat();
    let begins = |token: &Token| token.span.start as usize;
    let crosses =
        |token: &Token| begins(token) < text.len() && token.span.end as usize > text.len();
    let tokens = lex_from(&whole, from, LexMode::Code);
    let heredoc = text.rfind("<<<");
    let opens = |token: &Token| crosses(token) || heredoc == Some(begins(token));
    let crossing = tokens.iter().find(|token| opens(token));
    let is_comment = ["//", "/*", "#[", "<<"].iter().any(|sign| {
        let (first, second) = sign.split_at(1);
        text.ends_with(first) && rest.starts_with(second)
    });
    let merges = crossing.is_some_and(|token| {
        let is_sign = token.kind == TokenKind::Operator && crosses(token);
        !is_sign
            && !token.is_word()
            && !matches!(token.kind, TokenKind::Variable | TokenKind::Number)
    });
    match (merges, is_comment) {
        (true, _) => text[..crossing.map_or(text.len(), begins)].trim_end(),
        (false, true) => text[..text.len() - 1].trim_end(),
        (false, false) => text,
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

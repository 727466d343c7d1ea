//! The syntax around a cursor, and the cutting of answers to fit it.

use crate::php::lex::{LexMode, Token, TokenKind, lex, lex_from};
use crate::text::{line_end, line_start};

/// A line that is repeated so often has trapped the model.
const LOOP: usize = 3;
/// A line has to be of so many bytes to be told from others by its text.
const MIN_TELLING: usize = 3;

/// How much is wanted at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionExtent {
    /// The rest of the line: there is code behind the cursor, or a literal or a
    /// comment around it.
    Line,
    /// The rest of the statement, over as many lines as it has.
    Statement,
    /// All that a pair of braces is to hold.
    Body,
}

/// What the cursor stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    Code,
    /// A quoted string, and its quote.
    Quoted(u8),
    /// Inline HTML, a comment or a heredoc.
    Text,
}

/// The place of a completion.
#[derive(Clone, Debug)]
pub struct CursorSyntax {
    around: Around,
    extent: CompletionExtent,
    /// Whether nothing but blanks stands before the cursor in its line.
    begins_line: bool,
    /// What stands behind the cursor in its line.
    rest_of_line: String,
    /// The first line behind the cursor's own that is not blank.
    next_line: Option<String>,
    /// Whether a statement ends right before the cursor, in its line.
    behind_statement: bool,
    /// The brackets that are open here and that nothing behind closes, the
    /// innermost last, by what closes them.
    unclosed: Vec<u8>,
}

/// What is left of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FittedAnswer<'r> {
    /// What to show: the start of the answer, or nothing.
    pub text: &'r str,
    /// Whether the answer was cut, so that nothing that may follow matters.
    pub is_cut: bool,
}

impl CursorSyntax {
    /// The place at byte `cursor` of `content`, which must be on a character
    /// boundary.
    #[must_use]
    pub fn new(content: &str, cursor: usize) -> Self {
        let (before, after) = content.split_at(cursor);
        let tokens = lex(before);
        let around = around(before, &tokens);
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
            around,
            extent: match around {
                Around::Code if rest.trim().is_empty() => match next_line {
                    None if opens_body => CompletionExtent::Body,
                    Some(line) if opens_body && line.starts_with('}') => CompletionExtent::Body,
                    _ => CompletionExtent::Statement,
                },
                _ => CompletionExtent::Line,
            },
            begins_line,
            rest_of_line: rest.to_owned(),
            next_line: next_line.map(str::to_owned),
            behind_statement: around == Around::Code && !begins_line && ends_statement,
            // With the innermost closed an outer one cannot be closed here.
            unclosed: if is_closed { Vec::new() } else { open },
        }
    }

    /// How much is wanted here.
    #[must_use]
    pub fn extent(&self) -> CompletionExtent {
        self.extent
    }

    /// The start of `answer` that is worth showing: at most `max_lines` lines,
    /// without what ends a text of the model (`stops`).
    #[must_use]
    pub fn fit<'r>(&self, answer: &'r str, stops: &[&str], max_lines: usize) -> FittedAnswer<'r> {
        let mut end = answer.len();
        let mut cut = |at: Option<usize>| end = end.min(at.unwrap_or(end));
        for stop in stops.iter().filter(|stop| !stop.is_empty()) {
            cut(answer.find(stop));
        }
        let mut newlines = answer.match_indices('\n').map(|(at, _)| at);
        let lines = match self.extent {
            CompletionExtent::Line => 1,
            CompletionExtent::Statement | CompletionExtent::Body => max_lines,
        };
        cut(newlines.nth(lines.saturating_sub(1)));
        match self.around {
            Around::Code => cut(self.end_of_code(answer)),
            Around::Quoted(quote) => cut(self.end_of_string(answer, quote)),
            Around::Text => {}
        }
        cut(self.repeated_line(answer));
        cut(looping(answer));
        let is_cut = end < answer.len();
        let mut text = answer[..end].trim_end();
        // White space alone is no completion, nor is what is there already.
        text = self.without_overlap(text);
        let first = answer.trim_start_matches([' ', '\t']).chars().next();
        // Behind a statement a new line begins, or a comment.
        let is_misplaced =
            self.behind_statement && first.is_some_and(|c| !['\n', '\r', '/', '#'].contains(&c));
        if is_misplaced || text.trim().is_empty() {
            text = "";
        }
        let is_cut = is_cut || is_misplaced;
        FittedAnswer { text, is_cut }
    }

    /// Where code ends that fits: at a bracket that closes more than may be
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

    /// Where a string ends whose closing quote stands behind the cursor.
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

    /// Where a line begins that is the one behind the cursor's.
    fn repeated_line(&self, answer: &str) -> Option<usize> {
        let next = self.next_line.as_deref().filter(|line| tells(line))?;
        let mut start = 0;
        for (number, line) in answer.split_inclusive('\n').enumerate() {
            if (number > 0 || self.begins_line) && line.trim() == next {
                return Some(start);
            }
            start += line.len();
        }
        None
    }

    /// `text` without an end that the rest of the line begins with, unless that
    /// closes what `text` opens.
    fn without_overlap<'t>(&self, text: &'t str) -> &'t str {
        let rest = self.rest_of_line.trim_end();
        let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
        let longest = ends.rev().find_map(|end| {
            let kept = text.strip_suffix(&rest[..end])?;
            let (open, _) = brackets(kept, &lex_from(kept, 0, LexMode::Code));
            (open.is_empty() || self.around != Around::Code).then_some(kept)
        });
        longest.map_or(text, str::trim_end)
    }
}

/// What byte closes the bracket that `token` opens.
fn closer_of(token: Token) -> Option<u8> {
    match token.kind {
        TokenKind::Punct(b'(') => Some(b')'),
        TokenKind::Punct(b'[') | TokenKind::AttributeOpen => Some(b']'),
        TokenKind::Punct(b'{') => Some(b'}'),
        _ => None,
    }
}

/// The brackets of `text` that are not closed in it, by what closes them, and
/// the closing ones that are not opened in it; both in order.
fn brackets(text: &str, tokens: &[Token]) -> (Vec<u8>, Vec<u8>) {
    let (mut open, mut closers) = (Vec::new(), Vec::new());
    for token in tokens {
        if let Some(closer) = closer_of(*token) {
            open.push(closer);
        } else if let TokenKind::Punct(closer @ (b')' | b']' | b'}')) = token.kind {
            match open.iter().rposition(|expected| *expected == closer) {
                // What is still open inside was never closed.
                Some(at) => open.truncate(at),
                None => closers.push(closer),
            }
        }
    }
    debug_assert!(open.len() + closers.len() <= text.len());
    (open, closers)
}

/// Whether a statement, or an entry of a list, may end with `token`.
fn ends_statement(token: Token) -> bool {
    matches!(token.kind, TokenKind::Punct(b';' | b'}' | b',' | b':'))
}

/// What the end of `before` stands in.
fn around(before: &str, tokens: &[Token]) -> Around {
    let Some(last) = tokens.last() else {
        return Around::Text;
    };
    let text = last.span.of(before);
    let reaches_end = last.span.end as usize == before.len();
    match last.kind {
        TokenKind::Html | TokenKind::CloseTag => Around::Text,
        TokenKind::String | TokenKind::Template if reaches_end => match text.as_bytes() {
            [quote @ (b'\'' | b'"' | b'`'), inside @ ..] if !is_closed(inside, *quote) => {
                Around::Quoted(*quote)
            }
            // A heredoc whose closing label has not come.
            [b'<', ..] if !closes_heredoc(text) => Around::Text,
            _ => Around::Code,
        },
        TokenKind::Doc if reaches_end && !text.ends_with("*/") => Around::Text,
        _ => {
            // Plain comments are no tokens.
            let gap = &before[last.span.end as usize..];
            let line = gap.rsplit('\n').next().unwrap_or(gap);
            let is_line = line.contains("//") || line.contains('#');
            let is_block = gap.rfind("/*").is_some_and(|at| !gap[at..].contains("*/"));
            if is_line || is_block {
                Around::Text
            } else {
                Around::Code
            }
        }
    }
}

/// Whether a string, given behind its opening quote, ends with the closing one.
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

/// Whether a line can be told from others by its text.
fn tells(line: &str) -> bool {
    line.len() >= MIN_TELLING && line.contains(char::is_alphanumeric)
}

/// Where a line comes for the second time of [`LOOP`] in a row.
fn looping(answer: &str) -> Option<usize> {
    let mut start = 0;
    let mut lines: Vec<(usize, &str)> = Vec::new();
    for line in answer.split_inclusive('\n') {
        lines.push((start, line.trim()));
        start += line.len();
    }
    let same =
        |run: &&[(usize, &str)]| tells(run[0].1) && run.iter().all(|line| line.1 == run[0].1);
    lines.windows(LOOP).find(same).map(|run| run[1].0)
}

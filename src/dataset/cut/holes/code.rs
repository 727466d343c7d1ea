//! The code tokens of a file, and the holes that are drawn from them: from where
//! somebody types to the end of a line or of what is typed there.

use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::php::lex::{self, Token, TokenKind};
use crate::text::line_end;

/// The most characters of a hole of one line, in [`SpanKind::Typing`] and
/// [`SpanKind::OneLine`].
///
/// [`SpanKind::Typing`]: crate::dataset::SpanKind::Typing
/// [`SpanKind::OneLine`]: crate::dataset::SpanKind::OneLine
pub(super) const MAX_ONE_LINE: usize = 80;
/// The share of the holes at which somebody types that begin inside an identifier. The
/// others begin right behind `->`, `::`, `(`, `$` or `'`.
const IN_IDENTIFIER: f64 = 0.6;
/// The share of the holes of one line that reach to the end of the line. The others end
/// with the argument, the list or the string in which they begin, as where an editor
/// has closed a bracket.
const TO_LINE_END: f64 = 0.65;
/// The most draws of a token for one hole.
const DRAWS: usize = 8;

/// The tokens of one file.
pub(super) struct CodeTokens<'a> {
    text: &'a str,
    /// The tokens of code, in order. Comments and HTML are none.
    tokens: Vec<Token>,
    /// The pieces of HTML, in order.
    html: Vec<Range<usize>>,
}

impl<'a> CodeTokens<'a> {
    /// Reads the tokens of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        let mut html = Vec::new();
        let mut tokens = lex::lex(text);
        tokens.retain(|token| match token.kind {
            TokenKind::Html => {
                html.push(token.span.range());
                false
            }
            TokenKind::OpenTag | TokenKind::OpenEcho | TokenKind::CloseTag | TokenKind::Doc => {
                false
            }
            _ => true,
        });
        Self { text, tokens, html }
    }

    /// The number of tokens of code.
    pub(super) fn count(&self) -> usize {
        self.tokens.len()
    }

    /// Draws a hole that begins inside an identifier or right behind `->`, `::`, `(`,
    /// `$` or `'`.
    pub(super) fn typing(&self, rng: &mut ChaCha8Rng) -> Option<Range<usize>> {
        let in_identifier = rng.random_bool(IN_IDENTIFIER);
        for _ in 0..DRAWS {
            let at = rng.random_range(0..self.tokens.len());
            let start = match in_identifier {
                true => self.inside_word(at, rng),
                false => self.behind_trigger(at),
            };
            if let Some((at, start)) = start {
                return self.in_line(at, start, rng);
            }
        }
        None
    }

    /// Draws a hole that begins with a token, but not where [`Self::typing`] does.
    pub(super) fn one_line(&self, rng: &mut ChaCha8Rng) -> Option<Range<usize>> {
        let at = rng.random_range(0..self.tokens.len());
        let token = self.tokens[at];
        let start = token.span.start as usize;
        let before = at.checked_sub(1).map(|before| self.tokens[before]);
        let is_behind =
            before.is_some_and(|before| is_trigger(before) && before.span.end == token.span.start);
        if is_behind || ends_something(token) {
            return None;
        }
        self.in_line(at, start, rng)
    }

    /// A place inside the identifier `at`, behind one character of it at least and
    /// before one.
    fn inside_word(&self, at: usize, rng: &mut ChaCha8Rng) -> Option<(usize, usize)> {
        let token = self.tokens[at];
        let skip = match token.kind {
            TokenKind::Variable => 2,
            TokenKind::Name => 1,
            _ => return None,
        };
        let (start, end) = (token.span.start as usize + skip, token.span.end as usize);
        if start >= end {
            return None;
        }
        let place = self.text.floor_char_boundary(rng.random_range(start..end));
        (place >= start && !self.text[..place].ends_with('\\')).then_some((at, place))
    }

    /// The place right behind the `->`, `::`, `(`, `$` or `'` that token `at` is or
    /// begins with, and the token that stands there.
    fn behind_trigger(&self, at: usize) -> Option<(usize, usize)> {
        let token = self.tokens[at];
        match token.kind {
            TokenKind::Variable => Some((at, token.span.start as usize + 1)),
            TokenKind::String if token.span.of(self.text).starts_with('\'') => {
                Some((at, token.span.start as usize + 1))
            }
            _ if is_trigger(token) && at + 1 < self.tokens.len() => {
                Some((at + 1, token.span.end as usize))
            }
            _ => None,
        }
    }

    /// The hole from byte `start`, in or before token `at`, to the end of its line or
    /// of what begins there. None if that has too many characters, or no word.
    fn in_line(&self, at: usize, start: usize, rng: &mut ChaCha8Rng) -> Option<Range<usize>> {
        let to_line_end = rng.random_bool(TO_LINE_END);
        let last = self.last_in_line(at, start)?;
        let end = match to_line_end {
            true => self.tokens[last].span.end as usize,
            false => self.end_of_part(at, start, last),
        };
        (start < end && has_word(&self.text[start..end])).then_some(start..end)
    }

    /// The last token of the line in which byte `start` stands, `at` or a later one.
    /// None if the line ends inside a token, or far away.
    fn last_in_line(&self, at: usize, start: usize) -> Option<usize> {
        let end = line_end(self.text, start);
        let mut last = None;
        for (number, token) in self.tokens.iter().enumerate().skip(at) {
            if token.span.start as usize >= end {
                break;
            }
            if token.span.end as usize > end || token.span.end as usize - start > 4 * MAX_ONE_LINE {
                return None;
            }
            last = Some(number);
        }
        last
    }

    /// Where what begins with byte `start`, in or before token `at`, ends: before the
    /// bracket that closes around it, the comma or the semicolon behind it, or the
    /// quote that ends the string. At most the end of token `last`.
    fn end_of_part(&self, at: usize, start: usize, last: usize) -> usize {
        let first = self.tokens[at];
        if first.kind == TokenKind::String && start > first.span.start as usize {
            // A string that nothing closes may end with any character.
            let closing = first.span.of(self.text).chars().next_back();
            return first.span.end as usize - closing.map_or(0, char::len_utf8);
        }
        let mut depth = 0_usize;
        let mut end = start;
        for token in &self.tokens[at..=last] {
            match token.kind {
                TokenKind::Punct(b'(' | b'[' | b'{') | TokenKind::AttributeOpen => depth += 1,
                TokenKind::Punct(b')' | b']' | b'}') if depth == 0 => break,
                TokenKind::Punct(b')' | b']' | b'}') => depth -= 1,
                TokenKind::Punct(b',' | b';') if depth == 0 => break,
                _ => {}
            }
            end = token.span.end as usize;
        }
        end
    }

    /// The rest of each line behind `->`, `::`, `= `, `return ` or `(`.
    pub(super) fn line_rests(&self) -> Vec<Range<usize>> {
        let mut rests = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let line = line_end(self.text, self.tokens[at].span.start as usize);
            let of_line = self.tokens[at..]
                .iter()
                .take_while(|token| (token.span.start as usize) < line);
            let upto = at + of_line.count();
            let end = self.tokens[upto - 1].span.end as usize;
            if end <= line {
                let starts = self.tokens[at..upto].iter().filter_map(|token| {
                    let behind = token.span.end as usize;
                    let blank = self.text[behind..].starts_with(' ');
                    match token.kind {
                        TokenKind::Punct(b'=') | TokenKind::Return => blank.then_some(behind + 1),
                        _ => is_trigger(*token).then_some(behind),
                    }
                });
                rests.extend(starts.filter(|start| *start < end).map(|start| start..end));
            }
            at = upto;
        }
        rests
    }

    /// Draws the rest of `statement` from a token of its first line on, but not the
    /// first one.
    pub(super) fn rest_of(
        &self,
        statement: &Range<usize>,
        rng: &mut ChaCha8Rng,
    ) -> Option<Range<usize>> {
        let starts_before = |byte: usize| {
            let before = |token: &Token| (token.span.start as usize) < byte;
            self.tokens.partition_point(before)
        };
        let line = line_end(self.text, statement.start).min(statement.end);
        let (first, upto) = (starts_before(statement.start + 1), starts_before(line));
        if first >= upto {
            return None;
        }
        let token = self.tokens[rng.random_range(first..upto)];
        let rest = token.span.start as usize..statement.end;
        (!ends_something(token) && has_word(&self.text[rest.clone()])).then_some(rest)
    }

    /// The reason why nobody would type `range`, if there is one: it is nothing but
    /// imports, or for the most part HTML.
    pub(super) fn objection(&self, range: &Range<usize>) -> Option<&'static str> {
        let first = self.html.partition_point(|html| html.end <= range.start);
        let shared = self.html[first..]
            .iter()
            .take_while(|html| html.start < range.end)
            .map(|html| html.end.min(range.end) - html.start.max(range.start));
        if 2 * shared.sum::<usize>() > range.len() {
            return Some("html");
        }
        let lines = crate::text::line_start(self.text, range.start)..line_end(self.text, range.end);
        let is_import = |line: &str| {
            line.trim_end().is_empty()
                || ["use ", "namespace ", "declare("]
                    .iter()
                    .any(|start| line.starts_with(start))
        };
        let all_of = &self.text[lines];
        (all_of.len() <= 4096 && all_of.lines().all(is_import)).then_some("imports")
    }
}

/// Whether somebody who has typed `token` waits for a name.
fn is_trigger(token: Token) -> bool {
    matches!(
        token.kind,
        TokenKind::Arrow | TokenKind::NullArrow | TokenKind::DoubleColon | TokenKind::Punct(b'(')
    )
}

/// Whether `token` only ends what stands before it.
fn ends_something(token: Token) -> bool {
    matches!(
        token.kind,
        TokenKind::Punct(b')' | b']' | b'}' | b',' | b';')
    )
}

/// Whether `text` has a letter or a digit.
pub(super) fn has_word(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

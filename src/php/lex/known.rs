//! A text whose tokens are known, by which parts of it are lexed faster.

use super::{LexMode, Lexer, Token, TokenKind, lex, lex_from};

/// Bytes behind a token that may decide what the token is. Tokens whose kind depends on
/// more depend on the next word.
const LOOKAHEAD: u32 = 16;
/// Known tokens before an end that are lexed anew: the last may depend on the next word.
const NEXT_WORDS: usize = 2;
/// Tokens that are read from the middle of a text until one is a known one.
const TOKENS_APART: usize = 64;

/// A text with all its tokens. Holes of one file leave most of its tokens as they are.
#[derive(Debug)]
pub struct LexedText<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl<'a> LexedText<'a> {
    /// Lexes `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            tokens: lex(text),
        }
    }

    /// The bytes of the text.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What [`lex_from`] gives for `source` from byte `from` on. It is faster where
    /// `source` goes on like this text does from byte `at` on.
    #[must_use]
    pub fn lex_from(&self, source: &str, from: usize, start: LexMode, at: usize) -> Vec<Token> {
        let part = source.as_bytes().get(from..).unwrap_or_default();
        let end = at + part.len();
        if self.text.as_bytes().get(at..end) != Some(part) {
            return lex_from(source, from, start);
        }
        let mut lexer = Lexer::new(source, from);
        let next = if (from, at, start) == (0, 0, LexMode::Html) {
            Some(0)
        } else if start == LexMode::Code || lexer.html() {
            self.synchronise(&mut lexer, from, at)
        } else {
            return lexer.tokens;
        };
        let known = next.map_or(&[][..], |next| {
            let known = &self.tokens[next..];
            let is_inside = |token: &Token| (token.span.end + LOOKAHEAD) as usize <= end;
            let inside = known.partition_point(is_inside);
            &known[..inside.saturating_sub(NEXT_WORDS)]
        });
        // Behind a close tag, lexing does not go on as code.
        let is_code = |token: &Token| !matches!(token.kind, TokenKind::Html | TokenKind::CloseTag);
        let known = &known[..known.iter().rposition(is_code).map_or(0, |last| last + 1)];
        let shifted = known.iter().map(|token| {
            let mut token = *token;
            token.span.start = token.span.start - at as u32 + from as u32;
            token.span.end = token.span.end - at as u32 + from as u32;
            token
        });
        lexer.tokens.extend(shifted);
        if let (Some(_), Some(last)) = (known.last(), lexer.tokens.last()) {
            lexer.at = last.span.end as usize;
        }
        if !lexer.tokens.is_empty() || start == LexMode::Code || lexer.html() {
            while lexer.token() {}
        }
        lexer.tokens
    }

    /// Reads tokens until one is that of this text, whose byte `at` is the lexer's byte
    /// `from`. Returns the number of the next token of the text.
    fn synchronise(&self, lexer: &mut Lexer<'_>, from: usize, at: usize) -> Option<usize> {
        let first = lexer.tokens.len();
        let mut number = self
            .tokens
            .partition_point(|t| (t.span.start as usize) < at);
        while lexer.tokens.len() < first + TOKENS_APART && lexer.token() {
            let Some(last) = lexer.tokens[first..].last() else {
                continue;
            };
            let start = last.span.start as usize - from + at;
            number += self.tokens[number..].partition_point(|t| (t.span.start as usize) < start);
            let known = self.tokens.get(number)?;
            let is_it = known.kind == last.kind
                && known.span.start as usize == start
                && known.span.len() == last.span.len();
            if is_it && !matches!(last.kind, TokenKind::Html | TokenKind::CloseTag) {
                return Some(number + 1);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hole_leaves_the_tokens_around_it() {
        let body =
            "$this->total += $line->price(<<<X\n a\n X, 'b', \"$c\"); // d\n/* e */ enum F {}\n";
        let text = format!("<?php\n{}", body.repeat(20));
        let lexed = LexedText::new(&text);
        for hole in 0..text.len() {
            let source = &text[..hole];
            let all = lexed.lex_from(source, 0, LexMode::Html, 0);
            assert_eq!(all, lex(source), "{source}");
            let behind = &text[hole..];
            let source = ["<?php ", behind].concat();
            let all = lexed.lex_from(&source, 6, LexMode::Code, hole);
            assert_eq!(all, lex_from(&source, 6, LexMode::Code), "{behind}");
        }
    }

    proptest! {
        #[test]
        fn a_part_has_the_tokens_that_it_has_alone(
            source in "(<\\?php |<\\?=|<\\?|\\?>|'|\"|\\\\|<<<X\n|\nX|/\\*|\\*/|//|#|\\$a|->|::|enum |class |\\.|<|[a-z0-9\u{e4}{}();=]{1,9}| |\n){0,90}",
            places in prop::collection::vec(any::<prop::sample::Index>(), 3),
            is_code in any::<bool>(),
        ) {
            let text = source.as_str();
            let lexed = LexedText::new(text);
            let mut places: Vec<usize> = places
                .iter()
                .map(|place| text.floor_char_boundary(place.index(text.len() + 1)))
                .collect();
            places.sort_unstable();
            let before = &text[..places[0]];
            prop_assert_eq!(lexed.lex_from(before, 0, LexMode::Html, 0), lex(before));
            let shorter = [before, &text[places[1]..places[2]]].concat();
            let mode = if is_code { LexMode::Code } else { LexMode::Html };
            prop_assert_eq!(
                lexed.lex_from(&shorter, places[0], mode, places[1]),
                lex_from(&shorter, places[0], mode)
            );
        }
    }
}

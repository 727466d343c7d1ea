//! Splits PHP source into tokens, in one pass. Lexing never fails: a byte that is
//! no PHP becomes a token of its own. White space and plain comments are dropped.
//! A string is one token, whatever it interpolates.

mod blade;
mod known;

use memchr::{memchr, memchr2, memchr3, memmem};

pub use self::blade::{is_blade, lex_blade};
pub use self::known::LexedText;
use super::span::Span;
use super::token::keyword;
pub use super::token::{Token, TokenKind};

/// The state in which lexing begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexMode {
    /// Inline HTML, as at the start of every file.
    Html,
    /// PHP code, for a part from the middle of a file.
    Code,
}

/// All tokens of `source`.
#[must_use]
pub fn lex(source: &str) -> Vec<Token> {
    lex_from(source, 0, LexMode::Html)
}

/// The tokens of `source` from byte `at` on. Their spans count from the start of
/// `source`.
#[must_use]
pub fn lex_from(source: &str, at: usize, start: LexMode) -> Vec<Token> {
    let mut lexer = Lexer::new(source, at);
    if start == LexMode::Code || lexer.html() {
        while lexer.token() {}
    }
    lexer.tokens
}

/// Whether `byte` can begin an identifier.
#[must_use]
pub fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// Whether `byte` can stand inside an identifier.
#[must_use]
pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a `<?` with `rest` behind it opens PHP code. Whether PHP itself takes it so
/// is a setting of the server (`short_open_tag`). A word directly behind it is code if
/// PHP reserves the word or the word is called: `<?if`, `<?f()`. Any other word begins a
/// processing instruction, such as `<?xml version="1.0"?>`.
fn is_short_tag(rest: &[u8]) -> bool {
    let end = rest.iter().position(|&b| !is_name_byte(b));
    let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
    match word {
        [] => true,
        [b'0'..=b'9', ..] => false,
        _ => {
            keyword(word) != TokenKind::Name
                || behind.starts_with(b"(")
                || behind.starts_with(b"::")
        }
    }
}

/// Reads tokens from left to right.
struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    /// A lexer of `source` from byte `at` on.
    fn new(source: &'a str, at: usize) -> Self {
        Self {
            source: source.as_bytes(),
            at,
            tokens: Vec::with_capacity((source.len() - at.min(source.len())) / 6),
        }
    }

    fn push(&mut self, kind: TokenKind, end: usize) {
        let span = Span::new(self.at, end);
        self.at = end;
        self.tokens.push(Token { kind, span });
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.source.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Reads inline HTML up to and including the next open tag. Returns false at the
    /// end of the source.
    fn html(&mut self) -> bool {
        let mut from = self.at;
        while let Some(found) = memmem::find(&self.source[from..], b"<?") {
            let tag = from + found;
            let rest = &self.source[tag + 2..];
            let (kind, len) = if rest.first() == Some(&b'=') {
                (TokenKind::OpenEcho, 3)
            } else if rest
                .get(..3)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"php"))
                && rest.get(3).is_none_or(u8::is_ascii_whitespace)
            {
                (TokenKind::OpenTag, 5)
            } else if is_short_tag(rest) {
                (TokenKind::OpenTag, 2)
            } else {
                from = tag + 2;
                continue;
            };
            if tag > self.at {
                self.push(TokenKind::Html, tag);
            }
            self.push(kind, tag + len);
            return true;
        }
        if self.at < self.source.len() {
            self.push(TokenKind::Html, self.source.len());
        }
        false
    }

    /// Reads one token of code. Returns false at the end of the source.
    fn token(&mut self) -> bool {
        let Some(&first) = self.source.get(self.at) else {
            return false;
        };
        match first {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {
                self.at += 1;
                return true;
            }
            b'$' if is_name_start(self.byte(1)) => {
                let end = self.name_end(self.at + 1);
                self.push(TokenKind::Variable, end);
            }
            b'\\' if is_name_start(self.byte(1)) => self.name(),
            _ if is_name_start(first) => self.name(),
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() => self.number(),
            b'\'' => {
                let end = self.string_end(b'\'');
                self.push(TokenKind::String, end);
            }
            b'"' => {
                let end = self.string_end(b'"');
                let plain = memchr(b'$', &self.source[self.at..end]).is_none();
                self.push(
                    if plain {
                        TokenKind::String
                    } else {
                        TokenKind::Template
                    },
                    end,
                );
            }
            b'`' => {
                let end = self.string_end(b'`');
                self.push(TokenKind::Template, end);
            }
            b'#' if self.byte(1) == b'[' => self.push(TokenKind::AttributeOpen, self.at + 2),
            b'#' => self.line_comment(),
            b'/' if self.byte(1) == b'/' => self.line_comment(),
            b'/' if self.byte(1) == b'*' => self.block_comment(),
            b'?' if self.byte(1) == b'>' => {
                self.push(TokenKind::CloseTag, self.at + 2);
                return self.html();
            }
            b'<' if self.source[self.at..].starts_with(b"<<<") && self.heredoc() => {}
            _ => self.operator(first),
        }
        true
    }

    fn name_end(&self, from: usize) -> usize {
        let rest = &self.source[from..];
        from + rest
            .iter()
            .position(|&b| !is_name_byte(b))
            .unwrap_or(rest.len())
    }

    fn name(&mut self) {
        let mut end = self.name_end(self.at + usize::from(self.source[self.at] == b'\\'));
        while self.source.get(end) == Some(&b'\\')
            && self.source.get(end + 1).copied().is_some_and(is_name_start)
        {
            end = self.name_end(end + 1);
        }
        let is_member = self.tokens.last().is_some_and(|last| {
            matches!(last.kind, TokenKind::Arrow | TokenKind::NullArrow)
                || last.kind == TokenKind::DoubleColon
                    && !self.source[self.at..end].eq_ignore_ascii_case(b"class")
        });
        let kind = if is_member {
            TokenKind::Name
        } else {
            self.word_kind(end)
        };
        self.push(kind, end);
    }

    fn word_kind(&self, end: usize) -> TokenKind {
        let word = &self.source[self.at..end];
        let kind = keyword(word);
        match kind {
            TokenKind::Enum => {
                let rest = &self.source[end..];
                let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
                let next = self.name_end(end + blank);
                let next = &self.source[end + blank..next];
                let named = next.first().is_some_and(|&b| is_name_start(b));
                let word = matches!(keyword(next), TokenKind::Extends | TokenKind::Implements);
                if blank > 0 && named && !word {
                    TokenKind::Enum
                } else {
                    TokenKind::Name
                }
            }
            kind => kind,
        }
    }

    fn number(&mut self) {
        let rest = &self.source[self.at..];
        let mut end = 1;
        while let Some(&b) = rest.get(end) {
            let exponent_sign = matches!(b, b'+' | b'-')
                && matches!(rest[end - 1], b'e' | b'E')
                && !rest.starts_with(b"0x");
            let point = b == b'.' && rest.get(end + 1) != Some(&b'.');
            if !(b.is_ascii_alphanumeric() || b == b'_' || point || exponent_sign) {
                break;
            }
            end += 1;
        }
        self.push(TokenKind::Number, self.at + end);
    }

    /// The end of the quoted string at the current byte, or the end of the text.
    fn string_end(&self, quote: u8) -> usize {
        let mut from = self.at + 1;
        while let Some(found) = memchr2(quote, b'\\', &self.source[from.min(self.source.len())..]) {
            let hit = from + found;
            if self.source[hit] == quote {
                return hit + 1;
            }
            from = hit + 2;
        }
        self.source.len()
    }

    fn line_comment(&mut self) {
        // The search stops at the end of the line or at `?>`. A long line may have many
        // comments, so searching further would take quadratic time.
        let mut at = self.at;
        while let Some(found) = memchr3(b'\n', b'\r', b'?', &self.source[at..]) {
            at += found;
            if self.source[at] != b'?' || self.source.get(at + 1) == Some(&b'>') {
                self.at = at;
                return;
            }
            at += 1;
        }
        self.at = self.source.len();
    }

    fn block_comment(&mut self) {
        let rest = &self.source[self.at + 2..];
        let end = match memmem::find(rest, b"*/") {
            Some(close) => self.at + 2 + close + 2,
            None => self.source.len(),
        };
        if rest.first() == Some(&b'*') && end > self.at + 4 {
            self.push(TokenKind::Doc, end);
        } else {
            self.at = end;
        }
    }

    /// Reads a heredoc or nowdoc. Returns false if `<<<` begins none.
    fn heredoc(&mut self) -> bool {
        let mut label = self.at + 3;
        while matches!(self.source.get(label), Some(b' ' | b'\t')) {
            label += 1;
        }
        let quote = self
            .source
            .get(label)
            .copied()
            .filter(|b| matches!(b, b'\'' | b'"'));
        label += usize::from(quote.is_some());
        if !self.source.get(label).copied().is_some_and(is_name_start) {
            return false;
        }
        let label_end = self.name_end(label);
        let mut line = label_end;
        if let Some(quote) = quote {
            if self.source.get(line) != Some(&quote) {
                return false;
            }
            line += 1;
        }
        if !matches!(self.source.get(line), Some(b'\n' | b'\r')) {
            return false;
        }
        let id = &self.source[label..label_end];
        // The closing label is the first one at the start of a line, behind blanks.
        while let Some(newline) = memchr(b'\n', &self.source[line..]) {
            line += newline + 1;
            let rest = &self.source[line..];
            let blank = rest
                .iter()
                .take_while(|b| matches!(b, b' ' | b'\t'))
                .count();
            let close = &rest[blank..];
            if close.starts_with(id) && !close.get(id.len()).copied().is_some_and(is_name_byte) {
                let kind = if quote == Some(b'\'') {
                    TokenKind::String
                } else {
                    TokenKind::Template
                };
                self.push(kind, line + blank + id.len());
                return true;
            }
        }
        self.push(TokenKind::Template, self.source.len());
        true
    }

    fn operator(&mut self, first: u8) {
        let rest = &self.source[self.at..];
        let (kind, len) = match rest {
            [b'-', b'>', ..] => (TokenKind::Arrow, 2),
            [b'?', b'-', b'>', ..] => (TokenKind::NullArrow, 3),
            [b':', b':', ..] => (TokenKind::DoubleColon, 2),
            [b'=', b'>', ..] => (TokenKind::DoubleArrow, 2),
            [b'.', b'.', b'.', ..] => (TokenKind::Ellipsis, 3),
            [b'=', b'=', b'=', ..]
            | [b'!', b'=', b'=', ..]
            | [b'<', b'=', b'>', ..]
            | [b'*', b'*', b'=', ..]
            | [b'?', b'?', b'=', ..]
            | [b'<', b'<', b'=', ..]
            | [b'>', b'>', b'=', ..] => (TokenKind::Operator, 3),
            [
                b'=' | b'!' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'.' | b'%' | b'&' | b'|'
                | b'^',
                b'=',
                ..,
            ]
            | [b'&', b'&', ..]
            | [b'|', b'|', ..]
            | [b'|', b'>', ..]
            | [b'?', b'?', ..]
            | [b'+', b'+', ..]
            | [b'-', b'-', ..]
            | [b'*', b'*', ..]
            | [b'<', b'<', ..]
            | [b'>', b'>', ..]
            | [b'<', b'>', ..] => (TokenKind::Operator, 2),
            _ => (TokenKind::Punct(first), 1),
        };
        self.push(kind, self.at + len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(source: &str) -> Vec<(TokenKind, &str)> {
        lex(source)
            .into_iter()
            .map(|t| (t.kind, t.span.of(source)))
            .collect()
    }

    #[test]
    fn code_inside_strings_comments_and_html_is_not_code() {
        let source = "class A <?php // class B ?>x<?= $y ?> <?php
            # class C
            /* class D */ 'class \\' E' \"class {$f} G\" <<<'X'
            class H
            X . <<<Y
            class $i
              Y; #[Attr]";
        use TokenKind::*;
        assert_eq!(
            kinds(source).iter().map(|t| t.0).collect::<Vec<_>>(),
            [
                Html,
                OpenTag,
                CloseTag,
                Html,
                OpenEcho,
                Variable,
                CloseTag,
                Html,
                OpenTag,
                String,
                Template,
                String,
                Punct(b'.'),
                Template,
                Punct(b';'),
                AttributeOpen,
                Name,
                Punct(b']'),
            ]
        );
    }

    #[test]
    fn a_short_tag_opens_code_and_a_processing_instruction_does_not() {
        for open in [
            "<?\n$a",
            "<? $a",
            "<?$a",
            "<?/* b */$a",
            "<?if($a)",
            "<?ECHO $a",
            "<?f($a)",
        ] {
            let source = format!("<p>{open} ?></p>");
            let found = kinds(&source);
            assert_eq!(found[1], (TokenKind::OpenTag, "<?"), "{open}");
            assert!(found.contains(&(TokenKind::Variable, "$a")), "{open}");
        }
        for html in [
            "<?xml version=\"1.0\"?>",
            "<?XML version='1.0'?>",
            "<?xml-stylesheet href='a'?>",
            "<?mso-application progid='$a'?>",
            "<?phpx $a",
        ] {
            assert_eq!(kinds(html), [(TokenKind::Html, html)]);
        }
        // At the end of the text nothing follows the tag.
        assert_eq!(kinds("<?"), [(TokenKind::OpenTag, "<?")]);
        assert_eq!(
            kinds("<?xml version='1.0'?><? class A {}")[1..3],
            [(TokenKind::OpenTag, "<?"), (TokenKind::Class, "class")]
        );
    }

    #[test]
    fn a_keyword_behind_an_arrow_is_a_name() {
        assert_eq!(kinds("<?php $a->class")[3], (TokenKind::Name, "class"));
        assert_eq!(kinds("<?php A::new")[3], (TokenKind::Name, "new"));
        assert_eq!(kinds("<?php A::class")[3], (TokenKind::Class, "class"));
        assert_eq!(kinds("<?php enum(1); enum Suit {}")[1].0, TokenKind::Name);
        assert_eq!(kinds("<?php enum Suit {}")[1].0, TokenKind::Enum);
    }

    #[test]
    fn qualified_names_are_one_token() {
        assert_eq!(kinds("<?php \\A\\B\\c(")[1], (TokenKind::Name, "\\A\\B\\c"));
        assert_eq!(
            kinds("<?php namespace\\f(")[1],
            (TokenKind::Name, "namespace\\f")
        );
        assert_eq!(
            kinds("<?php A\\{B}")[1..3],
            [(TokenKind::Name, "A"), (TokenKind::Punct(b'\\'), "\\")]
        );
    }

    #[test]
    fn an_unclosed_string_or_heredoc_runs_to_the_end() {
        for source in [
            "<?php 'abc\\",
            "<?php \"a",
            "<?php <<<X\nabc",
            "<?php /** a",
            "<?php /* a",
        ] {
            let tokens = lex(source);
            assert!(tokens.len() <= 2, "{source}: {tokens:?}");
        }
    }

    proptest! {
        #[test]
        fn tokens_are_in_order_and_on_character_boundaries(
            source in "(<\\?php |<\\?=|\\?>|'|\"|\\\\|<<<X\n|\nX|/\\*|\\*/|//|#|\\$a|->|::|[a-z\u{e4}{}();=]| |\n){0,60}"
        ) {
            let mut last = 0;
            for token in lex(&source) {
                prop_assert!(token.span.start as usize >= last);
                prop_assert!(token.span.end > token.span.start);
                prop_assert!(source.get(token.span.range()).is_some());
                last = token.span.end as usize;
            }
        }
    }
}

//! Splits a Blade template into tokens: its PHP, and between that the rest as HTML.
//!
//! | in the template | tokens |
//! | --- | --- |
//! | `{{ … }}`, `{!! … !!}` | as `<?= … ?>` |
//! | `@php … @endphp`, `<?php … ?>` | as `<?php … ?>` |
//! | `@foreach (…)`, `@forelse`, `@if`, `@while`, `@for`, and what ends them | the statement, with braces |
//! | `@lang(…)` and any other directive with arguments | the call of a function |
//!
//! The braces are tokens without bytes. <https://laravel.com/docs/blade>

use memchr::{memchr3_iter, memmem};

use super::{LexMode, Lexer, is_name_byte, is_name_start};
use crate::php::span::Span;
use crate::php::token::{Token, TokenKind};

/// Whether the file at `path` is a Blade template.
#[must_use]
pub fn is_blade(path: &str) -> bool {
    path.ends_with(".blade.php")
}

/// The tokens of the Blade template `source` from byte `at` on, where `start` says
/// whether code or text stands there, and the mode at its end. Their spans count from
/// the start of `source`.
#[must_use]
pub fn lex_blade(source: &str, at: usize, start: LexMode) -> (Vec<Token>, LexMode) {
    let mut lexer = BladeLexer {
        lexer: Lexer {
            source: source.as_bytes(),
            at,
            tokens: Vec::new(),
        },
        mode: LexMode::Html,
    };
    if start == LexMode::Code {
        lexer.code();
    }
    lexer.template();
    (lexer.lexer.tokens, lexer.mode)
}

/// How a directive is read.
enum Directive {
    /// A statement with a condition and a block: `if`, `foreach`.
    Opens(TokenKind),
    /// `elseif`: ends a block and opens one with a condition.
    Continues,
    /// `else`
    Else,
    /// Ends a block and opens one without a condition: `@empty`.
    Next,
    /// Ends a block.
    Ends,
    /// A condition that opens a block without being one that narrows: `@unless`.
    Block,
    /// A call.
    Call,
}

impl Directive {
    /// The directive called `name`; `has_arguments` says whether brackets follow.
    fn of(name: &[u8], has_arguments: bool) -> Self {
        match name {
            b"if" | b"while" | b"for" if has_arguments => Self::Opens(TokenKind::Keyword),
            b"foreach" | b"forelse" if has_arguments => Self::Opens(TokenKind::Foreach),
            b"unless" if has_arguments => Self::Block,
            b"elseif" if has_arguments => Self::Continues,
            b"else" => Self::Else,
            b"empty" if !has_arguments => Self::Next,
            b"endif" | b"endwhile" | b"endfor" | b"endforeach" | b"endforelse" | b"endunless" => {
                Self::Ends
            }
            _ => Self::Call,
        }
    }
}

struct BladeLexer<'a> {
    lexer: Lexer<'a>,
    /// What the end of the source cuts off.
    mode: LexMode,
}

impl BladeLexer<'_> {
    /// Reads the template up to its end.
    fn template(&mut self) {
        let source = self.lexer.source;
        let mut from = self.lexer.at;
        while let Some(found) = memchr3_iter(b'{', b'@', b'<', &source[from..]).next() {
            let at = from + found;
            let rest = &source[at..];
            let len = match rest {
                [b'{', b'{', b'-', b'-', ..] => {
                    from = behind(source, at, b"--}}");
                    continue;
                }
                [b'@', b'@' | b'{', ..] => {
                    from = at + 2;
                    while source.get(from) == Some(&b'{') {
                        from += 1;
                    }
                    continue;
                }
                [b'{', b'{', b'{', ..] | [b'{', b'!', b'!', ..] => 3,
                [b'{', b'{', ..] => 2,
                [b'<', b'?', ..] => 0,
                [b'@', first, ..] if is_name_start(*first) && !is_in_word(source, at) => {
                    from = self.directive(at);
                    continue;
                }
                _ => {
                    from = at + 1;
                    continue;
                }
            };
            self.text(at);
            if len == 0 {
                self.php_tag();
            } else {
                self.lexer.push(TokenKind::OpenEcho, at + len);
                self.echoed();
            }
            from = self.lexer.at;
        }
        self.text(source.len());
    }

    /// The text up to byte `end`.
    fn text(&mut self, end: usize) {
        if end > self.lexer.at {
            self.lexer.push(TokenKind::Html, end);
        }
    }

    /// `<?php … ?>`, or another `<?` that is text.
    fn php_tag(&mut self) {
        let at = self.lexer.at;
        let end = behind(self.lexer.source, at, b"?>");
        let whole = self.lexer.source;
        self.lexer.source = &whole[..end];
        if self.lexer.html() {
            self.mode = LexMode::Code;
            while self.lexer.token() {}
            if end < whole.len() || whole.ends_with(b"?>") {
                self.mode = LexMode::Html;
            }
        }
        self.lexer.source = whole;
    }

    /// Code up to `@endphp` or `?>`.
    fn code(&mut self) {
        let source = self.lexer.source;
        let at = self.lexer.at;
        let directive = memmem::find(&source[at..], b"@endphp").map(|found| (at + found, 7));
        let limit = directive.map_or(source.len(), |(end, _)| end);
        let tag = memmem::find(&source[at..limit], b"?>").map(|found| (at + found, 2));
        let end = tag.or(directive);
        self.mode = match end {
            Some(_) => LexMode::Html,
            None => LexMode::Code,
        };
        self.limited(end.map_or(source.len(), |(end, _)| end));
        if let Some((end, len)) = end {
            self.lexer.at = end;
            self.lexer.push(TokenKind::CloseTag, end + len);
        }
    }

    /// The code up to byte `end`.
    fn limited(&mut self, end: usize) {
        let whole = self.lexer.source;
        self.lexer.source = &whole[..end];
        while self.lexer.token() {}
        self.lexer.source = whole;
    }

    /// The expression of an echo and what closes it. A string may hold what would.
    fn echoed(&mut self) {
        loop {
            let source = self.lexer.source;
            let rest = &source[self.lexer.at.min(source.len())..];
            let len = match rest {
                [b'}', b'}', b'}', ..] | [b'!', b'!', b'}', ..] => 3,
                [b'}', b'}', ..] => 2,
                _ if self.lexer.token() => continue,
                _ => return,
            };
            let end = self.lexer.at + len;
            self.lexer.push(TokenKind::CloseTag, end);
            return;
        }
    }

    /// The directive whose `@` is byte `at`. Returns the byte behind it.
    fn directive(&mut self, at: usize) -> usize {
        let source = self.lexer.source;
        let rest = &source[at + 1..];
        let len = rest.iter().take_while(|&&byte| is_name_byte(byte)).count();
        let name = &rest[..len];
        let end = at + 1 + len;
        match name {
            b"verbatim" => return behind(source, end, b"@endverbatim"),
            b"php" if source.get(end) != Some(&b'(') => {
                self.text(at);
                self.lexer.push(TokenKind::OpenTag, end);
                self.code();
                return self.lexer.at;
            }
            _ => {}
        }
        let blanks = source[end..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace());
        let blanks = blanks.count();
        let has_arguments = source.get(end + blanks) == Some(&b'(');
        let directive = Directive::of(name, has_arguments);
        // `@media (…)` of a style sheet is no directive.
        if matches!(directive, Directive::Call) && !(has_arguments && blanks == 0) {
            return end;
        }
        self.text(at);
        self.lexer.at = at + 1;
        self.tokens_of(directive, end);
        self.lexer.at
    }

    /// The tokens of a directive whose name begins at the next byte and ends at `end`.
    fn tokens_of(&mut self, directive: Directive, end: usize) {
        match directive {
            Directive::Opens(kind) => {
                self.lexer.push(kind, end);
                self.arguments();
                self.brace(b'{');
            }
            Directive::Block => {
                self.lexer.at = end;
                self.arguments();
                self.brace(b'{');
            }
            Directive::Continues => {
                self.brace(b'}');
                self.lexer.push(TokenKind::Keyword, end);
                self.arguments();
                self.brace(b'{');
            }
            Directive::Else => {
                self.brace(b'}');
                self.lexer.push(TokenKind::Keyword, end);
                self.brace(b'{');
            }
            Directive::Next => {
                self.lexer.at = end;
                self.brace(b'}');
                self.brace(b'{');
            }
            Directive::Ends => {
                self.lexer.at = end;
                self.brace(b'}');
            }
            Directive::Call => {
                self.lexer.push(TokenKind::Name, end);
                self.arguments();
            }
        }
    }

    /// The brackets at the next token, with what is in them.
    fn arguments(&mut self) {
        let mut depth = 0_usize;
        let mut next = self.lexer.tokens.len();
        while self.lexer.token() {
            while let Some(token) = self.lexer.tokens.get(next) {
                next += 1;
                match token.kind {
                    TokenKind::Punct(b'(') => depth += 1,
                    TokenKind::Punct(b')') => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth == 0 {
                    return;
                }
            }
        }
    }

    /// A brace that the template does not hold.
    fn brace(&mut self, byte: u8) {
        let kind = TokenKind::Punct(byte);
        let span = Span::new(self.lexer.at, self.lexer.at);
        self.lexer.tokens.push(Token { kind, span });
    }
}

/// The byte behind the first `end` from byte `from` on; the end of the source without
/// one.
fn behind(source: &[u8], from: usize, end: &[u8]) -> usize {
    let found = memmem::find(&source[from..], end);
    found.map_or(source.len(), |found| from + found + end.len())
}

/// Whether a word ends right before byte `at`, as in the address `a@b`.
fn is_in_word(source: &[u8], at: usize) -> bool {
    at.checked_sub(1)
        .is_some_and(|before| is_name_byte(source[before]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The tokens of `source` that are no text, with the mode at its end.
    fn lexed(source: &str) -> (Vec<String>, LexMode) {
        let (tokens, mode) = lex_blade(source, 0, LexMode::Html);
        let code = tokens.iter().filter(|token| token.kind != TokenKind::Html);
        let code = code.map(|token| match token.kind {
            TokenKind::Punct(byte) => char::from(byte).to_string(),
            _ => token.span.of(source).to_owned(),
        });
        (code.collect(), mode)
    }

    #[test]
    fn the_php_of_a_template_is_code() {
        for (source, expected) in [
            ("a {{ $b->c }} d", "{{ $b -> c }}"),
            ("{!! f('}}') !!}", "{!! f ( '}}' ) !!}"),
            ("{{-- $a --}} @{{ $b }} @@if ($c) x@y.org", ""),
            ("@php $a = 1; @endphp $b", "@php $a = 1 ; @endphp"),
            ("@php($a = 1) $b", "php ( $a = 1 )"),
            ("<?php $a; ?> $b <?= $c ?>", "<?php $a ; ?> <?= $c ?>"),
            ("<?xml version=\"1.0\"?> {{ $a }}", "{{ $a }}"),
            (
                "@if ($a) x @elseif($b) y @else z @endif",
                "if ( $a ) { } elseif ( $b ) { } else { }",
            ),
            (
                "@forelse($a as $b) {{ $b }} @empty none @endforelse",
                "forelse ( $a as $b ) { {{ $b }} } { }",
            ),
            (
                "@include('a.b', [f(1)]) (c)",
                "include ( 'a.b' , [ f ( 1 ) ] )",
            ),
            (
                "@media (max-width: 1px) { } @verbatim {{ $a }} @endverbatim",
                "",
            ),
        ] {
            let (code, mode) = lexed(source);
            assert_eq!(code.join(" "), expected, "{source}");
            assert_eq!(mode, LexMode::Html, "{source}");
        }
        assert_eq!(lexed("@php $a").1, LexMode::Code);
        assert_eq!(lexed("<?php $a").1, LexMode::Code);
        let (tokens, mode) = lex_blade("$a; @endphp {{ $b }}", 0, LexMode::Code);
        assert_eq!((tokens.len(), mode), (7, LexMode::Html));
    }

    proptest! {
        #[test]
        fn any_template_is_lexed_in_order(
            parts in proptest::collection::vec(
                prop::sample::select(vec![
                    "{{", "}}", "{!!", "!!}", "{{--", "--}}", "@php", "@endphp", "@if(", "@foreach (",
                    ")", "@else", "@endif", "<?php ", "?>", "$a", "->b", "'", "\"", "<<<X\n", "X;\n",
                    "@x(", "@", "/*", "*/", "// ", "\n", "é", "@verbatim",
                ]),
                0..40,
            )
        ) {
            let source = parts.concat();
            for mode in [LexMode::Html, LexMode::Code] {
                let (tokens, _) = lex_blade(&source, 0, mode);
                let mut end = 0;
                for token in tokens {
                    prop_assert!(token.span.start >= end && token.span.end >= token.span.start);
                    prop_assert!(source.is_char_boundary(token.span.start as usize));
                    end = token.span.end;
                    prop_assert!(end as usize <= source.len() && source.is_char_boundary(end as usize));
                }
            }
        }
    }
}

//! The site of the cursor: which kind of name may stand there, by the tokens
//! before it.

use super::buffer::{Buffer, is_open_string};
use crate::php::ImportKind;
use crate::php::lex::TokenKind;

/// Tokens before the cursor that are searched for the `(` of a parameter list:
/// a bound on the work.
const PARAMETER_TOKENS: usize = 400;

/// Which kind of name may stand at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// Behind the `->`, `?->` or `::` with this token number.
    Member {
        /// The token.
        operator: usize,
        /// Whether it is `::`.
        is_static: bool,
        /// Whether a `$` stands behind the `::`, so that only static properties may follow.
        is_property: bool,
    },
    /// A class-like, and nothing else.
    Class,
    /// A name behind `use`, outside of classes.
    Import(ImportKind),
    /// The name of a method that is being declared.
    Method,
    /// The start of an expression or a statement.
    Expression,
    /// The start of the empty body of a function.
    Body,
    /// No name of the project: the cursor is in text, a comment, a string, a
    /// variable's name, or a name that is new.
    Text,
}

impl Site {
    pub(super) fn of(buffer: &Buffer<'_>) -> Self {
        let Some(last) = buffer.before.checked_sub(1) else {
            return Self::Text;
        };
        let token = buffer.tokens[last];
        let end = token.span.end as usize;
        if in_comment(&buffer.content[end.min(buffer.word_start)..buffer.word_start]) {
            return Self::Text;
        }
        if let Some(import) = buffer.open_import() {
            return Self::Import(import.kind);
        }
        let before = buffer.kind(last.checked_sub(1));
        match token.kind {
            _ if is_text(buffer, last) => Self::Text,
            TokenKind::Arrow | TokenKind::NullArrow => Self::Member {
                operator: last,
                is_static: false,
                is_property: false,
            },
            TokenKind::DoubleColon => Self::Member {
                operator: last,
                is_static: true,
                is_property: buffer.is_static_property,
            },
            TokenKind::New
            | TokenKind::Instanceof
            | TokenKind::Extends
            | TokenKind::Implements
            | TokenKind::AttributeOpen
            | TokenKind::Use
            | TokenKind::Insteadof => Self::Class,
            TokenKind::Class
            | TokenKind::Interface
            | TokenKind::Trait
            | TokenKind::Enum
            | TokenKind::Namespace
            | TokenKind::As => Self::Text,
            TokenKind::Function if in_class_body(buffer, last) => Self::Method,
            TokenKind::Function | TokenKind::Const => Self::Text,
            TokenKind::Modifier => Self::Class,
            TokenKind::Punct(b':') if before == Some(TokenKind::Punct(b')')) => {
                if ends_parameters(buffer, last - 1) {
                    Self::Class
                } else {
                    Self::Expression
                }
            }
            TokenKind::Punct(b'{') if is_empty_body(buffer, last) => Self::Body,
            TokenKind::Punct(b'?') if is_nullable(buffer, last) => Self::Class,
            TokenKind::Punct(b'(' | b',' | b'|' | b'&') if takes_types(buffer, last) => Self::Class,
            _ => Self::Expression,
        }
    }
}

/// Whether no name may follow token `last` at the cursor: it is text outside of code, a
/// tag without a blank behind it, an open string or comment, or the name of a variable.
fn is_text(buffer: &Buffer<'_>, last: usize) -> bool {
    let token = buffer.tokens[last];
    let is_at_cursor = token.span.end as usize == buffer.word_start;
    let text = buffer.text(last);
    match token.kind {
        TokenKind::Html | TokenKind::CloseTag | TokenKind::Punct(b'$') => true,
        TokenKind::OpenTag => is_at_cursor && !text.ends_with(char::is_whitespace),
        TokenKind::String | TokenKind::Template | TokenKind::Doc => {
            is_at_cursor && is_open(token.kind, text)
        }
        TokenKind::Variable => is_at_cursor,
        _ => false,
    }
}

/// Whether the `{` at token `open`, the last before the cursor, begins the body of a
/// function in which nothing stands behind the cursor's line.
fn is_empty_body(buffer: &Buffer<'_>, open: usize) -> bool {
    let is_closed = buffer
        .tokens
        .get(open + 1)
        .is_some_and(|next| next.is(b'}'));
    let at = buffer.tokens[open].span.start;
    let methods = buffer.facts.classes.iter().flat_map(|class| &class.members);
    let mut heads = methods
        .filter(|member| !member.params.is_empty())
        .map(|member| member.head.end)
        .chain(
            buffer
                .facts
                .functions
                .iter()
                .map(|function| function.head.end),
        );
    is_closed
        && buffer.typed.is_empty()
        && heads.any(|end| end <= at && buffer.content[end as usize..at as usize].trim().is_empty())
}

/// Whether `gap`, the white space and comments behind the last token, ends
/// inside a comment.
fn in_comment(gap: &str) -> bool {
    let mut rest = gap;
    loop {
        rest = rest.trim_start();
        if rest.starts_with("//") || rest.starts_with('#') {
            match rest.find(['\n', '\r']) {
                Some(end) => rest = &rest[end..],
                None => return true,
            }
        } else if let Some(body) = rest.strip_prefix("/*") {
            match body.find("*/") {
                Some(end) => rest = &body[end + 2..],
                None => return true,
            }
        } else {
            return false;
        }
    }
}

/// Whether a string or doc comment that reaches the cursor is still open there.
fn is_open(kind: TokenKind, text: &str) -> bool {
    if kind == TokenKind::Doc {
        return !text.ends_with("*/");
    }
    is_open_string(text)
}

/// Whether token `at` stands directly in the body of a class.
fn in_class_body(buffer: &Buffer<'_>, at: usize) -> bool {
    let start = buffer.tokens[at].span.start as usize;
    buffer.class_at(start).is_some() && buffer.function_at(start).is_none()
}

/// Whether the `)` at token `close` ends the parameters of a function.
fn ends_parameters(buffer: &Buffer<'_>, close: usize) -> bool {
    buffer
        .opening(close)
        .is_some_and(|open| opens_parameters(buffer, open))
}

/// Whether the `(` at token `open` begins the parameters of a function or the
/// types of a `catch`.
fn opens_parameters(buffer: &Buffer<'_>, open: usize) -> bool {
    let before = open.checked_sub(1);
    let before2 = open.checked_sub(2);
    match buffer.kind(before) {
        Some(TokenKind::Function | TokenKind::Fn | TokenKind::Catch) => true,
        // `function name(`, `function &(`
        Some(_) => match buffer.kind(before2) {
            Some(TokenKind::Function | TokenKind::Fn) => true,
            Some(TokenKind::Punct(b'&')) => {
                buffer.kind(open.checked_sub(3)) == Some(TokenKind::Function)
            }
            _ => false,
        },
        None => false,
    }
}

/// Whether the `?` at token `at` begins a nullable type.
fn is_nullable(buffer: &Buffer<'_>, at: usize) -> bool {
    match buffer.kind(at.checked_sub(1)) {
        Some(TokenKind::Modifier) => true,
        Some(TokenKind::Punct(b':')) => {
            at >= 2 && buffer.tokens[at - 2].is(b')') && ends_parameters(buffer, at - 2)
        }
        Some(TokenKind::Punct(b'(' | b',')) => takes_types(buffer, at - 1),
        _ => false,
    }
}

/// Whether a type may follow the `(`, `,`, `|` or `&` at token `at`. It may in
/// a parameter list in front of the parameter's name, in a `catch`, and in a
/// list of parents.
fn takes_types(buffer: &Buffer<'_>, at: usize) -> bool {
    let mut depth = 0_usize;
    // Whether the tokens still belong to the parameter or type at the cursor.
    let mut own = !buffer.tokens[at].is(b',');
    for index in (at.saturating_sub(PARAMETER_TOKENS)..=at).rev() {
        match buffer.tokens[index].kind {
            TokenKind::Punct(b')' | b']' | b'}') => depth += 1,
            TokenKind::Punct(b'(') if depth == 0 => {
                return opens_parameters(buffer, index);
            }
            TokenKind::AttributeOpen if depth == 0 => return buffer.tokens[at].is(b','),
            TokenKind::Punct(b'(' | b'[' | b'{') if depth == 0 => return false,
            TokenKind::Punct(b'(' | b'[' | b'{') | TokenKind::AttributeOpen => depth -= 1,
            TokenKind::Punct(b',') if depth == 0 => own = false,
            TokenKind::Variable if depth == 0 && own => return false,
            TokenKind::Extends | TokenKind::Implements if depth == 0 => {
                return buffer.tokens[at].is(b',');
            }
            TokenKind::Punct(b';') | TokenKind::OpenTag => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::request::ContextRequest;

    /// The site at the `|` of `code`.
    fn site(code: &str) -> Site {
        let cursor = code.find('|').unwrap();
        let content = code.replacen('|', "", 1);
        let request = ContextRequest::for_test("a.php", &content, cursor);
        Site::of(&Buffer::new(&request))
    }

    #[test]
    fn the_tokens_before_the_cursor_tell_the_site() {
        let is_class = |code: &str| site(code) == Site::Class;
        for class in [
            "<?php new |",
            "<?php class A extends |",
            "<?php class A implements B, |",
            "<?php class A { private | }",
            "<?php function f(|",
            "<?php function f(A $a, ?|",
            "<?php function f(A $a, B&|",
            "<?php fn (A $a): |",
            "<?php function &f(): ?|",
            "<?php try {} catch (|",
            "<?php $a instanceof Wo|",
            "<?php #[|",
            "<?php #[A(1), |",
            "<?php class A { use |",
        ] {
            assert!(is_class(class), "{class}");
        }
        for expression in [
            "<?php \"{$a[|",
            "<?php f(|",
            "<?php $a = |",
            "<?php f($a, |",
            "<?php $a ? b() : |",
            "<?php $a | ",
            "<?php #[A(|",
            "<?php if ($a) { |",
            "<?php match ($a) { 1 => |",
        ] {
            assert_eq!(site(expression), Site::Expression, "{expression}");
        }
        for text in [
            "Hello |",
            "<?php // see |",
            "<?php /* see |",
            "<?php 'it\\'s |",
            "<?php $na|",
            "<?php class |",
            "<?php <<<X\n  text |",
            "<?php \"it's {$a->b} and |",
            "<?php '{$a->|",
            "<?php \"\\$a->|",
            "<?php ?> text |",
        ] {
            assert_eq!(site(text), Site::Text, "{text}");
        }
        for (import, kind) in [
            ("<?php use A\\|", ImportKind::Class),
            ("<?php use A\\{|", ImportKind::Class),
            ("<?php use A\\{B as C, |", ImportKind::Class),
            ("<?php use A\\{function |", ImportKind::Function),
            ("<?php use A, |", ImportKind::Class),
            ("<?php use function A\\|", ImportKind::Function),
            ("<?php use const A\\{|", ImportKind::Const),
        ] {
            assert_eq!(site(import), Site::Import(kind), "{import}");
        }
        assert_eq!(site("<?php function () use ($a, |"), Site::Expression);
        assert_eq!(site("<?php class A { function f() {\n|\n} }"), Site::Body);
        assert_eq!(
            site("<?php function f() {\n| g();\nh(); }"),
            Site::Expression
        );
        assert_eq!(site("<?php class A { public function |"), Site::Method);
        let member = |code: &str| matches!(site(code), Site::Member { .. });
        for property in ["<?php A::$|", "<?php static::$na|", "<?php $a::$|;"] {
            assert!(
                matches!(
                    site(property),
                    Site::Member {
                        is_property: true,
                        ..
                    }
                ),
                "{property}"
            );
        }
        assert!(member("<?php $a?->ge|") && member("<?php A::|") && member("<?php f()\n  ->|"));
    }
}

//! The tokens of PHP source, and the keywords among them.

use super::span::Span;

/// The kind of a token. Keywords that matter to facts have kinds of their own; the
/// others are [`TokenKind::Keyword`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Text outside `<?php … ?>`.
    Html,
    /// `<?php`, or the short form `<?`.
    OpenTag,
    /// `<?=`
    OpenEcho,
    /// `?>`
    CloseTag,
    /// `$name`
    Variable,
    /// An identifier, qualified or not: `name`, `A\B`, `\A`.
    Name,
    /// A number.
    Number,
    /// `'…'`, or `"…"` without interpolation.
    String,
    /// A `"…"`, backtick or heredoc string that may have interpolation.
    Template,
    /// `/** … */`
    Doc,
    /// `->`
    Arrow,
    /// `?->`
    NullArrow,
    /// `::`
    DoubleColon,
    /// `=>`
    DoubleArrow,
    /// `...`
    Ellipsis,
    /// `#[`
    AttributeOpen,
    /// A single punctuation byte.
    Punct(u8),
    /// An operator of several bytes without a kind of its own.
    Operator,
    /// `abstract`, `final`, `public`, `protected`, `private`, `static`, `var`, `readonly`.
    Modifier,
    /// `class`
    Class,
    /// `interface`
    Interface,
    /// `trait`
    Trait,
    /// `enum` in front of a name.
    Enum,
    /// `extends`
    Extends,
    /// `implements`
    Implements,
    /// `function`
    Function,
    /// `fn`
    Fn,
    /// `const`
    Const,
    /// `case`
    Case,
    /// `use`
    Use,
    /// `namespace` as a statement.
    Namespace,
    /// `new`
    New,
    /// `instanceof`
    Instanceof,
    /// `insteadof`
    Insteadof,
    /// `as`
    As,
    /// `catch`
    Catch,
    /// `return`
    Return,
    /// `foreach`
    Foreach,
    /// `include`, `require` and their `_once` forms.
    Include,
    /// Any other reserved word.
    Keyword,
}

/// One token: its kind and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its kind.
    pub kind: TokenKind,
    /// Its bytes.
    pub span: Span,
}

impl Token {
    /// Whether the token is the punctuation byte `byte`.
    #[inline]
    #[must_use]
    pub fn is(self, byte: u8) -> bool {
        self.kind == TokenKind::Punct(byte)
    }

    /// The name of a variable without its `$`.
    #[inline]
    pub(super) fn variable_name(self) -> Span {
        Span {
            start: self.span.start + 1,
            end: self.span.end,
        }
    }

    /// Whether the token is a word: a name or any keyword.
    #[inline]
    #[must_use]
    pub fn is_word(self) -> bool {
        use TokenKind::{
            Arrow, AttributeOpen, CloseTag, Doc, DoubleArrow, DoubleColon, Ellipsis, Html,
            NullArrow, Number, OpenEcho, OpenTag, Operator, Punct, String, Template, Variable,
        };
        !matches!(
            self.kind,
            Html | OpenTag
                | OpenEcho
                | CloseTag
                | Variable
                | Number
                | String
                | Template
                | Doc
                | Arrow
                | NullArrow
                | DoubleColon
                | DoubleArrow
                | Ellipsis
                | AttributeOpen
                | Punct(_)
                | Operator
        )
    }
}

/// The kind of `word`, in any case; [`TokenKind::Name`] if it is not reserved.
#[inline]
pub(super) fn keyword(word: &[u8]) -> TokenKind {
    let mut lower = [0; 12];
    if word.len() < 2 || word.len() > lower.len() {
        return TokenKind::Name;
    }
    let lower = &mut lower[..word.len()];
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    match &*lower {
        b"abstract" | b"final" | b"public" | b"protected" | b"private" | b"static" | b"var"
        | b"readonly" => TokenKind::Modifier,
        b"class" => TokenKind::Class,
        b"interface" => TokenKind::Interface,
        b"trait" => TokenKind::Trait,
        b"enum" => TokenKind::Enum,
        b"extends" => TokenKind::Extends,
        b"implements" => TokenKind::Implements,
        b"function" => TokenKind::Function,
        b"fn" => TokenKind::Fn,
        b"const" => TokenKind::Const,
        b"case" => TokenKind::Case,
        b"use" => TokenKind::Use,
        b"namespace" => TokenKind::Namespace,
        b"new" => TokenKind::New,
        b"instanceof" => TokenKind::Instanceof,
        b"insteadof" => TokenKind::Insteadof,
        b"as" => TokenKind::As,
        b"catch" => TokenKind::Catch,
        b"return" => TokenKind::Return,
        b"foreach" => TokenKind::Foreach,
        b"include" | b"include_once" | b"require" | b"require_once" => TokenKind::Include,
        b"if" | b"else" | b"elseif" | b"endif" | b"while" | b"endwhile" | b"for" | b"endfor"
        | b"endforeach" | b"switch" | b"endswitch" | b"match" | b"echo" | b"print" | b"isset"
        | b"empty" | b"unset" | b"list" | b"array" | b"exit" | b"die" | b"and" | b"or" | b"xor"
        | b"declare" | b"enddeclare" | b"eval" | b"clone" | b"yield" | b"throw" | b"try"
        | b"finally" | b"break" | b"continue" | b"do" | b"default" | b"goto" | b"global"
        | b"callable" => TokenKind::Keyword,
        _ => TokenKind::Name,
    }
}

//! The state of the declaration scanner, and how it moves over the tokens.

use crate::php::facts::{FileFacts, Namespace};
use crate::php::span::Span;
use crate::php::token::{Token, TokenKind};

/// How many tokens of a `define(…)` or `include …` are searched for its end.
const EXPRESSION_TOKENS: usize = 64;

/// What an open brace belongs to.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum OpenBrace {
    Block,
    Namespace,
    /// The class with this number in the facts.
    Class(usize),
    /// The method with this class and member number.
    Method(usize, usize),
    /// The function with this number in the facts.
    Function(usize),
}

/// Reads declarations from left to right. The methods for each kind of
/// declaration stand in files of their own.
pub(super) struct DeclarationScanner<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: &'a [Token],
    /// The token to be read next.
    pub(super) at: usize,
    /// The first token of the current statement, behind attributes.
    pub(super) statement: usize,
    /// The doc comment before the current statement; empty when there is none.
    pub(super) doc: Span,
    /// The open braces, the innermost last.
    pub(super) stack: Vec<OpenBrace>,
    /// The positions of classes in `stack`.
    pub(super) classes: Vec<usize>,
    pub(super) facts: FileFacts,
}

impl<'a> DeclarationScanner<'a> {
    /// A scanner before the first token.
    pub(super) fn new(source: &'a str, tokens: &'a [Token]) -> Self {
        Self {
            source,
            tokens,
            at: 0,
            statement: 0,
            doc: Span::default(),
            stack: Vec::new(),
            classes: Vec::new(),
            facts: FileFacts {
                namespaces: vec![Namespace {
                    name: Span::default(),
                    body: Span::new(0, source.len()),
                }],
                ..FileFacts::default()
            },
        }
    }

    /// Begins the next statement.
    #[inline]
    pub(super) fn boundary(&mut self) {
        self.statement = self.at;
        self.doc = Span::default();
    }

    /// Opens a brace.
    #[inline]
    pub(super) fn open(&mut self, frame: OpenBrace) {
        if matches!(frame, OpenBrace::Class(_)) {
            self.classes.push(self.stack.len());
        }
        self.stack.push(frame);
    }

    /// Closes the innermost open brace, if there is one, at byte `end`.
    #[inline]
    pub(super) fn close(&mut self, end: u32) {
        match self.stack.pop() {
            None | Some(OpenBrace::Block | OpenBrace::Namespace) => {}
            Some(OpenBrace::Class(class)) => {
                self.classes.pop();
                self.facts.classes[class].body.end = end;
            }
            Some(OpenBrace::Method(class, member)) => {
                self.facts.classes[class].members[member].end = end;
            }
            Some(OpenBrace::Function(function)) => self.facts.functions[function].end = end,
        }
    }

    /// The token to be read next.
    #[inline]
    pub(super) fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    /// The text of the token with number `token`; empty past the end.
    #[inline]
    pub(super) fn word(&self, token: usize) -> &str {
        self.tokens
            .get(token)
            .map_or("", |t| t.span.of(self.source))
    }

    /// The span from token `first` to token `last`, both included.
    #[inline]
    pub(super) fn span(&self, first: usize, last: usize) -> Span {
        Span {
            start: self.tokens[first].span.start,
            end: self.tokens[last.max(first)].span.end,
        }
    }

    /// The number of the namespace region that the scanner stands in.
    #[inline]
    pub(super) fn current_namespace(&self) -> u16 {
        u16::try_from(self.facts.namespaces.len() - 1).unwrap_or(u16::MAX)
    }

    /// The class whose body the scanner stands directly in.
    #[inline]
    pub(super) fn class(&self) -> Option<usize> {
        match self.stack.last() {
            Some(&OpenBrace::Class(class)) => Some(class),
            _ => None,
        }
    }

    /// The token that closes the bracket at `open`, or the last one before a
    /// `;` or brace that cannot stand inside.
    pub(super) fn closing(&self, open: usize) -> usize {
        let mut depth = 0;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                TokenKind::Punct(b'(' | b'[') | TokenKind::AttributeOpen => depth += 1,
                TokenKind::Punct(b')' | b']') => {
                    depth -= 1;
                    if depth <= 0 {
                        return at;
                    }
                }
                TokenKind::Punct(b';' | b'{' | b'}') | TokenKind::CloseTag => {
                    return at.max(open + 1) - 1;
                }
                _ => {}
            }
        }
        self.tokens.len().max(open + 1) - 1
    }

    /// The token behind the expression that starts at token `from`, or the token
    /// [`EXPRESSION_TOKENS`] further if the expression is longer.
    pub(super) fn expression_end(&self, from: usize) -> usize {
        let mut depth = 0;
        let rest = self
            .tokens
            .iter()
            .enumerate()
            .skip(from)
            .take(EXPRESSION_TOKENS);
        for (at, token) in rest {
            match token.kind {
                TokenKind::Punct(b'(' | b'[') => depth += 1,
                TokenKind::Punct(b')' | b']') if depth > 0 => depth -= 1,
                TokenKind::Punct(b')' | b']' | b';' | b'{' | b'}') | TokenKind::CloseTag => {
                    return at;
                }
                TokenKind::Punct(b',') if depth == 0 => return at,
                _ => {}
            }
        }
        self.tokens.len().min(from + EXPRESSION_TOKENS)
    }

    /// The first of the modifiers that stand right before token `token`.
    pub(super) fn first_modifier(&self, mut token: usize) -> usize {
        while token > 0 && self.tokens[token - 1].kind == TokenKind::Modifier {
            token -= 1;
        }
        token
    }
}

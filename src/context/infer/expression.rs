//! The type of an expression: of what begins a chain, then of each link `->`,
//! `::`, `[…]` and `(…)` behind it.

use super::inference::{CallTokens, Inference};
use super::limits::MAX_DEPTH;
use super::types::Type;
use crate::index::symbols::ClassRef;
use crate::php::MemberKind;
use crate::php::lex::TokenKind;
use crate::php::names::Scope;

/// Methods that, given a class, most likely return an object of it.
const CONTAINER_METHODS: [&str; 5] = ["create", "find", "get", "make", "resolve"];

impl<'a> Inference<'a> {
    /// The type of the receiver in front of the `->` or `::` at token
    /// `operator`.
    pub(in crate::context) fn receiver(&self, operator: usize) -> Type {
        let Some(start) = self.chain_start(operator) else {
            return Type::default();
        };
        self.expression(start, operator, MAX_DEPTH)
    }

    /// The first token of the chain of names, calls and members that ends
    /// before token `end`.
    fn chain_start(&self, end: usize) -> Option<usize> {
        let mut at = end;
        loop {
            let last = at.checked_sub(1)?;
            let start = match self.buffer.tokens[last].kind {
                TokenKind::Punct(b')' | b']') => {
                    let open = self.buffer.opening(last)?;
                    match self.buffer.kind(open.checked_sub(1)) {
                        Some(TokenKind::Name | TokenKind::Variable | TokenKind::Modifier) => {
                            open - 1
                        }
                        Some(TokenKind::Punct(b')' | b']')) => {
                            at = open;
                            continue;
                        }
                        _ => open,
                    }
                }
                _ if self.buffer.tokens[last].is_word() => last,
                TokenKind::Variable => last,
                _ => return None,
            };
            // A `[` behind what it indexes is a link of the chain.
            let before = self.buffer.kind(start.checked_sub(1));
            at = match before {
                Some(TokenKind::Arrow | TokenKind::NullArrow | TokenKind::DoubleColon) => start - 1,
                Some(TokenKind::New) => return Some(start - 1),
                _ => return Some(start),
            };
        }
    }

    /// The type of the expression that starts at token `start` and ends before
    /// token `end`, following at most `depth` steps to other expressions.
    pub(super) fn expression(&self, start: usize, end: usize, depth: usize) -> Type {
        // An empty expression costs fuel too, because a search led to it.
        if !self.spend(1) {
            return Type::default();
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Type::default();
        };
        let at_byte = self
            .buffer
            .tokens
            .get(start)
            .map_or(0, |token| token.span.start as usize);
        let is_prefix = |at: usize| {
            matches!(
                self.buffer.text(at),
                "clone" | "yield" | "await" | "&" | "@" | "throw"
            )
        };
        let mut at = start;
        while at < end && is_prefix(at) {
            at += 1;
        }
        let chain = ChainReader {
            inference: self,
            scope: self.scope_at(at_byte),
            at_byte,
            at,
            end,
            depth,
        };
        chain.read()
    }

    /// The anonymous class that begins with `class` at token `at`.
    fn anonymous_class(&self, at: usize) -> Option<ClassRef<'a>> {
        let is_modifier = self.buffer.kind(Some(at)) == Some(TokenKind::Modifier);
        let at = at + usize::from(is_modifier);
        let token = self.buffer.tokens.get(at)?;
        if token.kind != TokenKind::Class {
            return None;
        }
        let classes = &self.buffer.facts.classes;
        let starts = |item: &usize| {
            let class = &classes[*item];
            class.name.is_empty() && class.head.contains(token.span.start as usize)
        };
        (0..classes.len())
            .rev()
            .find(starts)
            .map(|item| self.own(item))
    }

    /// The type of the arms of a `match` whose `{` is token `open`.
    fn match_arms(&self, open: usize, end: usize, depth: usize) -> Type {
        let mut ty = Type::default();
        let close = self.buffer.closing(open, end).unwrap_or(end);
        let mut nesting = 0_usize;
        for at in open..close {
            match self.buffer.tokens[at].kind {
                TokenKind::Punct(b'(' | b'[' | b'{') => nesting += 1,
                TokenKind::Punct(b')' | b']' | b'}') => nesting = nesting.saturating_sub(1),
                TokenKind::DoubleArrow if nesting == 1 => {
                    let arm = self.statement_end(at + 1).min(close);
                    ty.add(self.expression(at + 1, arm, depth));
                }
                _ => {}
            }
        }
        ty
    }
}

/// Reads the chain that starts at token `at`.
struct ChainReader<'i, 'a> {
    inference: &'i Inference<'a>,
    scope: Scope<'a>,
    /// The byte at which the expression starts.
    at_byte: usize,
    /// The next token to read.
    at: usize,
    /// The token before which the expression ends.
    end: usize,
    depth: usize,
}

impl ChainReader<'_, '_> {
    fn read(mut self) -> Type {
        let Some(kind) = self.inference.buffer.kind(Some(self.at)) else {
            return Type::default();
        };
        if self.at >= self.end {
            return Type::default();
        }
        if let Some(ty) = self.without_links(kind) {
            return ty;
        }
        let Some(head) = self.head(kind) else {
            return Type::default();
        };
        self.links(head)
    }

    /// Whether a `(` stands at token `at`.
    fn opens_call(&self, at: usize) -> bool {
        at < self.end && self.inference.buffer.tokens[at].is(b'(')
    }

    /// The token behind the bracket that closes the one at token `open`.
    fn behind_bracket(&self, open: usize) -> usize {
        let close = self.inference.buffer.closing(open, self.end);
        close.map_or(self.end, |close| close + 1)
    }

    /// The type of an expression that is read as a whole: an anonymous class,
    /// an assignment, a `match`.
    fn without_links(&self, kind: TokenKind) -> Option<Type> {
        let (inference, at) = (self.inference, self.at);
        match kind {
            TokenKind::New => {
                let class = inference.anonymous_class(at + 1)?;
                Some(Type::of_class(inference.name_of(class)))
            }
            TokenKind::Variable
                if at + 1 < self.end && inference.buffer.tokens[at + 1].is(b'=') =>
            {
                Some(inference.expression(at + 2, self.end, self.depth))
            }
            TokenKind::Keyword
                if self.opens_call(at + 1)
                    && inference.buffer.text(at).eq_ignore_ascii_case("match") =>
            {
                let open = self.behind_bracket(at + 1);
                Some(inference.match_arms(open, self.end, self.depth))
            }
            _ => None,
        }
    }

    /// The type of what begins the chain, and moves behind it.
    fn head(&mut self, kind: TokenKind) -> Option<Type> {
        let (inference, at) = (self.inference, self.at);
        let buffer = inference.buffer;
        Some(match kind {
            TokenKind::New => {
                let name = inference.class_name(at + 1, &self.scope, self.at_byte);
                self.at = if self.opens_call(at + 2) {
                    self.behind_bracket(at + 2)
                } else {
                    at + 2
                };
                Type::of_class(name)
            }
            TokenKind::Variable => {
                self.at += 1;
                match buffer.text(at) {
                    "$this" => Type::of_class(inference.this(self.at_byte)),
                    name => inference.variable(name, at, self.depth),
                }
            }
            TokenKind::Punct(b'(') => {
                // A cast `(Type) $x` tells nothing of classes.
                let close = buffer.closing(at, self.end).unwrap_or(self.end);
                self.at = close + 1;
                inference.expression(at + 1, close, self.depth)
            }
            TokenKind::Punct(b'[') => {
                // A list has the type of its first element.
                let close = buffer.closing(at, self.end).unwrap_or(self.end);
                self.at = close + 1;
                let first = inference.expression(at + 1, close, self.depth);
                first.into_list()
            }
            _ if buffer.kind(Some(at + 1)) == Some(TokenKind::DoubleColon) => {
                self.at += 1;
                Type::of_class(inference.class_name(at, &self.scope, self.at_byte))
            }
            TokenKind::Name if self.opens_call(at + 1) => {
                let call = self.call(at + 1);
                self.at = call.end;
                inference.function(buffer.text(at), &self.scope, call, self.depth)
            }
            _ => return None,
        })
    }

    fn call(&self, open: usize) -> CallTokens {
        CallTokens {
            open,
            end: self.behind_bracket(open),
        }
    }

    /// The type of the chain, whose part before the next token has the type
    /// `ty`.
    fn links(mut self, mut ty: Type) -> Type {
        let (inference, end, depth) = (self.inference, self.end, self.depth);
        let buffer = inference.buffer;
        while self.at < end {
            let at = self.at;
            match buffer.tokens[at].kind {
                TokenKind::Arrow | TokenKind::NullArrow | TokenKind::DoubleColon
                    if at + 1 < end =>
                {
                    ty = self.member_link(&ty);
                }
                TokenKind::Punct(b'[') => {
                    ty = ty.into_element();
                    self.at = self.behind_bracket(at);
                }
                TokenKind::Punct(b'(') => {
                    let call = self.call(at);
                    ty = inference.member(&ty, MemberKind::Method, "__invoke", Some(call), depth);
                    self.at = call.end;
                }
                TokenKind::Operator if buffer.text(at) == "??" => {
                    ty.add(inference.expression(at + 1, end, depth));
                    break;
                }
                TokenKind::Punct(b'?') => {
                    ty = self.conditional(ty);
                    break;
                }
                _ => break,
            }
        }
        ty
    }

    /// The type behind the `->` or `::` at the next token, where `receiver`
    /// stands before it; moves behind the member.
    fn member_link(&mut self, receiver: &Type) -> Type {
        let (inference, depth) = (self.inference, self.depth);
        let (buffer, operator) = (inference.buffer, self.at);
        let name = buffer.text(operator + 1);
        let is_variable = buffer.kind(Some(operator + 1)) == Some(TokenKind::Variable);
        if self.opens_call(operator + 2) {
            let call = self.call(operator + 2);
            self.at = call.end;
            let ty = inference.member(receiver, MemberKind::Method, name, Some(call), depth);
            if ty.is_empty() && CONTAINER_METHODS.contains(&name) {
                return inference.class_argument(call);
            }
            return ty;
        }
        self.at = operator + 2;
        if buffer.tokens[operator].kind == TokenKind::DoubleColon && !is_variable {
            return inference.class_constant(receiver, name);
        }
        let name = name.trim_start_matches('$');
        inference.member(receiver, MemberKind::Property, name, None, depth)
    }

    /// The type of `a ? b : c` or `a ?: c`, whose `?` is the next token:
    /// `condition` is the type of `a`.
    fn conditional(&self, condition: Type) -> Type {
        let (inference, at, end, depth) = (self.inference, self.at, self.end, self.depth);
        let colon = (at..end).find(|&token| inference.buffer.tokens[token].is(b':'));
        let mut ty = match colon {
            Some(colon) if colon == at + 1 => condition,
            _ => inference.expression(at + 1, colon.unwrap_or(end), depth),
        };
        if let Some(colon) = colon {
            ty.add(inference.expression(colon + 1, end, depth));
        }
        ty
    }
}

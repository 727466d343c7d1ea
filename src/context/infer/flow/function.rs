//! Functions: parameters, closures and bodies.

use super::env::FrameKind;
use super::node::{Closure, NodeId, Param, ValueNode};
use super::reader::FlowReader;
use crate::php::Span;
use crate::php::lex::TokenKind;

impl<'a> FlowReader<'_, 'a> {
    /// The function or method that the tokens declare, or a property with
    /// hooks.
    pub(super) fn function(&mut self) {
        // The type of a property with hooks.
        let mut ty = Span::default();
        while let Some(kind) = self.peek() {
            match kind {
                TokenKind::Function => {
                    self.at += 1;
                    while matches!(self.peek(), Some(kind) if kind != TokenKind::Punct(b'(')) {
                        self.at += 1;
                    }
                    self.parameters();
                    self.result_type();
                    if self.eat(b'{') {
                        self.statements(&[]);
                    } else {
                        self.rest();
                    }
                    return;
                }
                TokenKind::AttributeOpen => self.skip_brackets(),
                TokenKind::Punct(b'{') => {
                    self.at += 1;
                    self.hooks(ty);
                    return;
                }
                TokenKind::Name | TokenKind::Punct(b'?' | b'|' | b'&' | b'(' | b')') => {
                    let token = self.tokens[self.at].span;
                    ty.start = if ty.is_empty() { token.start } else { ty.start };
                    ty.end = token.end;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        self.rest();
    }

    /// Reads to the end as statements: what stands there is broken.
    fn rest(&mut self) {
        self.statements(&[]);
    }

    /// The hooks of a property of the type `ty`, which `$value` has.
    fn hooks(&mut self, ty: Span) {
        if let Some(place) = self.places.number("$value".to_owned(), None) {
            let node = self.declared(ty.of(self.text), ty.start);
            self.set(place, Some(node));
        }
        loop {
            if self.is_at_cursor() {
                self.pass_cursor();
            }
            match self.peek() {
                None | Some(TokenKind::Punct(b'}')) => return,
                Some(TokenKind::Punct(b'(')) => self.parameters(),
                Some(TokenKind::DoubleArrow) => {
                    self.at += 1;
                    self.expression();
                    self.eat(b';');
                }
                Some(TokenKind::Punct(b'{')) => {
                    self.at += 1;
                    self.statements(&[]);
                    self.eat(b'}');
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// The parameters in the brackets at the next token.
    fn parameters(&mut self) {
        self.eat(b'(');
        let mut ty = Span::default();
        let mut is_variadic = false;
        while let Some(kind) = self.peek() {
            let span = self.tokens[self.at].span;
            match kind {
                TokenKind::Punct(b')') => break,
                TokenKind::Punct(b',') => {
                    self.at += 1;
                    (ty, is_variadic) = (Span::default(), false);
                }
                TokenKind::AttributeOpen => self.attribute(),
                TokenKind::Ellipsis => {
                    self.at += 1;
                    is_variadic = true;
                }
                TokenKind::Variable => {
                    self.parameter(ty, is_variadic);
                    (ty, is_variadic) = (Span::default(), false);
                }
                TokenKind::Punct(b'{') => self.skip_brackets(),
                TokenKind::Punct(b'(') => {
                    self.skip_brackets();
                    let end = self.tokens[self.at - 1].span.end;
                    let start = if ty.is_empty() { span.start } else { ty.start };
                    ty = Span { start, end };
                }
                TokenKind::Punct(b';' | b'}') => break,
                TokenKind::Modifier | TokenKind::Doc => self.at += 1,
                TokenKind::Punct(b'&')
                    if matches!(
                        self.ahead(1),
                        Some(TokenKind::Variable | TokenKind::Ellipsis)
                    ) =>
                {
                    self.at += 1;
                }
                _ => {
                    ty = if ty.is_empty() {
                        span
                    } else {
                        Span {
                            start: ty.start,
                            end: span.end,
                        }
                    };
                    self.at += 1;
                }
            }
        }
        self.eat(b')');
    }

    /// The attributes at the next token.
    fn attribute(&mut self) {
        self.at += 1;
        while !matches!(self.peek(), None | Some(TokenKind::Punct(b']'))) {
            let start = self.at;
            self.expression();
            self.eat(b',');
            if self.at == start {
                self.at += 1;
            }
        }
        self.eat(b']');
    }

    /// The parameter whose variable is the next token.
    fn parameter(&mut self, ty: Span, is_variadic: bool) {
        let name = self.word();
        self.at += 1;
        let default = self.eat(b'=').then(|| self.expression());
        let function = self.function;
        let params = &mut self.closures[function as usize].params;
        let number = params.len() as u32;
        params.push(Param {
            name,
            ty,
            is_variadic,
            default,
        });
        let node = self.node(ValueNode::Param(function, number));
        if let Some(place) = self.places.number(name.to_owned(), None) {
            self.set(place, Some(node));
        }
    }

    /// The type behind the `:` at the next token.
    fn result_type(&mut self) {
        if !self.eat(b':') {
            return;
        }
        let mut span = Span::default();
        while let Some(kind) = self.peek() {
            let is_type = super::primary::is_word(kind)
                || matches!(kind, TokenKind::Punct(b'|' | b'?' | b'&' | b'(' | b')'));
            if !is_type {
                break;
            }
            let token = self.tokens[self.at].span;
            if span.is_empty() {
                span = token;
            }
            span.end = token.end;
            self.at += 1;
        }
        self.closures[self.function as usize].result = span;
    }

    /// A closure or arrow function, at `fn` or `function`.
    pub(super) fn closure(&mut self) -> NodeId {
        let is_arrow = self.peek() == Some(TokenKind::Fn);
        let at = self.byte();
        let doc = self.doc_before();
        let number = self.closures.len() as u32;
        self.closures.push(Closure {
            at,
            doc,
            parent: self.function,
            ..Closure::default()
        });
        let node = self.node(ValueNode::Closure(number));
        let outer = std::mem::replace(&mut self.function, number);
        self.at += 1;
        self.eat(b'&');
        self.open(if is_arrow {
            FrameKind::Arrow
        } else {
            FrameKind::Function
        });
        let documented = std::mem::take(&mut self.documented);
        self.parameters();
        let captured = self.captured();
        self.result_type();
        for (place, value) in captured {
            self.narrow(place, Some(value));
        }
        if self.peek() == Some(TokenKind::DoubleArrow) {
            self.at += 1;
            let value = self.operators(4);
            self.closures[number as usize].returns.push(value);
        } else if self.eat(b'{') {
            self.statements(&[]);
            self.eat(b'}');
        }
        self.close();
        self.documented = documented;
        self.function = outer;
        node
    }

    /// The doc comment just before the next token or the `static` before it,
    /// else the one before the statement.
    fn doc_before(&self) -> Span {
        let before = |back: usize| self.at.checked_sub(back).map(|at| self.tokens[at]);
        let doc = match before(1) {
            Some(token) if token.kind == TokenKind::Modifier => before(2),
            token => token,
        };
        let doc = doc.filter(|token| token.kind == TokenKind::Doc);
        doc.map_or(self.statement_doc, |token| token.span)
    }

    /// The variables behind `use`, with the nodes that they have outside.
    fn captured(&mut self) -> Vec<(u32, NodeId)> {
        let mut all = Vec::new();
        if self.peek() != Some(TokenKind::Use) {
            return all;
        }
        self.at += 1;
        self.eat(b'(');
        while !matches!(
            self.peek(),
            None | Some(TokenKind::Punct(b')' | b'{' | b';'))
        ) {
            if self.peek() == Some(TokenKind::Variable)
                && let Some(place) = self.places.number(self.word().to_owned(), None)
            {
                let inner = self.close();
                let outside = self.lookup(place);
                self.frames.push(inner);
                all.extend(outside.map(|node| (place, node)));
            }
            self.at += 1;
        }
        self.eat(b')');
        all
    }
}

//! The declarations inside classes and namespaces: functions with their parameters,
//! properties, constants and cases.

use super::scanner::{DeclarationScanner, OpenBrace};
use crate::php::facts::{Constant, Function, Member, MemberKind, Visibility};
use crate::php::span::Span;
use crate::php::token::{Token, TokenKind};

impl DeclarationScanner<'_> {
    /// The visibility by the modifiers from token `first` up to token `end`, and
    /// whether `static` is among them.
    fn modifiers(&self, first: usize, end: usize) -> (Visibility, bool) {
        let mut visibility = Visibility::Public;
        let mut is_static = false;
        for at in first..end {
            // `private(set)` restricts writing, not use.
            if self.tokens[at + 1].is(b'(') || self.tokens[at + 1].is(b')') {
                continue;
            }
            match self.word(at).to_ascii_lowercase().as_str() {
                "protected" => visibility = Visibility::Protected,
                "private" => visibility = Visibility::Private,
                "static" => is_static = true,
                _ => {}
            }
        }
        (visibility, is_static)
    }

    /// Reads a function or a method, behind its keyword, and opens its body.
    pub(super) fn function(&mut self) {
        let keyword = self.at - 1;
        let by_reference = self.peek().is_some_and(|next| next.is(b'&'));
        let name_at = self.at + usize::from(by_reference);
        let Some(name) = self.tokens.get(name_at).filter(|t| t.is_word()).copied() else {
            return;
        };
        if !self.tokens.get(name_at + 1).is_some_and(|t| t.is(b'(')) {
            return;
        }
        let first = self.first_modifier(keyword);
        let class = self.class_of_function(first, keyword);
        let close = self.closing(name_at + 1);
        let params = self.span(name_at + 1, close);
        self.at = close + 1;
        let ty = self.return_type();
        let head = self.span(first, self.at - 1);
        let opens = self.peek().is_some_and(|next| next.is(b'{'));
        let doc = self.doc;
        let frame = match class {
            Some(class) => {
                let (visibility, is_static) = self.modifiers(first, keyword);
                self.facts.classes[class].members.push(Member {
                    kind: MemberKind::Method,
                    visibility,
                    is_static,
                    name: name.span,
                    head,
                    ty,
                    params,
                    doc,
                    end: head.end,
                });
                let member = self.facts.classes[class].members.len() - 1;
                if name
                    .span
                    .of(self.source)
                    .eq_ignore_ascii_case("__construct")
                {
                    self.promoted(class, name_at + 1, close);
                }
                OpenBrace::Method(class, member)
            }
            None => {
                self.facts.functions.push(Function {
                    name: name.span,
                    head,
                    ty,
                    params,
                    doc,
                    namespace: self.current_namespace(),
                    end: head.end,
                });
                OpenBrace::Function(self.facts.functions.len() - 1)
            }
        };
        if opens {
            self.at += 1;
            self.open(frame);
        }
        self.boundary();
    }

    /// The class of the function with the keyword at token `keyword` and the first
    /// modifier at token `first`; `None` if it is no method.
    fn class_of_function(&mut self, first: usize, keyword: usize) -> Option<usize> {
        let has_visibility = (first..keyword).any(|at| {
            matches!(
                self.word(at).to_ascii_lowercase().as_str(),
                "public" | "protected" | "private"
            )
        });
        self.class()
            .or_else(|| has_visibility.then(|| self.resynchronise())?)
    }

    /// Finds the class of a member with a visibility outside any class body. An
    /// unbalanced brace before the member has closed or hidden the body.
    fn resynchronise(&mut self) -> Option<usize> {
        let last = self.facts.classes.len().checked_sub(1)?;
        let at = self.tokens[self.at - 1].span.start;
        if let Some(&class) = self.classes.last() {
            while self.stack.len() > class + 1 {
                self.close(at);
            }
        } else {
            self.open(OpenBrace::Class(last));
        }
        self.class()
    }

    /// Reads `: Type` if it comes next.
    fn return_type(&mut self) -> Span {
        if !self.peek().is_some_and(|next| next.is(b':')) {
            return Span::default();
        }
        self.at += 1;
        let first = self.at;
        while self.peek().is_some_and(is_type_token) {
            self.at += 1;
        }
        if self.at == first {
            return Span::default();
        }
        self.span(first, self.at - 1)
    }

    /// Properties promoted from the constructor parameters between the
    /// parentheses at `open` and `close`.
    fn promoted(&mut self, class: usize, open: usize, close: usize) {
        let mut depth = 0;
        let mut first = open + 1;
        let mut doc = Span::default();
        let mut at = open + 1;
        while at < close {
            let token = self.tokens[at];
            match token.kind {
                TokenKind::Doc => {
                    doc = token.span;
                    first = at + 1;
                }
                TokenKind::AttributeOpen => {
                    at = self.closing(at);
                    first = at + 1;
                }
                TokenKind::Punct(b'(' | b'[') => depth += 1,
                TokenKind::Punct(b')' | b']') => depth -= 1,
                TokenKind::Punct(b',') if depth == 0 => {
                    first = at + 1;
                    doc = Span::default();
                }
                TokenKind::Variable
                    if depth == 0
                        && self.tokens[first].kind == TokenKind::Modifier
                        && first < at =>
                {
                    let ty = self.type_before(first, at);
                    let (visibility, is_static) = self.modifiers(first, at);
                    let head = self.span(first, at);
                    self.facts.classes[class].members.push(Member {
                        kind: MemberKind::Property,
                        visibility,
                        is_static,
                        name: token.variable_name(),
                        head,
                        ty,
                        params: Span::default(),
                        doc,
                        end: token.span.end,
                    });
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// The type among the tokens from `first` up to the one at `name`.
    fn type_before(&self, first: usize, name: usize) -> Span {
        let mut from = first;
        while from < name && self.tokens[from].kind == TokenKind::Modifier {
            // `private(set)`
            from += 1;
            if self.tokens[from].is(b'(') && from + 2 < name && self.tokens[from + 2].is(b')') {
                from += 3;
            }
        }
        let mut to = name;
        while to > from
            && (self.tokens[to - 1].is(b'&') || self.tokens[to - 1].kind == TokenKind::Ellipsis)
        {
            to -= 1;
        }
        if from < to {
            self.span(from, to - 1)
        } else {
            Span::default()
        }
    }

    /// Reads properties of `class`, behind the name of the first one.
    pub(super) fn properties(&mut self, class: usize) {
        let first = self.statement.min(self.at - 1);
        if self.tokens[first].kind != TokenKind::Modifier {
            return;
        }
        let mut name_at = self.at - 1;
        let ty = self.type_before(first, name_at);
        let (visibility, is_static) = self.modifiers(first, name_at);
        let doc = self.doc;
        loop {
            let variable = self.tokens[name_at];
            self.at = name_at + 1;
            if self.peek().is_some_and(|next| next.is(b'=')) {
                self.skip_value();
            }
            let end = self.tokens[self.at - 1].span.end;
            self.facts.classes[class].members.push(Member {
                kind: MemberKind::Property,
                visibility,
                is_static,
                name: variable.variable_name(),
                head: Span {
                    start: self.tokens[first].span.start,
                    end: variable.span.end,
                },
                ty,
                params: Span::default(),
                doc,
                end,
            });
            let more = self.peek().is_some_and(|next| next.is(b','))
                && self
                    .tokens
                    .get(self.at + 1)
                    .is_some_and(|t| t.kind == TokenKind::Variable);
            if !more {
                break;
            }
            name_at = self.at + 1;
        }
    }

    /// Skips a default value: up to a `,`, `;`, `{` or `}` outside brackets.
    fn skip_value(&mut self) {
        let mut depth = 0;
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Punct(b'(' | b'[' | b'{') if depth > 0 || !token.is(b'{') => depth += 1,
                TokenKind::Punct(b')' | b']' | b'}') if depth > 0 => depth -= 1,
                TokenKind::Punct(b';') => break,
                TokenKind::Punct(b',' | b'{' | b'}') if depth == 0 => break,
                // An unclosed bracket must not swallow the rest of the class.
                TokenKind::Function if self.tokens[self.at - 1].kind == TokenKind::Modifier => {
                    self.at = self.first_modifier(self.at);
                    break;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Reads constants, behind `const`.
    pub(super) fn constants(&mut self) {
        let keyword = self.at - 1;
        let first = self.first_modifier(keyword);
        let class = self.class();
        let doc = self.doc;
        let (visibility, _) = self.modifiers(first, keyword);
        let namespace = self.current_namespace();
        loop {
            // `const [type] NAME =`: the name stands right before the `=`.
            let start = self.at;
            while self.peek().is_some_and(|t| is_type_token(t) || t.is_word()) {
                self.at += 1;
            }
            if self.at == start || !self.peek().is_some_and(|next| next.is(b'=')) {
                return;
            }
            let name_at = self.at - 1;
            let name = self.tokens[name_at].span;
            let ty = if name_at > start {
                self.span(start, name_at - 1)
            } else {
                Span::default()
            };
            self.skip_value();
            let end = self.tokens[self.at - 1].span.end;
            let head = Span {
                start: self.tokens[first].span.start,
                end,
            };
            match class {
                Some(class) => self.facts.classes[class].members.push(Member {
                    kind: MemberKind::Constant,
                    visibility,
                    is_static: true,
                    name,
                    head,
                    ty,
                    params: Span::default(),
                    doc,
                    end,
                }),
                None => {
                    self.facts.constants.push(Constant {
                        name,
                        head,
                        is_define: false,
                        namespace,
                    });
                }
            }
            if !self.peek().is_some_and(|next| next.is(b',')) {
                return;
            }
            self.at += 1;
        }
    }

    /// Reads a case of the enum `class`, behind `case`.
    pub(super) fn case(&mut self, class: usize) {
        let first = self.at - 1;
        let Some(name) = self.peek().filter(|t| t.is_word()) else {
            return;
        };
        self.at += 1;
        if self.peek().is_some_and(|next| next.is(b'=')) {
            self.skip_value();
        }
        let head = self.span(first, self.at - 1);
        let doc = self.doc;
        self.facts.classes[class].members.push(Member {
            kind: MemberKind::Case,
            visibility: Visibility::Public,
            is_static: true,
            name: name.span,
            head,
            ty: Span::default(),
            params: Span::default(),
            doc,
            end: head.end,
        });
    }

    /// Reads a call of `define`, behind its name; does nothing for any other name.
    pub(super) fn define(&mut self) {
        let first = self.at - 1;
        let function = self.word(first).trim_start_matches('\\');
        if !function.eq_ignore_ascii_case("define") {
            return;
        }
        let called = self.peek().is_some_and(|t| t.is(b'('));
        let name = self
            .tokens
            .get(self.at + 1)
            .filter(|t| t.kind == TokenKind::String)
            .copied();
        let (true, Some(name)) = (called, name) else {
            return;
        };
        let name = Span {
            start: name.span.start + 1,
            end: name.span.end.max(1) - 1,
        };
        if name.is_empty() || !self.tokens.get(self.at + 2).is_some_and(|t| t.is(b',')) {
            return;
        }
        let end = self.expression_end(self.at + 3);
        let closes = self.tokens.get(end).is_some_and(|t| t.is(b')'));
        let head = self.span(first, if closes { end } else { end - 1 });
        let namespace = self.current_namespace();
        self.facts.constants.push(Constant {
            name,
            head,
            is_define: true,
            namespace,
        });
    }
}

/// Whether `token` can stand in a type.
fn is_type_token(token: Token) -> bool {
    match token.kind {
        TokenKind::Name | TokenKind::Keyword | TokenKind::Modifier => true,
        TokenKind::Punct(byte) => matches!(byte, b'?' | b'|' | b'&' | b'(' | b')'),
        _ => false,
    }
}

//! Where a variable's type comes from: the nearest place before it that tells,
//! be it a parameter, an assignment, a `foreach`, an `instanceof` or a comment.

use super::super::members::docs;
use super::written::{Type, inheriting, parameter};
use super::{MAX_DEPTH, Types};
use crate::php::lex::TokenKind;
use crate::php::names::Scope;
use crate::php::{Member, MemberKind, Span};

/// How many tokens before the cursor are searched for a variable's origin.
const MAX_TOKENS: usize = 12_000;

impl Types<'_> {
    /// What the variable `name` (with its `$`) may be just before token `at`.
    pub(super) fn variable(&self, name: &str, at: usize, depth: usize) -> Type {
        let buffer = self.buffer;
        let Some(last) = at.checked_sub(1).and_then(|last| buffer.tokens.get(last)) else {
            return Type::default();
        };
        let at_byte = last.span.start as usize;
        let function = buffer.function_at(at_byte);
        let start = function.map_or(0, |(span, _)| span.start);
        for index in (at.saturating_sub(MAX_TOKENS)..at).rev() {
            let token = buffer.tokens[index];
            if token.span.start < start || self.fuel.get() == 0 {
                break;
            }
            let found = match token.kind {
                TokenKind::Variable if buffer.text(index) == name => {
                    self.occurrence(index, at, depth)
                }
                TokenKind::Doc => {
                    let doc = buffer.text(index);
                    let is_next = buffer.text(index + 1) == name;
                    self.var_doc(doc, name, is_next, token.span.start as usize)
                }
                _ => Type::default(),
            };
            if !found.is_empty() {
                return found;
            }
        }
        let Some((_, doc)) = function else {
            return Type::default();
        };
        let scope = Scope::at(&buffer.facts, buffer.content, at_byte);
        let this = self.this(at_byte);
        for tag in docs(doc.of(buffer.content)) {
            if matches!(tag.name, "param" | "global")
                && tag
                    .rest
                    .split([' ', '\t', ','])
                    .any(|word| word.trim_start_matches(['&', '.']) == name)
            {
                return Type::read(tag.ty, &scope, this.as_deref());
            }
        }
        self.inherited_parameter(name, at_byte)
    }

    /// What the parameter `name` of the method around byte `at_byte` is where
    /// a parent declares the method.
    fn inherited_parameter(&self, name: &str, at_byte: usize) -> Type {
        let Some(item) = self.buffer.class_at(at_byte) else {
            return Type::default();
        };
        let class = self.own(item);
        let around = |member: &&Member| {
            member.kind == MemberKind::Method
                && (member.head.start as usize..=member.end as usize).contains(&at_byte)
        };
        let Some(method) = class.class().members.iter().rfind(around) else {
            return Type::default();
        };
        if !method.params.of(class.text).contains(name) {
            return Type::default();
        }
        let same = method.name.of(class.text);
        let members = self.members(class);
        let inherited = members.all().filter(|(owner, member)| {
            let member = &owner.class().members[*member];
            owner.path != class.path
                && member.kind == MemberKind::Method
                && member.name.of(owner.text).eq_ignore_ascii_case(same)
        });
        inherited
            .map(|(owner, member)| {
                let member = &owner.class().members[member];
                parameter(owner.text, member, name, &owner.scope(), None)
            })
            .find(|ty| !ty.is_empty())
            .unwrap_or_default()
    }

    /// What `@var` in `doc` says of `name`; `is_next` if the statement behind
    /// the comment begins with it.
    fn var_doc(&self, doc: &str, name: &str, is_next: bool, at_byte: usize) -> Type {
        for tag in docs(doc).filter(|tag| tag.name.ends_with("var")) {
            let named = tag.rest.split_whitespace().next();
            if named == Some(name) || is_next && !named.is_some_and(|word| word.starts_with('$')) {
                let scope = Scope::at(&self.buffer.facts, self.buffer.content, at_byte);
                return Type::read(tag.ty, &scope, self.this(at_byte).as_deref());
            }
        }
        Type::default()
    }

    /// What the variable's occurrence at token `index` tells of it.
    fn occurrence(&self, index: usize, before: usize, depth: usize) -> Type {
        let buffer = self.buffer;
        let at_byte = buffer.tokens[index].span.start as usize;
        let scope = Scope::at(&buffer.facts, buffer.content, at_byte);
        if buffer.kind(Some(index + 1)) == Some(TokenKind::Instanceof) && index + 2 < before {
            let class = self.class_name(index + 2, &scope, at_byte);
            return class.map_or_else(Type::default, Type::class);
        }
        let assigned = self.assignment(index + 1, before, depth);
        if !assigned.is_empty() {
            return assigned;
        }
        if let Some((first, as_at)) = self.foreach_of(index) {
            let iterated = self.expression(first, as_at, depth);
            return self.iterated(iterated);
        }
        match buffer.kind(index.checked_sub(1)) {
            Some(_) => {
                // A typed parameter, or the variable of a `catch`.
                let mut first = index;
                while let Some(at) = first.checked_sub(1)
                    && (matches!(
                        buffer.tokens[at].kind,
                        TokenKind::Name | TokenKind::Ellipsis
                    ) || matches!(buffer.tokens[at].kind, TokenKind::Punct(b'|' | b'?' | b'&')))
                {
                    first = at;
                }
                let opens = matches!(
                    buffer.kind(first.checked_sub(1)),
                    Some(TokenKind::Punct(b'(' | b',' | b']') | TokenKind::Modifier)
                );
                if !opens {
                    return Type::default();
                }
                let is_untyped = buffer.tokens[first..index]
                    .iter()
                    .all(|token| token.kind != TokenKind::Name);
                if is_untyped {
                    return self.closure_parameter(index, depth);
                }
                let text = Span {
                    start: buffer.tokens[first].span.start,
                    end: buffer.tokens[index - 1].span.end,
                };
                let text = text.of(buffer.content).trim_end_matches(['&', '.', ' ']);
                Type::read(text, &scope, self.this(at_byte).as_deref())
            }
            None => Type::default(),
        }
    }

    /// If token `index` is the value variable of a `foreach`: the first token
    /// of what is iterated, and the `as` behind it.
    fn foreach_of(&self, index: usize) -> Option<(usize, usize)> {
        const FAR: usize = 64;
        let buffer = self.buffer;
        if buffer.kind(Some(index + 1)) == Some(TokenKind::DoubleArrow) {
            return None;
        }
        let mut as_at = index.checked_sub(1)?;
        if buffer.tokens[as_at].is(b'&') {
            as_at = as_at.checked_sub(1)?;
        }
        if buffer.tokens[as_at].kind == TokenKind::DoubleArrow {
            as_at = as_at.checked_sub(2)?;
        }
        if buffer.tokens[as_at].kind != TokenKind::As {
            return None;
        }
        let opens = |&at: &usize| buffer.tokens[at].kind == TokenKind::Foreach;
        let foreach = (as_at.saturating_sub(FAR)..as_at).rev().find(opens)?;
        Some((foreach + 2, as_at))
    }

    /// What the untyped parameter at token `index` of a closure is, if the
    /// closure is called with the elements of something: of another argument
    /// of the same call, or of the value whose method is called.
    fn closure_parameter(&self, index: usize, depth: usize) -> Type {
        self.called_with(index, depth).unwrap_or_default()
    }

    fn called_with(&self, index: usize, depth: usize) -> Option<Type> {
        let buffer = self.buffer;
        let open = self.enclosing(index)?;
        let mut closure = open.checked_sub(1)?;
        if buffer.tokens[closure].is(b'&') {
            closure = closure.checked_sub(1)?;
        }
        if !matches!(
            buffer.tokens[closure].kind,
            TokenKind::Fn | TokenKind::Function
        ) {
            return None;
        }
        if buffer.kind(closure.checked_sub(1)) == Some(TokenKind::Modifier) {
            closure -= 1;
        }
        let call = self.enclosing(closure)?;
        let callee = call.checked_sub(1)?;
        if buffer.tokens[callee].kind != TokenKind::Name {
            return None;
        }
        let before = callee.checked_sub(1);
        let ty = match buffer.kind(before) {
            Some(TokenKind::Arrow | TokenKind::NullArrow) => self.receiver(before?),
            _ if call + 1 < closure => {
                let end = self.statement_end(call + 1).min(closure);
                self.expression(call + 1, end, depth)
            }
            _ => {
                let close = buffer.closing(call, buffer.tokens.len())?;
                let behind = self.statement_end(closure);
                let at = (behind < close).then_some(behind + 1)?;
                self.expression(at, self.statement_end(at).min(close), depth)
            }
        };
        Some(self.iterated(ty))
    }

    /// The `(` of the list that token `at` stands in.
    fn enclosing(&self, at: usize) -> Option<usize> {
        const FAR: usize = 200;
        let mut depth = 0_usize;
        for index in (at.saturating_sub(FAR)..at).rev() {
            match self.buffer.tokens[index].kind {
                TokenKind::Punct(b')' | b']' | b'}') => depth += 1,
                TokenKind::Punct(b'(') if depth == 0 => return Some(index),
                TokenKind::Punct(b'(' | b'[' | b'{') => depth = depth.checked_sub(1)?,
                TokenKind::Punct(b';') if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// The elements of an iterated value: what its doc comment says, or what
    /// its `current` or `getIterator` returns.
    pub(super) fn iterated(&self, ty: Type) -> Type {
        if !ty.elements.is_empty() {
            return ty.into_elements();
        }
        let method = [MemberKind::Method];
        self.member(&ty, &method, "current", None, 1)
            .or_else(|| {
                let iterator = self.member(&ty, &method, "getIterator", None, 1);
                iterator.into_elements()
            })
            .or_else(|| self.documented_elements(&ty))
    }

    /// The elements that `@implements` or `@extends` gives to a class.
    fn documented_elements(&self, ty: &Type) -> Type {
        for class in ty.classes.iter().filter_map(|name| self.class(name)) {
            for class in self.members(class).hierarchy() {
                for tag in inheriting(class.class().doc.of(class.text)) {
                    let elements = Type::read(tag.ty, &class.scope(), None).into_elements();
                    if !elements.is_empty() {
                        return elements;
                    }
                }
            }
        }
        Type::default()
    }

    /// The types of the variables in reach of token `at`, nearest first.
    pub(in crate::context) fn in_reach(&self, at: usize, most: usize) -> Vec<(String, Type)> {
        let buffer = self.buffer;
        let Some(last) = at.checked_sub(1) else {
            return Vec::new();
        };
        let at_byte = buffer.tokens[last].span.start as usize;
        let start = buffer
            .function_at(at_byte)
            .map_or(0, |(span, _)| span.start);
        let mut seen: Vec<(String, Type)> = Vec::new();
        for index in (at.saturating_sub(600)..at).rev() {
            let token = buffer.tokens[index];
            if token.span.start < start || seen.len() >= most {
                break;
            }
            let name = buffer.text(index);
            if token.kind != TokenKind::Variable
                || name == "$this"
                || seen.iter().any(|s| s.0 == name)
            {
                continue;
            }
            let ty = self.variable(name, at, MAX_DEPTH);
            seen.push((name.to_owned(), ty));
        }
        seen.retain(|(_, ty)| !ty.classes.is_empty());
        seen
    }
}

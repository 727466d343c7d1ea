//! The type of a variable. The nearest statement before the variable that
//! states a type decides: a parameter, an assignment, a `foreach`, an
//! `instanceof` or a doc comment.

use super::doc_tags::doc_tags;
use super::inference::Inference;
use super::limits::{ARGUMENT_TOKENS, FOREACH_TOKENS, MAX_DEPTH, REACH_TOKENS, VARIABLE_TOKENS};
use super::types::Type;
use super::written::{TypeReader, parameter};
use crate::php::lex::TokenKind;
use crate::php::{Member, MemberKind, Span};

impl Inference<'_> {
    /// The type of the variable `name` (with its `$`) just before token `at`.
    pub(super) fn variable(&self, name: &str, at: usize, depth: usize) -> Type {
        let buffer = self.buffer;
        let Some(last) = at.checked_sub(1).and_then(|last| buffer.tokens.get(last)) else {
            return Type::default();
        };
        let at_byte = last.span.start as usize;
        let function = buffer.function_at(at_byte);
        let start = function.map_or(0, |(span, _)| span.start);
        for index in (at.saturating_sub(VARIABLE_TOKENS)..at).rev() {
            let token = buffer.tokens[index];
            if token.span.start < start || self.is_exhausted() {
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
        for tag in doc_tags(doc.of(buffer.content)) {
            if matches!(tag.name, "param" | "global")
                && tag
                    .rest
                    .split([' ', '\t', ','])
                    .any(|word| word.trim_start_matches(['&', '.']) == name)
            {
                return self.read_type(tag.ty, at_byte);
            }
        }
        self.inherited_parameter(name, at_byte)
    }

    /// The type of the parameter `name` of the method around byte `at_byte`,
    /// as a parent class declares it.
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
                let scope = owner.scope();
                parameter(owner.text, member, name, TypeReader::new(&scope, None))
            })
            .find(|ty| !ty.is_empty())
            .unwrap_or_default()
    }

    /// The type that `@var` in `doc` gives to `name`. `is_next` says whether
    /// the statement behind the comment begins with `name`.
    fn var_doc(&self, doc: &str, name: &str, is_next: bool, at_byte: usize) -> Type {
        for tag in doc_tags(doc).filter(|tag| tag.name.ends_with("var")) {
            let named = tag.rest.split_whitespace().next();
            if named == Some(name) || is_next && !named.is_some_and(|word| word.starts_with('$')) {
                return self.read_type(tag.ty, at_byte);
            }
        }
        Type::default()
    }

    /// The type that `text`, written at byte `at_byte`, states.
    fn read_type(&self, text: &str, at_byte: usize) -> Type {
        let (scope, this) = (self.scope_at(at_byte), self.this(at_byte));
        TypeReader::new(&scope, this.as_deref()).read(text)
    }

    /// The type that the variable's occurrence at token `index` states.
    fn occurrence(&self, index: usize, before: usize, depth: usize) -> Type {
        let buffer = self.buffer;
        if buffer.kind(Some(index + 1)) == Some(TokenKind::Instanceof) && index + 2 < before {
            let at_byte = buffer.tokens[index].span.start as usize;
            let scope = self.scope_at(at_byte);
            return Type::of_class(self.class_name(index + 2, &scope, at_byte));
        }
        let assigned = self.assignment(index + 1, before, depth);
        if !assigned.is_empty() {
            return assigned;
        }
        if let Some((first, as_at)) = self.foreach_of(index) {
            return self.element(self.expression(first, as_at, depth));
        }
        self.declared_parameter(index, depth)
    }

    /// The type of the parameter, or the variable of a `catch`, that is
    /// declared at token `index`; unknown if none is.
    fn declared_parameter(&self, index: usize, depth: usize) -> Type {
        let buffer = self.buffer;
        if index == 0 {
            return Type::default();
        }
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
            return self.closure_parameter(index, depth).unwrap_or_default();
        }
        let text = Span {
            start: buffer.tokens[first].span.start,
            end: buffer.tokens[index - 1].span.end,
        };
        let text = text.of(buffer.content).trim_end_matches(['&', '.', ' ']);
        self.read_type(text, buffer.tokens[index].span.start as usize)
    }

    /// The first token of the iterated expression and the `as` behind it, if
    /// token `index` is the value variable of a `foreach`.
    fn foreach_of(&self, index: usize) -> Option<(usize, usize)> {
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
        let foreach = (as_at.saturating_sub(FOREACH_TOKENS)..as_at)
            .rev()
            .find(opens)?;
        Some((foreach + 2, as_at))
    }

    /// The type of the untyped parameter at token `index` of a closure that is
    /// called with the elements of another argument of the same call, or of the
    /// value whose method is called.
    fn closure_parameter(&self, index: usize, depth: usize) -> Option<Type> {
        let buffer = self.buffer;
        let open = self.argument_list(index)?;
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
        let call = self.argument_list(closure)?;
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
        Some(self.element(ty))
    }

    /// The `(` of the argument or parameter list that token `at` stands in.
    fn argument_list(&self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for index in (at.saturating_sub(ARGUMENT_TOKENS)..at).rev() {
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

    /// The types of the `most` nearest variables in reach of token `at`,
    /// nearest first, without those whose class is unknown.
    pub(in crate::context) fn types_in_reach(&self, at: usize, most: usize) -> Vec<Type> {
        let buffer = self.buffer;
        let Some(last) = at.checked_sub(1) else {
            return Vec::new();
        };
        let at_byte = buffer.tokens[last].span.start as usize;
        let start = buffer
            .function_at(at_byte)
            .map_or(0, |(span, _)| span.start);
        let mut seen: Vec<&str> = Vec::new();
        let mut types = Vec::new();
        for index in (at.saturating_sub(REACH_TOKENS)..at).rev() {
            let token = buffer.tokens[index];
            if token.span.start < start || seen.len() >= most {
                break;
            }
            let name = buffer.text(index);
            if token.kind != TokenKind::Variable || name == "$this" || seen.contains(&name) {
                continue;
            }
            seen.push(name);
            types.push(self.variable(name, at, MAX_DEPTH));
        }
        types.retain(|ty| !ty.classes.is_empty());
        types
    }
}

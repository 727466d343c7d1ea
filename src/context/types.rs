//! Which classes an expression of the buffer may have: a light inference over
//! the text before the cursor, which is whole, while what follows is usually
//! broken. It reads declared types, doc comments, assignments, `instanceof`
//! and `foreach`, and asks the index for what other files declare.

#[cfg(test)]
mod tests;
mod variable;
mod written;

use std::cell::Cell;

pub(super) use self::written::Type;
use super::buffer::Buffer;
use super::classes::Classes;

use self::written::{
    Bound, inheriting, is_name, parameter, promoted_doc, returned, split_top, templates,
};
use super::members::Members;
use crate::index::Snapshot;
use crate::index::symbols::{ClassRef, DeclKind, Declaration};
use crate::php::lex::{LexMode, Token, TokenKind, lex_from};
use crate::php::names::Scope;
use crate::php::{ClassKind, FileFacts, Function, MemberKind, Span};

/// How many steps of "this came from that" are followed.
const MAX_DEPTH: usize = 8;
/// How many expressions one request may read.
pub(super) const FUEL: u32 = 256;
/// How many tokens of a statement are read for its end.
const STATEMENT_TOKENS: usize = 512;

/// Functions of PHP whose result has the elements of their first argument.
const SAME_ELEMENTS: [&str; 13] = [
    "array_diff",
    "array_diff_key",
    "array_filter",
    "array_intersect_key",
    "array_merge",
    "array_pad",
    "array_replace",
    "array_reverse",
    "array_slice",
    "array_splice",
    "array_unique",
    "array_values",
    "iterator_to_array",
];
/// Functions of PHP whose result is an element of their first argument.
const ONE_ELEMENT: [&str; 11] = [
    "array_find",
    "array_first",
    "array_last",
    "array_pop",
    "array_shift",
    "current",
    "end",
    "max",
    "next",
    "prev",
    "reset",
];
/// Methods that, given a class, most likely return an object of it.
const CONTAINER_METHODS: [&str; 5] = ["create", "find", "get", "make", "resolve"];

/// The token of a call's `(`, and the token before which the call ends.
type Call = (usize, usize);

/// The inference over one buffer.
#[derive(Clone, Copy)]
pub(super) struct Types<'a> {
    pub(super) buffer: &'a Buffer<'a>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) classes: &'a Classes<'a>,
    /// How many more expressions may be read: what bounds the work where
    /// variables are assigned from one another all over.
    pub(super) fuel: &'a Cell<u32>,
}

impl<'a> Types<'a> {
    /// The class-like with the fully qualified name `name`: the buffer's own
    /// if it declares it, else the project's or a package's.
    pub(super) fn class(&self, name: &str) -> Option<ClassRef<'a>> {
        let own = self.buffer.class_named(name);
        own.map(|item| self.own(item))
            .or_else(|| self.classes.get(name))
    }

    /// The buffer's class number `item`.
    pub(super) fn own(&self, item: usize) -> ClassRef<'a> {
        let Buffer {
            path,
            content,
            facts,
            ..
        } = self.buffer;
        ClassRef {
            path,
            text: content,
            facts,
            item,
        }
    }

    /// The fully qualified name of the class around byte `at`.
    pub(super) fn this(&self, at: usize) -> Option<String> {
        self.name_of(self.own(self.buffer.class_at(at)?))
    }

    /// The fully qualified name of `class`; for one without a name that of
    /// what it is made from.
    fn name_of(&self, class: ClassRef<'a>) -> Option<String> {
        if !class.short_name().is_empty() {
            return Some(class.name());
        }
        let declared = class.class();
        let parent = declared.extends.first().or(declared.implements.first())?;
        class.scope().class(parent.of(class.text))
    }

    /// The class at the cursor with all that it inherits from.
    pub(super) fn around(&self) -> Option<Members<'a>> {
        let item = self.buffer.class()?;
        Some(self.members(self.own(item)))
    }

    /// The members of a class and of all that it inherits from.
    pub(super) fn members(&self, class: ClassRef<'a>) -> Members<'a> {
        Members::of(class, *self)
    }

    /// The type of what stands before the `->` or `::` at token `operator`.
    pub(super) fn receiver(&self, operator: usize) -> Type {
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
            // A `[` behind what it indexes is a step of the chain.
            let before = self.buffer.kind(start.checked_sub(1));
            at = match before {
                Some(TokenKind::Arrow | TokenKind::NullArrow | TokenKind::DoubleColon) => start - 1,
                Some(TokenKind::New) => return Some(start - 1),
                _ => return Some(start),
            };
        }
    }

    /// The type of the expression that starts at token `start` and ends before
    /// token `end`.
    fn expression(&self, start: usize, end: usize, depth: usize) -> Type {
        // Paid for even where nothing is read: whoever asks has searched for it.
        let Some(fuel) = self.fuel.get().checked_sub(1) else {
            return Type::default();
        };
        self.fuel.set(fuel);
        let Some(depth) = depth.checked_sub(1) else {
            return Type::default();
        };
        let buffer = self.buffer;
        let at_byte = buffer
            .tokens
            .get(start)
            .map_or(0, |token| token.span.start as usize);
        let scope = Scope::at(&buffer.facts, buffer.content, at_byte);
        let mut at = start;
        while at < end
            && matches!(
                buffer.text(at),
                "clone" | "yield" | "await" | "&" | "@" | "throw"
            )
        {
            at += 1;
        }
        let opens = |at: usize| at < end && buffer.tokens[at].is(b'(');
        let after_call = |open: usize| buffer.closing(open, end).map_or(end, |close| close + 1);
        let Some(kind) = buffer.kind(Some(at)).filter(|_| at < end) else {
            return Type::default();
        };
        let mut ty = match kind {
            TokenKind::New if self.anonymous(at + 1).is_some() => {
                let class = self.anonymous(at + 1).and_then(|class| self.name_of(class));
                return class.map_or_else(Type::default, Type::class);
            }
            TokenKind::New => {
                let name = self.class_name(at + 1, &scope, at_byte);
                at = if opens(at + 2) {
                    after_call(at + 2)
                } else {
                    at + 2
                };
                name.map_or_else(Type::default, Type::class)
            }
            TokenKind::Variable if at + 1 < end && buffer.tokens[at + 1].is(b'=') => {
                return self.expression(at + 2, end, depth);
            }
            TokenKind::Variable => {
                let name = buffer.text(at);
                at += 1;
                if name == "$this" {
                    self.this(at_byte).map_or_else(Type::default, Type::class)
                } else {
                    self.variable(name, at - 1, depth)
                }
            }
            TokenKind::Punct(b'(') => {
                let close = buffer.closing(at, end).unwrap_or(end);
                let inner = self.expression(at + 1, close, depth);
                at = close + 1;
                // `(Type) $x` is a cast, and tells nothing of classes.
                inner
            }
            TokenKind::Punct(b'[') => {
                // A list: of what its first element is.
                let close = buffer.closing(at, end).unwrap_or(end);
                let first = self.expression(at + 1, close, depth);
                at = close + 1;
                first.elements()
            }
            TokenKind::Keyword
                if opens(at + 1) && buffer.text(at).eq_ignore_ascii_case("match") =>
            {
                return self.arms(after_call(at + 1), end, depth);
            }
            _ if buffer.kind(Some(at + 1)) == Some(TokenKind::DoubleColon) => {
                let name = self.class_name(at, &scope, at_byte);
                at += 1;
                name.map_or_else(Type::default, Type::class)
            }
            TokenKind::Name if opens(at + 1) => {
                let name = buffer.text(at);
                let open = at + 1;
                at = after_call(open);
                self.function(name, &scope, (open, at), depth)
            }
            _ => return Type::default(),
        };
        while at < end {
            match buffer.tokens[at].kind {
                TokenKind::Arrow | TokenKind::NullArrow | TokenKind::DoubleColon
                    if at + 1 < end =>
                {
                    let name = buffer.text(at + 1);
                    let is_variable = buffer.kind(Some(at + 1)) == Some(TokenKind::Variable);
                    if opens(at + 2) {
                        let call = (at + 2, after_call(at + 2));
                        ty = self.member(&ty, &[MemberKind::Method], name, Some(call), depth);
                        if ty.is_empty() && CONTAINER_METHODS.contains(&name) {
                            ty = self.class_argument(call);
                        }
                        at = call.1;
                    } else if buffer.tokens[at].kind == TokenKind::DoubleColon && !is_variable {
                        ty = self.constant(&ty, name);
                        at += 2;
                    } else {
                        let name = name.trim_start_matches('$');
                        ty = self.member(&ty, &[MemberKind::Property], name, None, depth);
                        at += 2;
                    }
                }
                TokenKind::Punct(b'[') => {
                    ty = ty.into_elements();
                    at = after_call(at);
                }
                TokenKind::Punct(b'(') => {
                    let call = (at, after_call(at));
                    ty = self.member(&ty, &[MemberKind::Method], "__invoke", Some(call), depth);
                    at = call.1;
                }
                TokenKind::Operator if buffer.text(at) == "??" => {
                    let rest = self.expression(at + 1, end, depth);
                    ty.add(rest);
                    break;
                }
                TokenKind::Punct(b'?') => {
                    // `a ? b : c`: the value is `b` or `c`.
                    let colon = (at..end).find(|&token| buffer.tokens[token].is(b':'));
                    ty = match colon {
                        Some(colon) if colon == at + 1 => ty,
                        _ => self.expression(at + 1, colon.unwrap_or(end), depth),
                    };
                    if let Some(colon) = colon {
                        let other = self.expression(colon + 1, end, depth);
                        ty.add(other);
                    }
                    break;
                }
                _ => break,
            }
        }
        ty
    }

    /// The class that the word at token `at` names.
    fn class_name(&self, at: usize, scope: &Scope<'_>, at_byte: usize) -> Option<String> {
        let word = self.buffer.text(at);
        match word.to_ascii_lowercase().as_str() {
            "self" | "static" => self.this(at_byte),
            "parent" => {
                let item = self.buffer.class_at(at_byte)?;
                let class = self.own(item);
                let parent = class.class().extends.first()?;
                class.scope().class(parent.of(class.text))
            }
            _ if is_name(word) => scope.class(word),
            _ => None,
        }
    }

    /// The class without a name that begins with `class` at token `at`.
    fn anonymous(&self, at: usize) -> Option<ClassRef<'a>> {
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

    /// What the arms of a `match` give, whose `{` is token `open`.
    fn arms(&self, open: usize, end: usize, depth: usize) -> Type {
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

    /// The token behind the first argument of a call.
    fn first_argument(&self, (open, end): Call) -> usize {
        self.statement_end(open + 1).min(end)
    }

    /// The class whose `::class` is the first argument of a call.
    fn class_argument(&self, call: Call) -> Type {
        let (at, end) = (call.0 + 1, self.first_argument(call));
        let is_class = at + 3 == end
            && self.buffer.kind(Some(at + 1)) == Some(TokenKind::DoubleColon)
            && self.buffer.text(at + 2).eq_ignore_ascii_case("class");
        if !is_class {
            return Type::default();
        }
        let at_byte = self.buffer.tokens[at].span.start as usize;
        let scope = Scope::at(&self.buffer.facts, self.buffer.content, at_byte);
        let class = self.class_name(at, &scope, at_byte);
        class.map_or_else(Type::default, Type::class)
    }

    /// What the templates in the doc comment of a function stand for in this
    /// call: `Foo` for `Foo::class` as first argument, else what the first
    /// argument is.
    fn bound_by_call<'t>(&self, doc: &'t str, call: Option<Call>, depth: usize) -> Vec<Bound<'t>> {
        let Some((name, call)) = templates(doc).next().zip(call) else {
            return Vec::new();
        };
        let ty = self
            .class_argument(call)
            .or_else(|| self.expression(call.0 + 1, self.first_argument(call), depth));
        vec![(name, ty)]
    }

    /// What the function called `written` returns.
    fn function(&self, written: &str, scope: &Scope<'_>, call: Call, depth: usize) -> Type {
        let short = written.rsplit('\\').next().unwrap_or(written);
        let candidates = scope.function(written);
        let named = |full: &str| {
            candidates
                .iter()
                .any(|name| name.eq_ignore_ascii_case(full))
        };
        let result = |text: &'a str, facts: &'a FileFacts, function: &Function| {
            let scope = Scope::of(facts, text, function.namespace);
            let bound = self.bound_by_call(function.doc.of(text), Some(call), depth);
            returned(text, function.ty, function.doc, &scope, None, &bound)
        };
        let own = &self.buffer.facts;
        for function in &own.functions {
            let scope = Scope::of(own, self.buffer.content, function.namespace);
            if named(&scope.declared(function.name.of(self.buffer.content))) {
                return result(self.buffer.content, own, function);
            }
        }
        for declared in self.snapshot.declared(DeclKind::Function, short) {
            let Declaration::Function(file, item) = declared else {
                continue;
            };
            if *file.path != *self.buffer.path && declared.full_name().is_some_and(|n| named(&n)) {
                return result(&file.text, &file.facts, &file.facts.functions[item])
                    .or_else(|| self.class_argument(call));
            }
        }
        let first = || self.expression(call.0 + 1, self.first_argument(call), depth);
        let short = short.to_ascii_lowercase();
        if SAME_ELEMENTS.contains(&&*short) {
            self.iterated(first()).elements()
        } else if ONE_ELEMENT.contains(&&*short) {
            self.iterated(first())
        } else {
            Type::default()
        }
    }

    /// What `::NAME` is: an enum's case is of the enum.
    fn constant(&self, of: &Type, name: &str) -> Type {
        let is_case = |class: &ClassRef<'_>| {
            class.class().kind == ClassKind::Enum
                && class.class().members.iter().any(|member| {
                    let value = Span {
                        start: member.name.end,
                        end: member.end,
                    };
                    let is_case = member.kind == MemberKind::Case
                        || member.kind == MemberKind::Constant
                            && value.of(class.text).contains("self::");
                    is_case && member.name.of(class.text) == name
                })
        };
        let cases = of
            .classes
            .iter()
            .filter(|class| self.class(class).is_some_and(|c| is_case(&c)));
        Type {
            classes: cases.cloned().collect(),
            elements: Vec::new(),
        }
    }

    /// What the member `name` of a value of type `of` is, or returns to `call`.
    fn member(
        &self,
        of: &Type,
        kinds: &[MemberKind],
        name: &str,
        call: Option<Call>,
        depth: usize,
    ) -> Type {
        let mut ty = Type::default();
        for receiver in &of.classes {
            let Some(class) = self.class(receiver) else {
                continue;
            };
            let members = self.members(class);
            if let Some((owner, member)) = members.find(kinds, name) {
                let declared = &owner.class().members[member];
                let this = Some(receiver.as_str());
                let mut bound = self.bound_by_class(class, &of.elements, owner);
                bound.extend(self.bound_by_call(declared.doc.of(owner.text), call, depth));
                let scope = owner.scope();
                let mut found =
                    returned(owner.text, declared.ty, declared.doc, &scope, this, &bound);
                if declared.kind == MemberKind::Property {
                    if found.elements.is_empty() {
                        found.add(promoted_doc(owner, declared, this, &bound));
                    }
                    found = found.or_else(|| {
                        if owner.path == self.buffer.path {
                            self.assigned(owner, name, depth)
                        } else {
                            self.assigned_elsewhere(owner, name)
                        }
                    });
                }
                ty.add(found);
            } else if let Some((owner, magic)) = members.magic(kinds, name) {
                let bound = self.bound_by_class(class, &of.elements, owner);
                let scope = owner.scope();
                ty.add(Type::read_with(magic.ty, &scope, Some(receiver), &bound));
            } else if class.class().kind == ClassKind::Enum {
                let class = Type::class(receiver.clone());
                match name.to_ascii_lowercase().as_str() {
                    "from" | "tryfrom" => ty.add(class),
                    "cases" => ty.add(class.elements()),
                    _ => {}
                }
            }
        }
        ty
    }

    /// What the templates of the class `owner` stand for when its members are
    /// used through `class`, which is it or inherits from it; `elements` are
    /// those that the value is known to have.
    fn bound_by_class(
        &self,
        class: ClassRef<'a>,
        elements: &[String],
        owner: ClassRef<'a>,
    ) -> Vec<Bound<'a>> {
        const MAX_STEPS: usize = 16;
        let doc_of = |class: &ClassRef<'a>| class.class().doc.of(class.text);
        if templates(doc_of(&owner)).next().is_none() {
            return Vec::new();
        }
        let elements = Type {
            classes: elements.to_vec(),
            elements: Vec::new(),
        };
        let last = templates(doc_of(&class)).last();
        let mut steps = vec![(class, Vec::from_iter(last.map(|name| (name, elements))))];
        let mut at = 0;
        while at < steps.len() && at < MAX_STEPS {
            let (current, bound) = steps[at].clone();
            at += 1;
            if current.path == owner.path && current.item == owner.item {
                return bound;
            }
            let scope = current.scope();
            for tag in inheriting(doc_of(&current)) {
                let Some((base, arguments)) = tag.ty.split_once('<') else {
                    continue;
                };
                let arguments = arguments.strip_suffix('>').unwrap_or(arguments);
                let Some(parent) = scope.class(base).and_then(|name| self.class(&name)) else {
                    continue;
                };
                let read = |text: &&str| Type::read_with(text.trim(), &scope, None, &bound);
                let arguments = split_top(arguments, &[',']);
                let bound = templates(doc_of(&parent)).zip(arguments.iter().map(read));
                steps.push((parent, bound.collect()));
            }
            let declared = current.class();
            for parent in declared.extends.iter().chain(&declared.implements) {
                let name = scope.class(parent.of(current.text));
                if let Some(parent) = name.and_then(|name| self.class(&name)) {
                    steps.push((parent, Vec::new()));
                }
            }
        }
        Vec::new()
    }

    /// What `$this->name = …` or `self::$name = …` in the buffer's own class
    /// `owner` assigns.
    fn assigned(&self, owner: ClassRef<'_>, name: &str, depth: usize) -> Type {
        let buffer = self.buffer;
        let body = owner.class().body;
        for at in 2..buffer.tokens.len() {
            let start = buffer.tokens[at - 2].span.start;
            if start < body.start || start > body.end {
                continue;
            }
            let is_member = match buffer.tokens[at - 1].kind {
                TokenKind::Arrow => buffer.text(at - 2) == "$this" && buffer.text(at) == name,
                TokenKind::DoubleColon => buffer.text(at).strip_prefix('$') == Some(name),
                _ => false,
            };
            if is_member {
                let ty = self.assignment(at + 1, buffer.tokens.len(), depth);
                if !ty.is_empty() {
                    return ty;
                }
            }
        }
        Type::default()
    }

    /// What the `= …`, `??= …` or `[…] = …` at token `at` assigns.
    fn assignment(&self, at: usize, before: usize, depth: usize) -> Type {
        let buffer = self.buffer;
        let value = |from: usize| {
            let end = self.statement_end(from).min(before);
            self.expression(from, end, depth)
        };
        match buffer.kind(Some(at)).filter(|_| at < before) {
            Some(TokenKind::Punct(b'=')) => value(at + 1),
            Some(TokenKind::Operator) if buffer.text(at) == "??=" => value(at + 1),
            Some(TokenKind::Punct(b'[')) => match buffer.closing(at, before) {
                Some(close) if buffer.tokens.get(close + 1).is_some_and(|t| t.is(b'=')) => {
                    value(close + 2).elements()
                }
                _ => Type::default(),
            },
            _ => Type::default(),
        }
    }

    /// What a class of another file assigns to its property `name`: a
    /// parameter with a type, or a new object.
    fn assigned_elsewhere(&self, owner: ClassRef<'a>, name: &str) -> Type {
        const COST: u32 = 32;
        const MAX_BYTES: usize = 64 << 10;
        let Some(fuel) = self.fuel.get().checked_sub(COST) else {
            return Type::default();
        };
        self.fuel.set(fuel);
        let (text, class) = (owner.text, owner.class());
        let start = class.body.start as usize;
        let end = (class.body.end as usize).min(start + MAX_BYTES);
        let tokens = lex_from(&text[..text.floor_char_boundary(end)], start, LexMode::Code);
        let word = |at: usize| {
            tokens
                .get(at)
                .map_or("", |token: &Token| token.span.of(text))
        };
        let scope = owner.scope();
        let this = owner.name();
        for at in 0..tokens.len() {
            let assigns = word(at) == "$this"
                && word(at + 1) == "->"
                && word(at + 2) == name
                && word(at + 3) == "=";
            if !assigns {
                continue;
            }
            let byte = tokens[at].span.start;
            let method = class
                .members
                .iter()
                .rfind(|member| member.kind == MemberKind::Method && member.head.start <= byte);
            let mut ty = Type::default();
            let rest = &tokens[at + 4..];
            for (index, token) in rest.iter().enumerate() {
                match token.kind {
                    TokenKind::Punct(b';' | b'{') => break,
                    TokenKind::New => {
                        let class = rest.get(index + 1).map_or("", |t| t.span.of(text));
                        ty.add(Type::read(class, &scope, Some(&this)));
                    }
                    TokenKind::Variable => {
                        let known = method.map(|method| {
                            parameter(text, method, token.span.of(text), &scope, Some(&this))
                        });
                        ty.add(known.unwrap_or_default());
                    }
                    _ => {}
                }
            }
            if !ty.is_empty() {
                return ty;
            }
        }
        Type::default()
    }

    /// The token behind the statement or argument that holds token `from`, not
    /// far away.
    fn statement_end(&self, from: usize) -> usize {
        let mut depth = 0_usize;
        let tokens = self.buffer.tokens.iter().enumerate().skip(from);
        for (at, token) in tokens.take(STATEMENT_TOKENS) {
            match token.kind {
                TokenKind::Punct(b'(' | b'[' | b'{') => depth += 1,
                TokenKind::Punct(b')' | b']' | b'}') => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return at,
                },
                TokenKind::Punct(b';' | b',') if depth == 0 => return at,
                _ => {}
            }
        }
        self.buffer.tokens.len().min(from + STATEMENT_TOKENS)
    }
}

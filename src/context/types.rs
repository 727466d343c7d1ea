//! Which classes an expression of the buffer may have: a light inference over
//! the text before the cursor, which is whole, while what follows is usually
//! broken. It reads declared types, doc comments, assignments, `instanceof`
//! and `foreach`, and asks the index for what other files declare.

use std::cell::Cell;

use super::buffer::Buffer;
use super::classes::Classes;
use super::members::{Members, docs};
use crate::index::Snapshot;
use crate::index::symbols::{ClassRef, DeclKind, Declared};
use crate::php::lex::Kind;
use crate::php::names::Scope;
use crate::php::{ClassKind, MemberKind, Span};

/// How many steps of "this came from that" are followed.
const MAX_DEPTH: usize = 8;
/// How many expressions one request may read.
pub(super) const FUEL: u32 = 256;
/// How many tokens before the cursor are searched for a variable's origin.
const MAX_TOKENS: usize = 12_000;
/// How many tokens of a statement are read for its end.
const STATEMENT_TOKENS: usize = 512;
/// How many classes a type may name.
const MAX_CLASSES: usize = 8;

/// The classes that a value may be of, by fully qualified name, and those that
/// its elements may be of if it can be iterated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) classes: Vec<String>,
    pub(super) elements: Vec<String>,
}

impl Type {
    fn class(name: String) -> Self {
        Self {
            classes: vec![name],
            elements: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.classes.is_empty() && self.elements.is_empty()
    }

    fn add(&mut self, other: Self) {
        for (own, new) in [
            (&mut self.classes, other.classes),
            (&mut self.elements, other.elements),
        ] {
            for name in new {
                if own.len() < MAX_CLASSES && !own.contains(&name) {
                    own.push(name);
                }
            }
        }
    }

    fn into_elements(self) -> Self {
        Self {
            classes: self.elements,
            elements: Vec::new(),
        }
    }

    fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_empty() { other() } else { self }
    }

    /// The type that `text`, a PHP type or a doc comment's, means in `scope`;
    /// `this` is what `static`, `self` and `$this` mean.
    pub(super) fn read(text: &str, scope: &Scope<'_>, this: Option<&str>) -> Self {
        Self::read_to(text, scope, this, 3)
    }

    fn read_to(text: &str, scope: &Scope<'_>, this: Option<&str>, depth: usize) -> Self {
        let mut all = Self::default();
        if depth == 0 {
            return all;
        }
        for part in split_top(text, &['|', '&']) {
            let part = part.trim().trim_start_matches('?');
            let part = part
                .strip_prefix('(')
                .and_then(|inner| inner.strip_suffix(')'))
                .unwrap_or(part)
                .trim();
            if part.contains(['|', '&']) && !part.contains('<') {
                all.add(Self::read_to(part, scope, this, depth - 1));
            } else if let Some(element) = part.strip_suffix("[]") {
                let element = Self::read_to(element, scope, this, depth - 1);
                all.add(Self {
                    classes: Vec::new(),
                    elements: element.classes,
                });
            } else if let Some((base, arguments)) = part
                .split_once('<')
                .and_then(|(base, rest)| Some((base, rest.strip_suffix('>')?)))
            {
                if base.eq_ignore_ascii_case("class-string") {
                    continue;
                }
                let last = split_top(arguments, &[',']).pop().unwrap_or("");
                let element = Self::read_to(last, scope, this, depth - 1);
                let base = Self::read_to(base, scope, this, depth - 1);
                all.add(Self {
                    classes: base.classes,
                    elements: element.classes,
                });
            } else if ["static", "self", "$this"]
                .iter()
                .any(|s| part.eq_ignore_ascii_case(s))
            {
                all.add(this.map_or_else(Self::default, |this| Self::class(this.to_owned())));
            } else if is_name(part) {
                all.add(scope.class(part).map_or_else(Self::default, Self::class));
            }
        }
        all
    }
}

/// Whether `text` is a possibly qualified identifier.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '\\')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// `text` cut at `separators` that stand outside of all brackets.
fn split_top<'t>(text: &'t str, separators: &[char]) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '{' | '[' => depth += 1,
            '>' | ')' | '}' | ']' => depth -= 1,
            _ if depth <= 0 && separators.contains(&c) => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

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
        self.buffer.class_at(at).map(|item| self.own(item).name())
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
                Kind::Punct(b')' | b']') => {
                    let open = self.buffer.opening(last)?;
                    match self.buffer.kind(open.checked_sub(1)) {
                        Some(Kind::Name | Kind::Variable | Kind::Modifier) => open - 1,
                        Some(Kind::Punct(b')' | b']')) => {
                            at = open;
                            continue;
                        }
                        _ => open,
                    }
                }
                _ if self.buffer.tokens[last].is_word() => last,
                Kind::Variable => last,
                _ => return None,
            };
            // A `[` behind what it indexes is a step of the chain.
            let before = self.buffer.kind(start.checked_sub(1));
            at = match before {
                Some(Kind::Arrow | Kind::NullArrow | Kind::DoubleColon) => start - 1,
                Some(Kind::New) => return Some(start - 1),
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
            Kind::New => {
                let name = self.class_name(at + 1, &scope, at_byte);
                at = if opens(at + 2) {
                    after_call(at + 2)
                } else {
                    at + 2
                };
                name.map_or_else(Type::default, Type::class)
            }
            Kind::Variable => {
                let name = buffer.text(at);
                at += 1;
                if name == "$this" {
                    self.this(at_byte).map_or_else(Type::default, Type::class)
                } else {
                    self.variable(name, at - 1, depth)
                }
            }
            Kind::Punct(b'(') => {
                let close = buffer.closing(at, end).unwrap_or(end);
                let inner = self.expression(at + 1, close, depth);
                at = close + 1;
                // `(Type) $x` is a cast, and tells nothing of classes.
                inner
            }
            Kind::Punct(b'[') => {
                // A list: of what its first element is.
                let close = buffer.closing(at, end).unwrap_or(end);
                let first = self.expression(at + 1, close, depth);
                at = close + 1;
                Type {
                    classes: Vec::new(),
                    elements: first.classes,
                }
            }
            _ if buffer.kind(Some(at + 1)) == Some(Kind::DoubleColon) => {
                let name = self.class_name(at, &scope, at_byte);
                at += 1;
                name.map_or_else(Type::default, Type::class)
            }
            Kind::Name if opens(at + 1) => {
                let name = buffer.text(at);
                at = after_call(at + 1);
                self.function(name, &scope)
            }
            _ => return Type::default(),
        };
        while at < end {
            match buffer.tokens[at].kind {
                Kind::Arrow | Kind::NullArrow | Kind::DoubleColon if at + 1 < end => {
                    let name = buffer.text(at + 1);
                    let is_variable = buffer.kind(Some(at + 1)) == Some(Kind::Variable);
                    if opens(at + 2) {
                        ty = self.member(&ty, &[MemberKind::Method], name, depth);
                        at = after_call(at + 2);
                    } else if buffer.tokens[at].kind == Kind::DoubleColon && !is_variable {
                        ty = self.constant(&ty, name);
                        at += 2;
                    } else {
                        let name = name.trim_start_matches('$');
                        ty = self.member(&ty, &[MemberKind::Property], name, depth);
                        at += 2;
                    }
                }
                Kind::Punct(b'[') => {
                    ty = ty.into_elements();
                    at = after_call(at);
                }
                Kind::Operator if buffer.text(at) == "??" => {
                    let rest = self.expression(at + 1, end, depth);
                    ty.add(rest);
                    break;
                }
                Kind::Punct(b'?') => {
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

    /// What the function called `written` returns.
    fn function(&self, written: &str, scope: &Scope<'_>) -> Type {
        let short = written.rsplit('\\').next().unwrap_or(written);
        let candidates = scope.function(written);
        let named = |full: &str| {
            candidates
                .iter()
                .any(|name| name.eq_ignore_ascii_case(full))
        };
        let own = &self.buffer.facts;
        for function in &own.functions {
            let scope = Scope::of(own, self.buffer.content, function.namespace);
            if named(&scope.declared(function.name.of(self.buffer.content))) {
                return returned(self.buffer.content, function.ty, function.doc, &scope, None);
            }
        }
        for declared in self.snapshot.declared(DeclKind::Function, short) {
            let Declared::Function(file, item) = declared else {
                continue;
            };
            if *file.path != *self.buffer.path && declared.full_name().is_some_and(|n| named(&n)) {
                let function = &file.facts.functions[item];
                let scope = Scope::of(&file.facts, &file.text, function.namespace);
                return returned(&file.text, function.ty, function.doc, &scope, None);
            }
        }
        Type::default()
    }

    /// What `::NAME` is: an enum's case is of the enum.
    fn constant(&self, of: &Type, name: &str) -> Type {
        let is_case = |class: &ClassRef<'_>| {
            class.class().kind == ClassKind::Enum
                && class.class().members.iter().any(|member| {
                    member.kind == MemberKind::Case && member.name.of(class.text) == name
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

    /// What the member `name` of a value of type `of` is, or returns.
    fn member(&self, of: &Type, kinds: &[MemberKind], name: &str, depth: usize) -> Type {
        let mut ty = Type::default();
        for receiver in &of.classes {
            let Some(class) = self.class(receiver) else {
                continue;
            };
            let members = self.members(class);
            if let Some((owner, member)) = members.find(kinds, name) {
                let declared = &owner.class().members[member];
                let this = Some(receiver.as_str());
                let found = returned(owner.text, declared.ty, declared.doc, &owner.scope(), this);
                let is_own = owner.path == self.buffer.path;
                ty.add(found.or_else(|| {
                    if is_own && declared.kind == MemberKind::Property {
                        self.assigned(owner, name, depth)
                    } else {
                        Type::default()
                    }
                }));
            } else if let Some((owner, magic)) = members.magic(kinds, name) {
                ty.add(Type::read(magic.ty, &owner.scope(), Some(receiver)));
            }
        }
        ty
    }

    /// What `$this->name = …` in the buffer's own class `owner` assigns.
    fn assigned(&self, owner: ClassRef<'_>, name: &str, depth: usize) -> Type {
        let buffer = self.buffer;
        let body = owner.class().body;
        for at in 3..buffer.tokens.len() {
            let start = buffer.tokens[at - 3].span.start;
            if start < body.start || start > body.end {
                continue;
            }
            if buffer.tokens[at].is(b'=')
                && buffer.text(at - 1) == name
                && buffer.tokens[at - 2].kind == Kind::Arrow
                && buffer.text(at - 3) == "$this"
            {
                let ty = self.expression(at + 1, self.statement_end(at + 1), depth);
                if !ty.is_empty() {
                    return ty;
                }
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
                Kind::Punct(b'(' | b'[' | b'{') => depth += 1,
                Kind::Punct(b')' | b']' | b'}') => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return at,
                },
                Kind::Punct(b';' | b',') if depth == 0 => return at,
                _ => {}
            }
        }
        self.buffer.tokens.len().min(from + STATEMENT_TOKENS)
    }

    /// What the variable `name` (with its `$`) may be just before token `at`.
    fn variable(&self, name: &str, at: usize, depth: usize) -> Type {
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
                Kind::Variable if buffer.text(index) == name => self.occurrence(index, at, depth),
                Kind::Doc => {
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
        Type::default()
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
        match buffer.kind(Some(index + 1)) {
            Some(Kind::Punct(b'=')) if index + 1 < before => {
                let end = self.statement_end(index + 2).min(before);
                return self.expression(index + 2, end, depth);
            }
            Some(Kind::Instanceof) if index + 2 < before => {
                let class = self.class_name(index + 2, &scope, at_byte);
                return class.map_or_else(Type::default, Type::class);
            }
            _ => {}
        }
        match buffer.kind(index.checked_sub(1)) {
            Some(Kind::As | Kind::DoubleArrow) => {
                let opens = |&at: &usize| buffer.tokens[at].kind == Kind::Foreach;
                let Some(foreach) = (index.saturating_sub(64)..index).rev().find(opens) else {
                    return Type::default();
                };
                let as_at = (foreach..index).find(|&at| buffer.tokens[at].kind == Kind::As);
                let iterated = as_at.map(|end| self.expression(foreach + 2, end, depth));
                iterated.map_or_else(Type::default, |ty| self.iterated(ty))
            }
            Some(_) => {
                // A typed parameter, or the variable of a `catch`.
                let mut first = index;
                while let Some(at) = first.checked_sub(1)
                    && (matches!(buffer.tokens[at].kind, Kind::Name | Kind::Ellipsis)
                        || matches!(buffer.tokens[at].kind, Kind::Punct(b'|' | b'?' | b'&')))
                {
                    first = at;
                }
                let opens = matches!(
                    buffer.kind(first.checked_sub(1)),
                    Some(Kind::Punct(b'(' | b',' | b']') | Kind::Modifier)
                );
                if first == index || !opens {
                    return Type::default();
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

    /// The elements of an iterated value: what its doc comment says, or what
    /// its `current` or `getIterator` returns.
    fn iterated(&self, ty: Type) -> Type {
        if !ty.elements.is_empty() {
            return ty.into_elements();
        }
        let method = [MemberKind::Method];
        self.member(&ty, &method, "current", 1)
            .or_else(|| self.member(&ty, &method, "getIterator", 1).into_elements())
    }

    /// The types of the variables in reach of token `at`, nearest first.
    pub(super) fn in_reach(&self, at: usize, most: usize) -> Vec<(String, Type)> {
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
            if token.kind != Kind::Variable || name == "$this" || seen.iter().any(|s| s.0 == name) {
                continue;
            }
            let ty = self.variable(name, at, MAX_DEPTH);
            seen.push((name.to_owned(), ty));
        }
        seen.retain(|(_, ty)| !ty.classes.is_empty());
        seen
    }
}

/// What a declaration with the type `ty` and the doc comment `doc` gives: the
/// declared type, with the doc comment's where it says more.
fn returned(text: &str, ty: Span, doc: Span, scope: &Scope<'_>, this: Option<&str>) -> Type {
    let mut declared = Type::read(ty.of(text), scope, this);
    if declared.elements.is_empty() {
        let tag = docs(doc.of(text))
            .find(|tag| tag.name.ends_with("return") || tag.name.ends_with("var"));
        if let Some(tag) = tag {
            let documented = Type::read(tag.ty, scope, this);
            if declared.is_empty() {
                declared = documented;
            } else {
                declared.elements = documented.elements;
            }
        }
    }
    declared
}

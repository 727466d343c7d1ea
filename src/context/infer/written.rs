//! The types that declarations and doc comments state, with their templates.

use super::doc_tags::{DocTag, doc_tags};
use super::limits::TYPE_NESTING;
use super::types::{TemplateBinding, Type};
use crate::index::symbols::ClassRef;
use crate::php::names::Scope;
use crate::php::{Member, MemberKind, Span};

/// Reads types as PHP and doc comments write them.
#[derive(Clone, Copy)]
pub(super) struct TypeReader<'r> {
    /// The names in force where the type stands.
    scope: &'r Scope<'r>,
    /// The class that `static`, `self` and `$this` mean.
    this: Option<&'r str>,
    /// What the names of templates stand for.
    bindings: &'r [TemplateBinding<'r>],
}

impl<'r> TypeReader<'r> {
    pub(super) fn new(scope: &'r Scope<'r>, this: Option<&'r str>) -> Self {
        Self {
            scope,
            this,
            bindings: &[],
        }
    }

    /// The same reader, with `bindings` for the names of templates.
    pub(super) fn with(self, bindings: &'r [TemplateBinding<'r>]) -> Self {
        Self { bindings, ..self }
    }

    /// The type that `text` states.
    pub(super) fn read(&self, text: &str) -> Type {
        self.read_nested(text, TYPE_NESTING)
    }

    /// Like [`Self::read`], down to `depth` levels of nesting.
    fn read_nested(&self, text: &str, depth: usize) -> Type {
        let mut all = Type::default();
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
                all.add(self.read_nested(part, depth - 1));
            } else if let Some(element) = part.strip_suffix("[]") {
                all.add(self.read_nested(element, depth - 1).into_list());
            } else if let Some((base, arguments)) = part
                .split_once('<')
                .and_then(|(base, rest)| Some((base, rest.strip_suffix('>')?)))
            {
                all.add(self.read_generic(base, arguments, depth - 1));
            } else {
                all.add(self.read_name(part));
            }
        }
        all
    }

    /// The type `base<arguments>`: the last argument is that of the elements.
    fn read_generic(&self, base: &str, arguments: &str, depth: usize) -> Type {
        if base.eq_ignore_ascii_case("class-string") {
            return Type::default();
        }
        let last = split_top(arguments, &[',']).pop().unwrap_or("");
        let element = self.read_nested(last, depth);
        let base = self.read_nested(base, depth);
        Type {
            classes: base.classes,
            elements: element.classes,
        }
    }

    fn read_name(&self, name: &str) -> Type {
        let is_this = ["static", "self", "$this"]
            .iter()
            .any(|this| name.eq_ignore_ascii_case(this));
        if is_this {
            Type::of_class(self.this.map(str::to_owned))
        } else if let Some((_, ty)) = self.bindings.iter().find(|(bound, _)| *bound == name) {
            ty.clone()
        } else if is_name(name) {
            Type::of_class(self.scope.class(name))
        } else {
            Type::default()
        }
    }
}

/// Whether `text` is a possibly qualified identifier.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '\\')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// `text` cut at those `separators` that stand outside of all brackets.
pub(super) fn split_top<'t>(text: &'t str, separators: &[char]) -> Vec<&'t str> {
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

/// The type that a declaration in `text` gives: what its doc comment `doc`
/// says, which is more exact, then the declared type `ty`.
pub(super) fn declared_type(text: &str, ty: Span, doc: Span, reader: TypeReader<'_>) -> Type {
    let mut tags = doc_tags(doc.of(text));
    let documented = tags.find(|tag| tag.name == "return" || tag.name == "var");
    let mut all = documented.map_or_else(Type::default, |tag| reader.read(tag.ty));
    all.add(reader.with(&[]).read(ty.of(text)));
    all
}

/// The type of the parameter `name` (with its `$`) of `method`: what the doc
/// comment says, then the declared type.
pub(super) fn parameter(text: &str, method: &Member, name: &str, reader: TypeReader<'_>) -> Type {
    let list = method.params.of(text);
    let list = list.strip_prefix('(').unwrap_or(list);
    let list = list.strip_suffix(')').unwrap_or(list);
    let mut ty = documented_parameter(text, method, name, reader);
    for written in split_top(list, &[',']) {
        let Some((before, rest)) = written.split_once(name) else {
            continue;
        };
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let before = before.trim_end_matches(['&', '.', ' ']);
        let declared = before.split_whitespace().next_back().unwrap_or("");
        ty.add(reader.read(declared));
    }
    ty
}

/// The type that `@param` in the doc comment of `method` gives to `name`.
fn documented_parameter(text: &str, method: &Member, name: &str, reader: TypeReader<'_>) -> Type {
    let is_named = |tag: &DocTag<'_>| {
        let word = tag.rest.split_whitespace().next().unwrap_or("");
        tag.name == "param" && word.trim_start_matches(['&', '.']) == name
    };
    doc_tags(method.doc.of(text))
        .find(is_named)
        .map_or_else(Type::default, |tag| reader.read(tag.ty))
}

/// The type that the constructor's doc comment gives to a `property` that is
/// one of the constructor's parameters.
pub(super) fn promoted_property(
    owner: ClassRef<'_>,
    property: &Member,
    reader: TypeReader<'_>,
) -> Type {
    let promotes = |member: &&Member| {
        member.kind == MemberKind::Method && member.params.contains(property.name.start as usize)
    };
    let Some(constructor) = owner.class().members.iter().find(promotes) else {
        return Type::default();
    };
    let name = format!("${}", property.name.of(owner.text));
    documented_parameter(owner.text, constructor, &name, reader)
}

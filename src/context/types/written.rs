//! Types as they are written: in declarations and in doc comments, templates
//! included.

use super::super::members::{Tag, docs};
use crate::index::symbols::ClassRef;
use crate::php::names::Scope;
use crate::php::{Member, MemberKind, Span};

/// How many classes a type may name.
const MAX_CLASSES: usize = 8;
/// How deep types are nested, at most.
const MAX_NESTING: usize = 4;

/// The classes that a value may be of, by fully qualified name, and those that
/// its elements may be of if it can be iterated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::context) struct Type {
    pub(in crate::context) classes: Vec<String>,
    pub(in crate::context) elements: Vec<String>,
}

/// A template's name with the type that stands for it.
pub(super) type Bound<'t> = (&'t str, Type);

impl Type {
    pub(super) fn class(name: String) -> Self {
        Self {
            classes: vec![name],
            elements: Vec::new(),
        }
    }

    pub(in crate::context) fn is_empty(&self) -> bool {
        self.classes.is_empty() && self.elements.is_empty()
    }

    pub(super) fn add(&mut self, other: Self) {
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

    pub(super) fn elements(self) -> Self {
        Self {
            classes: Vec::new(),
            elements: self.classes,
        }
    }

    pub(super) fn into_elements(self) -> Self {
        Self {
            classes: self.elements,
            elements: Vec::new(),
        }
    }

    pub(super) fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_empty() { other() } else { self }
    }

    /// The type that `text`, a PHP type or a doc comment's, means in `scope`;
    /// `this` is what `static`, `self` and `$this` mean.
    pub(in crate::context) fn read(text: &str, scope: &Scope<'_>, this: Option<&str>) -> Self {
        Self::read_with(text, scope, this, &[])
    }

    /// Like [`Self::read`], where names of templates stand for what is bound
    /// to them.
    pub(super) fn read_with(
        text: &str,
        scope: &Scope<'_>,
        this: Option<&str>,
        bound: &[Bound<'_>],
    ) -> Self {
        Self::read_to(text, scope, this, bound, MAX_NESTING)
    }

    fn read_to(
        text: &str,
        scope: &Scope<'_>,
        this: Option<&str>,
        bound: &[Bound<'_>],
        depth: usize,
    ) -> Self {
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
                all.add(Self::read_to(part, scope, this, bound, depth - 1));
            } else if let Some(element) = part.strip_suffix("[]") {
                let element = Self::read_to(element, scope, this, bound, depth - 1);
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
                let element = Self::read_to(last, scope, this, bound, depth - 1);
                let base = Self::read_to(base, scope, this, bound, depth - 1);
                all.add(Self {
                    classes: base.classes,
                    elements: element.classes,
                });
            } else if ["static", "self", "$this"]
                .iter()
                .any(|s| part.eq_ignore_ascii_case(s))
            {
                all.add(this.map_or_else(Self::default, |this| Self::class(this.to_owned())));
            } else if let Some((_, ty)) = bound.iter().find(|(name, _)| *name == part) {
                all.add(ty.clone());
            } else if is_name(part) {
                all.add(scope.class(part).map_or_else(Self::default, Self::class));
            }
        }
        all
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

/// `text` cut at `separators` that stand outside of all brackets.
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

/// What a declaration with the type `ty` and the doc comment `doc` gives: what
/// the doc comment says, which is closer, and the declared type.
pub(super) fn returned(
    text: &str,
    ty: Span,
    doc: Span,
    scope: &Scope<'_>,
    this: Option<&str>,
    bound: &[Bound<'_>],
) -> Type {
    let mut tags = docs(doc.of(text));
    let documented = tags.find(|tag| tag.name == "return" || tag.name == "var");
    let mut all = documented.map_or_else(Type::default, |tag| {
        Type::read_with(tag.ty, scope, this, bound)
    });
    all.add(Type::read(ty.of(text), scope, this));
    all
}

/// The names of the templates that a doc comment declares.
pub(super) fn templates(doc: &str) -> impl Iterator<Item = &str> {
    let names = ["template", "template-covariant", "template-contravariant"];
    docs(doc)
        .filter(move |tag| names.contains(&tag.name))
        .map(|tag| tag.ty)
}

/// The tags of a doc comment that say what a class's parents are made of.
pub(super) fn inheriting(doc: &str) -> impl Iterator<Item = Tag<'_>> {
    docs(doc).filter(|tag| {
        let name = tag.name.strip_prefix("template-").unwrap_or(tag.name);
        matches!(name, "extends" | "implements" | "use")
    })
}

/// What the parameter `name` (with its `$`) of `method` is: by its type or by
/// the method's doc comment.
pub(super) fn parameter(
    text: &str,
    method: &Member,
    name: &str,
    scope: &Scope<'_>,
    this: Option<&str>,
) -> Type {
    let list = method.params.of(text);
    let list = list.strip_prefix('(').unwrap_or(list);
    let list = list.strip_suffix(')').unwrap_or(list);
    let mut ty = documented_parameter(text, method, name, scope, this, &[]);
    for written in split_top(list, &[',']) {
        let Some((before, rest)) = written.split_once(name) else {
            continue;
        };
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let before = before.trim_end_matches(['&', '.', ' ']);
        let declared = before.split_whitespace().next_back().unwrap_or("");
        ty.add(Type::read(declared, scope, this));
    }
    ty
}

/// What `@param` in the doc comment of `method` says of `name`.
pub(super) fn documented_parameter(
    text: &str,
    method: &Member,
    name: &str,
    scope: &Scope<'_>,
    this: Option<&str>,
    bound: &[Bound<'_>],
) -> Type {
    let is_named = |tag: &Tag<'_>| {
        let word = tag.rest.split_whitespace().next().unwrap_or("");
        tag.name == "param" && word.trim_start_matches(['&', '.']) == name
    };
    docs(method.doc.of(text))
        .find(is_named)
        .map_or_else(Type::default, |tag| {
            Type::read_with(tag.ty, scope, this, bound)
        })
}

/// What the doc comment of the constructor says of a property that is one of
/// its parameters.
pub(super) fn promoted_doc(
    owner: ClassRef<'_>,
    property: &Member,
    this: Option<&str>,
    bound: &[Bound<'_>],
) -> Type {
    let promotes = |member: &&Member| {
        member.kind == MemberKind::Method && member.params.contains(property.name.start as usize)
    };
    let Some(constructor) = owner.class().members.iter().find(promotes) else {
        return Type::default();
    };
    let name = format!("${}", property.name.of(owner.text));
    documented_parameter(owner.text, constructor, &name, &owner.scope(), this, bound)
}

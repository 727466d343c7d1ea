//! Holes that empty the body of a method.

use crate::eval::candidates::{ForeignNames, name_kind};
use crate::eval::hole::{HiddenName, NameHole};
use crate::eval::kind::NameCategory;
use crate::index::symbols::{ClassRef, DeclKind, Declaration, NameKind};
use crate::php::names::Scope;
use crate::php::{ImportKind, Member, MemberKind, Reference};

use rustc_hash::FxHashMap;

/// The most lines of a body that is cut.
const MAX_BODY_LINES: usize = 40;
/// The most ancestors of a tested class.
const ANCESTORS: usize = 16;

impl<'a> ForeignNames<'_, 'a> {
    /// Holes that empty a method's body. Their names are those of other files that
    /// this file writes in that body only.
    pub(super) fn bodies(&self) -> Vec<NameHole<'a>> {
        let mut known = FxHashMap::default();
        let methods = self
            .file
            .facts
            .classes
            .iter()
            .flat_map(|class| &class.members);
        methods
            .filter_map(|method| {
                let (start, end) = self.inside(method)?;
                let mut names: Vec<HiddenName> = Vec::new();
                for &reference in self.references(start, end) {
                    let name = self.name(reference, start..end, &mut known);
                    let name = name.map(|name| self.of_property(name, reference));
                    names.extend(name.filter(|name| !names.contains(name)));
                }
                let file = self.file;
                (!names.is_empty()).then_some(NameHole {
                    file,
                    start,
                    end,
                    names,
                })
            })
            .collect()
    }

    /// `name`, told apart if it stands behind `$this->property->`.
    fn of_property(&self, name: HiddenName, reference: Reference) -> HiddenName {
        let receiver = reference.receiver();
        let before = &self.file.text[..receiver.start as usize];
        let is_member = matches!(name.category, NameCategory::Method | NameCategory::Property);
        let of_this = before.ends_with("$this->") || before.ends_with("$this?->");
        if is_member && !receiver.is_empty() && of_this {
            let category = NameCategory::PropertyMember;
            return HiddenName { category, ..name };
        }
        name
    }

    /// Holes that empty a method of a test class `FooTest`. Their names are the
    /// members of `Foo` that the file writes in that body only, and the constructor of
    /// `Foo` if the body calls it.
    pub(super) fn tests(&self) -> Vec<NameHole<'a>> {
        let text = &*self.file.text;
        let mut holes = Vec::new();
        for class in &self.file.facts.classes {
            let scope = Scope::of(&self.file.facts, text, class.namespace);
            let Some(subject) = self.subject(class.name.of(text), &scope) else {
                continue;
            };
            for method in &class.members {
                let is_test = method.name.of(text).starts_with("test")
                    || method.doc.of(text).contains("@test");
                let Some((start, end)) = self.inside(method).filter(|_| is_test) else {
                    continue;
                };
                let names = self.subject_names(&subject, start, end);
                let file = self.file;
                if !names.is_empty() {
                    holes.push(NameHole {
                        file,
                        start,
                        end,
                        names,
                    });
                }
            }
        }
        holes
    }

    /// The class that the test class `test` tests, and its ancestors.
    fn subject(&self, test: &str, scope: &Scope<'_>) -> Option<Vec<ClassRef<'_>>> {
        let short = test
            .strip_suffix("Test")
            .filter(|short| !short.is_empty())?;
        let path = &*self.file.path;
        let mut imports = scope.imports();
        let imported = imports.find(|import| {
            let last = import.target.rsplit('\\').next().unwrap_or_default();
            import.kind == ImportKind::Class && last.eq_ignore_ascii_case(short)
        });
        let named = imported.map_or_else(|| scope.class(short), |import| Some(import.target));
        let mut class = named.and_then(|name| self.snapshot.class(&name, path));
        if class.is_none()
            && let [Declaration::Class(only)] = *self.snapshot.declared(DeclKind::Class, short)
        {
            class = Some(only);
        }
        let mut all = vec![class?];
        while all.len() < ANCESTORS {
            let last = all[all.len() - 1];
            let parent = last.class().extends.first().and_then(|parent| {
                let name = last.scope().class(parent.of(last.text))?;
                self.snapshot.class(&name, path)
            });
            let Some(parent) = parent else { break };
            all.push(parent);
        }
        Some(all)
    }

    /// The names that the body from `start` to `end` uses of the class `subject[0]`
    /// with the ancestors behind it.
    fn subject_names(&self, subject: &[ClassRef<'_>], start: usize, end: usize) -> Vec<HiddenName> {
        let text = &*self.file.text;
        let mut names: Vec<HiddenName> = Vec::new();
        let mut constructs = false;
        for reference in self.references(start, end) {
            let kind = NameKind::from(reference.kind);
            let written = reference.name().of(text);
            if kind == NameKind::Class {
                let scope = Scope::at(&self.file.facts, text, start);
                let is_new = text[..reference.name().start as usize]
                    .trim_end()
                    .ends_with("new");
                constructs |= is_new
                    && scope
                        .class(written)
                        .is_some_and(|name| subject[0].is_called(&name));
                continue;
            }
            let declared = subject
                .iter()
                .find_map(|class| place_of(*class, kind, written));
            if let Some(declared) = declared.filter(|_| self.is_only_in(written, start..end)) {
                let name = HiddenName {
                    category: NameCategory::from(reference.kind),
                    ident: written.to_owned(),
                    declared: Some(declared),
                };
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let constructor = subject
            .iter()
            .find_map(|class| place_of(*class, NameKind::Method, "__construct"));
        if let Some(declared) = constructor.filter(|_| constructs) {
            names.push(HiddenName {
                category: NameCategory::Constructor,
                ident: "__construct".to_owned(),
                declared: Some(declared),
            });
        }
        names
    }

    /// The references from byte `start` to `end`.
    pub(super) fn references(&self, start: usize, end: usize) -> &'a [Reference] {
        let references = &self.file.facts.references;
        let first = references.partition_point(|r| (r.name().start as usize) < start);
        let last = references.partition_point(|r| (r.name().start as usize) < end);
        &references[first..last]
    }

    /// The bytes of a method's body without its braces and the blanks inside them.
    pub(super) fn inside(&self, method: &Member) -> Option<(usize, usize)> {
        if method.kind != MemberKind::Method {
            return None;
        }
        let body = self
            .file
            .text
            .get(method.head.end as usize..method.end as usize)?;
        let inner = body.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let start = method.head.end as usize + body.find(inner)?;
        let fits = !inner.is_empty() && inner.lines().count() <= MAX_BODY_LINES;
        fits.then_some((start, start + inner.len()))
    }
}

/// The place of the member of this kind and name that `class` itself declares.
fn place_of(class: ClassRef<'_>, kind: NameKind, name: &str) -> Option<(String, usize)> {
    let member = class.class().members.iter().find(|member| {
        name_kind(member.kind) == kind && kind.fold(member.name.of(class.text)) == kind.fold(name)
    })?;
    Some((class.path.to_owned(), member.head.start as usize))
}

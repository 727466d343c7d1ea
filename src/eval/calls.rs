//! Holes behind the `(` of a call: the programmer needs the signature of what is
//! called.

use crate::eval::candidates::ForeignNames;
use crate::eval::hole::{HiddenName, NameHole};
use crate::eval::kind::NameCategory;
use crate::eval::native::is_native;
use crate::index::symbols::{ClassRef, DeclKind, Declaration, NameKind};
use crate::php::names::Scope;
use crate::php::{MemberKind, RefKind, Reference};
use crate::text::line_end;

/// Steps from a class towards the parent that declares a method.
const ANCESTORS: usize = 16;

impl<'a> ForeignNames<'_, 'a> {
    /// Holes from the first argument of a call to the end of its line. Another file
    /// declares what is called, with parameters.
    pub(super) fn calls(&self) -> Vec<NameHole<'a>> {
        let text = &*self.file.text;
        let mut holes = Vec::new();
        for &reference in &self.file.facts.references {
            let behind = reference.name().end as usize;
            let Some(arguments) = text[behind..].strip_prefix('(') else {
                continue;
            };
            if arguments.trim_start().starts_with(')') {
                continue;
            }
            if let Some(name) = self.callee(reference) {
                let start = behind + 1;
                holes.push(NameHole {
                    file: self.file,
                    start,
                    end: line_end(text, start),
                    names: vec![name],
                });
            }
        }
        holes
    }

    /// What the call at `reference` calls.
    fn callee(&self, reference: Reference) -> Option<HiddenName> {
        let text = &*self.file.text;
        let written = reference.name().of(text);
        let ident = written.rsplit('\\').next().unwrap_or(written);
        let at = reference.name().start as usize;
        let scope = Scope::at(&self.file.facts, text, at);
        let name = |category, ident: &str, declared| HiddenName {
            category,
            ident: ident.to_owned(),
            declared,
        };
        match reference.kind {
            RefKind::Class => {
                let is_new = text[..at].trim_end().ends_with("new");
                let class = scope.class(written).filter(|_| is_new)?;
                let declared = self.method_of(&class, "__construct")?;
                Some(name(
                    NameCategory::Constructor,
                    "__construct",
                    Some(declared),
                ))
            }
            RefKind::Function if !is_native(NameCategory::Function, ident) => {
                let means = scope.function(written);
                let all = self.snapshot.declared(DeclKind::Function, ident);
                let found = all.iter().find(|declared| {
                    let full = declared.full_name().unwrap_or_default();
                    means.iter().any(|name| name.eq_ignore_ascii_case(&full))
                })?;
                let Declaration::Function(file, item) = *found else {
                    return None;
                };
                let function = &file.facts.functions[item];
                let declared = (file.path.to_string(), function.head.start as usize);
                let fits = file.path != self.file.path && function.params.len() > 2;
                fits.then(|| name(NameCategory::Function, ident, Some(declared)))
            }
            RefKind::StaticMethod => {
                let class = scope.class(reference.receiver().of(text))?;
                let declared = self.method_of(&class, ident)?;
                Some(name(NameCategory::StaticMethod, ident, Some(declared)))
            }
            RefKind::Method if !is_native(NameCategory::Method, ident) => {
                let all = self.snapshot.declared(DeclKind::Member, ident);
                let is_here = |declared: &Declaration<'_>| declared.path() == &*self.file.path;
                let has_parameters =
                    |declared: &Declaration<'_>| match (declared.member(), declared) {
                        (Some(member), Declaration::Member(..)) => member.params.len() > 2,
                        _ => false,
                    };
                let fits = all.iter().any(has_parameters) && !all.iter().any(is_here);
                fits.then(|| name(NameCategory::Method, ident, None))
            }
            _ => None,
        }
    }

    /// The place of the method that objects of the class `name` have under this name:
    /// its file and the byte at which it starts. `None` without parameters, and if
    /// this file declares it.
    pub(super) fn method_of(&self, name: &str, method: &str) -> Option<(String, usize)> {
        let mut class = self.snapshot.class(name, &self.file.path)?;
        for _ in 0..ANCESTORS {
            if let Some(place) = declared_method(class, method) {
                return place;
            }
            let parent = class.class().extends.first()?.of(class.text);
            class = self
                .snapshot
                .class(&class.scope().class(parent)?, &self.file.path)?;
        }
        None
    }
}

/// The place of the method that `class` declares under this name, if it has
/// parameters; the outer `None` if it declares none.
fn declared_method(class: ClassRef<'_>, method: &str) -> Option<Option<(String, usize)>> {
    let member = class.class().members.iter().find(|member| {
        member.kind == MemberKind::Method
            && NameKind::Method.fold(member.name.of(class.text)) == NameKind::Method.fold(method)
    })?;
    let place = (class.path.to_owned(), member.head.start as usize);
    Some((member.params.len() > 2).then_some(place))
}

//! How types relate: which class is another, and whether a value is of a type.

use super::inference::Inference;
use super::types::{Atom, Type};
use crate::php::ClassKind;

impl Inference<'_> {
    /// Whether every object of the class `name` is one of `target`; `None`
    /// where a class is unknown.
    pub(super) fn is_a(&self, name: &str, target: &str) -> Option<bool> {
        if name.eq_ignore_ascii_case(target) {
            return Some(true);
        }
        let class = self.class(name)?;
        let mut is_whole = true;
        for ancestor in self.members(class).hierarchy() {
            if ancestor.is_called(target) {
                return Some(true);
            }
            let declared = ancestor.class();
            let scope = ancestor.scope();
            for parent in declared.extends.iter().chain(&declared.implements) {
                let Some(parent) = scope.class(parent.of(ancestor.text)) else {
                    continue;
                };
                if parent.eq_ignore_ascii_case(target) {
                    return Some(true);
                }
                is_whole &= self.class(&parent).is_some();
            }
        }
        is_whole.then_some(false)
    }

    /// Whether no object can be of both classes: neither is an interface, and
    /// none inherits from the other.
    pub(super) fn excludes(&self, a: &str, b: &str) -> bool {
        let (Some(first), Some(second)) = (self.class(a), self.class(b)) else {
            return false;
        };
        let is_open = |kind: ClassKind| matches!(kind, ClassKind::Interface | ClassKind::Trait);
        let is_final = |class: &crate::index::symbols::ClassRef<'_>| {
            class.class().kind == ClassKind::Enum
                || class
                    .class()
                    .head
                    .of(class.text)
                    .split_whitespace()
                    .any(|word| word == "final")
        };
        let (kind_a, kind_b) = (first.class().kind, second.class().kind);
        if is_open(kind_a) || is_open(kind_b) {
            // A final class implements what it says and nothing else.
            return is_final(&first) && self.is_a(a, b) == Some(false)
                || is_final(&second) && self.is_a(b, a) == Some(false);
        }
        self.is_a(a, b) == Some(false) && self.is_a(b, a) == Some(false)
    }

    /// Whether a value `atom` is of the type `target`; `None` where it may be
    /// or not.
    pub(super) fn is_of_type(&self, atom: &Atom, target: &Type) -> Option<bool> {
        let mut all = Some(false);
        for other in target.members() {
            match self.is_atom(atom, other) {
                Some(true) => return Some(true),
                None => all = None,
                Some(false) => {}
            }
        }
        if target.is_empty() { None } else { all }
    }

    fn is_atom(&self, atom: &Atom, target: &Atom) -> Option<bool> {
        match (atom, target) {
            (_, Atom::Mixed) => Some(true),
            (Atom::Mixed, _) => None,
            (Atom::Bool(a), Atom::Bool(b)) => narrower(a.as_ref(), b.as_ref()),
            (Atom::Int(a), Atom::Int(b)) => narrower(a.as_ref(), b.as_ref()),
            (Atom::String(a), Atom::String(b)) => narrower(a.as_ref(), b.as_ref()),
            (Atom::ClassString(_), Atom::String(None)) => Some(true),
            (Atom::String(None), Atom::ClassString(_)) => None,
            (Atom::String(Some(name)), Atom::ClassString(of)) => {
                let class = self.class(name.trim_start_matches('\\'))?;
                let object = Atom::Class(super::types::ClassType::new(&class.name()));
                if of.is_empty() {
                    Some(true)
                } else {
                    self.is_of_type(&object, of)
                }
            }
            (Atom::ClassString(a), Atom::ClassString(b)) => {
                if b.is_empty() {
                    return Some(true);
                }
                let mut all = Some(true);
                for atom in a.members() {
                    match self.is_of_type(atom, b) {
                        Some(true) => {}
                        other => all = other,
                    }
                }
                all
            }
            (Atom::Class(_) | Atom::All(_) | Atom::Shape(_), Atom::Object) => Some(true),
            (Atom::Callable(callable), Atom::Object) => callable.is_closure.then_some(true),
            (Atom::Callable(_), Atom::Class(class)) => Some(&*class.name == "Closure"),
            (Atom::Callable(_), Atom::Callable(_)) => Some(true),
            (Atom::Array(_), Atom::Array(other)) => array_fits(atom, other),
            (Atom::Array(array), Atom::Class(_)) if array.is_iterable => None,
            (Atom::Class(class), Atom::Array(array)) if array.is_iterable => {
                self.is_a(&class.name, "Traversable")
            }
            (Atom::Object, Atom::Class(_)) => None,
            _ => self.is_object(atom, target),
        }
    }

    /// Whether an object is of the classes of `target`.
    fn is_object(&self, atom: &Atom, target: &Atom) -> Option<bool> {
        if atom.classes().is_empty() || target.classes().is_empty() {
            return Some(atom == target);
        }
        let mut all = Some(true);
        for wanted in target.classes() {
            let of_one = atom.classes().iter().map(|class| {
                if wanted.case.is_some() && wanted.name == class.name {
                    return narrower(class.case.as_ref(), wanted.case.as_ref());
                }
                match self.is_a(&class.name, &wanted.name) {
                    Some(true) => Some(true),
                    Some(false) if self.excludes(&class.name, &wanted.name) => Some(false),
                    _ => None,
                }
            });
            let answers: Vec<Option<bool>> = of_one.collect();
            let one = if answers.contains(&Some(true)) {
                Some(true)
            } else if answers.contains(&None) {
                None
            } else {
                Some(false)
            };
            all = match (all, one) {
                (Some(true), one) => one,
                (Some(false), _) | (_, Some(false)) => Some(false),
                _ => None,
            };
        }
        all
    }
}

/// Whether a value of which `a` is known is one of which `b` is known.
fn narrower<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> Option<bool> {
    match (a, b) {
        (_, None) => Some(true),
        (None, Some(_)) => None,
        (Some(a), Some(b)) => Some(a == b),
    }
}

/// Whether an array has the fields of another.
fn array_fits(atom: &Atom, other: &super::types::ArrayType) -> Option<bool> {
    let Atom::Array(array) = atom else {
        return None;
    };
    let has = |key: &str| array.fields.iter().any(|field| &*field.key == key);
    if other.fields.iter().all(|field| has(&field.key)) {
        return Some(true);
    }
    None
}

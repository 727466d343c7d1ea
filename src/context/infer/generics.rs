//! What templates stand for: along the parents of a class, and by the arguments
//! of a call.

use super::doc_tags::{Template, parent_tags, templates};
use super::inference::Inference;
use super::limits::{TEMPLATE_STEPS, TYPE_NESTING};
use super::resolve::Resolver;
use super::types::{Atom, ClassType, TemplateBinding, Type};
use crate::index::symbols::ClassRef;
use crate::php::types::{TypeExpr, type_expr};

/// A class among the parents of another, with what its templates stand for.
pub(super) struct Ancestor<'a> {
    pub(super) class: ClassRef<'a>,
    pub(super) bindings: Vec<TemplateBinding>,
}

impl<'a> Inference<'a> {
    /// What the templates of the class `owner` stand for when its members are
    /// used through an object `of` the class `class`, which is `owner` or
    /// inherits from it.
    pub(super) fn bound_by_class(
        &self,
        class: ClassRef<'a>,
        of: &ClassType,
        owner: ClassRef<'a>,
    ) -> Vec<TemplateBinding> {
        // Without templates there is nothing to bind; most classes have none.
        if !doc_of(&owner).contains("template") {
            return Vec::new();
        }
        self.ancestor(class, of, |ancestor| is_same(ancestor, &owner))
            .map_or_else(Vec::new, |found| found.bindings)
    }

    /// The first class for which `is_it` holds among `class`, of which an
    /// object is `of`, and what it inherits from.
    pub(super) fn ancestor(
        &self,
        class: ClassRef<'a>,
        of: &ClassType,
        is_it: impl Fn(&ClassRef<'a>) -> bool,
    ) -> Option<Ancestor<'a>> {
        let this: Type = Atom::Class(of.clone()).into();
        let own = bound(&templates(doc_of(&class)), &of.args);
        let mut steps = vec![Ancestor {
            class,
            bindings: own,
        }];
        let mut at = 0;
        // The parent that takes the arguments of a class without templates.
        let mut heir = Some(class);
        while at < steps.len() && at < TEMPLATE_STEPS {
            let current = steps[at].class;
            if is_it(&current) {
                return Some(steps.swap_remove(at));
            }
            let is_heir = heir.is_some_and(|heir| is_same(&heir, &current));
            let hands_on = is_heir && templates(doc_of(&current)).is_empty();
            let resolver = Resolver {
                bindings: steps[at].bindings.clone(),
                ..Resolver::of_class(self, current, this.clone())
            };
            at += 1;
            for (parent, mut bindings) in self.parents(current, &resolver) {
                if hands_on && bindings.is_empty() && is_extended(&current, &parent) {
                    bindings = bound(&templates(doc_of(&parent)), &of.args);
                    heir = Some(parent);
                }
                if steps.iter().all(|step| !is_same(&step.class, &parent)) {
                    steps.push(Ancestor {
                        class: parent,
                        bindings,
                    });
                }
            }
        }
        None
    }

    /// The parents, interfaces, traits and mixins of `class`, with what their
    /// templates stand for.
    fn parents(
        &self,
        class: ClassRef<'a>,
        resolver: &Resolver<'_, 'a>,
    ) -> Vec<(ClassRef<'a>, Vec<TemplateBinding>)> {
        let declared = class.class();
        let mut stated: Vec<(String, Vec<TypeExpr>)> = Vec::new();
        let mut read = |doc: &str| {
            for tag in parent_tags(doc) {
                if let Some(TypeExpr::Named(name, args)) = type_expr(tag.ty()) {
                    stated.push((name, args));
                }
            }
        };
        read(doc_of(&class));
        for name in &declared.traits {
            read(use_doc(class.text, name.start as usize));
        }
        let mut parents = Vec::new();
        for (name, args) in stated {
            let Some(parent) = resolver
                .scope
                .class(&name)
                .and_then(|name| self.class(&name))
            else {
                continue;
            };
            let args: Vec<Type> = args.iter().map(|arg| resolver.resolve(arg)).collect();
            parents.push((parent, bound(&templates(doc_of(&parent)), &args)));
        }
        let named = declared
            .traits
            .iter()
            .chain(&declared.extends)
            .chain(&declared.implements);
        for name in named {
            let name = resolver.scope.class(name.of(class.text));
            if let Some(parent) = name.and_then(|name| self.class(&name)) {
                parents.push((parent, Vec::new()));
            }
        }
        parents
    }

    /// The template arguments of the class `target` that an object `of` a
    /// class below it has.
    pub(super) fn args_of(&self, of: &ClassType, target: &str) -> Option<Vec<Type>> {
        let class = self.class(&of.name)?;
        let found = self.ancestor(class, of, |ancestor| ancestor.is_called(target))?;
        Some(found.bindings.into_iter().map(|(_, ty)| ty).collect())
    }

    /// Finds what `templates` stand for, where a value of the type `ty` is
    /// given for the written type `expr`.
    pub(super) fn unify(
        &self,
        resolver: &Resolver<'_, 'a>,
        templates: &[Template],
        expr: &TypeExpr,
        ty: &Type,
        bindings: &mut Vec<TemplateBinding>,
    ) {
        let unifier = Unifier {
            inference: self,
            resolver,
            templates,
        };
        unifier.unify(expr, ty, bindings, TYPE_NESTING / 2);
    }
}

/// Compares written types with values.
struct Unifier<'u, 'r, 'a> {
    inference: &'u Inference<'a>,
    resolver: &'u Resolver<'r, 'a>,
    templates: &'u [Template],
}

impl Unifier<'_, '_, '_> {
    fn is_template(&self, name: &str) -> bool {
        self.templates.iter().any(|template| template.name == name)
    }

    fn unify(&self, expr: &TypeExpr, ty: &Type, bindings: &mut Vec<TemplateBinding>, depth: usize) {
        let Some(depth) = depth.checked_sub(1).filter(|_| self.inference.spend(1)) else {
            return;
        };
        match expr {
            TypeExpr::Named(name, _) if self.is_template(name) => bind(name, ty, bindings),
            TypeExpr::Named(name, args) => self.class(name, args, ty, bindings, depth),
            TypeExpr::Union(members) => self.union(members, ty, bindings, depth),
            TypeExpr::Intersection(members) => {
                for member in members {
                    self.unify(member, ty, bindings, depth);
                }
            }
            TypeExpr::Array { key, value, .. } => {
                if let Some(value) = value {
                    let element = self.inference.element(ty);
                    if !element.is_empty() {
                        self.unify(value, &element, bindings, depth);
                    }
                }
                if let Some(key) = key {
                    let keys = self.inference.iterated_key(ty);
                    if !keys.is_empty() {
                        self.unify(key, &keys, bindings, depth);
                    }
                }
            }
            TypeExpr::Shape(fields) | TypeExpr::ObjectShape(fields) => {
                for field in fields {
                    let element = self.inference.element_at(ty, Some(&field.key));
                    self.unify(&field.ty, &element, bindings, depth);
                }
            }
            TypeExpr::ClassString(Some(of)) => {
                let named = self.inference.instance(ty);
                if !named.is_empty() {
                    self.unify(of, &named, bindings, depth);
                }
            }
            TypeExpr::Callable { params, result, .. } => {
                for callable in self.inference.callables(ty) {
                    if let Some(result) = result {
                        self.unify(result, &callable.result, bindings, depth);
                    }
                    for (param, ty) in params.iter().zip(&callable.params) {
                        if ty.leads_on() {
                            self.unify(param, ty, bindings, depth);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The members of a union: those that are no templates take what fits
    /// them, a template takes the rest.
    fn union(
        &self,
        members: &[TypeExpr],
        ty: &Type,
        bindings: &mut Vec<TemplateBinding>,
        depth: usize,
    ) {
        let is_template = |member: &&TypeExpr| matches!(member, TypeExpr::Named(name, _) if self.is_template(name));
        let mut rest = ty.clone();
        for member in members.iter().filter(|member| !is_template(member)) {
            let known = self.resolver.resolve(member);
            let takes = |atom: &Atom| {
                self.inference.is_of_type(atom, &known) == Some(true) && !known.is_empty()
            };
            let taken = rest.filter(takes);
            if taken.is_empty() {
                let shaped = ty.filter(|atom| same_form(member, atom));
                if !shaped.is_empty() {
                    self.unify(member, &shaped, bindings, depth);
                    rest = rest.filter(|atom| !same_form(member, atom));
                }
            } else {
                self.unify(member, &taken, bindings, depth);
                rest = rest.filter(|atom| !takes(atom));
            }
        }
        for member in members.iter().filter(is_template) {
            if !rest.is_empty() {
                self.unify(member, &rest, bindings, depth);
            }
        }
    }

    /// A class with arguments: those of the same class in the value.
    fn class(
        &self,
        name: &str,
        args: &[TypeExpr],
        ty: &Type,
        bindings: &mut Vec<TemplateBinding>,
        depth: usize,
    ) {
        if args.is_empty() {
            return;
        }
        let Some(target) = self.resolver.scope.class(name) else {
            return;
        };
        for class in ty.classes() {
            if let Some(given) = self.inference.args_of(class, &target) {
                for (arg, ty) in args.iter().zip(&given) {
                    if !ty.is_empty() {
                        self.unify(arg, ty, bindings, depth);
                    }
                }
            }
        }
    }
}

/// Whether a value may be of the form of a written type that names templates.
fn same_form(expr: &TypeExpr, atom: &Atom) -> bool {
    match expr {
        TypeExpr::Array { .. } | TypeExpr::Shape(_) => matches!(atom, Atom::Array(_)),
        // `'function'`, `[$object, 'method']`
        TypeExpr::Callable { .. } => match atom {
            Atom::Callable(_) | Atom::String(Some(_)) => true,
            Atom::Array(array) => array.element(Some("1")).key().is_some(),
            _ => false,
        },
        TypeExpr::ClassString(_) => matches!(atom, Atom::ClassString(_)),
        TypeExpr::Named(_, args) => {
            !args.is_empty() && matches!(atom, Atom::Class(_) | Atom::All(_))
        }
        _ => false,
    }
}

/// Adds that the template `name` may stand for `ty`.
fn bind(name: &str, ty: &Type, bindings: &mut Vec<TemplateBinding>) {
    match bindings.iter_mut().find(|(bound, _)| bound == name) {
        Some((_, known)) => known.add(ty.clone()),
        None => bindings.push((name.to_owned(), ty.clone())),
    }
}

/// What `templates` stand for, given their arguments in order.
fn bound(templates: &[Template], args: &[Type]) -> Vec<TemplateBinding> {
    // `Collection<Order>` gives the values, not the keys.
    let skipped = match (templates, args.len()) {
        ([first, _], 1) if first.bound.contains("key") || is_key(&first.name) => 1,
        _ => 0,
    };
    let named = templates.iter().skip(skipped).zip(args);
    named
        .map(|(template, ty)| (template.name.clone(), ty.clone()))
        .collect()
}

/// Whether a template's name says that it stands for keys.
fn is_key(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("key") || name == "K" || name == "TK"
}

/// Whether both are the class at the same place.
fn is_same(a: &ClassRef<'_>, b: &ClassRef<'_>) -> bool {
    std::ptr::eq(a.facts, b.facts) && a.item == b.item
}

/// Whether `class` names `parent` behind `extends`.
fn is_extended(class: &ClassRef<'_>, parent: &ClassRef<'_>) -> bool {
    let scope = class.scope();
    let mut named = class.class().extends.iter();
    named.any(|name| {
        let name = scope.class(name.of(class.text));
        name.is_some_and(|name| parent.is_called(&name))
    })
}

fn doc_of<'a>(class: &ClassRef<'a>) -> &'a str {
    class.class().doc.of(class.text)
}

/// The doc comment before the `use` of the trait whose name starts at byte
/// `at`; empty without one.
fn use_doc(text: &str, at: usize) -> &str {
    let before = &text[..at];
    let Some(keyword) = before.rfind("use") else {
        return "";
    };
    let before = before[..keyword].trim_end();
    if !before.ends_with("*/") {
        return "";
    }
    before.rfind("/**").map_or("", |start| &before[start..])
}

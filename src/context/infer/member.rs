//! The type of a member: of a property or class constant, and what a method
//! returns.

use super::doc_tags::{parent_tags, templates};
use super::inference::{CallTokens, Inference};
use super::limits::TEMPLATE_STEPS;
use super::types::{TemplateBinding, Type};
use super::written::{TypeReader, declared_type, promoted_property, split_top};
use crate::index::symbols::ClassRef;
use crate::php::{ClassKind, MemberKind, Span};

impl<'a> Inference<'a> {
    /// The type of the member `name` of a value of type `receiver`; for a
    /// method, what it returns to `call`.
    pub(super) fn member(
        &self,
        receiver: &Type,
        kind: MemberKind,
        name: &str,
        call: Option<CallTokens>,
        depth: usize,
    ) -> Type {
        let mut ty = Type::default();
        for receiver_class in &receiver.classes {
            let Some(class) = self.class(receiver_class) else {
                continue;
            };
            let this = Some(receiver_class.as_str());
            let members = self.members(class);
            if let Some((owner, member)) = members.find(kind, name) {
                let declared = &owner.class().members[member];
                let mut bindings = self.bound_by_class(class, &receiver.elements, owner);
                bindings.extend(self.bound_by_call(declared.doc.of(owner.text), call, depth));
                let scope = owner.scope();
                let reader = TypeReader::new(&scope, this).with(&bindings);
                let mut found = declared_type(owner.text, declared.ty, declared.doc, reader);
                if declared.kind == MemberKind::Property {
                    if found.elements.is_empty() {
                        found.add(promoted_property(owner, declared, reader));
                    }
                    found = found.or_else(|| self.assigned_property(owner, name, depth));
                }
                ty.add(found);
            } else if let Some((owner, member)) = members.find_virtual(kind, name) {
                let bindings = self.bound_by_class(class, &receiver.elements, owner);
                let scope = owner.scope();
                let reader = TypeReader::new(&scope, this).with(&bindings);
                ty.add(reader.read(member.ty));
            } else if class.class().kind == ClassKind::Enum {
                ty.add(enum_method(receiver_class, name));
            }
        }
        ty
    }

    /// The type of the class constant `name`: known for the cases of an enum,
    /// which are of the enum itself.
    pub(super) fn class_constant(&self, of: &Type, name: &str) -> Type {
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
        let enums = of
            .classes
            .iter()
            .filter(|class| self.class(class).is_some_and(|c| is_case(&c)));
        Type {
            classes: enums.cloned().collect(),
            elements: Vec::new(),
        }
    }

    /// What the templates of the class `owner` stand for when its members are
    /// used through `class`, which is `owner` or inherits from it. `elements`
    /// are the classes of the value's elements, if they are known.
    fn bound_by_class(
        &self,
        class: ClassRef<'a>,
        elements: &[String],
        owner: ClassRef<'a>,
    ) -> Vec<TemplateBinding<'a>> {
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
        while at < steps.len() && at < TEMPLATE_STEPS {
            let (current, bindings) = steps[at].clone();
            at += 1;
            if current.path == owner.path && current.item == owner.item {
                return bindings;
            }
            let scope = current.scope();
            for tag in parent_tags(doc_of(&current)) {
                let Some((base, arguments)) = tag.ty.split_once('<') else {
                    continue;
                };
                let arguments = arguments.strip_suffix('>').unwrap_or(arguments);
                let Some(parent) = scope.class(base).and_then(|name| self.class(&name)) else {
                    continue;
                };
                let reader = TypeReader::new(&scope, None).with(&bindings);
                let arguments = split_top(arguments, &[',']);
                let arguments = arguments.iter().map(|text| reader.read(text.trim()));
                steps.push((parent, templates(doc_of(&parent)).zip(arguments).collect()));
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
}

/// The type that PHP's own method `name` of the enum `class` returns.
fn enum_method(class: &str, name: &str) -> Type {
    match name.to_ascii_lowercase().as_str() {
        "from" | "tryfrom" => Type::class(class.to_owned()),
        "cases" => Type::class(class.to_owned()).into_list(),
        _ => Type::default(),
    }
}

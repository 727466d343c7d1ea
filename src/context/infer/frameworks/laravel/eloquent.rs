//! Eloquent: what queries a model, and the model's scopes.

use super::{BUILDER, MODEL};
use crate::context::infer::framework::{ConventionalMember, MethodCall};
use crate::context::infer::inference::Inference;
use crate::context::infer::members::VirtualMember;
use crate::context::infer::types::{Atom, ClassType, Type};
use crate::index::symbols::ClassRef;
use crate::php::{Member, MemberKind, Visibility};

/// What queries the model `object`.
pub(super) fn builder_of(_inference: &Inference<'_>, object: &ClassType) -> ClassType {
    let model: Type = Atom::Class(object.clone()).into();
    ClassType::new(BUILDER).with(vec![model])
}

/// The model that a builder is for.
fn model_of(inference: &Inference<'_>, object: &ClassType) -> Option<ClassType> {
    if inference.is_a(&object.name, BUILDER) != Some(true) {
        return None;
    }
    let args = inference.args_of(object, BUILDER).unwrap_or_default();
    let is_model = |ty: &&Type| {
        let mut classes = ty.classes();
        classes.any(|class| inference.is_a(&class.name, MODEL) == Some(true))
    };
    let model = args.first().filter(is_model).or(object.args.first())?;
    model.classes().next().cloned()
}

/// What a method of a builder or model returns.
pub(super) fn method(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>) -> Type {
    let Some(model) = model_of(inference, call.object) else {
        let is_model = inference.is_a(&call.object.name, MODEL) == Some(true);
        let is_scope = is_model && scope(inference, call.object, call.name).is_some();
        return match is_scope {
            true => Atom::Class(builder_of(inference, call.object)).into(),
            false => Type::default(),
        };
    };
    if scope(inference, &model, call.name).is_some() {
        return call.this.clone();
    }
    Type::default()
}

/// The members that an object has by Eloquent's conventions.
pub(super) fn members<'a>(
    inference: &'a Inference<'a>,
    object: &ClassType,
) -> Vec<ConventionalMember<'a>> {
    let mut all = Vec::new();
    let Some(model) = model_of(inference, object) else {
        return all;
    };
    let Some(class) = inference.class(&model.name) else {
        return all;
    };
    for (owner, index) in inference.members(class).all() {
        let member = &owner.class().members[index];
        if let Some(name) = scope_name(owner, member) {
            let scope = VirtualMember {
                kind: MemberKind::Method,
                visibility: Visibility::Public,
                is_static: false,
                name: inference.keep(lower_first(name)),
                ty: "",
                line: inference.keep(scope_line(owner, member, name)),
                span: member.head,
            };
            all.push(ConventionalMember::Virtual(owner, scope));
        }
    }
    all
}

/// The method of the model that is the scope `name`.
fn scope<'a>(
    inference: &Inference<'a>,
    model: &ClassType,
    name: &str,
) -> Option<(ClassRef<'a>, usize)> {
    let class = inference.class(&model.name)?;
    let mut members = inference.members(class).all();
    members.find(|&(owner, index)| {
        let scope = scope_name(owner, &owner.class().members[index]);
        scope.is_some_and(|scope| scope.eq_ignore_ascii_case(name))
    })
}

/// The name of the scope that a method of a model is: `Active` for
/// `scopeActive`, its own name behind `#[Scope]`.
fn scope_name<'a>(owner: ClassRef<'a>, member: &Member) -> Option<&'a str> {
    if member.kind != MemberKind::Method {
        return None;
    }
    let name = member.name.of(owner.text);
    let behind = name.strip_prefix("scope").filter(|rest| {
        let first = rest.chars().next();
        first.is_some_and(char::is_uppercase)
    });
    behind.or_else(|| has_attribute(owner, member, "Scope").then_some(name))
}

/// Whether an attribute called `name` stands before a member.
fn has_attribute(owner: ClassRef<'_>, member: &Member, name: &str) -> bool {
    let before = owner.text[..member.head.start as usize].trim_end();
    let Some(before) = before.strip_suffix(']') else {
        return false;
    };
    let start = before.rfind("#[").unwrap_or(before.len());
    let named = before[start..].trim_start_matches("#[");
    let mut names = named.split([',', '(', ' ', '\n']);
    names.any(|written| written.rsplit('\\').next() == Some(name))
}

/// How a scope is called, as a doc tag: without its first parameter, the query.
fn scope_line(owner: ClassRef<'_>, member: &Member, name: &str) -> String {
    let params = member.params.of(owner.text);
    let rest = params
        .split_once(',')
        .map_or(")", |(_, rest)| rest.trim_start());
    format!("@method {}({rest}", lower_first(name))
}

/// `name` with its first letter in lower case.
fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    first.chain(chars).collect()
}

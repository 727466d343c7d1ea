//! The relations of a model: methods that return `$this->hasMany(Post::class)`,
//! and the properties of the same names.

use super::{MODEL, beside, generic, is_a, is_own, models, object_of};
use crate::context::infer::eval::Args;
use crate::context::infer::framework::{ConventionalMember, MethodCall};
use crate::context::infer::function_ref::FunctionRef;
use crate::context::infer::inference::Inference;
use crate::context::infer::limits::{BODY_BYTES, RELATION_STEPS};
use crate::context::infer::members::VirtualMember;
use crate::context::infer::types::{ClassType, Type};
use crate::index::symbols::ClassRef;
use crate::php::{Member, MemberKind, Visibility};

/// The namespace of the classes of relations.
pub(super) const NAMESPACE: &str = "Illuminate\\Database\\Eloquent\\Relations\\";

/// A kind of relation.
struct RelationKind {
    /// The method of a model that makes it.
    method: &'static str,
    /// Its class.
    class: &'static str,
    /// Whether it leads to several models.
    is_many: bool,
}

const fn kind(method: &'static str, class: &'static str, is_many: bool) -> RelationKind {
    RelationKind {
        method,
        class,
        is_many,
    }
}

/// Every kind.
const KINDS: [RelationKind; 11] = [
    kind("belongsTo", "BelongsTo", false),
    kind("belongsToMany", "BelongsToMany", true),
    kind("hasMany", "HasMany", true),
    kind("hasManyThrough", "HasManyThrough", true),
    kind("hasOne", "HasOne", false),
    kind("hasOneThrough", "HasOneThrough", false),
    kind("morphedByMany", "MorphToMany", true),
    kind("morphMany", "MorphMany", true),
    kind("morphOne", "MorphOne", false),
    kind("morphTo", "MorphTo", false),
    kind("morphToMany", "MorphToMany", true),
];

/// What a method of a model returns that makes or is a relation.
pub(super) fn method(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>) -> Type {
    let made = { KINDS.iter() }.find(|kind| kind.method.eq_ignore_ascii_case(call.name));
    if let Some(kind) = made {
        let named = call.args.ty(0, "related").unwrap_or_default();
        let related = inference.instance(&named);
        if related.is_empty() && kind.method != "morphTo" {
            return Type::default();
        }
        let related = related.or_else(|| Type::class(MODEL));
        let class = format!("{NAMESPACE}{}", kind.class);
        return generic(&class, vec![related, call.this.clone()]);
    }
    match declared(inference, call.object, call.name) {
        Some((function, _)) => relation(inference, call.object, &function),
        None => Type::default(),
    }
}

/// The type of the property that the relation called `name` is.
pub(super) fn property(inference: &Inference<'_>, object: &ClassType, name: &str) -> Type {
    let Some((function, _)) = declared(inference, object, name) else {
        return Type::default();
    };
    let relation = relation(inference, object, &function);
    let all = relation
        .classes()
        .map(|class| match is_many(inference, class) {
            true => {
                let models = models::related(inference, class);
                let builders = models
                    .classes()
                    .map(|model| models::collection_of(inference, model));
                builders.fold(Type::default(), Type::or)
            }
            false => models::related(inference, class),
        });
    all.fold(Type::default(), Type::or)
}

/// The relation that the method `function` of a model returns.
fn relation<'a>(inference: &Inference<'a>, object: &ClassType, function: &FunctionRef<'a>) -> Type {
    let this = object_of(object);
    let stated = inference.result(function, Some(object), &this, Args::NONE);
    let is_bound = |ty: &Type| ty.classes().any(|class| !class.args.is_empty());
    if is_bound(&stated) {
        return stated;
    }
    let inferred = inference.body_result(function, &this);
    if is_bound(&inferred) {
        inferred
    } else {
        stated
    }
}

/// Whether a relation leads to several models.
fn is_many(inference: &Inference<'_>, relation: &ClassType) -> bool {
    let many = KINDS.iter().filter(|kind| kind.is_many);
    { many }.any(|kind| is_a(inference, relation, &format!("{NAMESPACE}{}", kind.class)))
}

/// The models at the end of a path of relations from `model`, such as
/// `posts.comments`.
pub(super) fn along(inference: &Inference<'_>, model: &ClassType, path: &str) -> Type {
    let mut at = object_of(model);
    for name in path.split('.').take(RELATION_STEPS) {
        let next = at.classes().map(|model| {
            let Some((function, _)) = declared(inference, model, name) else {
                return Type::default();
            };
            let relation = relation(inference, model, &function);
            let models = relation
                .classes()
                .map(|class| models::related(inference, class));
            models.fold(Type::default(), Type::or)
        });
        at = next.fold(Type::default(), Type::or);
    }
    at
}

/// The method of a model that is the relation `name`, and its kind.
fn declared<'a>(
    inference: &Inference<'a>,
    object: &ClassType,
    name: &str,
) -> Option<(FunctionRef<'a>, &'static RelationKind)> {
    let class = inference.class(&object.name)?;
    let (owner, index) = inference.members(class).find(MemberKind::Method, name)?;
    let member = &owner.class().members[index];
    let (kind, _) = made_in(owner, member)?;
    Some((FunctionRef::method(owner, member), kind))
}

/// The kind of relation that a method makes, and the class that it names.
fn made_in<'a>(owner: ClassRef<'a>, member: &Member) -> Option<(&'static RelationKind, &'a str)> {
    let is_plain = member.kind == MemberKind::Method
        && member.visibility == Visibility::Public
        && !member.is_static
        && !is_own(owner)
        && !member.params.of(owner.text).contains('$');
    if !is_plain {
        return None;
    }
    let body = owner
        .text
        .get(member.head.end as usize..member.end as usize)?;
    let body = &body[..body.floor_char_boundary(BODY_BYTES.min(body.len()))];
    let mut calls = body
        .match_indices("$this->")
        .map(|(at, sign)| &body[at + sign.len()..]);
    calls.find_map(|call| {
        let (method, rest) = call.split_once('(')?;
        let kind = KINDS.iter().find(|kind| kind.method == method.trim())?;
        let first = rest.split([',', ')']).next().unwrap_or("");
        let related = first.trim().strip_suffix("::class").unwrap_or("");
        Some((kind, related.trim()))
    })
}

/// Adds the relations of a model as properties.
pub(super) fn add_properties<'a>(
    inference: &'a Inference<'a>,
    object: &ClassType,
    all: &mut Vec<ConventionalMember<'a>>,
) {
    let Some(class) = inference.class(&object.name) else {
        return;
    };
    for (owner, index) in inference.members(class).all() {
        let member = &owner.class().members[index];
        let Some((kind, related)) = made_in(owner, member) else {
            continue;
        };
        let related = related.rsplit('\\').next().unwrap_or(related);
        let ty = match related {
            "" => String::new(),
            _ if kind.is_many => format!("Collection<int, {related}>"),
            _ => format!("?{related}"),
        };
        let property = VirtualMember {
            kind: MemberKind::Property,
            visibility: Visibility::Public,
            is_static: false,
            name: member.name.of(owner.text),
            ty: inference.keep(ty),
            line: "@property",
            span: beside(member),
        };
        all.push(ConventionalMember::Virtual(owner, property));
    }
}

//! What queries models: the builder behind a model and a relation with the
//! model kept, the model's scopes, and the factories of models. Older versions
//! of Laravel document neither the model of a builder nor that of a relation,
//! so what their methods return stands here.

use super::{
    BUILDER, FACTORY, MODEL, beside, generic, is_a, is_own, lower_first, models, object_of,
    relations,
};
use crate::context::infer::framework::{ConventionalMember, MethodCall};
use crate::context::infer::function_ref::FunctionRef;
use crate::context::infer::inference::Inference;
use crate::context::infer::members::VirtualMember;
use crate::context::infer::types::{Atom, ClassType, Type};
use crate::index::symbols::ClassRef;
use crate::php::{Member, MemberKind, Visibility};

/// The collection that reads while it is iterated.
const LAZY_COLLECTION: &str = "Illuminate\\Support\\LazyCollection";

/// Methods of a model that begin a query, in lower case.
const QUERIES: [&str; 11] = [
    "newmodelquery",
    "newquery",
    "newquerywithoutrelationships",
    "newquerywithoutscope",
    "newquerywithoutscopes",
    "on",
    "onlytrashed",
    "onwriteconnection",
    "query",
    "with",
    "withtrashed",
];
/// Methods of a builder that give a model, in lower case.
const ONE: [&str; 21] = [
    "create",
    "createorfirst",
    "createquietly",
    "find",
    "findor",
    "findorfail",
    "findornew",
    "findsole",
    "first",
    "firstor",
    "firstorcreate",
    "firstorfail",
    "firstornew",
    "firstwhere",
    "forcecreate",
    "getmodel",
    "make",
    "newmodelinstance",
    "sole",
    "updateorcreate",
    "save",
];
/// Methods of a builder that give a collection of models, in lower case.
const MANY: [&str; 6] = [
    "createmany",
    "findmany",
    "fromquery",
    "get",
    "hydrate",
    "savemany",
];
/// Methods of a builder that read models one after another, in lower case.
const LAZY: [&str; 4] = ["cursor", "lazy", "lazybyid", "lazybyiddesc"];
/// Methods of a builder that give a page of models, in lower case, with what
/// they return.
const PAGES: [(&str, &str); 3] = [
    ("cursorpaginate", "Illuminate\\Pagination\\CursorPaginator"),
    ("paginate", "Illuminate\\Pagination\\LengthAwarePaginator"),
    ("simplepaginate", "Illuminate\\Pagination\\Paginator"),
];

/// What a method of a model returns, also behind `::`.
pub(super) fn of_model_method(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>) -> Type {
    let name = call.name.to_ascii_lowercase();
    let declared = inference.find_method(call.object, call.name);
    let is_overridden = declared.is_some_and(|method| !method.class.is_none_or(is_own));
    if !is_overridden {
        if QUERIES.contains(&&*name) {
            return object_of(&models::builder_of(inference, call.object));
        }
        match &*name {
            "all" => return models::collection_of(inference, call.object),
            "factory" => return factory(inference, call.object),
            _ => {}
        }
    }
    match scope(inference, call.object, call.name) {
        Some(_) => object_of(&models::builder_of(inference, call.object)),
        None => Type::default(),
    }
}

/// What a method of a builder, a relation or a factory returns.
pub(super) fn method(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>) -> Type {
    let name = call.name.to_ascii_lowercase();
    if is_a(inference, call.object, FACTORY) {
        return made(inference, call.object, &name);
    }
    let Some(model) = models::model_of(inference, call.object) else {
        return Type::default();
    };
    if scope(inference, &model, call.name).is_some() {
        return call.this.clone();
    }
    let declared = inference.find_method(call.object, call.name);
    if declared.is_some_and(|method| !method.class.is_none_or(is_own)) {
        return Type::default();
    }
    let finds_many = name == "find"
        && call.args.ty(0, "").is_some_and(|ty| {
            ty.members()
                .iter()
                .any(|atom| matches!(atom, Atom::Array(_)))
        });
    if MANY.contains(&&*name) || finds_many {
        return models::collection_of(inference, &model);
    }
    if ONE.contains(&&*name) {
        return object_of(&model);
    }
    let args = || vec![Atom::Int(None).into(), object_of(&model)];
    if LAZY.contains(&&*name) {
        return generic(LAZY_COLLECTION, args());
    }
    if let Some((_, class)) = PAGES.iter().find(|(method, _)| *method == name) {
        return generic(class, args());
    }
    // Most methods return the query itself. Where the framework is not
    // installed, nothing says so.
    match inference.class(BUILDER) {
        None => call.this.clone(),
        Some(_) => Type::default(),
    }
}

/// What a method hands to the closure that is its argument `position`.
pub(super) fn handed(
    inference: &Inference<'_>,
    call: &MethodCall<'_, '_, '_>,
    position: usize,
    number: usize,
) -> Type {
    let mut object = call.object.clone();
    if is_a(inference, &object, MODEL) {
        object = models::builder_of(inference, &object);
    }
    let Some(model) = models::model_of(inference, &object) else {
        return Type::default();
    };
    if number > 0 {
        return Type::default();
    }
    match &*call.name.to_ascii_lowercase() {
        "where" | "orwhere" | "wherenot" | "orwherenot" | "tap" if position == 0 => {
            object_of(&object)
        }
        "when" | "unless" if position > 0 => object_of(&object),
        "has" | "orhas" | "wherehas" | "orwherehas" | "wheredoesnthave" | "orwheredoesnthave"
        | "withwherehas" => {
            let path = call.args.ty(0, "").and_then(|ty| ty.key());
            let related = path.map(|path| relations::along(inference, &model, &path));
            let related = related.unwrap_or_default();
            let builders = related
                .classes()
                .map(|model| models::builder_of(inference, model));
            builders
                .map(|builder| object_of(&builder))
                .fold(Type::default(), Type::or)
        }
        "chunk" | "chunkbyid" | "chunkbyiddesc" if position == 1 => {
            models::collection_of(inference, &model)
        }
        "each" | "eachbyid" if position == 0 => object_of(&model),
        _ => Type::default(),
    }
}

/// The factory of a model: the class that is called like it.
fn factory(inference: &Inference<'_>, model: &ClassType) -> Type {
    let short = ["App\\Models\\", "App\\"];
    let prefix = short
        .iter()
        .find_map(|prefix| model.name.strip_prefix(prefix));
    let name = format!(
        "Database\\Factories\\{}Factory",
        prefix.unwrap_or(&model.name)
    );
    let found = inference.class(&name).map(|_| &*name);
    generic(found.unwrap_or(FACTORY), vec![object_of(model)])
}

/// What the method `name` of a factory returns.
fn made(inference: &Inference<'_>, factory: &ClassType, name: &str) -> Type {
    let Some(model) = models::bound_model(inference, factory, FACTORY) else {
        return Type::default();
    };
    match name {
        "createone" | "createonequietly" | "makeone" | "newmodel" => object_of(&model),
        "create" | "createquietly" | "make" => {
            object_of(&model).or(models::collection_of(inference, &model))
        }
        "createmany" | "createmanyquietly" => models::collection_of(inference, &model),
        _ => Type::default(),
    }
}

/// Adds the scopes of `model` as methods of what queries it.
pub(super) fn add_scopes<'a>(
    inference: &'a Inference<'a>,
    model: &ClassType,
    all: &mut Vec<ConventionalMember<'a>>,
) {
    let Some(class) = inference.class(&model.name) else {
        return;
    };
    for (owner, index) in inference.members(class).all() {
        let member = &owner.class().members[index];
        let Some(name) = scope_name(owner, member) else {
            continue;
        };
        let scope = VirtualMember {
            kind: MemberKind::Method,
            visibility: Visibility::Public,
            is_static: false,
            name: inference.keep(lower_first(name)),
            ty: "",
            line: inference.keep(scope_line(owner, member, name)),
            span: beside(member),
        };
        all.push(ConventionalMember::Virtual(owner, scope));
    }
}

/// The method of the model that is the scope `name`.
fn scope<'a>(inference: &Inference<'a>, model: &ClassType, name: &str) -> Option<FunctionRef<'a>> {
    let class = inference.class(&model.name)?;
    let mut members = inference.members(class).all();
    let found = members.find(|&(owner, index)| {
        let scope = scope_name(owner, &owner.class().members[index]);
        scope.is_some_and(|scope| scope.eq_ignore_ascii_case(name))
    });
    found.map(|(owner, index)| FunctionRef::method(owner, &owner.class().members[index]))
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
    behind.or_else(|| {
        models::attribute_before(owner.text, member.head.start as usize, "Scope").map(|_| name)
    })
}

/// How a scope is called, as a doc tag: without its first parameter, the query.
fn scope_line(owner: ClassRef<'_>, member: &Member, name: &str) -> String {
    let params = member.params.of(owner.text);
    let rest = params
        .split_once(',')
        .map_or(")", |(_, rest)| rest.trim_start());
    let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("@method {}({rest}", lower_first(name))
}

//! What queries models: the builder behind a model and a relation with the
//! model kept, the model's scopes, and the factories of models. Older versions
//! of Laravel document neither the model of a builder nor that of a relation,
//! so what their methods return stands here.

use super::{
    BUILDER, FACTORY, MODEL, RELATION, beside, generic, is_a, is_own, lower_first, object_of,
    relations,
};
use crate::context::infer::framework::{ConventionalMember, MethodCall};
use crate::context::infer::function_ref::FunctionRef;
use crate::context::infer::inference::Inference;
use crate::context::infer::members::VirtualMember;
use crate::context::infer::types::{Atom, ClassType, Type};
use crate::index::symbols::ClassRef;
use crate::php::{Member, MemberKind, Visibility};

/// The collection of models.
const COLLECTION: &str = "Illuminate\\Database\\Eloquent\\Collection";
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

/// What queries the model `object`.
pub(super) fn of_model(inference: &Inference<'_>, object: &ClassType) -> ClassType {
    let custom = custom(
        inference,
        object,
        "newEloquentBuilder",
        "UseEloquentBuilder",
    );
    let name = custom.unwrap_or_else(|| BUILDER.to_owned());
    ClassType::new(&name).with(vec![object_of(object)])
}

/// A collection of the models `object`.
pub(super) fn collection_of(inference: &Inference<'_>, object: &ClassType) -> Type {
    let custom = custom(inference, object, "newCollection", "CollectedBy");
    let name = custom.as_deref().unwrap_or(COLLECTION);
    generic(name, vec![Atom::Int(None).into(), object_of(object)])
}

/// The class that a model uses instead of the framework's own: what the
/// `method` that it overrides returns, or what its `attribute` names.
fn custom(
    inference: &Inference<'_>,
    object: &ClassType,
    method: &str,
    attribute: &str,
) -> Option<String> {
    let class = inference.class(&object.name)?;
    let head = class.class().head.start as usize;
    if let Some(written) = attribute_before(class.text, head, attribute)
        && let Some((_, named)) = written.split_once('(')
        && let Some((named, _)) = named.split_once("::class")
    {
        return class.scope().class(named.trim());
    }
    let function = inference.find_method(object, method)?;
    if function.class.is_none_or(is_own) {
        return None;
    }
    let ty = inference.result(
        &function,
        Some(object),
        &object_of(object),
        crate::context::infer::eval::Args::NONE,
    );
    ty.classes().next().map(|class| class.name.to_string())
}

/// The model that a builder or a relation is for.
pub(super) fn model_of(inference: &Inference<'_>, object: &ClassType) -> Option<ClassType> {
    if is_a(inference, object, RELATION) {
        return relations::related(inference, object)
            .classes()
            .next()
            .cloned();
    }
    if !is_a(inference, object, BUILDER) {
        return None;
    }
    bound_model(inference, object, BUILDER)
}

/// The model that the first template of `parent`, of which `object` is one,
/// stands for.
pub(super) fn bound_model(
    inference: &Inference<'_>,
    object: &ClassType,
    parent: &str,
) -> Option<ClassType> {
    let args = inference.args_of(object, parent).unwrap_or_default();
    // What is not bound stands for any model.
    let is_bound = |ty: &&Type| {
        let mut classes = ty.classes();
        classes.any(|class| !class.name.eq_ignore_ascii_case(MODEL))
    };
    let model = args.first().filter(is_bound).or(object.args.first())?;
    model.classes().next().cloned()
}

/// What a method of a model returns, also behind `::`.
pub(super) fn of_model_method(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>) -> Type {
    let name = call.name.to_ascii_lowercase();
    let declared = inference.find_method(call.object, call.name);
    let is_overridden = declared.is_some_and(|method| !method.class.is_none_or(is_own));
    if !is_overridden {
        if QUERIES.contains(&&*name) {
            return object_of(&of_model(inference, call.object));
        }
        match &*name {
            "all" => return collection_of(inference, call.object),
            "factory" => return factory(inference, call.object),
            _ => {}
        }
    }
    match scope(inference, call.object, call.name) {
        Some(_) => object_of(&of_model(inference, call.object)),
        None => Type::default(),
    }
}

/// What a method of a builder, a relation or a factory returns.
pub(super) fn method(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>) -> Type {
    let name = call.name.to_ascii_lowercase();
    if is_a(inference, call.object, FACTORY) {
        return made(inference, call.object, &name);
    }
    let Some(model) = model_of(inference, call.object) else {
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
        return collection_of(inference, &model);
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
        object = of_model(inference, &object);
    }
    let Some(model) = model_of(inference, &object) else {
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
            let builders = related.classes().map(|model| of_model(inference, model));
            builders
                .map(|builder| object_of(&builder))
                .fold(Type::default(), Type::or)
        }
        "chunk" | "chunkbyid" | "chunkbyiddesc" if position == 1 => {
            collection_of(inference, &model)
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
    let Some(model) = bound_model(inference, factory, FACTORY) else {
        return Type::default();
    };
    match name {
        "createone" | "createonequietly" | "makeone" | "newmodel" => object_of(&model),
        "create" | "createquietly" | "make" => {
            object_of(&model).or(collection_of(inference, &model))
        }
        "createmany" | "createmanyquietly" => collection_of(inference, &model),
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
    behind
        .or_else(|| attribute_before(owner.text, member.head.start as usize, "Scope").map(|_| name))
}

/// The attribute called `name` that stands before byte `at`, as written.
fn attribute_before<'t>(text: &'t str, at: usize, name: &str) -> Option<&'t str> {
    let mut before = text[..at].trim_end();
    while before.ends_with(']') {
        let start = before.rfind("#[")?;
        let written = &before[start + 2..before.len() - 1];
        let head = written.split('(').next().unwrap_or(written);
        if head.trim().rsplit('\\').next() == Some(name) {
            return Some(written);
        }
        before = before[..start].trim_end();
    }
    None
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

//! Doctrine's ORM: the repository of an entity and the entity of a repository, what
//! its queries give, and the collections of an entity.

use super::declared::{before_class, before_member, class_at_key};
use crate::context::infer::doc_tags::best_tag;
use crate::context::infer::framework::{Framework, MethodCall, ProjectSigns};
use crate::context::infer::function_ref::FunctionRef;
use crate::context::infer::inference::Inference;
use crate::context::infer::types::{Atom, ClassType, Type};
use crate::index::symbols::ClassRef;
use crate::php::{Member, MemberKind};

/// What gives repositories.
const MANAGERS: [&str; 3] = [
    "Doctrine\\Persistence\\ObjectManager",
    "Doctrine\\Persistence\\ManagerRegistry",
    "Doctrine\\ORM\\EntityManagerInterface",
];
/// What repositories inherit from.
const REPOSITORIES: [&str; 3] = [
    "Doctrine\\ORM\\EntityRepository",
    "Doctrine\\Persistence\\ObjectRepository",
    "Doctrine\\Bundle\\DoctrineBundle\\Repository\\ServiceEntityRepository",
];
/// A query that is being built. Its one argument here is the entity that it gives.
const QUERY_BUILDER: &str = "Doctrine\\ORM\\QueryBuilder";
/// A query, with the same argument.
const QUERIES: [&str; 2] = ["Doctrine\\ORM\\AbstractQuery", "Doctrine\\ORM\\Query"];
/// The interface of the collections of an entity.
const COLLECTION: &str = "Doctrine\\Common\\Collections\\Collection";

pub(super) struct Doctrine;

impl Framework for Doctrine {
    fn applies(&self, project: &ProjectSigns<'_, '_>) -> bool {
        let packages = [
            "doctrine/orm",
            "doctrine/persistence",
            "doctrine/doctrine-bundle",
        ];
        packages.iter().any(|package| project.requires(package))
            || [MANAGERS[2], REPOSITORIES[0]]
                .iter()
                .any(|name| project.knows_class(name))
    }

    fn property(&self, inference: &Inference<'_>, object: &ClassType, name: &str) -> Type {
        let Some(class) = inference.class(&object.name) else {
            return Type::default();
        };
        let found = inference.members(class).find(MemberKind::Property, name);
        found.map_or_else(Type::default, |(owner, index)| association(owner, index))
    }

    fn method<'a>(&self, inference: &Inference<'a>, call: &MethodCall<'_, '_, 'a>) -> Type {
        let name = call.name.to_ascii_lowercase();
        match &*name {
            "getrepository" if is_one_of(inference, call.object, &MANAGERS) => {
                let entity = inference.instance(&call.args.ty(0, "$className").unwrap_or_default());
                let entity = entity.classes().next();
                entity.map_or_else(Type::default, |entity| repository_of(inference, entity))
            }
            "getquery" | "from" | "select" => query_builder(inference, call, &name),
            "getresult" | "execute" | "getoneornullresult" | "getsingleresult" | "toiterable" => {
                query_result(inference, call, &name)
            }
            _ if name.starts_with("find") || name == "createquerybuilder" => {
                found(inference, call, &name)
            }
            _ => Type::default(),
        }
    }
}

fn is_one_of(inference: &Inference<'_>, object: &ClassType, names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| inference.is_a(&object.name, name) == Some(true))
}

/// The repository that an entity names; nothing for one without a repository of its
/// own.
fn repository_of(inference: &Inference<'_>, entity: &ClassType) -> Type {
    let Some(class) = inference.class(&entity.name) else {
        return Type::default();
    };
    let name = class_at_key(before_class(class), "repositoryClass", &class.scope());
    let known = name.filter(|name| inference.class(name).is_some());
    Type::of_class(known)
}

/// The entity that a repository is for.
fn entity_of(inference: &Inference<'_>, repository: &ClassType) -> Option<ClassType> {
    for name in REPOSITORIES {
        let args = inference.args_of(repository, name).unwrap_or_default();
        if let Some(entity) = args.first().and_then(|ty| ty.classes().next()) {
            return Some(entity.clone());
        }
    }
    let constructor = inference.find_method(repository, "__construct")?;
    entity_in(&constructor).or_else(|| {
        // `App\Repository\TagRepository` is for `App\Entity\Tag`, if that says so.
        let name = repository.name.strip_suffix("Repository")?;
        let entity = ClassType::new(&name.replacen("\\Repository\\", "\\Entity\\", 1));
        let own = repository_of(inference, &entity);
        let is_its = own
            .classes()
            .any(|own| own.name.eq_ignore_ascii_case(&repository.name));
        is_its.then_some(entity)
    })
}

/// The class that a constructor hands to its parent: `parent::__construct($x, E::class)`.
fn entity_in(constructor: &FunctionRef<'_>) -> Option<ClassType> {
    let body = constructor
        .text
        .get(constructor.head.end as usize..constructor.end as usize)?;
    let (_, call) = body.split_once("parent::__construct(")?;
    let (before, _) = call.split(';').next()?.split_once("::class")?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\\');
    let start = before.rfind(|c| !is_name(c)).map_or(0, |at| at + 1);
    let name = before.get(start..).filter(|name| !name.is_empty())?;
    Some(ClassType::new(&constructor.scope().class(name)?))
}

/// What a method of a repository finds.
fn found(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>, name: &str) -> Type {
    if !is_one_of(inference, call.object, &REPOSITORIES) {
        return Type::default();
    }
    // What a project declares itself is right.
    let declared = inference.find_method(call.object, name);
    let is_own = |function: &FunctionRef<'_>| {
        let class = function.class.map(|class| class.name());
        class.is_none_or(|name| !name.starts_with("Doctrine\\"))
    };
    if declared.as_ref().is_some_and(is_own) {
        return Type::default();
    }
    let Some(entity) = entity_of(inference, call.object) else {
        return Type::default();
    };
    let entity: Type = Atom::Class(entity).into();
    match name {
        "createquerybuilder" => {
            Atom::Class(ClassType::new(QUERY_BUILDER).with(vec![entity])).into()
        }
        "findall" => entity.into_list(),
        "find" => entity.or(Atom::Null.into()),
        _ if name.starts_with("findoneby") => entity.or(Atom::Null.into()),
        _ if name.starts_with("findby") => entity.into_list(),
        _ => Type::default(),
    }
}

/// The entity that a query gives, if it is known.
fn queried(object: &ClassType) -> Option<Type> {
    let entity = object.args.first()?;
    entity.leads_on().then(|| entity.clone())
}

/// What a method of a query builder returns, where that changes the entity or keeps it.
fn query_builder(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>, name: &str) -> Type {
    if inference.is_a(&call.object.name, QUERY_BUILDER) != Some(true) {
        return Type::default();
    }
    let entity = queried(call.object);
    let builder = ClassType::new(&call.object.name);
    match (name, entity) {
        ("getquery", Some(entity)) => {
            Atom::Class(ClassType::new(QUERIES[1]).with(vec![entity])).into()
        }
        ("from", None) => {
            let entity = inference.instance(&call.args.ty(0, "$from").unwrap_or_default());
            Atom::Class(builder.with(vec![entity])).into()
        }
        // Selected fields are no entities.
        ("select", Some(_)) => {
            let selected = call.args.ty(0, "").and_then(|ty| ty.key());
            match selected.is_some_and(|text| !text.contains(['.', '(', ' '])) {
                true => Type::default(),
                false => Atom::Class(builder).into(),
            }
        }
        _ => Type::default(),
    }
}

/// What a query gives.
fn query_result(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>, name: &str) -> Type {
    let Some(entity) = queried(call.object).filter(|_| is_one_of(inference, call.object, &QUERIES))
    else {
        return Type::default();
    };
    match name {
        // Another form of the result was asked for.
        "getresult" | "getoneornullresult" | "getsingleresult" if !call.args.list.is_empty() => {
            Type::default()
        }
        "getoneornullresult" => entity.or(Atom::Null.into()),
        "getsingleresult" => entity,
        _ => entity.into_list(),
    }
}

/// The type of a property that its mapping tells and nothing else does.
fn association(owner: ClassRef<'_>, index: usize) -> Type {
    let member: &Member = &owner.class().members[index];
    let before = before_member(owner, index);
    let Some(target) = class_at_key(before, "targetEntity", &owner.scope()) else {
        return Type::default();
    };
    let target = Type::class(&target);
    let stated = best_tag(member.doc.of(owner.text), "var", |_| true);
    let stated = stated.map_or_else(String::new, |tag| tag.ty().to_owned());
    let declared = member.ty.of(owner.text);
    let is_collection = before.contains("ToMany");
    let is_untyped = stated.is_empty() && declared.is_empty();
    if stated.contains('<') || !(is_collection || is_untyped) {
        return Type::default();
    }
    if is_collection {
        let of = vec![Atom::Int(None).into(), target];
        return Atom::Class(ClassType::new(COLLECTION).with(of)).into();
    }
    target.or(Atom::Null.into())
}

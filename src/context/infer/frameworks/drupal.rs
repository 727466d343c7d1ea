//! Drupal: `\Drupal::service('id')` gives an object of the class that the modules'
//! `*.services.yml` state, `getStorage('node')` the storage of an entity type, and a
//! storage its entities. The container of `create()` is that of `symfony`.

use super::declared::{before_class, class_at_key, value_at_key};
use super::symfony::service;
use crate::context::infer::framework::{Framework, MethodCall, ProjectSigns};
use crate::context::infer::inference::Inference;
use crate::context::infer::types::{Atom, ClassType, Type};
use crate::index::symbols::{ClassRef, DeclKind, Declaration};

/// The class with Drupal's static services.
const DRUPAL: &str = "Drupal";
/// What gives the storages of entity types.
const MANAGER: &str = "Drupal\\Core\\Entity\\EntityTypeManagerInterface";
/// A storage. Its one argument here is the entity that it holds.
const STORAGE: &str = "Drupal\\Core\\Entity\\EntityStorageInterface";
/// Classes of one name that are looked at.
const CLASSES: usize = 16;

pub(super) struct Drupal;

impl Framework for Drupal {
    fn applies(&self, project: &ProjectSigns<'_, '_>) -> bool {
        let packages = ["drupal/core", "drupal/core-recommended"];
        packages.iter().any(|package| project.requires(package))
            || [MANAGER, DRUPAL]
                .iter()
                .any(|name| project.knows_class(name))
    }

    fn method<'a>(&self, inference: &Inference<'a>, call: &MethodCall<'_, '_, 'a>) -> Type {
        let name = call.name.to_ascii_lowercase();
        let is_a = |parent: &str| inference.is_a(&call.object.name, parent) == Some(true);
        match &*name {
            "service" if call.object.name.eq_ignore_ascii_case(DRUPAL) => {
                service(inference, &call.args.ty(0, "$id").unwrap_or_default())
            }
            "getstorage" if is_a(MANAGER) => {
                let id = call.args.ty(0, "$entity_type_id").unwrap_or_default().key();
                id.map_or_else(Type::default, |id| storage_of(inference, &id))
            }
            "load" | "loadmultiple" | "loadbyproperties" | "create" | "loadunchanged"
                if is_a(STORAGE) =>
            {
                let Some(entity) = call.object.args.first().filter(|ty| ty.leads_on()) else {
                    return Type::default();
                };
                match &*name {
                    "create" => entity.clone(),
                    "load" | "loadunchanged" => entity.clone().or(Atom::Null.into()),
                    _ => entity.clone().into_list(),
                }
            }
            _ => Type::default(),
        }
    }
}

/// The storage of the entity type `id`, if its class is known.
fn storage_of(inference: &Inference<'_>, id: &str) -> Type {
    let Some(class) = entity_class(inference, id) else {
        return Type::default();
    };
    let stated = class_at_key(before_class(class), "storage", &class.scope());
    let stated = stated.filter(|name| inference.is_a(name, STORAGE) == Some(true));
    let storage = ClassType::new(stated.as_deref().unwrap_or(STORAGE));
    Atom::Class(storage.with(vec![Type::class(&class.name())])).into()
}

/// The class of the entity type `id`: one in a namespace `…\Entity` that has the id in
/// its attribute or annotation, and is called like the id, with or without the name of
/// the module at its start.
fn entity_class<'a>(inference: &Inference<'a>, id: &str) -> Option<ClassRef<'a>> {
    let rest = id.split_once('_').map(|(_, rest)| rest);
    let is_it = |class: &ClassRef<'_>| {
        let value = value_at_key(before_class(*class), "id");
        let value = value.and_then(|value| value.strip_prefix(['"', '\'']));
        value.is_some_and(|value| {
            value
                .strip_prefix(id)
                .is_some_and(|end| end.starts_with(['"', '\'']))
        })
    };
    let short_names = [Some(id), rest].into_iter().flatten().map(camel_case);
    short_names.into_iter().find_map(|short| {
        let own = inference
            .snapshot
            .declared_up_to(CLASSES, DeclKind::Class, &short);
        let own = own.into_iter().filter_map(|declared| match declared {
            Declaration::Class(class) => Some(class),
            _ => None,
        });
        { own }.find(is_it).or_else(|| {
            let folded = short.to_ascii_lowercase();
            let library = inference.snapshot.library()?;
            let located = library.with_prefix(&folded);
            let of_entities = located.take_while(|name| name.rsplit('\\').next() == Some(&folded));
            let of_entities =
                of_entities.filter(|name| name.ends_with(&format!("\\entity\\{folded}")));
            let mut classes = of_entities
                .take(CLASSES)
                .filter_map(|name| inference.class(name));
            classes.find(is_it)
        })
    })
}

/// `node_type` as `NodeType`.
fn camel_case(words: &str) -> String {
    let words = words.split('_').map(|word| {
        let mut chars = word.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.chain(chars).collect::<String>()
    });
    words.collect()
}

//! Laravel: facades, Eloquent and the container.
//!
//! | file | what |
//! | --- | --- |
//! | `container` | objects by the names that the container knows, the user |
//! | `facade` | the object behind a facade |
//! | `builder` | what queries models, scopes, factories |
//! | `models` | the builder, the collection and the model that belong together |
//! | `relations` | the relations of a model, as methods and as properties |
//! | `attributes` | casts, accessors and `$fillable` as properties |
//! | `macros` | methods that code adds at run time |
//! | `strings` | keys of the configuration and of translations, names of routes and views |
//! | `arrays` | the strings of an array that is written out |

mod arrays;
mod attributes;
mod builder;
mod container;
mod facade;
mod macros;
mod models;
mod relations;
mod strings;

use crate::context::infer::eval::Args;
use crate::context::infer::framework::{
    ConventionalMember, DefinedString, Framework, MethodCall, ProjectSigns,
};
use crate::context::infer::inference::Inference;
use crate::context::infer::types::{Atom, ClassType, Type};
use crate::index::symbols::ClassRef;
use crate::php::{Member, MemberKind, Span};

/// See the words of this file.
pub(super) struct Laravel;

/// The parent of all facades.
const FACADE: &str = "Illuminate\\Support\\Facades\\Facade";
/// The parent of all models.
const MODEL: &str = "Illuminate\\Database\\Eloquent\\Model";
/// What queries models.
const BUILDER: &str = "Illuminate\\Database\\Eloquent\\Builder";
/// The parent of all relations.
const RELATION: &str = "Illuminate\\Database\\Eloquent\\Relations\\Relation";
/// The parent of all factories of models.
const FACTORY: &str = "Illuminate\\Database\\Eloquent\\Factories\\Factory";
/// What the name of a facade that Laravel makes at run time begins with.
const REAL_TIME: &str = "Facades\\";

impl Framework for Laravel {
    fn applies(&self, project: &ProjectSigns<'_, '_>) -> bool {
        let packages = [
            "laravel/framework",
            "illuminate/support",
            "illuminate/database",
        ];
        packages.iter().any(|package| project.requires(package))
            || [MODEL, FACADE].iter().any(|name| project.knows_class(name))
    }

    fn forwards(&self, inference: &Inference<'_>, object: &ClassType) -> Vec<ClassType> {
        if let Some(root) = object.name.strip_prefix(REAL_TIME) {
            return vec![ClassType::new(root)];
        }
        if is_a(inference, object, MODEL) {
            return vec![models::builder_of(inference, object)];
        }
        if is_a(inference, object, FACADE) {
            return facade::roots(inference, object);
        }
        if is_a(inference, object, RELATION) {
            let related = models::related(inference, object);
            let builders = related
                .classes()
                .map(|model| models::builder_of(inference, model));
            return builders.collect();
        }
        Vec::new()
    }

    fn members<'a>(
        &self,
        inference: &'a Inference<'a>,
        object: &ClassType,
    ) -> Vec<ConventionalMember<'a>> {
        let mut all = macros::members(inference, object);
        if is_a(inference, object, MODEL) {
            relations::add_properties(inference, object, &mut all);
            attributes::add_properties(inference, object, &mut all);
        }
        if let Some(model) = models::model_of(inference, object) {
            builder::add_scopes(inference, &model, &mut all);
        }
        all
    }

    fn property(&self, inference: &Inference<'_>, object: &ClassType, name: &str) -> Type {
        if !is_a(inference, object, MODEL) || is_stated(inference, object, name) {
            return Type::default();
        }
        relations::property(inference, object, name)
            .or_else(|| attributes::property(inference, object, name))
    }

    fn method<'a>(&self, inference: &Inference<'a>, call: &MethodCall<'_, '_, 'a>) -> Type {
        if let Some(root) = call.object.name.strip_prefix(REAL_TIME) {
            return inference.method(&Type::class(root), call.name, call.args);
        }
        if is_a(inference, call.object, MODEL) {
            return relations::method(inference, call)
                .or_else(|| builder::of_model_method(inference, call));
        }
        builder::method(inference, call).or_else(|| container::method(inference, call))
    }

    fn function<'a>(&self, inference: &Inference<'a>, name: &str, args: Args<'_, '_, 'a>) -> Type {
        container::function(inference, name, args)
    }

    fn strings<'a>(&self, inference: &'a Inference<'a>, place: &str) -> Vec<DefinedString<'a>> {
        strings::at(inference, place)
    }

    fn handed<'a>(
        &self,
        inference: &Inference<'a>,
        call: &MethodCall<'_, '_, 'a>,
        position: usize,
        number: usize,
    ) -> Type {
        builder::handed(inference, call, position, number)
    }
}

/// Whether an object is of the class `parent`.
fn is_a(inference: &Inference<'_>, object: &ClassType, parent: &str) -> bool {
    let is_relation = parent == RELATION && object.name.starts_with(relations::NAMESPACE);
    is_relation || inference.is_a(&object.name, parent) == Some(true)
}

/// Whether a declaration or a doc comment states the property `name`.
fn is_stated(inference: &Inference<'_>, object: &ClassType, name: &str) -> bool {
    inference.class(&object.name).is_some_and(|class| {
        let members = inference.members(class);
        members.find(MemberKind::Property, name).is_some()
            || members.find_virtual(MemberKind::Property, name).is_some()
    })
}

/// Whether a class is one of the framework's own.
fn is_own(class: ClassRef<'_>) -> bool {
    class.scope().namespace().starts_with("Illuminate\\")
}

/// An object of this class.
fn object_of(class: &ClassType) -> Type {
    Atom::Class(class.clone()).into()
}

/// An object of the class called `name` with these template arguments.
fn generic(name: &str, args: Vec<Type>) -> Type {
    Atom::Class(ClassType::new(name).with(args)).into()
}

/// The bytes of a method for a conventional member that it states. They begin
/// in its name, so that the method itself is another candidate.
fn beside(member: &Member) -> Span {
    Span {
        start: member.name.start + 1,
        end: member.head.end,
    }
}

/// `name` with its first letter in lower case.
fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    first.chain(chars).collect()
}

//! Symfony, and any other container of PSR-11: `get(X::class)` gives an object of the
//! class, `get('id')` one of the class that the project's YAML files state.

use crate::context::infer::framework::{Framework, MethodCall, ProjectSigns};
use crate::context::infer::inference::Inference;
use crate::context::infer::types::{Atom, Type};

/// The interfaces of containers.
const CONTAINERS: [&str; 3] = [
    "Psr\\Container\\ContainerInterface",
    "Symfony\\Component\\DependencyInjection\\ContainerInterface",
    "Symfony\\Component\\DependencyInjection\\Container",
];

pub(super) struct Symfony;

impl Framework for Symfony {
    fn applies(&self, project: &ProjectSigns<'_, '_>) -> bool {
        let packages = [
            "symfony/framework-bundle",
            "symfony/dependency-injection",
            "psr/container",
        ];
        packages.iter().any(|package| project.requires(package))
            || CONTAINERS.iter().any(|name| project.knows_class(name))
    }

    fn method<'a>(&self, inference: &Inference<'a>, call: &MethodCall<'_, '_, 'a>) -> Type {
        if !call.name.eq_ignore_ascii_case("get") || !is_container(inference, &call.object.name) {
            return Type::default();
        }
        service(inference, &call.args.ty(0, "$id").unwrap_or_default())
    }
}

/// Whether the class called `name` is a container.
pub(super) fn is_container(inference: &Inference<'_>, name: &str) -> bool {
    let mut all = CONTAINERS.iter();
    all.any(|container| inference.is_a(name, container) == Some(true))
}

/// The object that a container gives for an id of the type `id`.
pub(super) fn service(inference: &Inference<'_>, id: &Type) -> Type {
    let mut found = Type::default();
    for atom in id.members() {
        let name = match atom {
            // The name of a class or interface may have another class in the container.
            Atom::ClassString(of) => {
                let stated = of
                    .classes()
                    .next()
                    .and_then(|class| class_of(inference, &class.name));
                found.add(stated.unwrap_or_else(|| (**of).clone()));
                continue;
            }
            Atom::String(Some(id)) => id,
            _ => continue,
        };
        let is_class = name
            .contains('\\')
            .then(|| Type::class(name.trim_start_matches('\\')));
        found.add(class_of(inference, name).or(is_class).unwrap_or_default());
    }
    found
}

/// The class that the project states for the service `id`, if it is known.
fn class_of(inference: &Inference<'_>, id: &str) -> Option<Type> {
    let class = inference.snapshot.library()?.service(id)?;
    inference.class(class).map(|_| Type::class(class))
}

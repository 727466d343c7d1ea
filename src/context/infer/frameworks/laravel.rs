//! Laravel: facades, Eloquent and the container.
//!
//! | file | what |
//! | --- | --- |
//! | `facade` | the object behind a facade |
//! | `eloquent` | models and what queries them |

mod eloquent;
mod facade;

use crate::context::infer::framework::{ConventionalMember, Framework, MethodCall, Project};
use crate::context::infer::inference::Inference;
use crate::context::infer::types::{ClassType, Type};

/// See the words of this file.
pub(super) struct Laravel;

/// The parent of all facades.
const FACADE: &str = "Illuminate\\Support\\Facades\\Facade";
/// The parent of all models.
const MODEL: &str = "Illuminate\\Database\\Eloquent\\Model";
/// What queries models.
const BUILDER: &str = "Illuminate\\Database\\Eloquent\\Builder";

impl Framework for Laravel {
    fn applies(&self, project: &Project<'_, '_>) -> bool {
        let packages = [
            "laravel/framework",
            "illuminate/support",
            "illuminate/database",
        ];
        packages.iter().any(|package| project.requires(package))
            || [MODEL, FACADE].iter().any(|name| project.knows_class(name))
    }

    fn forwards(&self, inference: &Inference<'_>, object: &ClassType) -> Vec<ClassType> {
        if inference.is_a(&object.name, MODEL) == Some(true) {
            return vec![eloquent::builder_of(inference, object)];
        }
        if inference.is_a(&object.name, FACADE) == Some(true) {
            return facade::roots(inference, object);
        }
        Vec::new()
    }

    fn members<'a>(
        &self,
        inference: &'a Inference<'a>,
        object: &ClassType,
    ) -> Vec<ConventionalMember<'a>> {
        eloquent::members(inference, object)
    }

    fn method<'a>(&self, inference: &Inference<'a>, call: &MethodCall<'_, '_, 'a>) -> Type {
        eloquent::method(inference, call)
    }
}

//! Models and what they are queried with: which model a builder or relation is
//! for, which builder and which collection a model has.

use super::{BUILDER, MODEL, RELATION, generic, is_a, is_own, object_of};
use crate::context::infer::eval::Args;
use crate::context::infer::inference::Inference;
use crate::context::infer::types::{Atom, ClassType, Type};

/// The collection of models.
const COLLECTION: &str = "Illuminate\\Database\\Eloquent\\Collection";
/// What queries the model `object`.
pub(super) fn builder_of(inference: &Inference<'_>, object: &ClassType) -> ClassType {
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
    let ty = inference.result(&function, Some(object), &object_of(object), Args::NONE);
    ty.classes().next().map(|class| class.name.to_string())
}

/// The model that a builder or a relation is for.
pub(super) fn model_of(inference: &Inference<'_>, object: &ClassType) -> Option<ClassType> {
    if is_a(inference, object, RELATION) {
        return related(inference, object).classes().next().cloned();
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

/// The models that a relation leads to.
pub(super) fn related(inference: &Inference<'_>, relation: &ClassType) -> Type {
    let model = bound_model(inference, relation, RELATION);
    model.map_or_else(Type::default, |model| object_of(&model))
}

/// The attribute called `name` that stands before byte `at`, as written.
pub(super) fn attribute_before<'t>(text: &'t str, at: usize, name: &str) -> Option<&'t str> {
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

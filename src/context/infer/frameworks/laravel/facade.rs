//! The object behind a facade: `getFacadeAccessor` returns its class, or the
//! name by which the container knows it; `@see` in the doc comment tells it
//! where neither does.

use super::{FACADE, container, object_of};
use crate::context::infer::doc_tags::doc_tags;
use crate::context::infer::inference::Inference;
use crate::context::infer::types::{Atom, ClassType};

/// The classes of the object behind the facade `object`.
pub(super) fn roots(inference: &Inference<'_>, object: &ClassType) -> Vec<ClassType> {
    let Some(accessor) = inference.find_method(object, "getFacadeAccessor") else {
        return Vec::new();
    };
    if accessor.class.is_some_and(|class| class.is_called(FACADE)) {
        return Vec::new();
    }
    let named = inference.body_result(&accessor, &object_of(object));
    let root = match named.members() {
        [Atom::String(Some(name))] => container::named(inference, name),
        _ => inference.instance(&named),
    };
    if !root.is_empty() {
        return root.classes().cloned().collect();
    }
    let Some(class) = inference.class(&object.name) else {
        return Vec::new();
    };
    let scope = class.scope();
    let seen = doc_tags(class.class().doc.of(class.text)).filter(|tag| tag.name == "see");
    let named = seen.filter_map(|tag| scope.class(tag.ty()));
    named
        .filter(|name| inference.class(name).is_some())
        .map(|name| ClassType::new(&name))
        .collect()
}

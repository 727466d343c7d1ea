//! The type of an element of a value that is iterated.

use super::doc_tags::parent_tags;
use super::inference::Inference;
use super::types::Type;
use super::written::TypeReader;
use crate::php::MemberKind;

impl Inference<'_> {
    /// The type of an element of the iterated type `ty`: what its doc comment
    /// says, or what its `current` or `getIterator` returns.
    pub(super) fn element(&self, ty: Type) -> Type {
        if !ty.elements.is_empty() {
            return ty.into_element();
        }
        let returned = |method| self.member(&ty, MemberKind::Method, method, None, 1);
        returned("current")
            .or_else(|| returned("getIterator").into_element())
            .or_else(|| self.documented_element(&ty))
    }

    /// The type of an element that `@implements` or `@extends` gives to a class.
    fn documented_element(&self, ty: &Type) -> Type {
        for class in ty.classes.iter().filter_map(|name| self.class(name)) {
            for class in self.members(class).hierarchy() {
                for tag in parent_tags(class.class().doc.of(class.text)) {
                    let scope = class.scope();
                    let element = TypeReader::new(&scope, None).read(tag.ty).into_element();
                    if !element.is_empty() {
                        return element;
                    }
                }
            }
        }
        Type::default()
    }
}

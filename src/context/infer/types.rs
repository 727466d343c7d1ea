//! The type that an expression may have, as far as completion needs it.

use super::limits::TYPE_CLASSES;

/// The classes that a value may be of, by fully qualified name, and those that
/// its elements may be of if it can be iterated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::context) struct Type {
    pub(in crate::context) classes: Vec<String>,
    pub(super) elements: Vec<String>,
}

/// A template's name with the type that stands for it.
pub(super) type TemplateBinding<'t> = (&'t str, Type);

impl Type {
    /// An object of the class with the fully qualified name `name`.
    pub(super) fn class(name: String) -> Self {
        Self {
            classes: vec![name],
            elements: Vec::new(),
        }
    }

    /// An object of the class called `name`; unknown without a name.
    pub(super) fn of_class(name: Option<String>) -> Self {
        name.map_or_else(Self::default, Self::class)
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.classes.is_empty() && self.elements.is_empty()
    }

    /// Adds what else the value may be.
    pub(super) fn add(&mut self, other: Self) {
        for (own, new) in [
            (&mut self.classes, other.classes),
            (&mut self.elements, other.elements),
        ] {
            for name in new {
                if own.len() < TYPE_CLASSES && !own.contains(&name) {
                    own.push(name);
                }
            }
        }
    }

    /// A list of values of this type.
    pub(super) fn into_list(self) -> Self {
        Self {
            classes: Vec::new(),
            elements: self.classes,
        }
    }

    /// An element of a value of this type.
    pub(super) fn into_element(self) -> Self {
        Self {
            classes: self.elements,
            elements: Vec::new(),
        }
    }

    /// This type if anything is known of it, else `other`.
    pub(super) fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_empty() { other() } else { self }
    }
}

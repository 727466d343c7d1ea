//! Declarations together with their files: the results of lookups.

use super::key::last_segment;
use crate::index::file::SourceFile;
use crate::php::names::Scope;
use crate::php::{ClassLike, Constant, FileFacts, Function, Member};

/// A class-like together with its file.
#[derive(Clone, Copy, Debug)]
pub struct ClassRef<'a> {
    /// The file's key.
    pub path: &'a str,
    /// The file's text.
    pub text: &'a str,
    /// The file's facts.
    pub facts: &'a FileFacts,
    /// The number of the class in the facts.
    pub item: usize,
}

impl<'a> ClassRef<'a> {
    /// Class `item` of `file`.
    #[must_use]
    pub fn of(file: &'a SourceFile, item: usize) -> Self {
        Self {
            path: &file.path,
            text: &file.text,
            facts: &file.facts,
            item,
        }
    }

    /// What tells it from every other class that is in memory: the address of the facts
    /// and the number there.
    #[must_use]
    pub fn place(&self) -> (usize, usize) {
        (std::ptr::from_ref(self.facts).addr(), self.item)
    }

    /// The declaration.
    #[must_use]
    pub fn class(&self) -> &'a ClassLike {
        &self.facts.classes[self.item]
    }

    /// The scope in which it is declared.
    #[must_use]
    pub fn scope(&self) -> Scope<'a> {
        Scope::of(self.facts, self.text, self.class().namespace)
    }

    /// Its fully qualified name, without leading backslash.
    #[must_use]
    pub fn name(&self) -> String {
        self.scope().declared(self.short_name())
    }

    /// Whether `name` is its fully qualified name, in any case.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let (namespace, short) = name.rsplit_once('\\').unwrap_or(("", name));
        self.short_name().eq_ignore_ascii_case(short)
            && self.scope().namespace().eq_ignore_ascii_case(namespace)
    }

    /// Its short name; empty for an anonymous class.
    #[must_use]
    pub fn short_name(&self) -> &'a str {
        self.class().name.of(self.text)
    }
}

/// A declaration with its file.
#[derive(Clone, Copy, Debug)]
pub enum Declaration<'a> {
    /// A class-like.
    Class(ClassRef<'a>),
    /// A member: its class, and its number there.
    Member(ClassRef<'a>, usize),
    /// A function.
    Function(&'a SourceFile, usize),
    /// A constant.
    Constant(&'a SourceFile, usize),
}

impl<'a> Declaration<'a> {
    /// The key of its file.
    #[must_use]
    pub fn path(&self) -> &'a str {
        match *self {
            Self::Class(class) | Self::Member(class, _) => class.path,
            Self::Function(file, _) | Self::Constant(file, _) => &file.path,
        }
    }

    /// Its short name as declared.
    #[must_use]
    pub fn short_name(&self) -> &'a str {
        last_segment(match *self {
            Self::Class(class) => class.short_name(),
            Self::Member(class, member) => class.class().members[member].name.of(class.text),
            Self::Function(file, item) => file.facts.functions[item].name.of(&file.text),
            Self::Constant(file, item) => file.facts.constants[item].name.of(&file.text),
        })
    }

    /// Its fully qualified name; `None` for a member.
    #[must_use]
    pub fn full_name(&self) -> Option<String> {
        match *self {
            Self::Class(class) => Some(class.name()),
            Self::Member(..) => None,
            Self::Function(file, item) => {
                let Function {
                    name, namespace, ..
                } = file.facts.functions[item];
                let scope = Scope::of(&file.facts, &file.text, namespace);
                Some(scope.declared(name.of(&file.text)))
            }
            Self::Constant(file, item) => {
                let Constant {
                    name,
                    namespace,
                    is_define,
                    ..
                } = file.facts.constants[item];
                let name = name.of(&file.text);
                let scope = Scope::of(&file.facts, &file.text, namespace);
                Some(if is_define {
                    name.trim_start_matches('\\').to_owned()
                } else {
                    scope.declared(name)
                })
            }
        }
    }

    /// The namespace in which it is declared; that of its class for a member.
    #[must_use]
    pub fn namespace(&self) -> &'a str {
        let of = |file: &'a SourceFile, namespace| {
            Scope::of(&file.facts, &file.text, namespace).namespace()
        };
        match *self {
            Self::Class(class) | Self::Member(class, _) => class.scope().namespace(),
            Self::Function(file, item) => of(file, file.facts.functions[item].namespace),
            Self::Constant(file, item) => {
                let constant = &file.facts.constants[item];
                if constant.is_define {
                    let name = constant.name.of(&file.text).trim_start_matches('\\');
                    name.rsplit_once('\\')
                        .map_or("", |(namespace, _)| namespace)
                } else {
                    of(file, constant.namespace)
                }
            }
        }
    }

    /// The length of the whole declaration with its body, in bytes.
    #[must_use]
    pub fn source_len(&self) -> usize {
        match *self {
            Self::Class(class) => class.class().body.len(),
            Self::Member(class, member) => {
                let member = &class.class().members[member];
                member.end.saturating_sub(member.head.start) as usize
            }
            Self::Function(file, item) => {
                let function = &file.facts.functions[item];
                function.end.saturating_sub(function.head.start) as usize
            }
            Self::Constant(file, item) => file.facts.constants[item].head.len(),
        }
    }

    /// The member's declaration, if it is one.
    #[must_use]
    pub fn member(&self) -> Option<&'a Member> {
        match *self {
            Self::Member(class, member) => class.class().members.get(member),
            _ => None,
        }
    }
}

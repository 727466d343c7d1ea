//! A declaration that the context may show.

use super::infer::VirtualMember;
use crate::index::symbols::{ClassRef, Declaration};
use crate::php::Span;

/// A declaration that the context may show.
#[derive(Clone, Copy, Debug)]
pub(super) enum Candidate<'a> {
    /// A declaration in code. A class stands for its head line alone.
    Declared(Declaration<'a>),
    /// A member without a declaration of its own.
    Virtual(ClassRef<'a>, VirtualMember<'a>),
}

/// A candidate with the probability that the code names it next.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScoredCandidate<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) score: f32,
}

impl<'a> Candidate<'a> {
    /// The key of its file.
    pub(super) fn path(&self) -> &'a str {
        match self {
            Self::Declared(declared) => declared.path(),
            Self::Virtual(class, _) => class.path,
        }
    }

    /// The class whose head it stands under, or is.
    pub(super) fn class(&self) -> Option<ClassRef<'a>> {
        match *self {
            Self::Declared(Declaration::Class(class) | Declaration::Member(class, _))
            | Self::Virtual(class, _) => Some(class),
            Self::Declared(_) => None,
        }
    }

    /// Its file and a byte there, which no other candidate has.
    pub(super) fn key(&self) -> (&'a str, u32) {
        let start = match self {
            Self::Virtual(_, member) => member.span.start,
            Self::Declared(Declaration::Constant(file, item)) => {
                file.facts.constants[*item].name.start
            }
            Self::Declared(Declaration::Member(class, item)) => {
                class.class().members[*item].name.start
            }
            Self::Declared(_) => self.span().start,
        };
        (self.path(), start)
    }

    /// Its bytes in its file.
    pub(super) fn span(&self) -> Span {
        match *self {
            Self::Declared(Declaration::Class(class)) => class.class().head,
            Self::Declared(Declaration::Member(class, index)) => class.class().members[index].head,
            Self::Declared(Declaration::Function(file, item)) => file.facts.functions[item].head,
            Self::Declared(Declaration::Constant(file, item)) => file.facts.constants[item].head,
            Self::Virtual(_, member) => member.span,
        }
    }
}

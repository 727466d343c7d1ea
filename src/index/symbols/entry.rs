//! Declarations as numbers into a segment's files and facts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::declaration::{ClassRef, Declaration};
use super::key::last_segment;
use crate::index::file::SourceFile;

/// The kind of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeclKind {
    /// A class-like with a name.
    Class,
    /// A function outside classes.
    Function,
    /// A constant outside classes.
    Constant,
    /// Any member of a class-like with a name.
    Member,
}

/// A declaration as numbers into a segment's files and their facts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::index) struct DeclEntry {
    pub(in crate::index) kind: DeclKind,
    pub(in crate::index) file: u32,
    /// The number in `classes`, `functions` or `constants`, by `kind`.
    pub(in crate::index) item: u32,
    /// The number in the class's `members`, for a member.
    pub(in crate::index) member: u32,
}

impl DeclEntry {
    /// The declaration with its file.
    pub(in crate::index) fn declaration(self, files: &[Arc<SourceFile>]) -> Declaration<'_> {
        let file = &files[self.file as usize];
        let item = self.item as usize;
        match self.kind {
            DeclKind::Class => Declaration::Class(self.class(files)),
            DeclKind::Function => Declaration::Function(file, item),
            DeclKind::Constant => Declaration::Constant(file, item),
            DeclKind::Member => Declaration::Member(self.class(files), self.member as usize),
        }
    }

    /// The declared class, or the class of the declared member.
    pub(in crate::index) fn class(self, files: &[Arc<SourceFile>]) -> ClassRef<'_> {
        ClassRef::of(&files[self.file as usize], self.item as usize)
    }

    /// The short name as declared.
    pub(in crate::index) fn name(self, files: &[Arc<SourceFile>]) -> &str {
        let file = &files[self.file as usize];
        let item = self.item as usize;
        let span = match self.kind {
            DeclKind::Class => file.facts.classes[item].name,
            DeclKind::Function => file.facts.functions[item].name,
            DeclKind::Constant => file.facts.constants[item].name,
            DeclKind::Member => file.facts.classes[item].members[self.member as usize].name,
        };
        last_segment(span.of(&file.text))
    }
}

//! The surroundings of the cursor, from which every signal learns.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::name_table::NameTable;
use super::names::{FoldedName, kind_weight};
use crate::context::buffer::Buffer;
use crate::context::infer::Inference;
use crate::context::site::Site;
use crate::context::weights::{NAMES_AFTER, NAMES_BEFORE, SIBLINGS};
use crate::index::Snapshot;
use crate::index::symbols::{ClassRef, NameKind, used_name};
use crate::php::Reference;

/// The buffer, the project and the site that a ranking is for.
pub(in crate::context) struct Surroundings<'a> {
    pub(super) buffer: &'a Buffer<'a>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) inference: &'a Inference<'a>,
    pub(super) site: Site,
    /// The classes with a parent or interface of the class at the cursor.
    pub(super) siblings: Vec<ClassRef<'a>>,
}

impl<'a> Surroundings<'a> {
    pub(in crate::context) fn new(inference: &'a Inference<'a>) -> Self {
        let Inference {
            buffer, snapshot, ..
        } = *inference;
        Self {
            buffer,
            snapshot,
            inference,
            site: Site::of(buffer),
            siblings: siblings(inference),
        }
    }

    /// The factor for a name of this kind at the cursor.
    pub(super) fn kind_weight(&self, kind: NameKind) -> f32 {
        kind_weight(self.site, kind)
    }

    /// The names that the buffer uses, each once, in the order of names.
    pub(super) fn names_in_buffer(&self) -> Vec<FoldedName<'a>> {
        self.used_names(&self.buffer.facts.references)
    }

    /// Like [`Self::names_in_buffer`], of the references nearest to the cursor.
    pub(super) fn names_near_cursor(&self) -> Vec<FoldedName<'a>> {
        let references = &self.buffer.facts.references;
        let cursor = self.buffer.word_start as u32;
        let here = references.partition_point(|r| r.name().start < cursor);
        let near = here.saturating_sub(NAMES_BEFORE)..references.len().min(here + NAMES_AFTER);
        self.used_names(&references[near])
    }

    /// The numbers of the names of `table` that the buffer uses, ascending.
    pub(super) fn numbers_in_buffer(&self, table: &NameTable<'_>) -> Vec<u32> {
        let scope = self.buffer.scope();
        let written = self.written(&self.buffer.facts.references);
        let numbers = written.into_iter().filter_map(|(kind, written)| {
            let name = used_name(kind, written, &scope)?;
            table.find(kind, &name)
        });
        let mut numbers: Vec<u32> = numbers.collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn used_names(&self, references: &[Reference]) -> Vec<FoldedName<'a>> {
        let scope = self.buffer.scope();
        let written = self.written(references);
        let names = written.into_iter().filter_map(|(kind, written)| {
            Some((kind, Cow::Owned(used_name(kind, written, &scope)?)))
        });
        let mut names: Vec<FoldedName<'a>> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The names among `references` of the buffer as they are written, each once. Most
    /// are written several times.
    fn written(&self, references: &[Reference]) -> FxHashSet<(NameKind, &'a str)> {
        let content = self.buffer.content;
        let written = references.iter();
        written
            .map(|reference| (NameKind::from(reference.kind), reference.name().of(content)))
            .collect()
    }
}

/// The classes with a parent or interface of the class at the cursor.
fn siblings<'a>(inference: &'a Inference<'a>) -> Vec<ClassRef<'a>> {
    let Some(item) = inference.buffer.class() else {
        return Vec::new();
    };
    let own = inference.own(item);
    let (class, scope) = (own.class(), own.scope());
    let parents = class.extends.iter().chain(&class.implements);
    let parents = parents.filter_map(|parent| scope.class(parent.of(own.text)));
    let mut siblings: Vec<ClassRef<'a>> = Vec::new();
    for parent in parents {
        let children = inference.snapshot.children(&parent);
        let others = children.into_iter().filter(|child| child.path != own.path);
        siblings.extend(others.take(SIBLINGS));
    }
    siblings
}

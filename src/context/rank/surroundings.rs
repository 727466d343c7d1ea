//! The surroundings of the cursor, from which every signal learns.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::names::{FoldedName, kind_weight};
use crate::context::buffer::Buffer;
use crate::context::infer::Inference;
use crate::context::site::Site;
use crate::context::weights::{NAMES_AFTER, NAMES_BEFORE, SIBLINGS};
use crate::index::Snapshot;
use crate::index::symbols::{ClassRef, NameKind, used_name};
use crate::php::Reference;

/// The buffer, the project and the site that a ranking is for.
#[derive(Clone, Copy)]
pub(in crate::context) struct Surroundings<'a> {
    pub(super) buffer: &'a Buffer<'a>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) inference: &'a Inference<'a>,
    pub(super) site: Site,
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
        }
    }

    /// The factor for a name of this kind at the cursor.
    pub(super) fn kind_weight(&self, kind: NameKind) -> f32 {
        kind_weight(self.site, kind)
    }

    /// The classes with a parent or interface of the class at the cursor.
    pub(super) fn siblings(&self) -> Vec<ClassRef<'a>> {
        let Some(item) = self.buffer.class() else {
            return Vec::new();
        };
        let own = self.inference.own(item);
        let (class, scope) = (own.class(), own.scope());
        let parents = class.extends.iter().chain(&class.implements);
        let parents = parents.filter_map(|parent| scope.class(parent.of(own.text)));
        let mut siblings: Vec<ClassRef<'a>> = Vec::new();
        for parent in parents {
            let children = self.snapshot.children(&parent);
            let others = children.into_iter().filter(|child| child.path != own.path);
            siblings.extend(others.take(SIBLINGS));
        }
        siblings
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

    fn used_names(&self, references: &[Reference]) -> Vec<FoldedName<'a>> {
        let scope = self.buffer.scope();
        // Most names are written several times.
        let written: FxHashSet<(NameKind, &str)> = references
            .iter()
            .map(|reference| {
                let name = reference.name().of(self.buffer.content);
                (NameKind::from(reference.kind), name)
            })
            .collect();
        let mut names: Vec<FoldedName<'a>> = written
            .into_iter()
            .filter_map(|(kind, written)| {
                Some((kind, Cow::Owned(used_name(kind, written, &scope)?)))
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

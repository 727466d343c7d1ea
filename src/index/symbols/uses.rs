//! The uses of names in files, collected while symbols are built.

use super::key::{NameKind, UseKey, last_segment, used_name};
use crate::index::dictionary::Dictionary;
use crate::index::file::SourceFile;
use crate::php::names::Scope;

/// One use of a key by a file; see [`UseKey`].
#[derive(Clone, Copy, Debug)]
pub(in crate::index) struct Posting {
    pub(in crate::index) file: u32,
    /// How often the file uses a name, or for [`UseKey::Receiver`] the number of one of
    /// the file's references.
    pub(in crate::index) value: u32,
}

/// Collects the uses and the parents of files, file by file.
#[derive(Default)]
pub(super) struct UseCollector {
    pub(super) keys: Dictionary,
    /// Each posting with the number of its key, in the order of files.
    pub(super) uses: Vec<(u32, Posting)>,
    /// See [`super::Symbols`]; neither sorted nor without repetitions.
    pub(super) children: Vec<(u32, u32, u32)>,
    /// For each key the position in `uses` of its newest posting.
    newest: Vec<u32>,
    /// Room to write a key's text in.
    text: String,
}

impl UseCollector {
    /// Adds the references of the file with this number.
    pub(super) fn add_references(&mut self, number: u32, file: &SourceFile) {
        self.add_uses(number, file, true);
    }

    /// Like [`Self::add_references`], without their receivers.
    pub(super) fn add_names(&mut self, number: u32, file: &SourceFile) {
        self.add_uses(number, file, false);
    }

    fn add_uses(&mut self, number: u32, file: &SourceFile, with_receivers: bool) {
        let first = self.uses.len();
        let regions = &file.facts.namespaces;
        let mut region = 0;
        for (index, reference) in file.facts.references.iter().enumerate() {
            let kind = NameKind::from(reference.kind);
            let at = reference.name().start;
            while regions
                .get(region + 1)
                .is_some_and(|next| next.body.start <= at)
            {
                region += 1;
            }
            let scope = Scope::of(&file.facts, &file.text, region as u16);
            let Some(name) = used_name(kind, reference.name().of(&file.text), &scope) else {
                continue;
            };
            self.count(first, UseKey::Name(kind, &name), number);
            let receiver = reference.receiver().of(&file.text);
            if with_receivers && !receiver.is_empty() {
                self.add(
                    UseKey::Receiver(last_segment(receiver)),
                    number,
                    index as u32,
                );
            }
        }
    }

    /// Adds the names of parent classes, interfaces and traits in the file with
    /// this number.
    pub(super) fn add_parents(&mut self, number: u32, file: &SourceFile) {
        for (item, class) in file.facts.classes.iter().enumerate() {
            let scope = Scope::of(&file.facts, &file.text, class.namespace);
            for parent in class
                .extends
                .iter()
                .chain(&class.implements)
                .chain(&class.traits)
            {
                let parent = used_name(NameKind::Class, parent.of(&file.text), &scope);
                if let Some(parent) = parent {
                    let id = self.intern(UseKey::Name(NameKind::Class, &parent));
                    self.children.push((id, number, item as u32));
                }
            }
        }
    }

    /// Counts one more use of `key` in the file whose postings start at `first`.
    fn count(&mut self, first: usize, key: UseKey<'_>, file: u32) {
        let id = self.intern(key);
        self.newest
            .resize(self.newest.len().max(id as usize + 1), u32::MAX);
        let known = self.newest[id as usize] as usize;
        if (first..self.uses.len()).contains(&known) {
            self.uses[known].1.value += 1;
        } else {
            self.newest[id as usize] = self.uses.len() as u32;
            self.uses.push((id, Posting { file, value: 1 }));
        }
    }

    /// Adds a posting of `key`.
    fn add(&mut self, key: UseKey<'_>, file: u32, value: u32) {
        let id = self.intern(key);
        self.uses.push((id, Posting { file, value }));
    }

    fn intern(&mut self, key: UseKey<'_>) -> u32 {
        key.write(&mut self.text);
        self.keys.intern(&self.text)
    }
}

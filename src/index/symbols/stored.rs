//! Writes symbols as bytes, and restores them without the files that have changed.

use std::sync::Arc;

use super::Symbols;
use super::entry::{DeclEntry, DeclKind};
use super::uses::Posting;
use crate::index::codec::{DamagedIndex, Decoder, Encoder, Renumbering, ensure};
use crate::index::dictionary::Dictionary;
use crate::index::file::SourceFile;
use crate::php::FileFacts;

impl Symbols {
    /// Writes the symbols.
    pub(in crate::index) fn encode(&self, out: &mut Encoder) -> Result<(), postcard::Error> {
        out.value(&self.declared)?;
        out.value(&self.children)?;
        self.keys.encode(out);
        out.offsets(&self.first);
        out.ascending(&self.first, self.postings.iter().map(|p| p.file));
        self.postings.iter().for_each(|p| out.number(p.value));
        out.offsets(&self.first_used);
        self.used.iter().for_each(|&key| out.number(key));
        Ok(())
    }

    /// Reads the symbols of files with these facts. Lookups by name work only after
    /// [`Symbols::keep`].
    pub(in crate::index) fn decode(
        from: &mut Decoder<'_>,
        facts: &[&FileFacts],
    ) -> Result<Self, DamagedIndex> {
        let mut declared: Vec<DeclEntry> = from.value()?;
        declared.shrink_to_fit();
        ensure(declared.iter().all(|decl| decl.is_of(facts)))?;
        let mut children: Vec<(u32, u32, u32)> = from.value()?;
        children.shrink_to_fit();
        let keys = Dictionary::decode(from)?;
        let is_class = |file: u32, item: u32| {
            let facts = facts.get(file as usize);
            facts.is_some_and(|facts| facts.classes.len() > item as usize)
        };
        let is_child = |&(key, file, item)| (key as usize) < keys.len() && is_class(file, item);
        ensure(children.iter().all(is_child))?;
        let first = from.offsets()?;
        ensure(first.len() == keys.len() + 1)?;
        let files = from.ascending(&first, facts.len() as u32)?;
        let mut postings = Vec::with_capacity(files.len());
        for file in files {
            let value = from.number()?;
            postings.push(Posting { file, value });
        }
        let first_used = from.offsets()?;
        ensure(first_used.len() == facts.len() + 1)?;
        let total = first_used.last().map_or(0, |&end| end as usize);
        ensure(total <= postings.len())?;
        let mut used = Vec::with_capacity(total);
        for _ in 0..total {
            let key = from.number()?;
            ensure((key as usize) < keys.len())?;
            used.push(key);
        }
        Ok(Self {
            declared,
            children,
            keys,
            first,
            postings,
            first_used,
            used,
            ..Self::default()
        })
    }

    /// Removes the files that go, and fills the hash tables with the declarations of
    /// `files`, those that stay.
    pub(in crate::index) fn keep(
        &mut self,
        numbers: Option<&Renumbering>,
        files: &[Arc<SourceFile>],
    ) {
        if let Some(numbers) = numbers {
            self.renumber(numbers);
        }
        self.hash_names(files);
        self.list_words(files);
        self.list_literals(files);
    }

    fn renumber(&mut self, files: &Renumbering) {
        self.declared.retain_mut(|decl| {
            let new = files.of(decl.file);
            decl.file = new.unwrap_or(0);
            new.is_some()
        });
        self.declared.shrink_to_fit();

        let mut is_used = vec![false; self.keys.len()];
        self.children.retain_mut(|(key, file, _)| {
            let new = files.of(*file);
            *file = new.unwrap_or(0);
            is_used[*key as usize] |= new.is_some();
            new.is_some()
        });
        self.children.shrink_to_fit();
        for (key, range) in self.first.windows(2).enumerate() {
            let postings = &self.postings[range[0] as usize..range[1] as usize];
            is_used[key] |= postings.iter().any(|p| files.of(p.file).is_some());
        }

        let keys = Renumbering::new(is_used.into_iter());
        self.keys = self.keys.renumbered(&keys);
        let of_key = |key: &mut u32| {
            // All keys in these lists are used, and used keys stay.
            *key = keys.of(*key).unwrap_or(0);
        };
        self.children
            .iter_mut()
            .for_each(|child| of_key(&mut child.0));
        let postings = &mut self.postings;
        self.first = keys.lists(&self.first, |from, to| {
            let Posting { file, value } = postings[from];
            files.of(file).is_some_and(|file| {
                postings[to] = Posting { file, value };
                true
            })
        });
        postings.truncate(self.first.last().map_or(0, |&end| end as usize));
        postings.shrink_to_fit();
        let used = &mut self.used;
        self.first_used = files.lists(&self.first_used, |from, to| {
            used[to] = used[from];
            true
        });
        used.truncate(self.first_used.last().map_or(0, |&end| end as usize));
        used.shrink_to_fit();
        used.iter_mut().for_each(of_key);
    }
}

impl DeclEntry {
    /// Whether files with these facts have such a declaration.
    fn is_of(&self, files: &[&FileFacts]) -> bool {
        let item = self.item as usize;
        files
            .get(self.file as usize)
            .is_some_and(|facts| match self.kind {
                DeclKind::Class => item < facts.classes.len(),
                DeclKind::Function => item < facts.functions.len(),
                DeclKind::Constant => item < facts.constants.len(),
                DeclKind::Member => facts
                    .classes
                    .get(item)
                    .is_some_and(|class| (self.member as usize) < class.members.len()),
            })
    }
}

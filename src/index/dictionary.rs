//! A set of strings, each stored once and known by a number.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

/// Terms, each stored once, numbered in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    text: String,
    ends: Vec<u32>,
    table: HashTable<u32>,
}

fn hash(term: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(term.as_bytes());
    hasher.finish()
}

/// The term with number `id`.
fn term_at<'a>(text: &'a str, ends: &[u32], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] as usize };
    &text[start..ends[id] as usize]
}

impl Dictionary {
    pub(super) fn get(&self, term: &str) -> Option<u32> {
        let same = |&id: &u32| term_at(&self.text, &self.ends, id) == term;
        self.table.find(hash(term), same).copied()
    }

    pub(super) fn intern(&mut self, term: &str) -> u32 {
        let Self { text, ends, table } = self;
        let entry = table.entry(
            hash(term),
            |&id| term_at(text, ends, id) == term,
            |&id| hash(term_at(text, ends, id)),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(id) => *id.get(),
            hashbrown::hash_table::Entry::Vacant(vacant) => {
                let id = ends.len() as u32;
                vacant.insert(id);
                text.push_str(term);
                ends.push(text.len() as u32);
                id
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn shrink(&mut self) {
        let Self { text, ends, table } = self;
        text.shrink_to_fit();
        ends.shrink_to_fit();
        table.shrink_to_fit(|&id| hash(term_at(text, ends, id)));
    }

    pub(super) fn memory(&self) -> usize {
        // A slot of the table is its number and one byte of control.
        self.text.capacity() + size_of_val(&*self.ends) + self.table.capacity() * 8 / 7 * 5
    }
}

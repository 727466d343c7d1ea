//! A set of strings, each stored once and identified by a number.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::codec::{DamagedIndex, Decoder, Encoder, Renumbering, ensure};

/// Strings, each stored once, numbered in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    text: String,
    ends: Vec<u32>,
    table: HashTable<u32>,
}

fn hash(term: &str) -> u64 {
    match term.as_bytes() {
        [] => hash_tagged(0, &[]),
        [tag, rest @ ..] => hash_tagged(*tag, rest),
    }
}

/// The hash of the term that consists of the byte `tag` and of `rest`.
fn hash_tagged(tag: u8, rest: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(rest);
    hasher.write_u8(tag);
    hasher.finish()
}

/// A term of two parts that is looked up in several dictionaries and hashed once.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaggedTerm<'a> {
    tag: u8,
    rest: &'a str,
    hash: u64,
}

impl<'a> TaggedTerm<'a> {
    /// The term that consists of the ASCII character `tag` and of `rest`.
    pub(super) fn new(tag: u8, rest: &'a str) -> Self {
        debug_assert!(tag.is_ascii());
        let hash = hash_tagged(tag, rest.as_bytes());
        Self { tag, rest, hash }
    }
}

/// The term with number `id`.
fn term_at<'a>(text: &'a str, ends: &[u32], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] as usize };
    &text[start..ends[id] as usize]
}

impl Dictionary {
    /// The number of `term`, if it is in the dictionary.
    pub(super) fn get(&self, term: &str) -> Option<u32> {
        let same = |&id: &u32| term_at(&self.text, &self.ends, id) == term;
        self.table.find(hash(term), same).copied()
    }

    /// The number of the term of two parts `term`, if it is in the dictionary.
    pub(super) fn get_tagged(&self, term: TaggedTerm<'_>) -> Option<u32> {
        let same = |&id: &u32| {
            let text = term_at(&self.text, &self.ends, id).as_bytes();
            text.split_first() == Some((&term.tag, term.rest.as_bytes()))
        };
        self.table.find(term.hash, same).copied()
    }

    /// The string with number `id`.
    pub(super) fn text(&self, id: u32) -> &str {
        term_at(&self.text, &self.ends, id)
    }

    /// The number of `term`, which is added if it is not there yet.
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

    /// The strings that stay, with their new numbers.
    pub(super) fn renumbered(&self, terms: &Renumbering) -> Self {
        let mut kept = Self::default();
        for id in 0..self.len() as u32 {
            if terms.of(id).is_some() {
                kept.push(self.text(id));
            }
        }
        kept.shrink();
        kept
    }

    /// Adds a term that is not in the dictionary yet.
    fn push(&mut self, term: &str) {
        let Self { text, ends, table } = self;
        let id = ends.len() as u32;
        text.push_str(term);
        ends.push(text.len() as u32);
        table.insert_unique(hash(term), id, |&id| hash(term_at(text, ends, id)));
    }

    pub(super) fn encode(&self, out: &mut Encoder) {
        out.bytes(self.text.as_bytes());
        let mut start = 0;
        out.numbers(
            self.ends
                .iter()
                .map(|&end| end - std::mem::replace(&mut start, end)),
        );
    }

    pub(super) fn decode(from: &mut Decoder<'_>) -> Result<Self, DamagedIndex> {
        let text = std::str::from_utf8(from.bytes()?).map_err(|_| DamagedIndex)?;
        let mut ends = from.numbers()?;
        let mut last = 0_u32;
        for end in &mut ends {
            last = last.checked_add(*end).ok_or(DamagedIndex)?;
            ensure(text.is_char_boundary(last as usize))?;
            *end = last;
        }
        ensure(last as usize == text.len())?;
        let mut table = HashTable::with_capacity(ends.len());
        for id in 0..ends.len() as u32 {
            let of = |&id: &u32| hash(term_at(text, &ends, id));
            table.insert_unique(of(&id), id, of);
        }
        Ok(Self {
            text: text.to_owned(),
            ends,
            table,
        })
    }

    pub(super) fn memory(&self) -> usize {
        // A slot of the table takes its number and one control byte.
        self.text.capacity() + size_of_val(&*self.ends) + self.table.capacity() * 8 / 7 * 5
    }
}

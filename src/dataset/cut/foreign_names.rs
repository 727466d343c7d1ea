//! The names in a file that need another file: those that stand at one place of the file
//! only, and that another file of the project declares.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::dataset::words::{is_in_word, is_word, tokens};
use crate::index::Snapshot;
use crate::index::symbols::DeclKind;

/// The fewest bytes of a name that counts.
const NAME_BYTES: usize = 4;
/// A name that more declarations have than this says nothing of any of them.
const DECLARATIONS: usize = 32;
/// What is declared.
const KINDS: [DeclKind; 4] = [
    DeclKind::Class,
    DeclKind::Function,
    DeclKind::Constant,
    DeclKind::Member,
];

/// Knows which names of one file need another file.
pub(in crate::dataset) struct NamesOfOthers<'a> {
    snapshot: &'a Snapshot,
    path: &'a str,
    text: &'a str,
    /// How often each word stands in the text. Empty without an index.
    words: FxHashMap<&'a str, u32>,
}

impl<'a> NamesOfOthers<'a> {
    /// The names in `text`, the file `path` of the project with this index.
    pub(in crate::dataset) fn new(snapshot: &'a Snapshot, path: &'a str, text: &'a str) -> Self {
        let mut words = FxHashMap::default();
        if !snapshot.segments().is_empty() {
            for word in tokens(text).filter(|word| is_name(word)) {
                *words.entry(word).or_default() += 1;
            }
        }
        Self {
            snapshot,
            path,
            text,
            words,
        }
    }

    /// Whether a name in `range` stands nowhere else in the file, and another file
    /// declares it.
    pub(super) fn are_in(&self, range: &Range<usize>) -> bool {
        self.first_in(range).is_some()
    }

    /// The first such name in `range`.
    pub(in crate::dataset) fn first_in(&self, range: &Range<usize>) -> Option<&'a str> {
        if self.words.is_empty() {
            return None;
        }
        let start = match is_in_word(self.text, range.start) {
            true => self.text[..range.start].trim_end_matches(is_word).len(),
            false => range.start,
        };
        let mut once = tokens(&self.text[start..range.end])
            .filter(|word| is_name(word) && self.words.get(word).is_some_and(|count| *count == 1));
        once.find(|name| self.is_declared_elsewhere(name))
    }

    fn is_declared_elsewhere(&self, name: &str) -> bool {
        KINDS.into_iter().any(|kind| {
            let declared = self.snapshot.declared_up_to(DECLARATIONS, kind, name);
            declared.iter().any(|found| found.path() != self.path)
        })
    }
}

/// Whether `word` is a name that counts.
fn is_name(word: &str) -> bool {
    word.len() >= NAME_BYTES && word.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

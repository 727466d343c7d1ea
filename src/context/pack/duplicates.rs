//! Finds chunks that show nearly the same.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

use crate::context::weights::{DUPLICATE_LENGTH_TENTHS, DUPLICATE_WORDS_TENTHS};

/// The hashes of the words of a chunk, ascending.
pub(super) fn word_hashes(text: &str) -> Vec<u64> {
    let words = text.split_whitespace();
    let mut words: Vec<u64> = words.map(|word| FxBuildHasher.hash_one(word)).collect();
    words.sort_unstable();
    words
}

/// Whether two chunks, given as their [`word_hashes`], are near-duplicates:
/// about as long, and nearly all words of the shorter stand in the longer too.
pub(super) fn near_duplicates(a: &[u64], b: &[u64]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() * 10 < long.len() * DUPLICATE_LENGTH_TENTHS {
        return false;
    }
    let mut rest = long.iter().copied().peekable();
    let is_shared = |word: &&u64| {
        while rest.next_if(|other| other < *word).is_some() {}
        rest.peek() == Some(*word)
    };
    let shared = short.iter().filter(is_shared).count();
    shared * 10 >= short.len() * DUPLICATE_WORDS_TENTHS
}

//! An immutable part of the index over a set of files, with everything that the
//! index derives from their texts: the postings of BM25 and the symbols.
//! `Segment::build` derives both from the same files.

pub(super) mod stored;

use std::ops::Range;
use std::sync::Arc;

use super::chunk::chunks;
use super::dictionary::Dictionary;
use super::file::SourceFile;
use super::symbols::Symbols;
use super::terms::terms;
use crate::php::Span;

/// The most occurrences of a term in one chunk that count. BM25 saturates long
/// before, and a byte is enough for the number.
pub const MAX_FREQUENCY: u8 = u8::MAX;

/// An immutable index over a set of files. Files and chunks are numbered from
/// 0 in the order of keys and positions.
#[derive(Debug)]
pub struct Segment {
    files: Vec<Arc<SourceFile>>,
    /// The number of the first chunk of each file, then the number of chunks.
    first_chunks: Vec<u32>,
    /// The bytes of each chunk in its file.
    spans: Vec<Span>,
    /// The number of terms of each chunk, above 0.
    lengths: Vec<u32>,
    dictionary: Dictionary,
    /// The position of the first posting of each term, then the number of postings.
    first_postings: Vec<u32>,
    /// The chunk of each posting, ascending within a term.
    posting_chunks: Vec<u32>,
    /// How often the term of each posting occurs in its chunk.
    posting_frequencies: Vec<u8>,
    symbols: Symbols,
}

impl Segment {
    /// Indexes `files`, which must be in the order of keys, each key once.
    pub(super) fn build(files: Vec<Arc<SourceFile>>) -> Self {
        debug_assert!(files.is_sorted_by(|a, b| a.path < b.path));
        let mut builder = SegmentBuilder::default();
        let mut first_chunks = Vec::with_capacity(files.len() + 1);
        for file in &files {
            first_chunks.push(builder.spans.len() as u32);
            for chunk in chunks(&file.text) {
                builder.add(&file.text, chunk);
            }
        }
        first_chunks.push(builder.spans.len() as u32);
        builder.finish(files, first_chunks)
    }

    /// All files in the order of keys, those that newer segments have replaced too.
    #[must_use]
    pub fn files(&self) -> &[Arc<SourceFile>] {
        &self.files
    }

    /// The number of the file with the key `path`.
    #[must_use]
    pub fn position(&self, path: &str) -> Option<usize> {
        self.files
            .binary_search_by(|file| (*file.path).cmp(path))
            .ok()
    }

    /// The numbers of the chunks of a file.
    pub(super) fn chunks_of(&self, file: usize) -> Range<usize> {
        self.first_chunks[file] as usize..self.first_chunks[file + 1] as usize
    }

    /// The file of a chunk.
    pub(super) fn file_of(&self, chunk: usize) -> &Arc<SourceFile> {
        // The last file whose first chunk is at or before this one. A file without
        // chunks starts where the next file does.
        let file = self
            .first_chunks
            .partition_point(|&first| first as usize <= chunk)
            - 1;
        &self.files[file]
    }

    /// The bytes of a chunk.
    pub(super) fn span(&self, chunk: usize) -> Span {
        self.spans[chunk]
    }

    /// The names that the files declare and use.
    pub(super) fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The number of terms of each chunk.
    pub(super) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// The number of a term, if a chunk has it.
    pub(super) fn term(&self, term: &str) -> Option<u32> {
        self.dictionary.get(term)
    }

    /// The chunks that contain a term, ascending, and how often each contains it.
    pub(super) fn postings(&self, term: u32) -> (&[u32], &[u8]) {
        let term = term as usize;
        let range = self.first_postings[term] as usize..self.first_postings[term + 1] as usize;
        (
            &self.posting_chunks[range.clone()],
            &self.posting_frequencies[range],
        )
    }

    /// The number of `chunks` that contain a term.
    pub(super) fn frequency_in(&self, term: u32, chunks: &Range<usize>) -> usize {
        if chunks.is_empty() {
            return 0;
        }
        let (postings, _) = self.postings(term);
        let start = postings.partition_point(|&chunk| (chunk as usize) < chunks.start);
        postings[start..].partition_point(|&chunk| (chunk as usize) < chunks.end)
    }

    /// The bytes of memory of the segment without the files themselves.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of_val(&*self.files)
            + size_of_val(&*self.first_chunks)
            + size_of_val(&*self.spans)
            + size_of_val(&*self.lengths)
            + size_of_val(&*self.first_postings)
            + size_of_val(&*self.posting_chunks)
            + size_of_val(&*self.posting_frequencies)
            + self.dictionary.memory()
            + self.symbols.memory()
    }
}

/// A segment under construction. Its postings are in the order of chunks;
/// [`SegmentBuilder::finish`] sorts them by term.
#[derive(Default)]
struct SegmentBuilder {
    dictionary: Dictionary,
    spans: Vec<Span>,
    lengths: Vec<u32>,
    /// The position behind the last posting of each chunk.
    ends: Vec<u32>,
    terms: Vec<u32>,
    frequencies: Vec<u8>,
    /// The position of the newest posting of each term.
    newest: Vec<u32>,
}

impl SegmentBuilder {
    /// Adds a chunk, unless it contains no term.
    fn add(&mut self, text: &str, chunk: Span) {
        let first = self.terms.len();
        let mut length = 0;
        terms(chunk.of(text), |term| {
            length += 1;
            let id = self.dictionary.intern(term);
            let term = id as usize;
            if term == self.newest.len() {
                self.newest.push(u32::MAX);
            }
            let posting = self.newest[term] as usize;
            if posting >= first && posting < self.terms.len() {
                self.frequencies[posting] = self.frequencies[posting].saturating_add(1);
            } else {
                self.newest[term] = self.terms.len() as u32;
                self.terms.push(id);
                self.frequencies.push(1);
            }
        });
        if length > 0 {
            self.spans.push(chunk);
            self.lengths.push(length);
            self.ends.push(self.terms.len() as u32);
        }
    }

    fn finish(mut self, files: Vec<Arc<SourceFile>>, first_chunks: Vec<u32>) -> Segment {
        // A counting sort by term, which keeps the order of chunks within a term.
        let mut next = vec![0_u32; self.dictionary.len() + 1];
        for &term in &self.terms {
            next[term as usize + 1] += 1;
        }
        for term in 1..next.len() {
            next[term] += next[term - 1];
        }
        let first_postings = next.clone();
        let mut posting_chunks = vec![0; self.terms.len()];
        let mut posting_frequencies = vec![0; self.terms.len()];
        let mut start = 0;
        for (chunk, &end) in self.ends.iter().enumerate() {
            for posting in start..end as usize {
                let slot = &mut next[self.terms[posting] as usize];
                posting_chunks[*slot as usize] = chunk as u32;
                posting_frequencies[*slot as usize] = self.frequencies[posting];
                *slot += 1;
            }
            start = end as usize;
        }
        self.spans.shrink_to_fit();
        self.lengths.shrink_to_fit();
        self.dictionary.shrink();
        Segment {
            symbols: Symbols::build(&files),
            files,
            first_chunks,
            spans: self.spans,
            lengths: self.lengths,
            dictionary: self.dictionary,
            first_postings,
            posting_chunks,
            posting_frequencies,
        }
    }
}

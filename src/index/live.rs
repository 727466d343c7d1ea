//! A segment and the set of its files that newer segments have replaced.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::chunk::chunks;
use super::file::SourceFile;
use super::segment::Segment;
use super::terms::terms;

/// The bytes that a file counts in the merge policy beside its text.
const FILE_BYTES: usize = 256;

/// A segment together with the set of its dead files: those that are gone, or that a
/// newer segment has replaced.
#[derive(Clone, Debug)]
pub struct LiveSegment {
    segment: Arc<Segment>,
    dead: Arc<DeadFiles>,
    /// The number of live chunks.
    chunks: usize,
    /// The number of terms of all live chunks.
    terms: u64,
    /// The size of the live files in bytes, for the merge policy.
    bytes: usize,
}

/// The dead files of a segment, and their part in its counts.
#[derive(Clone, Debug, Default)]
struct DeadFiles {
    /// Their numbers, ascending.
    files: Vec<u32>,
    /// For each term, the number of dead chunks that contain it.
    frequencies: FxHashMap<u32, u32>,
    /// Their size, for the merge policy.
    bytes: usize,
}

/// The bytes that a file counts in the merge policy.
pub(super) fn weight(file: &SourceFile) -> usize {
    file.text.len() + FILE_BYTES
}

impl LiveSegment {
    /// Indexes `files`, in the order of keys.
    pub(super) fn new(files: Vec<Arc<SourceFile>>) -> Self {
        Self::of(Segment::build(files))
    }

    /// `segment` with all files live.
    pub(super) fn of(segment: Segment) -> Self {
        let bytes = segment.files().iter().map(|file| weight(file)).sum();
        Self {
            chunks: segment.lengths().len(),
            terms: segment.lengths().iter().map(|&n| u64::from(n)).sum(),
            bytes,
            dead: Arc::default(),
            segment: Arc::new(segment),
        }
    }

    /// The size of the live files in bytes, for the merge policy.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The size of the dead files in bytes, for the merge policy.
    pub(super) fn dead_bytes(&self) -> usize {
        self.dead.bytes
    }

    /// The segment. Its files may be dead.
    #[must_use]
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Whether the segment's file with this number is part of the snapshot.
    #[must_use]
    pub fn is_live(&self, file: usize) -> bool {
        let dead = &self.dead.files;
        dead.is_empty() || dead.binary_search_by(|&d| (d as usize).cmp(&file)).is_err()
    }

    /// The live files with their numbers, in the order of keys.
    pub fn files(&self) -> impl Iterator<Item = (usize, &Arc<SourceFile>)> {
        let all = self.segment.files().iter().enumerate();
        all.filter(|&(file, _)| self.is_live(file))
    }

    /// The number of live files.
    pub(super) fn file_count(&self) -> usize {
        self.segment.files().len() - self.dead.files.len()
    }

    /// Whether every file is part of the snapshot.
    pub(super) fn is_whole(&self) -> bool {
        self.dead.files.is_empty()
    }

    /// The number of the live file with key `path`.
    pub(super) fn position(&self, path: &str) -> Option<usize> {
        self.segment
            .position(path)
            .filter(|&file| self.is_live(file))
    }

    /// The number of live chunks, and the number of their terms.
    pub(super) fn totals(&self) -> (usize, u64) {
        (self.chunks, self.terms)
    }

    /// The number of live chunks that contain a term.
    pub(super) fn frequency(&self, term: u32) -> usize {
        let dead = self.dead.frequencies.get(&term).copied().unwrap_or(0);
        self.segment.postings(term).0.len() - dead as usize
    }

    /// The numbers of the dead files, ascending.
    pub(super) fn dead_files(&self) -> impl Iterator<Item = usize> {
        self.dead.files.iter().map(|&file| file as usize)
    }

    /// Marks `files` as dead. They must be live.
    pub(super) fn mark_dead(&mut self, files: &[usize]) {
        if files.is_empty() {
            return;
        }
        let dead = Arc::make_mut(&mut self.dead);
        let mut of_chunk = Vec::new();
        for &file in files {
            let source = &self.segment.files()[file];
            for chunk in chunks(&source.text) {
                of_chunk.clear();
                terms(chunk.of(&source.text), |term| {
                    of_chunk.extend(self.segment.term(term));
                });
                of_chunk.sort_unstable();
                of_chunk.dedup();
                for &term in &of_chunk {
                    *dead.frequencies.entry(term).or_default() += 1;
                }
            }
            let range = self.segment.chunks_of(file);
            let lengths = &self.segment.lengths()[range.clone()];
            self.terms -= lengths.iter().map(|&n| u64::from(n)).sum::<u64>();
            self.chunks -= range.len();
            self.bytes -= weight(source);
            dead.bytes += weight(source);
            dead.files.push(file as u32);
        }
        dead.files.sort_unstable();
    }
}

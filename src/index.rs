//! What the project's files say, kept so that a query reads it in microseconds.

use std::sync::Arc;

use crate::php::{FileFacts, Span};

/// One file of the project, immutable: an edit makes a new one.
#[derive(Debug)]
pub struct SourceFile {
    /// The file's key: its path with `/`, relative to the project root; a file
    /// of an include path starts with that folder's label instead.
    pub path: Arc<str>,
    /// The text. Bytes that are not UTF-8 have become U+FFFD.
    pub text: Box<str>,
    /// Whether bytes were lost in making `text`.
    pub lossy: bool,
    /// What the text declares and refers to.
    pub facts: FileFacts,
}

/// A change to one file of an [`Index`].
#[derive(Clone, Debug)]
pub enum Change {
    /// The file is new or has new text.
    Put(Arc<SourceFile>),
    /// The file with this key is gone.
    Remove(Arc<str>),
}

/// The index of a project: written by whoever watches the files, read through
/// [`Snapshot`]s that never change.
#[derive(Debug, Default)]
pub struct Index {}

impl Index {
    /// Indexes `files`, in parallel on the current rayon pool.
    #[must_use]
    pub fn build(_files: Vec<Arc<SourceFile>>) -> Self {
        Self {}
    }

    /// Applies `changes` in order and publishes the result as one new snapshot.
    pub fn apply(&self, _changes: impl IntoIterator<Item = Change>) {}

    /// The newest published state.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::default()
    }
}

/// One state of an [`Index`], immutable and cheap to hold.
#[derive(Debug, Default)]
pub struct Snapshot {}

/// A chunk that a query found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The file it stands in.
    pub file: Arc<SourceFile>,
    /// Its bytes in the file's text.
    pub chunk: Span,
    /// BM25 score, above 0.
    pub score: f32,
}

impl Snapshot {
    /// The file with key `path`.
    #[must_use]
    pub fn file(&self, _path: &str) -> Option<&Arc<SourceFile>> {
        None
    }

    /// Every file, in the order of keys.
    pub fn files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        std::iter::empty()
    }

    /// How many chunks the index holds.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        0
    }

    /// The `limit` chunks that match the weighted terms of `query` best, best
    /// first; ties by path, then position. Nothing of the file `exclude`.
    #[must_use]
    pub fn search(&self, _query: &[(&str, f32)], _exclude: &str, _limit: usize) -> Vec<Hit> {
        Vec::new()
    }
}

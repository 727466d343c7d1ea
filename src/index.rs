//! What the project's files say, kept so that a query reads it in microseconds.
//!
//! The live files stand in a concurrent map, for whoever watches them; what is
//! derived from them stands in [`Segment`]s, immutable, of which a [`Snapshot`]
//! is a list. Writers publish one snapshot after another; a query takes the
//! newest and is never disturbed.
//!
//! Invariant: whatever changes led to a snapshot, in whatever order, it answers
//! every query bit for bit like one built from its files at once.

pub mod bm25;
pub mod chunk;
mod codec;
mod dictionary;
pub mod segment;
pub mod snapshot;
pub mod stored;
pub mod symbols;
pub mod terms;

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use rustc_hash::FxBuildHasher;

pub use bm25::{Hit, Query};
pub use codec::DamagedIndex;
pub use segment::Segment;
pub use snapshot::{LiveSegment, Snapshot};
pub use stored::{FORMAT, RestoredIndex, SourceText, StoredIndex, scan};

use crate::php::FileFacts;
use crate::secrets::{Secret, Secrets};
use snapshot::ChangeSet;

/// One file of the project, immutable: an edit makes a new one.
#[derive(Debug)]
pub struct SourceFile {
    /// The file's key: its path with `/`, relative to the project root; a file
    /// of an include path starts with that folder's label instead.
    pub path: Arc<str>,
    /// The text, of less than 4 GiB. Bytes that are not UTF-8 have become U+FFFD.
    pub text: Box<str>,
    /// Whether bytes were lost in making `text`.
    pub lossy: bool,
    /// What the text declares and refers to.
    pub facts: FileFacts,
    /// The secrets in `text`, once somebody has asked for them.
    secrets: OnceLock<Box<[Secret]>>,
}

impl SourceFile {
    /// A file with what [`facts`](crate::php::facts) finds in its text.
    #[must_use]
    pub fn new(path: Arc<str>, text: Box<str>, lossy: bool, facts: FileFacts) -> Self {
        Self {
            path,
            text,
            lossy,
            facts,
            secrets: OnceLock::new(),
        }
    }

    /// The secrets of the text, in order; `rules` are the same for everybody.
    pub fn secrets(&self, rules: &Secrets) -> &[Secret] {
        self.secrets
            .get_or_init(|| rules.find(&self.text).into_boxed_slice())
    }

    /// Bytes of memory that it takes, by accounting.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.path.len() + self.text.len() + self.facts.memory()
    }
}

/// Where classes can be read from that are not indexed: those of installed
/// packages. What it answers must not depend on what it was asked before.
pub trait Library: Debug + Send + Sync {
    /// The file that declares the class with the fully qualified name `name`.
    fn file_of(&self, name: &str) -> Option<Arc<SourceFile>>;

    /// Whether it has no class to give, whatever it is asked.
    fn is_empty(&self) -> bool;
}

/// A change to one file of an [`Index`].
#[derive(Clone, Debug)]
pub enum IndexChange {
    /// The file is new or has new text.
    Put(Arc<SourceFile>),
    /// The file with this key is gone.
    Remove(Arc<str>),
}

/// The index of a project: written by whoever watches the files, read through
/// [`Snapshot`]s that never change.
#[derive(Debug)]
pub struct Index {
    live: DashMap<Arc<str>, Arc<SourceFile>, FxBuildHasher>,
    newest: ArcSwap<Snapshot>,
    /// Held by the one writer from the reading of the newest snapshot to the
    /// publication of the next. Guards no data: a writer that panicked has
    /// published nothing.
    writer: Mutex<()>,
    /// When that was published. No query looks at it.
    updated: Mutex<Instant>,
}

impl Default for Index {
    fn default() -> Self {
        Self::build(Vec::new())
    }
}

impl Index {
    /// Indexes `files`, in parallel on the current rayon pool. Of several with
    /// the same key the last counts.
    #[must_use]
    pub fn build(files: Vec<Arc<SourceFile>>) -> Self {
        let files: ChangeSet = files
            .into_iter()
            .map(|file| (Arc::clone(&file.path), Some(file)))
            .collect();
        Self {
            live: files
                .iter()
                .filter_map(|(path, file)| Some((Arc::clone(path), Arc::clone(file.as_ref()?))))
                .collect(),
            newest: ArcSwap::from_pointee(Snapshot::build(files)),
            writer: Mutex::default(),
            updated: Mutex::new(Instant::now()),
        }
    }

    /// The index of what a [`StoredIndex`] one still knew, `restored`, together with
    /// `files`, what it did not: read anew, and none of them in both. In
    /// parallel on the current rayon pool.
    #[must_use]
    pub fn restore(restored: RestoredIndex, files: Vec<Arc<SourceFile>>) -> Self {
        let mut snapshot = restored.snapshot();
        if !files.is_empty() {
            let put = |file: Arc<SourceFile>| (Arc::clone(&file.path), Some(file));
            snapshot = snapshot.after(files.into_iter().map(put).collect());
        }
        Self {
            live: snapshot
                .files()
                .map(|file| (Arc::clone(&file.path), Arc::clone(file)))
                .collect(),
            newest: ArcSwap::from_pointee(snapshot),
            writer: Mutex::default(),
            updated: Mutex::new(Instant::now()),
        }
    }

    /// Applies `changes` in order and publishes the result as one new snapshot.
    /// Whoever reads meanwhile is not kept waiting; another writer is.
    pub fn apply(&self, changes: impl IntoIterator<Item = IndexChange>) {
        let changes: ChangeSet = changes
            .into_iter()
            .map(|change| match change {
                IndexChange::Put(file) => (Arc::clone(&file.path), Some(file)),
                IndexChange::Remove(path) => (path, None),
            })
            .collect();
        if changes.is_empty() {
            return;
        }
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, file) in &changes {
            match file {
                Some(file) => drop(self.live.insert(Arc::clone(path), Arc::clone(file))),
                None => drop(self.live.remove(path)),
            }
        }
        let next = self.newest.load().after(changes);
        self.newest.store(Arc::new(next));
        *self.updated.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Publishes a snapshot of the same files that reads other classes from
    /// `library`.
    pub fn set_library(&self, library: Arc<dyn Library>) {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.newest.load().with_library(library);
        self.newest.store(Arc::new(next));
    }

    /// The live file with key `path`: as of the last change, which the newest
    /// snapshot may be about to show.
    #[must_use]
    pub fn live(&self, path: &str) -> Option<Arc<SourceFile>> {
        self.live.get(path).map(|file| Arc::clone(&file))
    }

    /// When the files last changed.
    #[must_use]
    pub fn updated(&self) -> Instant {
        *self.updated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest published state.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.newest.load_full()
    }
}

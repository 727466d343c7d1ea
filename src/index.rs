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
mod file;
mod library;
mod live;
mod lookup;
pub mod segment;
pub mod snapshot;
pub mod stored;
pub mod symbols;
pub mod terms;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use rustc_hash::FxBuildHasher;

pub use self::bm25::{Hit, Query};
pub use self::codec::DamagedIndex;
pub use self::file::{SourceFile, SourceText, scan};
pub use self::library::Library;
pub use self::live::LiveSegment;
pub use self::lookup::FileUse;
pub use self::segment::Segment;
use self::snapshot::ChangeSet;
pub use self::snapshot::Snapshot;
pub use self::stored::{FORMAT, RestoredIndex, StoredIndex};

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

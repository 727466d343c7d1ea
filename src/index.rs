//! The index of a project's files. A query takes microseconds.
//!
//! A concurrent map holds the live files, for the code that watches them. What the
//! index derives from the files stands in immutable [`Segment`]s. A [`Snapshot`] is
//! a list of segments. Writers publish one snapshot after another. A query takes
//! the newest one, and no writer can disturb it.
//!
//! Invariant: a snapshot answers every query bit for bit like one that is built
//! from the same files at once, whatever changes led to it, in whatever order.

pub mod bm25;
pub mod chunk;
mod codec;
mod dictionary;
mod exclusion;
mod file;
mod library;
mod live;
mod lookup;
mod origin;
mod packages;
pub mod segment;
pub mod snapshot;
pub mod stored;
pub mod symbols;
pub mod terms;
mod visible;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use rustc_hash::FxBuildHasher;

pub use self::bm25::{Hit, Query};
pub use self::codec::DamagedIndex;
pub use self::exclusion::{Exclusion, WHOLE, training_exclusion};
pub use self::file::{SourceFile, SourceText, scan};
pub use self::library::Library;
pub use self::live::LiveSegment;
pub use self::lookup::{FileUse, NumberedDeclarations, UsedName, UsedNameId};
pub use self::origin::Origin;
pub use self::packages::{PackageFile, Packages};
pub use self::segment::Segment;
use self::snapshot::ChangeSet;
pub use self::snapshot::{Snapshot, StateBeside};
pub use self::stored::{FORMAT, RestoredIndex, StoredIndex};
pub use self::visible::VisiblePackages;

/// A change to one file of an [`Index`].
#[derive(Clone, Debug)]
pub enum IndexChange {
    /// The file is new or has new text.
    Put(Arc<SourceFile>),
    /// The file with this key is gone.
    Remove(Arc<str>),
}

/// The index of a project. The code that watches the files writes it; queries read
/// [`Snapshot`]s, which never change.
#[derive(Debug)]
pub struct Index {
    live: DashMap<Arc<str>, Arc<SourceFile>, FxBuildHasher>,
    newest: ArcSwap<Snapshot>,
    /// A writer holds this lock from reading the newest snapshot to publishing the
    /// next one. The lock guards no data: a writer that panicked has published
    /// nothing.
    writer: Mutex<()>,
    /// When `newest` was published. No query reads it.
    updated: Mutex<Instant>,
}

impl Default for Index {
    fn default() -> Self {
        Self::build(Vec::new())
    }
}

impl Index {
    /// Indexes `files`, in parallel on the current rayon pool. If several have the
    /// same key, the last one counts.
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

    /// The index of the files `restored` from a [`StoredIndex`] and of `files`, which
    /// were scanned anew. No file is in both. Works in parallel on the current rayon
    /// pool.
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
    /// Readers do not wait meanwhile; other writers do.
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

    /// Publishes a snapshot of the same files that takes all other classes from
    /// `library`.
    pub fn set_library(&self, library: Arc<dyn Library>) {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.newest.load().with_library(library);
        self.newest.store(Arc::new(next));
    }

    /// The live file with key `path`, as of the last change. The snapshot with that
    /// change may not be published yet.
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

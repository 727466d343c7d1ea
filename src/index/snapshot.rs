//! One state of the index: a few immutable segments, each with the set of its files
//! that newer segments have replaced. An edit makes a small segment. The merge policy
//! here joins small segments, so that there are never many.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::bm25::{self, Hit, Query};
use super::file::SourceFile;
use super::library::Library;
use super::live::{LiveSegment, weight};
use super::packages::Packages;
use super::segment::Segment;
use crate::cancel::{Cancel, Cancelled};

/// The most segments of an index. A query takes time for each segment and term. With
/// fewer segments an edit would have to merge more.
pub const MAX_SEGMENTS: usize = 8;

/// The most segments that are built in parallel.
const MAX_PARTS: usize = 2;

/// The least bytes of source text for which building in parallel pays.
const MIN_PART_BYTES: usize = 1 << 20;

/// The new state of each changed file; `None` if the file is gone.
pub(super) type ChangeSet = BTreeMap<Arc<str>, Option<Arc<SourceFile>>>;

/// One state of an [`Index`](super::Index), immutable and cheap to hold.
#[derive(Debug, Default)]
pub struct Snapshot {
    segments: Vec<LiveSegment>,
    library: Option<Arc<dyn Library>>,
    /// See [`Snapshot::package_names`].
    package_names: OnceLock<Arc<[Box<str>]>>,
    /// See [`Snapshot::builtin`]. All states share it.
    builtin: Arc<OnceLock<SourceFile>>,
    /// The number of changes that led to it.
    revision: u64,
    history: SnapshotHistory,
}

/// What tells a state from others without a look at its files.
#[derive(Clone, Debug, Default)]
struct SnapshotHistory {
    /// The first state before it that was not made from another one by a change to
    /// files; no other state has the same allocation.
    origin: Arc<()>,
    /// The only file of the latest changes, and the revision before the first of these.
    latest: Option<(Arc<str>, u64)>,
    /// The hash of the files that are laid over it; 0 without any.
    overlay: u64,
}

/// The state of all files but one; see [`Snapshot::state_beside`].
#[derive(Clone, Debug)]
pub struct StateBeside {
    origin: Arc<()>,
    revision: u64,
    overlay: u64,
}

impl PartialEq for StateBeside {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.origin, &other.origin)
            && (self.revision, self.overlay) == (other.revision, other.overlay)
    }
}

impl Snapshot {
    /// Indexes `files`, each key once, in parallel on the current rayon pool.
    pub(super) fn build(files: ChangeSet) -> Self {
        Self {
            segments: build(files.into_values().flatten().collect()),
            ..Self::default()
        }
    }

    /// The files of `segments`, each key once.
    pub(super) fn of(segments: Vec<Segment>) -> Self {
        let segments = segments.into_iter().map(LiveSegment::of);
        Self {
            segments: segments.filter(|segment| segment.bytes() > 0).collect(),
            ..Self::default()
        }
    }

    /// The number of changes to files between the first state and this one.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The state of all files but `path`. If two snapshots have the same, they differ in
    /// that file at most.
    #[must_use]
    pub fn state_beside(&self, path: &str) -> StateBeside {
        let SnapshotHistory {
            origin,
            latest,
            overlay,
        } = &self.history;
        let before = latest.as_ref().filter(|(latest, _)| **latest == *path);
        StateBeside {
            origin: Arc::clone(origin),
            revision: before.map_or(self.revision, |(_, before)| *before),
            overlay: *overlay,
        }
    }

    /// A snapshot of the same files that takes all other classes from `library`.
    pub(super) fn with_library(&self, library: Arc<dyn Library>) -> Self {
        Self {
            segments: self.segments.clone(),
            library: Some(library),
            revision: self.revision,
            package_names: OnceLock::new(),
            builtin: Arc::clone(&self.builtin),
            history: SnapshotHistory::default(),
        }
    }

    /// The library of the classes that no file of the project declares.
    #[must_use]
    pub fn library(&self) -> Option<&dyn Library> {
        self.library.as_deref()
    }

    /// PHP's own declarations, which the first call for any state of the index `read`s.
    pub fn builtin(&self, read: impl FnOnce() -> SourceFile) -> &SourceFile {
        self.builtin.get_or_init(read)
    }

    /// The files of installed packages that matter to this state; `None` without a
    /// library. The first call looks for their names, and the library reads the files
    /// that it has not read yet.
    #[must_use]
    pub fn packages(&self) -> Option<Arc<Packages>> {
        let library = self.library().filter(|library| !library.is_empty())?;
        let names = self
            .package_names
            .get_or_init(|| self.package_names(library));
        Some(library.packages(names))
    }

    /// The fully qualified names, in lower case and in order, of the classes that the
    /// files name, that no file declares, and that `library` knows a place for.
    fn package_names(&self, library: &dyn Library) -> Arc<[Box<str>]> {
        let named = self.segments.iter().flat_map(|live| {
            let symbols = live.segment().symbols();
            symbols.classes_named(|file| live.is_live(file))
        });
        let mut names: Vec<Box<str>> = named
            .filter(|name| library.locates(name) && self.class(name, "").is_none())
            .map(Box::from)
            .collect();
        names.sort_unstable();
        names.dedup();
        names.into()
    }

    /// This state with `files` laid over it. Each hides the file with the same key.
    /// The unsaved buffers of editors are such files; the index itself does not know
    /// them. Takes time in proportion to the files and to those that they hide.
    #[must_use]
    pub fn with_overlay(&self, files: impl IntoIterator<Item = Arc<SourceFile>>) -> Self {
        let changes: ChangeSet = files
            .into_iter()
            .map(|file| (Arc::clone(&file.path), Some(file)))
            .collect();
        let mut segments = self.without(&changes);
        let files: Vec<_> = changes.into_values().flatten().collect();
        let history = SnapshotHistory {
            overlay: hash_of(&files, self.history.overlay),
            ..self.history.clone()
        };
        if !files.is_empty() {
            segments.push(LiveSegment::new(files));
        }
        Self {
            segments,
            library: self.library.clone(),
            revision: self.revision,
            package_names: OnceLock::new(),
            builtin: Arc::clone(&self.builtin),
            history,
        }
    }

    /// This state after `changes`. Merges segments, so that there are few segments and
    /// few dead files.
    pub(super) fn after(&self, changes: ChangeSet) -> Self {
        let mut kept = self.without(&changes);
        let history = self.history_after(&changes);
        let mut files: Vec<_> = changes.into_values().flatten().collect();

        // Begin with the smallest. A segment that is at most twice as large as the new
        // one is merged into it. So sizes grow geometrically, and each file is merged a
        // logarithmic number of times.
        kept.sort_by_key(|segment| std::cmp::Reverse(segment.bytes()));
        let mut bytes: usize = files.iter().map(|file| weight(file)).sum();
        while let Some(small) = kept.pop_if(|segment| segment.bytes() <= 2 * bytes) {
            bytes += small.bytes();
            files.extend(small.files().map(|(_, file)| Arc::clone(file)));
        }
        // A segment with many dead files is built again without them, to free memory.
        kept.retain(|segment| {
            let keep = segment.dead_bytes() <= segment.bytes() / 3;
            if !keep {
                bytes += segment.bytes();
                files.extend(segment.files().map(|(_, file)| Arc::clone(file)));
            }
            keep
        });
        while kept.len() + parts(bytes) > MAX_SEGMENTS
            && let Some(small) = kept.pop()
        {
            bytes += small.bytes();
            files.extend(small.files().map(|(_, file)| Arc::clone(file)));
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        kept.extend(build(files));
        Self {
            segments: kept,
            library: self.library.clone(),
            revision: self.revision + 1,
            package_names: OnceLock::new(),
            builtin: Arc::clone(&self.builtin),
            history,
        }
    }

    /// What tells the state after `changes` from others.
    fn history_after(&self, changes: &ChangeSet) -> SnapshotHistory {
        let only = changes.keys().next().filter(|_| changes.len() == 1);
        let latest = only.map(|only| match &self.history.latest {
            Some((latest, before)) if latest == only => (Arc::clone(only), *before),
            _ => (Arc::clone(only), self.revision),
        });
        SnapshotHistory {
            latest,
            ..self.history.clone()
        }
    }

    /// The segments with the files of `changes` dead. Segments without a live file are
    /// left out.
    fn without(&self, changes: &ChangeSet) -> Vec<LiveSegment> {
        let mut segments = self.segments.clone();
        for segment in &mut segments {
            let dead: Vec<_> = changes
                .keys()
                .filter_map(|path| segment.position(path))
                .collect();
            segment.mark_dead(&dead);
        }
        segments.retain(|segment| segment.bytes() > 0);
        segments
    }

    /// The segments. Each knows which of its files are live.
    #[must_use]
    pub fn segments(&self) -> &[LiveSegment] {
        &self.segments
    }

    /// The file with the key `path`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&Arc<SourceFile>> {
        self.segments.iter().find_map(|live| {
            let file = live.position(path)?;
            live.segment().files().get(file)
        })
    }

    /// All files, in the order of keys.
    pub fn files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        let mut files: Vec<_> = self
            .segments
            .iter()
            .flat_map(|segment| segment.files().map(|(_, file)| file))
            .collect();
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        files.into_iter()
    }

    /// The number of files.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.segments.iter().map(LiveSegment::file_count).sum()
    }

    /// The number of chunks.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        self.segments.iter().map(|segment| segment.totals().0).sum()
    }

    /// The bytes of memory of the files and of all that is derived from them, by
    /// accounting. Dead files count as long as they are kept.
    #[must_use]
    pub fn memory(&self) -> usize {
        let segments = self.segments.iter().map(LiveSegment::segment);
        segments
            .map(|segment| {
                let files = segment.files().iter().map(|file| file.memory());
                segment.memory() + files.sum::<usize>()
            })
            .sum()
    }

    /// The `limit` chunks that match the weighted terms of `query` best, the best
    /// first; ties are ordered by path, then by position. The result is that of an
    /// index without the file `exclude`: its text has no influence. Terms are those
    /// that [`terms`](super::terms::terms) yields.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` is set.
    pub fn search(
        &self,
        query: &Query<'_>,
        exclude: &str,
        limit: usize,
        cancel: &Cancel,
    ) -> Result<Vec<Hit>, Cancelled> {
        bm25::search(&self.segments, query, exclude, limit, cancel)
    }
}

/// The hash of the keys and texts of `files`; `seed` if there are none.
fn hash_of(files: &[Arc<SourceFile>], seed: u64) -> u64 {
    files.iter().fold(seed, |seed, file| {
        let path = xxh3_64_with_seed(file.path.as_bytes(), seed);
        xxh3_64_with_seed(file.text.as_bytes(), path)
    })
}

/// The number of segments in which `bytes` of source are built.
fn parts(bytes: usize) -> usize {
    bytes.div_ceil(MIN_PART_BYTES).min(MAX_PARTS)
}

/// Segments of about equal size over `files`, which are in the order of keys.
fn build(files: Vec<Arc<SourceFile>>) -> Vec<LiveSegment> {
    let bytes: usize = files.iter().map(|file| weight(file)).sum();
    let parts = parts(bytes);
    let mut groups: Vec<Vec<_>> = Vec::with_capacity(parts);
    let mut before = 0;
    for file in files {
        let group = before * parts / bytes;
        before += weight(&file);
        while groups.len() <= group {
            groups.push(Vec::new());
        }
        groups[group].push(file);
    }
    groups.retain(|group| !group.is_empty());
    groups.into_par_iter().map(LiveSegment::new).collect()
}

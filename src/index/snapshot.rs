//! One state of the index: a few immutable segments, each with the set of its
//! files that newer segments have replaced. An edit makes a small segment; the
//! policy here merges small ones, so that there are never many.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::bm25::{self, Hit, Query};
use super::file::SourceFile;
use super::library::Library;
use super::live::{LiveSegment, weight};
use super::segment::Segment;
use crate::cancel::{Cancel, Cancelled};

/// The most segments that an index keeps. A query pays for each of them once
/// per term; an edit pays for merging more the fewer they are.
pub const MAX_SEGMENTS: usize = 8;

/// The most segments that are built at once, in parallel.
const MAX_PARTS: usize = 2;

/// Below this much source text, in bytes, building in parallel does not pay.
const MIN_PART_BYTES: usize = 1 << 20;

/// New state for each changed file: its text, or nothing once it is gone.
pub(super) type ChangeSet = BTreeMap<Arc<str>, Option<Arc<SourceFile>>>;

/// One state of an [`Index`](super::Index), immutable and cheap to hold.
#[derive(Debug, Default)]
pub struct Snapshot {
    segments: Vec<LiveSegment>,
    library: Option<Arc<dyn Library>>,
    /// How many changes led to it.
    revision: u64,
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

    /// How many changes to files led to this state from the first one.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The same files, with classes that they do not declare from `library`.
    pub(super) fn with_library(&self, library: Arc<dyn Library>) -> Self {
        Self {
            segments: self.segments.clone(),
            library: Some(library),
            revision: self.revision,
        }
    }

    /// Where classes are read from that no file here declares.
    #[must_use]
    pub fn library(&self) -> Option<&dyn Library> {
        self.library.as_deref()
    }

    /// This state with `files` laid over it, each shadowing the file of the
    /// same key: what editors have open and not saved. The index itself knows
    /// nothing of it. Takes time in proportion to the files and to those they
    /// shadow.
    #[must_use]
    pub fn with_overlay(&self, files: impl IntoIterator<Item = Arc<SourceFile>>) -> Self {
        let changes: ChangeSet = files
            .into_iter()
            .map(|file| (Arc::clone(&file.path), Some(file)))
            .collect();
        let mut segments = self.without(&changes);
        let files: Vec<_> = changes.into_values().flatten().collect();
        if !files.is_empty() {
            segments.push(LiveSegment::new(files));
        }
        Self {
            segments,
            library: self.library.clone(),
            revision: self.revision,
        }
    }

    /// This state after `changes`, with as much merging as keeps the number of
    /// segments and of dead files low.
    pub(super) fn after(&self, changes: ChangeSet) -> Self {
        let mut kept = self.without(&changes);
        let mut files: Vec<_> = changes.into_values().flatten().collect();

        // Small ones first: one that is not much larger than what is built
        // anyway is built with it, so sizes grow geometrically and each file
        // is merged a logarithmic number of times.
        kept.sort_by_key(|segment| std::cmp::Reverse(segment.bytes()));
        let mut bytes: usize = files.iter().map(|file| weight(file)).sum();
        while let Some(small) = kept.pop_if(|segment| segment.bytes() <= 2 * bytes) {
            bytes += small.bytes();
            files.extend(small.files().map(|(_, file)| Arc::clone(file)));
        }
        // One with many dead files is built anew without them, to free their memory.
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
        }
    }

    /// The segments with the files of `changes` dead; none without a live file.
    fn without(&self, changes: &ChangeSet) -> Vec<LiveSegment> {
        let mut segments = self.segments.clone();
        for segment in &mut segments {
            let dead: Vec<_> = changes
                .keys()
                .filter_map(|path| segment.position(path))
                .collect();
            segment.bury(&dead);
        }
        segments.retain(|segment| segment.bytes() > 0);
        segments
    }

    /// The segments; which files of them are live, each of them knows.
    #[must_use]
    pub fn segments(&self) -> &[LiveSegment] {
        &self.segments
    }

    /// The file with key `path`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&Arc<SourceFile>> {
        self.segments.iter().find_map(|live| {
            let file = live.position(path)?;
            live.segment().files().get(file)
        })
    }

    /// Every file, in the order of keys.
    pub fn files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        let mut files: Vec<_> = self
            .segments
            .iter()
            .flat_map(|segment| segment.files().map(|(_, file)| file))
            .collect();
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        files.into_iter()
    }

    /// How many chunks the index holds.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        self.segments.iter().map(|segment| segment.totals().0).sum()
    }

    /// Bytes of memory that the files and what is derived from them take, by
    /// accounting: those of dead files too, as long as they are kept.
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

    /// The `limit` chunks that match the weighted terms of `query` best, best
    /// first; ties by path, then position. The answer is that of an index
    /// without the file `exclude`, whose text has no influence at all. Terms
    /// are those that [`terms`](super::terms::terms) yields.
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

/// In how many segments `bytes` of source are built.
fn parts(bytes: usize) -> usize {
    bytes.div_ceil(MIN_PART_BYTES).min(MAX_PARTS)
}

/// Segments over `files`, which are in the order of keys, of about equal size.
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

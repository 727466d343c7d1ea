//! One project: its folders, and the index that follows the disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::disk::{Disk, SharedDisk, SharedExclusions};
use super::reading::FolderContents;
use crate::files::{Cache, Composer, FilesError, Roots, WalkOptions};
use crate::index::{Exclusion, Index, Library, SourceText, scan};

/// Which files a project is made of.
#[derive(Clone, Debug, Default)]
pub struct ProjectOptions {
    /// The project's root folder.
    pub root: PathBuf,
    /// Folders outside the root that belong to the project, too, and folders and
    /// files below it that its rules exclude.
    pub include_paths: Vec<PathBuf>,
    /// How files are found.
    pub walk: WalkOptions,
    /// The cache that makes the next start on the project faster.
    pub cache: Option<Cache>,
}

/// The cache is written anew once it lacks more than one in this many source bytes.
/// Below that, scanning the missing bytes costs less than writing all of them.
const STALE: usize = 20;

/// A project that has been read.
#[derive(Debug)]
pub struct Project {
    /// Its folders.
    pub roots: Roots,
    /// Its files.
    pub index: Arc<Index>,
    /// What was left out when the files were last listed.
    left_out: SharedExclusions,
    /// What brings the index up to date with the disk.
    pub(super) disk: SharedDisk,
    cache: Option<Cache>,
    /// What the cache holds. Locked while the cache is written, so that one
    /// thread at a time writes it.
    cached: Mutex<CacheState>,
}

/// What the cache holds of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CacheState {
    /// The index with this revision.
    Revision(u64),
    /// So much of the project that a new write can wait.
    Most,
    /// So little of the project that it must be written now.
    Little,
}

impl Project {
    /// The name of its root folder; empty for the root of a file system.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.roots.root().file_name();
        name.map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// Finds, reads and indexes a project, in parallel on the current rayon
    /// pool. Logs and leaves out the files that cannot be read.
    ///
    /// # Errors
    /// If a root is missing or cannot be read, or a limit is exceeded.
    pub fn open(options: &ProjectOptions) -> Result<Arc<Self>, FilesError> {
        let roots = Roots::new(&options.root, &options.include_paths)?
            .trusting(&options.walk.trusted_projects);
        let (walk, cache) = (options.walk.clone(), options.cache.clone());
        Self::read(roots, walk, cache, &|| Ok(())).map(Arc::new)
    }

    /// Like [`Project::open`]; asks `check` before each file whether to go on.
    pub(super) fn read<E: From<FilesError> + Send>(
        roots: Roots,
        options: WalkOptions,
        cache: Option<Cache>,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<Self, E> {
        let find_and_read = || FolderContents::read(&roots, &options, check);
        let load = || cache.as_ref().map(|cache| cache.load(&roots));
        let (read, stored) = rayon::join(find_and_read, load);
        let FolderContents {
            walk,
            read_at,
            sources,
            left_out,
        } = read?;
        let bytes_of = |sources: &[SourceText]| sources.iter().map(|s| s.text.len()).sum::<usize>();
        let all = bytes_of(&sources);
        let (restored, unknown) = stored.unwrap_or_default().restore(sources);
        let new = bytes_of(&unknown);
        let index = Arc::new(Index::restore(restored, scan(unknown, check)?));
        tracing::debug!(bytes = all, new, "what is not in the cache was scanned");
        options.check_memory(&roots, index.snapshot().memory() as u64)?;
        let library = Arc::new(Composer::open(&roots, &walk.beside, &options));
        for warning in library.warnings() {
            tracing::warn!("{warning}");
        }
        index.set_library(Arc::clone(&library) as Arc<dyn Library>);
        let left_out = SharedExclusions::new(ArcSwap::from_pointee(left_out));
        let disk = Disk::new(
            &roots,
            options,
            Arc::clone(&index),
            library,
            walk,
            read_at,
            Arc::clone(&left_out),
        );
        Ok(Self {
            roots,
            index,
            left_out,
            disk: SharedDisk::new(disk.into()),
            cache,
            cached: Mutex::new(match new {
                0 => CacheState::Revision(0),
                _ if new > all / STALE => CacheState::Little,
                _ => CacheState::Most,
            }),
        })
    }

    /// What was left out when the files were last listed, and why, sorted by key.
    #[must_use]
    pub fn left_out(&self) -> Arc<Vec<Exclusion>> {
        self.left_out.load_full()
    }

    /// Whether the cache holds so little of the project that it should be
    /// written now.
    #[must_use]
    pub fn cache_is_stale(&self) -> bool {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        self.cache.is_some() && *cached == CacheState::Little
    }

    /// Whether [`Project::write_cache`] would find nothing to do.
    pub(super) fn cache_is_current(&self) -> bool {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let current = CacheState::Revision(self.index.snapshot().revision());
        self.cache.is_none() || *cached == current
    }

    /// Writes the cache if it holds little of the project.
    pub fn write_stale_cache(&self) {
        if self.cache_is_stale() {
            self.write_cache();
        }
    }

    /// Brings the cache up to date. Blocks while it is written. Only logs an
    /// error, because all that follows from it is a slower next start.
    pub fn write_cache(&self) {
        let Some(cache) = &self.cache else { return };
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.index.snapshot();
        let current = CacheState::Revision(snapshot.revision());
        if *cached == current {
            return;
        }
        if let Err(error) = cache.store(&self.roots, &snapshot) {
            tracing::warn!("the cache cannot be written: {error}; --no-cache does without");
        }
        // Also after an error: the same revision would fail again.
        *cached = current;
    }
}

//! One project: its folders, and the index that is kept like the disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rayon::prelude::*;

use super::disk::{Disk, SharedDisk};
use crate::files::{
    self, Cache, Composer, Exclusion, FilesError, ProjectFile, Roots, Walk, WalkOptions,
};
use crate::index::{Index, Library, SourceFile, SourceText, scan};

/// Which files a project is made of.
#[derive(Clone, Debug, Default)]
pub struct ProjectOptions {
    /// The project's root folder.
    pub root: PathBuf,
    /// Folders or single files whose code is context too, whatever the ignore rules say.
    pub include_paths: Vec<PathBuf>,
    /// How files are found.
    pub walk: WalkOptions,
    /// Where what is learnt about the project is kept for the next time.
    pub cache: Option<Cache>,
}

/// What is left out of a project, as of the last time its files were listed.
pub(super) type SharedLeftOut = Arc<ArcSwap<Vec<Exclusion>>>;

/// What is kept is written anew once more than one in this many of the source
/// bytes are not in it: reading those costs less than writing all the others.
const STALE: usize = 20;

/// A project that has been read.
#[derive(Debug)]
pub struct Project {
    /// Its folders.
    pub roots: Roots,
    /// Its files.
    pub index: Arc<Index>,
    /// What was left out when the files were last listed.
    left_out: SharedLeftOut,
    /// What the index knows of the disk, for whoever brings it up to date.
    pub(super) disk: SharedDisk,
    cache: Option<Cache>,
    /// The revision of the index that the cache holds. Locked while the cache is
    /// written, so that two who do it do it one after another.
    kept: Mutex<Kept>,
}

/// What the cache holds of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// The index with this revision.
    Revision(u64),
    /// So much of the project that it is not worth writing at once.
    Most,
    /// Too little.
    Little,
}

impl Project {
    /// What it is called: as its root folder is; the root of a disk has no name.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.roots.root().file_name();
        name.map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// Finds, reads and indexes a project, in parallel on the current rayon
    /// pool. A file that cannot be read is logged and left out.
    ///
    /// # Errors
    /// If a root is missing or cannot be read.
    pub fn open(options: &ProjectOptions) -> Result<Arc<Self>, FilesError> {
        let roots = Roots::new(&options.root, &options.include_paths)?;
        let (walk, cache) = (options.walk.clone(), options.cache.clone());
        Self::read(roots, walk, cache, &|| Ok(())).map(Arc::new)
    }

    /// Like [`Project::open`], with `check` asked before each file whether to go on.
    pub(super) fn read<E: From<FilesError> + Send>(
        roots: Roots,
        options: WalkOptions,
        cache: Option<Cache>,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<Self, E> {
        let find_and_read = || FromDisk::read(&roots, &options, check);
        let load = || cache.as_ref().map(|cache| cache.load(&roots));
        let (read, stored) = rayon::join(find_and_read, load);
        let FromDisk {
            walk,
            read_at,
            sources,
            left_out,
        } = read?;
        let bytes_of = |sources: &[SourceText]| sources.iter().map(|s| s.text.len()).sum::<usize>();
        let all = bytes_of(&sources);
        let (restored, unknown) = stored.unwrap_or_default().claim(sources);
        let new = bytes_of(&unknown);
        let index = Arc::new(Index::restore(restored, scan(unknown, check)?));
        tracing::debug!(bytes = all, new, "what is not in the cache was scanned");
        options.check_memory(&roots, index.snapshot().memory() as u64)?;
        let library = Arc::new(Composer::open(&roots, &options));
        index.set_library(Arc::clone(&library) as Arc<dyn Library>);
        let left_out = SharedLeftOut::new(ArcSwap::from_pointee(left_out));
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
            kept: Mutex::new(match new {
                0 => Kept::Revision(0),
                _ if new > all / STALE => Kept::Little,
                _ => Kept::Most,
            }),
        })
    }

    /// What was left out when the files were last listed, and why, in the
    /// order of keys.
    #[must_use]
    pub fn left_out(&self) -> Arc<Vec<Exclusion>> {
        self.left_out.load_full()
    }

    /// Whether the cache holds so little of the project that it should be
    /// written now.
    #[must_use]
    pub fn is_worth_keeping(&self) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.cache.is_some() && *kept == Kept::Little
    }

    /// Whether [`Project::keep`] would find nothing to do.
    pub(super) fn is_kept(&self) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.cache.is_none() || *kept == Kept::Revision(self.index.snapshot().revision())
    }

    /// Brings the cache up to date if it holds little of the project.
    pub fn keep_if_worth(&self) {
        if self.is_worth_keeping() {
            self.keep();
        }
    }

    /// Brings the cache up to date. Blocks while it is written. What goes wrong
    /// is logged: the next start takes longer, and that is all.
    pub fn keep(&self) {
        let Some(cache) = &self.cache else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.index.snapshot();
        let this = Kept::Revision(snapshot.revision());
        if *kept == this {
            return;
        }
        if let Err(error) = cache.store(&self.roots, &snapshot) {
            tracing::warn!("the cache cannot be written: {error}; --no-cache does without");
        }
        // Also if it failed: it would again.
        *kept = this;
    }
}

/// What a project's folders hold.
struct FromDisk {
    walk: Walk,
    /// When the files were read, at the earliest.
    read_at: SystemTime,
    /// In the order of keys.
    sources: Vec<SourceText>,
    /// In the order of keys.
    left_out: Vec<Exclusion>,
}

impl FromDisk {
    fn read<E: From<FilesError> + Send>(
        roots: &Roots,
        options: &WalkOptions,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<Self, E> {
        let walk = files::walk(roots, options)?;
        let read_at = SystemTime::now();
        let mut sources = Vec::with_capacity(walk.files.len());
        let mut left_out = walk.left_out.clone();
        for outcome in read_found(&walk.files, files::read_source, check)? {
            match outcome {
                Ok(source) => sources.push(source),
                Err(unreadable) => left_out.push(unreadable),
            }
        }
        left_out.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self {
            walk,
            read_at,
            sources,
            left_out,
        })
    }
}

/// The files of a project of which nothing else is wanted, and what was left
/// out of it, both in the order of keys: what [`Project::read`] finds, without
/// an index.
pub(super) fn read_files<E: From<FilesError> + Send>(
    roots: &Roots,
    options: &WalkOptions,
    check: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(Vec<Arc<SourceFile>>, Vec<Exclusion>), E> {
    let FromDisk {
        sources, left_out, ..
    } = FromDisk::read(roots, options, check)?;
    let files = scan(sources, check)?;
    let memory: usize = files.iter().map(|file| file.memory()).sum();
    options.check_memory(roots, memory as u64)?;
    Ok((files, left_out))
}

/// What `read` gives for what was found, in parallel on the current rayon pool;
/// in its order. What cannot be read is logged.
pub(super) fn read_found<T: Send, E: Send>(
    found: &[ProjectFile],
    read: impl Fn(&ProjectFile) -> Result<T, FilesError> + Sync,
    check: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<Vec<Result<T, Exclusion>>, E> {
    let read = |found: &ProjectFile| {
        check()?;
        Ok(read(found).map_err(|error| {
            if found.path.exists() {
                tracing::warn!("{error}; the file is left out");
            } else {
                // It was deleted since it was found, which is anybody's right.
                tracing::debug!("{error}");
            }
            Exclusion {
                key: found.key.clone(),
                rule: error.to_string(),
            }
        }))
    };
    found.par_iter().map(read).collect()
}

//! One project: its folders, and the index that is kept like the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rayon::prelude::*;

use super::disk::{Disk, SharedDisk};
use crate::files::{self, Composer, FilesError, Found, LeftOut, Roots, WalkOptions};
use crate::index::{Index, Library, SourceFile};

/// Which files a project is made of.
#[derive(Clone, Debug, Default)]
pub struct ProjectOptions {
    /// The project's root folder.
    pub root: PathBuf,
    /// Folders or single files whose code is context too, whatever the ignore rules say.
    pub include_paths: Vec<PathBuf>,
    /// How files are found.
    pub walk: WalkOptions,
}

/// What is left out of a project, as of the last time its files were listed.
pub(super) type SharedLeftOut = Arc<ArcSwap<Vec<LeftOut>>>;

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
}

impl Project {
    /// Finds, reads and indexes a project, in parallel on the current rayon
    /// pool. A file that cannot be read is logged and left out.
    ///
    /// # Errors
    /// If a root is missing or cannot be read.
    pub fn open(options: &ProjectOptions) -> Result<Arc<Self>, FilesError> {
        let roots = Roots::new(&options.root, &options.include_paths)?;
        Self::read(roots, options.walk.clone(), &|| Ok(())).map(Arc::new)
    }

    /// Like [`Project::open`], with `check` asked before each file whether to go on.
    pub(super) fn read<E: From<FilesError> + Send>(
        roots: Roots,
        options: WalkOptions,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<Self, E> {
        let walk = files::walk(&roots, &options)?;
        let read_at = SystemTime::now();
        let mut files = Vec::with_capacity(walk.files.len());
        let mut left_out = walk.left_out.clone();
        for outcome in read_found(&walk.files, check)? {
            match outcome {
                Ok(file) => files.push(file),
                Err(unreadable) => left_out.push(unreadable),
            }
        }
        left_out.sort_by(|a, b| a.key.cmp(&b.key));
        let index = Arc::new(Index::build(files));
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
        })
    }

    /// What was left out when the files were last listed, and why, in the
    /// order of keys.
    #[must_use]
    pub fn left_out(&self) -> Arc<Vec<LeftOut>> {
        self.left_out.load_full()
    }
}

/// Reads what was found, in parallel on the current rayon pool; in its order.
/// What cannot be read is logged.
pub(super) fn read_found<E: Send>(
    found: &[Found],
    check: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<Vec<Result<Arc<SourceFile>, LeftOut>>, E> {
    let read = |found: &Found| {
        check()?;
        Ok(files::read(found).map(Arc::new).map_err(|error| {
            tracing::warn!("{error}; the file is left out");
            LeftOut {
                key: found.key.clone(),
                rule: error.to_string(),
            }
        }))
    };
    found.par_iter().map(read).collect()
}

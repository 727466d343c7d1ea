//! One project: its folders, and the index that is kept like the disk.

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::files::{self, Composer, FilesError, Found, LeftOut, Roots, WalkOptions};
use crate::index::{Change, Index, SourceFile};

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

/// A project that has been read.
#[derive(Debug)]
pub struct Project {
    /// Its folders.
    pub roots: Roots,
    /// How its files are found.
    options: WalkOptions,
    /// Its files.
    pub index: Index,
    /// What was left out when it was opened, and why, in the order of keys.
    pub left_out: Vec<LeftOut>,
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
        let (files, left_out) = read_files(&roots, &options, check)?;
        let index = Index::build(files);
        options.check_memory(&roots, index.snapshot().memory() as u64)?;
        index.set_library(Arc::new(Composer::open(&roots, &options)));
        Ok(Self {
            roots,
            options,
            index,
            left_out,
        })
    }

    /// Brings the index up to date with the disk, in parallel on the current
    /// rayon pool. Readers see the old state until all of the new one is there.
    pub(super) fn refresh<E: From<FilesError> + Send>(
        &self,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let (files, _) = read_files(&self.roots, &self.options, check)?;
        let before = self.index.snapshot();
        let kept: FxHashSet<&str> = files.iter().map(|file| &*file.path).collect();
        let gone = before.files().filter(|file| !kept.contains(&*file.path));
        let mut changes: Vec<Change> = gone
            .map(|file| Change::Remove(Arc::clone(&file.path)))
            .collect();
        let changed = files.iter().filter(|file| {
            before
                .file(&file.path)
                .is_none_or(|old| old.text != file.text || old.lossy != file.lossy)
        });
        changes.extend(changed.map(|file| Change::Put(Arc::clone(file))));
        if !changes.is_empty() {
            self.index.apply(changes);
        }
        let library = Composer::open(&self.roots, &self.options);
        self.index.set_library(Arc::new(library));
        Ok(())
    }
}

/// The project's files, and what was left out, each in the order of keys.
fn read_files<E: From<FilesError> + Send>(
    roots: &Roots,
    options: &WalkOptions,
    check: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(Vec<Arc<SourceFile>>, Vec<LeftOut>), E> {
    let walk = files::walk(roots, options)?;
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
    let read: Vec<Result<Arc<SourceFile>, LeftOut>> =
        walk.files.par_iter().map(read).collect::<Result<_, E>>()?;
    let mut files = Vec::with_capacity(read.len());
    let mut left_out = walk.left_out;
    for outcome in read {
        match outcome {
            Ok(file) => files.push(file),
            Err(unreadable) => left_out.push(unreadable),
        }
    }
    left_out.sort_by(|a, b| a.key.cmp(&b.key));
    Ok((files, left_out))
}

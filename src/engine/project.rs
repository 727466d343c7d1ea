//! One project: its folders, and the index that is kept like the disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::files::{self, Cache, Composer, FilesError, Found, LeftOut, Roots, WalkOptions};
use crate::index::{Change, Index, Source};

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

/// What is kept is written anew once more than one in this many of the source
/// bytes are not in it: reading those costs less than writing all the others.
const STALE: usize = 20;

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
        let (stored, found) = rayon::join(
            || cache.as_ref().map(|cache| cache.load(&roots)),
            || read_files(&roots, &options, files::read_source, check),
        );
        let (sources, left_out) = found?;
        let bytes_of = |sources: &[Source]| sources.iter().map(|s| s.text.len()).sum::<usize>();
        let all = bytes_of(&sources);
        let (restored, unknown) = stored.unwrap_or_default().claim(sources);
        let new = bytes_of(&unknown);
        let scan = |source: Source| check().map(|()| Arc::new(source.scan()));
        let files = unknown
            .into_par_iter()
            .map(scan)
            .collect::<Result<_, E>>()?;
        let index = Index::restore(restored, files);
        tracing::debug!(bytes = all, new, "what is not in the cache was scanned");
        index.set_library(Arc::new(Composer::open(&roots, &options)));
        Ok(Self {
            roots,
            options,
            index,
            left_out,
            cache,
            kept: Mutex::new(match new {
                0 => Kept::Revision(0),
                _ if new > all / STALE => Kept::Little,
                _ => Kept::Most,
            }),
        })
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

    /// Brings the index up to date with the disk, in parallel on the current
    /// rayon pool. Readers see the old state until all of the new one is there.
    pub(super) fn refresh<E: From<FilesError> + Send>(
        &self,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let (files, _) = read_files(&self.roots, &self.options, files::read, check)?;
        let files: Vec<_> = files.into_iter().map(Arc::new).collect();
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

/// What `read` gives for the project's files, and what was left out, each in
/// the order of keys.
fn read_files<T: Send, E: From<FilesError> + Send>(
    roots: &Roots,
    options: &WalkOptions,
    read: impl Fn(&Found) -> Result<T, FilesError> + Sync,
    check: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(Vec<T>, Vec<LeftOut>), E> {
    let walk = files::walk(roots, options)?;
    let read = |found: &Found| {
        check()?;
        Ok(read(found).map_err(|error| {
            tracing::warn!("{error}; the file is left out");
            LeftOut {
                key: found.key.clone(),
                rule: error.to_string(),
            }
        }))
    };
    let read: Vec<Result<T, LeftOut>> =
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

//! Reading the files of a project from the disk.

use std::sync::Arc;
use std::time::SystemTime;

use rayon::prelude::*;

use crate::files::{self, FilesError, ProjectFile, Roots, Walk, WalkOptions};
use crate::index::{Exclusion, SourceFile, SourceText, scan};

/// The files of a project's folders, with their texts.
pub(super) struct FolderContents {
    pub(super) walk: Walk,
    /// The time before the first file was read.
    pub(super) read_at: SystemTime,
    /// Sorted by key.
    pub(super) sources: Vec<SourceText>,
    /// Sorted by key.
    pub(super) left_out: Vec<Exclusion>,
}

impl FolderContents {
    /// Finds the files in `roots` and reads them. Asks `check` before each file
    /// whether to go on.
    ///
    /// # Errors
    /// If a root cannot be read or a limit is exceeded, and those of `check`.
    pub(super) fn read<E: From<FilesError> + Send>(
        roots: &Roots,
        options: &WalkOptions,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<Self, E> {
        let walk = files::walk(roots, options)?;
        let read_at = SystemTime::now();
        let mut sources = Vec::with_capacity(walk.files.len());
        let mut left_out = walk.left_out.clone();
        let read = |file: &ProjectFile| files::read_source(file, options.max_file_bytes);
        for outcome in read_each(&walk.files, read, check)? {
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

/// The scanned files of a project, and what is left out of it, both sorted by
/// key: the same files as in [`super::Project`], without an index.
///
/// # Errors
/// As [`FolderContents::read`], and if the files take too much memory.
pub(super) fn read_without_index<E: From<FilesError> + Send>(
    roots: &Roots,
    options: &WalkOptions,
    check: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(Vec<Arc<SourceFile>>, Vec<Exclusion>), E> {
    let FolderContents {
        sources, left_out, ..
    } = FolderContents::read(roots, options, check)?;
    let files = scan(sources, check)?;
    let memory: usize = files.iter().map(|file| file.memory()).sum();
    options.check_memory(roots, memory as u64)?;
    Ok((files, left_out))
}

/// Applies `read` to each of `files`, in parallel on the current rayon pool. The
/// results have the order of `files`. Logs the files that cannot be read.
///
/// # Errors
/// Those of `check`, which is asked before each file.
pub(super) fn read_each<T: Send, E: Send>(
    files: &[ProjectFile],
    read: impl Fn(&ProjectFile) -> Result<T, FilesError> + Sync,
    check: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<Vec<Result<T, Exclusion>>, E> {
    let read = |file: &ProjectFile| {
        check()?;
        Ok(read(file).map_err(|error| {
            if file.path.exists() {
                tracing::warn!("{error}; the file is left out");
            } else {
                // Somebody has deleted the file since the walk, which is no fault.
                tracing::debug!("{error}");
            }
            Exclusion {
                key: file.key.clone(),
                rule: error.to_string(),
            }
        }))
    };
    files.par_iter().map(read).collect()
}

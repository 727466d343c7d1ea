//! Selects the versions of files from whose commits examples are cut.
//!
//! A file that gives no examples today gives none from its history: vendored,
//! generated and test files are left out by the same rules, and so are duplicates. A
//! version belongs to the file that it has become, so it is on the same side of the
//! split.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::dataset::history::{Commit, FileChange, History};
use crate::dataset::select::sources::SourceSelection;

/// The most files that a commit changes from which examples are cut. Larger commits
/// are mostly moves, new licence headers and other coding styles.
const MAX_FILES: usize = 20;

/// The reason of a commit that changes more than [`MAX_FILES`] files.
pub(in crate::dataset) const MANY_FILES: &str = "commit_of_many_files";

/// A file as one commit has changed it.
#[derive(Clone, Copy, Debug)]
pub(in crate::dataset) struct FileVersion<'a> {
    /// The commit's id.
    pub(in crate::dataset) commit: &'a str,
    /// What the commit changed.
    pub(in crate::dataset) change: &'a FileChange,
    /// The number of the file today, in [`SourceSelection::used`].
    pub(in crate::dataset) file: usize,
    /// The key of the file today.
    pub(in crate::dataset) key: &'a Arc<str>,
}

/// The versions of files that give examples.
#[derive(Debug, Default)]
pub(in crate::dataset) struct VersionSelection<'a> {
    /// The versions, in the order of their commits.
    pub(in crate::dataset) versions: Vec<FileVersion<'a>>,
    /// How many changes are left out since their commits change too many files.
    pub(in crate::dataset) left_out: u64,
}

/// The changes in `history` to the files that `sources` uses.
pub(in crate::dataset) fn versions<'a>(
    history: &'a dyn History,
    sources: &SourceSelection<'a>,
) -> VersionSelection<'a> {
    let mut selection = VersionSelection::default();
    // The number of the file today, by its key in the commits that come next.
    let used = sources.used.iter().enumerate();
    let mut files: FxHashMap<&str, usize> = used
        .map(|(number, source)| (&*source.file.path, number))
        .collect();
    for Commit { id, changes } in history.commits() {
        let is_large = changes.len() > MAX_FILES;
        for change in changes {
            let Some(&file) = files.get(&*change.path) else {
                continue;
            };
            selection.left_out += u64::from(is_large);
            if !is_large {
                selection.versions.push(FileVersion {
                    commit: id,
                    change,
                    file,
                    key: &sources.used[file].file.path,
                });
            }
        }
        let renamed = changes
            .iter()
            .filter(|change| change.old_path != change.path);
        for change in renamed {
            if let Some(file) = files.remove(&*change.path) {
                files.entry(&change.old_path).or_insert(file);
            }
        }
    }
    selection
}

//! What a watcher reports.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// Changes that may have happened on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskChanges {
    /// Changes at these paths, and below those of them that are folders.
    Paths(BTreeSet<PathBuf>),
    /// Changes at unknown paths.
    Rescan,
    /// Changes at unknown paths, after events were lost: watched folders may
    /// have been replaced too.
    Lost,
}

impl Default for DiskChanges {
    fn default() -> Self {
        Self::Paths(BTreeSet::new())
    }
}

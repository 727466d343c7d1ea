//! The origin of a file.

use std::sync::Arc;

/// The origin of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The licence, as an SPDX expression if it has one.
    pub license: Option<Arc<str>>,
    /// The commit that was checked out.
    pub commit: Option<Arc<str>>,
    /// The file of another repository that this file duplicates, if a row says so.
    pub duplicate_of: Option<Arc<str>>,
}

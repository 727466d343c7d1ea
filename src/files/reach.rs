//! How far the names in a project's files may lead. A project that somebody has only
//! opened must not make fimd read files of its choice: `composer.json` may name any path,
//! and a link may lead anywhere.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::regular::{Links, read_text_below};

/// The folders in which the files lie that a project's files may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// This folder, a canonical path, which holds the project's root.
    Within(PathBuf),
    /// All folders, since the user trusts the project.
    Everywhere,
}

impl Reach {
    /// The reach of the project at the canonical path `root`: the git repository around
    /// it, if that is its owner's, else the root itself.
    pub(super) fn of(root: &Path) -> Self {
        let owner = |path: &Path| path.metadata().ok().map(|found| found.uid());
        let is_owners = |top: &PathBuf| owner(&top.join(".git")) == owner(root);
        let top = folders_above(root).pop().filter(is_owners);
        Self::Within(top.unwrap_or_else(|| root.to_owned()))
    }

    /// This reach, and `folder`, a canonical path, if that holds it.
    pub(super) fn widened(self, folder: &Path) -> Self {
        match self {
            Self::Within(inner) if inner.starts_with(folder) => Self::Within(folder.to_owned()),
            reach => reach,
        }
    }

    /// Whether the canonical path `path` is within reach.
    pub(super) fn holds(&self, path: &Path) -> bool {
        match self {
            Self::Within(folder) => path.starts_with(folder),
            Self::Everywhere => true,
        }
    }

    /// The canonical form of `path`.
    ///
    /// # Errors
    /// If there is nothing, or it is out of reach.
    pub(super) fn find(&self, path: &Path) -> io::Result<PathBuf> {
        let found = path.canonicalize()?;
        match self.holds(&found) {
            true => Ok(found),
            false => Err(out_of_reach(&found)),
        }
    }

    /// The text of the regular file at `path`; see [`read_text_below`].
    ///
    /// # Errors
    /// If it cannot be read, is out of reach, or has more than `most` bytes.
    pub(super) fn read(&self, path: &Path, most: u64) -> io::Result<String> {
        read_text_below(&self.find(path)?, most, Links::Refused)
    }
}

/// The error that a name leads to `path`, out of a project's reach.
pub(super) fn out_of_reach(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("leads out of the project, to {}", path.display()),
    )
}

/// The folders above the root whose ignore files apply to it, the nearest first: up to
/// the top of the git repository around it.
#[must_use]
pub fn folders_above(root: &Path) -> Vec<PathBuf> {
    let Some(top) = root.ancestors().find(|f| f.join(".git").exists()) else {
        return Vec::new();
    };
    let above = root.ancestors().skip(1).take_while(|f| f.starts_with(top));
    above.map(Path::to_path_buf).collect()
}

//! All access to the file system: finding, naming and reading PHP files.

use std::path::{Path, PathBuf};

use crate::index::SourceFile;

/// The folders of a project, with a key for every file in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    root: PathBuf,
    includes: Vec<PathBuf>,
}

/// Why the project's files could not be listed or read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FilesError(pub String);

impl Roots {
    /// The project at `root` with the folders (or files) of `includes`, made canonical.
    ///
    /// # Errors
    /// If one of them does not exist, is not a directory or cannot be read.
    pub fn new(root: &Path, includes: &[PathBuf]) -> Result<Self, FilesError> {
        Ok(Self {
            root: root.into(),
            includes: includes.into(),
        })
    }

    /// The key (see [`SourceFile::path`]) of the file that a client names:
    /// absolute, relative to the root, or a `file://` URI; with `..`, symlinks
    /// and odd spellings resolved. Its absolute path when it is outside.
    #[must_use]
    pub fn key(&self, filepath: &str) -> String {
        filepath.into()
    }

    /// The file that `key` names.
    #[must_use]
    pub fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }
}

/// How files are found.
#[derive(Clone, Debug)]
pub struct WalkOptions {
    /// Files with more bytes are left out with a warning.
    pub max_file_bytes: u64,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            max_file_bytes: 1 << 20,
        }
    }
}

/// A file that belongs to the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its key, see [`SourceFile::path`].
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes when it was found.
    pub bytes: u64,
    /// Whether it lies under the project root, not only in an include path.
    pub in_root: bool,
}

/// A PHP file, or a folder, that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path as a key; a folder ends with `/`.
    pub key: String,
    /// The rule that put it out, as a user would name it.
    pub rule: String,
}

/// What walking a project found, each list in the order of keys.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// What belongs to the index.
    pub files: Vec<Found>,
    /// What does not, and why.
    pub left_out: Vec<LeftOut>,
}

/// Finds the project's PHP files.
///
/// # Errors
/// If a root cannot be read at all; a folder below it that cannot be read is
/// left out with its error as the rule.
pub fn walk(_roots: &Roots, _options: &WalkOptions) -> Result<Walk, FilesError> {
    Ok(Walk::default())
}

/// Reads a found file and its facts.
///
/// # Errors
/// If the file has vanished or cannot be read.
pub fn read(found: &Found) -> Result<SourceFile, FilesError> {
    Err(FilesError(format!(
        "{}: cannot be read",
        found.path.display()
    )))
}

/// Why a file of the index is no source of training examples (test files,
/// `config/`, `routes/`, `database/migrations/`), if it is none.
#[must_use]
pub fn left_out_of_dataset(_key: &str) -> Option<&'static str> {
    None
}

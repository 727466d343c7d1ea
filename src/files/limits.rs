//! Which files count: their endings, the limits of their number and sizes, and the
//! projects that may name files outside of themselves.

use std::path::PathBuf;

use super::error::FilesError;
use super::extensions::Extensions;
use super::roots::Roots;

/// The limits of a walk, and which files it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkOptions {
    /// The most PHP files of a project. fimd refuses a project with more.
    pub max_files: usize,
    /// The most bytes of a file. A larger file is excluded with a warning.
    pub max_file_bytes: u64,
    /// The most bytes of memory of a project, by accounting. fimd refuses a
    /// project with more, at once if its files alone are larger.
    pub max_project_bytes: u64,
    /// The endings by which files count.
    pub extensions: Extensions,
    /// The folders whose projects may name files outside of themselves, absolute paths.
    pub trusted_projects: Vec<PathBuf>,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            max_files: 200_000,
            max_file_bytes: 1 << 20,
            max_project_bytes: 4 << 30,
            extensions: Extensions::default(),
            trusted_projects: Vec::new(),
        }
    }
}

impl WalkOptions {
    /// These limits, with another one for the size of files if it is given.
    #[must_use]
    pub fn with_max_file_bytes(mut self, max_file_bytes: Option<u64>) -> Self {
        if let Some(bytes) = max_file_bytes {
            self.max_file_bytes = bytes;
        }
        self
    }

    /// These limits, with other endings if they are given.
    #[must_use]
    pub fn with_extensions(mut self, extensions: Option<Extensions>) -> Self {
        if let Some(extensions) = extensions {
            self.extensions = extensions;
        }
        self
    }

    /// Why a file of so many bytes is excluded, if it is.
    pub(super) fn too_large(&self, bytes: u64) -> Option<String> {
        let limit = self.max_file_bytes;
        (bytes > limit).then(|| format!("{bytes} bytes, more than the {limit} of max_file_bytes"))
    }

    /// Checks that a project that takes so many bytes of memory may be opened.
    ///
    /// # Errors
    /// If it may not. The message says what to do.
    pub fn check_memory(&self, roots: &Roots, bytes: u64) -> Result<(), FilesError> {
        let limit = self.max_project_bytes;
        if bytes <= limit {
            return Ok(());
        }
        Err(FilesError(format!(
            "{}: {bytes} bytes of memory, more than the {limit} of max_project_bytes; leave \
             folders out in .fimignore, or raise it under [limits] in the settings file",
            roots.root().display()
        )))
    }
}

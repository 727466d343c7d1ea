//! What a walk finds: the files of a project, and what it leaves out.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::path::PathBuf;

use super::error::FilesError;
use super::source_folders::SourceFolders;
use super::stamp::Stamp;
use crate::index::Exclusion;

/// A file that belongs to the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Its key; see [`SourceFile::path`](crate::index::SourceFile::path).
    pub key: String,
    /// Its path on disk.
    pub path: PathBuf,
    /// Its size in bytes when it was found.
    pub bytes: u64,
    /// Its stamp when it was found.
    pub stamp: Stamp,
}

impl ProjectFile {
    /// A file with this metadata.
    pub(crate) fn new(key: String, path: PathBuf, metadata: &Metadata) -> Self {
        Self {
            key,
            path,
            bytes: metadata.len(),
            stamp: Stamp::of(metadata),
        }
    }
}

/// What a walk finds below the root beside the files of the project, as keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundBeside {
    /// The folders in which Composer may have installed packages of their own: those
    /// with a `composer.json` or a `vendor` folder.
    pub nested: BTreeSet<String>,
    /// The YAML files that may state services.
    pub services: BTreeSet<String>,
}

/// The result of a walk. Each list is in the order of keys.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// The files that belong to the project.
    pub files: Vec<ProjectFile>,
    /// What does not belong to it.
    pub left_out: Vec<Exclusion>,
    /// The canonical paths of the folders that were read.
    pub folders: BTreeSet<PathBuf>,
    /// The folders that count whatever they are called.
    pub source: SourceFolders,
    /// What was found beside the files.
    pub beside: FoundBeside,
    /// Warnings for the user, one line each.
    pub warnings: Vec<String>,
    /// The root and include paths that are gone or cannot be read.
    pub missing: Vec<(PathBuf, FilesError)>,
    /// The limit that the files exceed. If there is one, `files` is not complete.
    pub over: Option<FilesError>,
}

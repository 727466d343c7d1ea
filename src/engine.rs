//! The long-lived state: projects, each with its index.

use std::path::PathBuf;
use std::sync::Arc;

use crate::files::{self, FilesError, LeftOut, Roots, WalkOptions};
use crate::index::Index;

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
    /// Its files.
    pub index: Index,
    /// What was left out, and why.
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
        let walk = files::walk(&roots, &options.walk)?;
        Ok(Arc::new(Self {
            roots,
            index: Index::build(Vec::new()),
            left_out: walk.left_out,
        }))
    }
}

//! Reads files of packages and keeps them while they do not change on disk.

use std::sync::Arc;

use dashmap::DashMap;
use rustc_hash::FxBuildHasher;

use super::places::PackagePlaces;
use crate::files::read::read_file;
use crate::files::stamp::Stamp;
use crate::index::SourceFile;

/// The most files that are kept in memory after they were read. More than the classes
/// of one project may lead to.
const MAX_KEPT: usize = 8192;

/// The most bytes of a file of stubs. Stubs of a whole program are one file.
const MAX_STUB_BYTES: u64 = 16 << 20;

/// The files of packages that were read so far.
#[derive(Debug)]
pub(super) struct PackageFiles {
    places: Arc<PackagePlaces>,
    max_file_bytes: u64,
    /// The names of the files of stubs, in their order.
    stubs: Vec<String>,
    /// The files, by name. An entry is valid while its stamp is the
    /// file's.
    kept: DashMap<String, (Stamp, Arc<SourceFile>), FxBuildHasher>,
}

impl PackageFiles {
    /// A reader of the files in `places` that leaves out those with more bytes than
    /// `max_file_bytes`. `stubs` are the files of stubs, which may be longer.
    pub(super) fn new(
        places: Arc<PackagePlaces>,
        max_file_bytes: u64,
        mut stubs: Vec<String>,
    ) -> Self {
        stubs.sort_unstable();
        Self {
            places,
            max_file_bytes,
            stubs,
            kept: DashMap::default(),
        }
    }

    /// The names of the files of stubs, in their order.
    pub(super) fn stubs(&self) -> &[String] {
        &self.stubs
    }

    /// Whether the file called `path` is one of stubs.
    pub(super) fn is_stub(&self, path: &str) -> bool {
        let found = self.stubs.binary_search_by(|stub| (**stub).cmp(path));
        found.is_ok()
    }

    /// The file called `path`, if it is within the project's reach, is not too large and
    /// can be read.
    pub(super) fn read(&self, path: &str) -> Option<Arc<SourceFile>> {
        let metadata = self.places.path(path).metadata().ok()?;
        let most = if self.is_stub(path) {
            MAX_STUB_BYTES
        } else {
            self.max_file_bytes
        };
        if !metadata.is_file() || metadata.len() > most {
            return None;
        }
        // What was within reach stays so: another file has another stamp.
        let stamp = Stamp::of(&metadata);
        if let Some(kept) = self.kept.get(path)
            && kept.0 == stamp
        {
            return Some(Arc::clone(&kept.1));
        }
        let found = self.places.find(path)?;
        let file = match read_file(&found, path, most) {
            Ok(file) => Arc::new(file),
            Err(error) => {
                tracing::warn!("{error}; its classes are left out");
                return None;
            }
        };
        // Only whole datasets need so many files. Reading them again costs less than
        // recording the age of each.
        if self.kept.len() >= MAX_KEPT {
            self.kept.clear();
        }
        self.kept
            .insert(path.to_owned(), (stamp, Arc::clone(&file)));
        Some(file)
    }

    /// Whether all of `files`, which were read here, are as they are on disk.
    pub(super) fn are_current<'f>(
        &self,
        files: impl IntoIterator<Item = &'f Arc<SourceFile>>,
    ) -> bool {
        files.into_iter().all(|file| {
            let kept = self.read(&file.path);
            kept.is_some_and(|kept| Arc::ptr_eq(&kept, file))
        })
    }
}

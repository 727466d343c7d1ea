//! One project as a run sees it.

use std::sync::Arc;

use crate::dataset::history::History;
use crate::dataset::options::Options;
use crate::dataset::record::Example;
use crate::index::{Exclusion, Origin, Snapshot, SourceFile, training_exclusion};

/// Says whether the file with a key belongs to the project itself. Other files are
/// in an include path only: they are context, not data.
pub type InRoot<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// A project from which examples are made.
#[derive(Clone, Copy)]
pub struct Repo<'a> {
    /// The name, unique in the run. None if the run has one project only.
    pub name: Option<&'a str>,
    /// The name in the texts of model families that name the repository.
    pub title: &'a str,
    /// Its files, in the order of keys.
    pub files: &'a [Arc<SourceFile>],
    /// The index for contexts. Empty if the options ask for no contexts.
    pub snapshot: &'a Snapshot,
    /// Which files are the project's own.
    pub in_root: InRoot<'a>,
    /// Which files a `.fimignore` file of the project brings back with a `!`. They give
    /// examples even if they are tests, configuration, routes or migrations.
    pub brought_back: InRoot<'a>,
    /// The files that were excluded before.
    pub left_out: &'a [Exclusion],
    /// Its history. None if the options ask for no holes from it.
    pub history: Option<&'a dyn History>,
    /// The origin of a file, by its key.
    pub origin: &'a (dyn Fn(&str) -> Origin + Sync),
}

impl Repo<'_> {
    /// The file with this key.
    pub(super) fn file(&self, key: &str) -> Option<&SourceFile> {
        let found = self.files.binary_search_by(|file| (*file.path).cmp(key));
        found.ok().map(|at| &*self.files[at])
    }

    /// How the report names the file `key`: `repo:key`, or the key alone.
    pub(super) fn label(&self, key: &str) -> String {
        match self.name {
            Some(name) => format!("{name}:{key}"),
            None => key.to_owned(),
        }
    }

    /// The digest of the input of the examples: the name, and each file's key, text
    /// and the file that it duplicates. `hashes` are the hashes of the texts, in the
    /// order of keys. Packages outside the index are not part of it.
    pub(super) fn digest(&self, hashes: &[blake3::Hash]) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hasher.update(&bytes.len().to_le_bytes());
            hasher.update(bytes);
        };
        part(self.name.unwrap_or_default().as_bytes());
        for (file, hash) in self.files.iter().zip(hashes) {
            part(file.path.as_bytes());
            part(hash.as_bytes());
            let other = (self.origin)(&file.path).duplicate_of;
            part(other.unwrap_or_default().as_bytes());
            if training_exclusion(&file.path).is_some() {
                part(&[u8::from((self.brought_back)(&file.path))]);
            }
        }
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        format!("{:032x}", u128::from_be_bytes(digest))
    }

    /// Fills in the origin of `example`, as far as the options ask for it.
    pub(super) fn sign(&self, example: &mut Example, file: &SourceFile, options: &Options) {
        example.repo = self.name.map(str::to_owned);
        if options.provenance {
            let Origin {
                license, commit, ..
            } = (self.origin)(&file.path);
            example.commit = commit.map(|commit| commit.to_string());
            example.license = license.map(|license| license.to_string());
            let hash = blake3::hash(file.text.as_bytes());
            example.content_hash = Some(hash.to_hex().to_string());
        }
    }
}

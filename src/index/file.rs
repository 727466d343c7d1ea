//! The files of a project, with their texts and facts.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::php::{self, FileFacts};
use crate::secrets::{Secret, Secrets};

/// One file of the project. It is immutable: an edit makes a new one.
#[derive(Debug)]
pub struct SourceFile {
    /// The file's key: its path with `/`, relative to the project root; a file
    /// of an include path starts with that folder's label instead.
    pub path: Arc<str>,
    /// The text, which has less than 4 GiB. Bytes that are not UTF-8 are U+FFFD.
    pub text: Box<str>,
    /// Whether the file had bytes that are not UTF-8.
    pub lossy: bool,
    /// The facts of the text.
    pub facts: FileFacts,
    /// The secrets in `text`, after the first call that needs them.
    secrets: OnceLock<Box<[Secret]>>,
}

impl SourceFile {
    /// A file with the facts that [`php::facts`] reads from its text.
    #[must_use]
    pub fn new(path: Arc<str>, text: Box<str>, lossy: bool, facts: FileFacts) -> Self {
        Self {
            path,
            text,
            lossy,
            facts,
            secrets: OnceLock::new(),
        }
    }

    /// The secrets of the text, in order. All calls must pass the same `rules`, because
    /// the first result is kept.
    pub fn secrets(&self, rules: &Secrets) -> &[Secret] {
        self.secrets
            .get_or_init(|| rules.find(&self.text).into_boxed_slice())
    }

    /// The bytes of memory of the file, by accounting.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.path.len() + self.text.len() + self.facts.memory()
    }
}

/// The hash of a file's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TextDigest([u8; 32]);

impl TextDigest {
    pub(super) fn of(text: &str) -> Self {
        Self(*blake3::hash(text.as_bytes()).as_bytes())
    }
}

/// The text of a file whose facts were not read yet.
#[derive(Debug)]
pub struct SourceText {
    /// See [`SourceFile::path`].
    pub path: Arc<str>,
    /// See [`SourceFile::text`].
    pub text: Box<str>,
    /// See [`SourceFile::lossy`].
    pub lossy: bool,
}

impl SourceText {
    /// Reads the facts out of the text.
    #[must_use]
    pub fn scan(self) -> SourceFile {
        let Self { path, text, lossy } = self;
        let facts = php::facts(&text);
        SourceFile::new(path, text, lossy, facts)
    }
}

/// Reads the facts of all `sources`, in parallel on the current rayon pool. Calls
/// `check` before each and stops at its error.
///
/// # Errors
/// The errors of `check`.
pub fn scan<E: Send>(
    sources: Vec<SourceText>,
    check: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<Vec<Arc<SourceFile>>, E> {
    let scan = |source: SourceText| check().map(|()| Arc::new(source.scan()));
    sources.into_par_iter().map(scan).collect()
}

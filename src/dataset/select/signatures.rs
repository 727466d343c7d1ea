//! What near duplicates in different projects are found by, where no machine
//! has all of them: a MinHash signature of each file that would give examples.
//!
//! Whoever joins them, an engine for tables say, takes two files of different
//! projects for near duplicates if they share a value of `bands` and at least
//! four fifths of the places of their `signature` are equal, which estimates the
//! similarity that files of one project are compared by exactly. Of such files
//! the one of the project with the smallest name stays; a row of the input that
//! names it in the column `duplicate_of` gives no examples.

use rayon::prelude::*;
use serde::Serialize;

use crate::cancel::{Cancel, Cancelled};
use crate::dataset::duplicates;
use crate::dataset::options::Options;
use crate::dataset::repo::Repo;
use crate::dataset::select::sources::{sources, text_hashes};

/// A file and its signature: a row of a file of signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSignature {
    /// The project.
    pub repo: String,
    /// The file's key.
    pub path: String,
    /// The BLAKE3 hash of the file's bytes, in hexadecimal.
    pub content_hash: String,
    /// See [`duplicates::minhash::Signature::low_bits`].
    pub signature: Vec<u16>,
    /// See [`duplicates::minhash::Signature::bands`]; as numbers with a sign,
    /// which all engines have.
    pub bands: Vec<i64>,
}

/// Signs the files of `repo` that would be cut with `options`, in the order of
/// their keys, in parallel on the current rayon pool.
///
/// # Errors
/// [`Cancelled`] if `cancel` is used.
pub fn sign(
    repo: &Repo<'_>,
    options: &Options,
    cancel: &Cancel,
) -> Result<Vec<FileSignature>, Cancelled> {
    let hashes = text_hashes(repo, cancel)?;
    let sources = sources(repo, options, &hashes, &|_| None, cancel)?;
    let files = sources.used.par_iter();
    files
        .map(|source| {
            cancel.check()?;
            let text = &*source.file.text;
            let signature = duplicates::signature(text);
            Ok(FileSignature {
                repo: repo.title.to_owned(),
                path: source.file.path.to_string(),
                content_hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
                signature: signature.low_bits().to_vec(),
                bands: signature.bands().map(u64::cast_signed).to_vec(),
            })
        })
        .collect()
}

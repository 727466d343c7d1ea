//! MinHash signatures of the files that would give examples. They find near
//! duplicates among projects that are too many for one machine.
//!
//! A table engine joins the signatures. Two files of different projects are near
//! duplicates if they share a value of `bands` and at least four fifths of the
//! places of their `signature` are equal. That share estimates the similarity
//! which is computed exactly for two files of one project. The file of the project
//! with the smallest name stays. Each other file gets an input row that names it
//! in the column `duplicate_of`, and gives no examples.

use rayon::prelude::*;
use serde::Serialize;

use crate::cancel::{Cancel, Cancelled};
use crate::dataset::duplicates;
use crate::dataset::options::Options;
use crate::dataset::repo::Repo;
use crate::dataset::select::sources::{sources, text_hashes};

/// The signature of one file: a row of a file of signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSignature {
    /// The name of the project.
    pub repo: String,
    /// The file's key.
    pub path: String,
    /// The BLAKE3 hash of the file's bytes, in hexadecimal.
    pub content_hash: String,
    /// See [`duplicates::minhash::Signature::low_bits`].
    pub signature: Vec<u16>,
    /// See [`duplicates::minhash::Signature::bands`]. Signed numbers, since not all
    /// engines have unsigned ones.
    pub bands: Vec<i64>,
}

/// The signatures of those files of `repo` that would give examples with
/// `options`, in the order of their keys. In parallel on the current rayon pool.
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

//! Reads single files.

use std::path::Path;

use super::error::FilesError;
use super::listing::ProjectFile;
use crate::index::{SourceFile, SourceText};

/// Reads a file of the project and its facts.
///
/// # Errors
/// As [`read_source`].
pub fn read(found: &ProjectFile) -> Result<SourceFile, FilesError> {
    read_source(found).map(SourceText::scan)
}

/// Reads a file of the project.
///
/// # Errors
/// If the file has vanished, cannot be read, or has grown to 4 GiB.
pub fn read_source(found: &ProjectFile) -> Result<SourceText, FilesError> {
    source(&found.path, &found.key)
}

/// Reads the file at `path` with the key `key`, and its facts.
pub(super) fn read_file(path: &Path, key: &str) -> Result<SourceFile, FilesError> {
    source(path, key).map(SourceText::scan)
}

fn source(path: &Path, key: &str) -> Result<SourceText, FilesError> {
    let (text, lossy) =
        read_text(path).map_err(|error| FilesError(format!("{}: {error}", path.display())))?;
    Ok(SourceText {
        path: key.into(),
        text: text.into_boxed_str(),
        lossy,
    })
}

/// The text of the file at `path`, and whether bytes that are not UTF-8 were
/// replaced in it.
///
/// # Errors
/// If it cannot be read, or has 4 GiB or more.
pub fn read_text(path: &Path) -> std::io::Result<(String, bool)> {
    let (text, lossy) = decode(std::fs::read(path)?);
    // Spans count bytes in 32 bits.
    if u32::try_from(text.len()).is_err() {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok((text, lossy))
}

/// `bytes` as text, and whether bytes that are not UTF-8 were replaced by U+FFFD.
#[must_use]
pub fn decode(bytes: Vec<u8>) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    }
}

//! Reads single files.

use std::io;
use std::path::Path;

use super::error::FilesError;
use super::listing::ProjectFile;
use super::regular::{Links, read_bytes};
use crate::index::{SourceFile, SourceText};

/// Reads a file of the project, of at most `most` bytes, and its facts.
///
/// # Errors
/// As [`read_source`].
pub fn read(found: &ProjectFile, most: u64) -> Result<SourceFile, FilesError> {
    read_source(found, most).map(SourceText::scan)
}

/// Reads a file of the project, of at most `most` bytes.
///
/// # Errors
/// If the file has vanished, cannot be read, is no regular file any more, or has grown
/// above the limit or to 4 GiB.
pub fn read_source(found: &ProjectFile, most: u64) -> Result<SourceText, FilesError> {
    source(&found.path, &found.key, most)
}

/// Reads the file at the canonical path `path` with the key `key`, of at most `most`
/// bytes, and its facts.
pub(super) fn read_file(path: &Path, key: &str, most: u64) -> Result<SourceFile, FilesError> {
    source(path, key, most).map(SourceText::scan)
}

fn source(path: &Path, key: &str, most: u64) -> Result<SourceText, FilesError> {
    let (text, lossy) = read_bytes(path, most, Links::Refused)
        .and_then(text)
        .map_err(|error| FilesError(format!("{}: {error}", path.display())))?;
    Ok(SourceText {
        path: key.into(),
        text: text.into_boxed_str(),
        lossy,
    })
}

/// The text of the file at `path`, which the user names for this very command and which
/// may be a pipe, and whether bytes that are not UTF-8 were replaced in it.
///
/// # Errors
/// If it cannot be read, or has 4 GiB or more.
pub fn read_text(path: &Path) -> io::Result<(String, bool)> {
    std::fs::read(path).and_then(text)
}

/// `bytes` as text, as [`decode`] makes it.
fn text(bytes: Vec<u8>) -> io::Result<(String, bool)> {
    let (text, lossy) = decode(bytes);
    // Spans count bytes in 32 bits.
    match u32::try_from(text.len()) {
        Ok(_) => Ok((text, lossy)),
        Err(_) => Err(io::ErrorKind::FileTooLarge.into()),
    }
}

/// `bytes` as text, and whether bytes that are not UTF-8 were replaced by U+FFFD.
#[must_use]
pub fn decode(bytes: Vec<u8>) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    }
}

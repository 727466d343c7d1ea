//! Regular files, as opposed to pipes and devices.

use std::path::Path;

/// The text of a file that has a fixed name, such as `composer.json`.
///
/// # Errors
/// If it cannot be read, is not UTF-8, or is no regular file: a pipe would block the
/// reader, and a device may have no end.
pub(super) fn read_regular(path: &Path) -> std::io::Result<String> {
    check_regular(path)?;
    std::fs::read_to_string(path)
}

/// Fails unless `path` is a regular file or a link to one.
///
/// # Errors
/// If it is something else, or there is nothing.
pub(super) fn check_regular(path: &Path) -> std::io::Result<()> {
    match path.metadata()?.is_file() {
        true => Ok(()),
        false => Err(std::io::Error::other("not a regular file")),
    }
}

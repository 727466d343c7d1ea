//! The position that `--at` names.

use std::path::Path;

use super::CliError;
use crate::text::TextPosition;

/// The byte of `at` in `text`, which is the text of `file`.
///
/// # Errors
/// If `at` is past the end: how long the text is.
pub(super) fn byte_at(at: TextPosition, text: &str, file: &Path) -> Result<usize, CliError> {
    at.byte_in(text).map_err(|error| {
        let (file, at) = (file.display(), at.in_words());
        CliError::Usage(format!("{file}: --at: there is no {at}; {error}"))
    })
}

//! What was refused, for `--rejects`: files, and holes that something is wrong
//! with. Proposals that could never become a hole (too short, too many lines,
//! next to another hole) are only counted.

use std::ops::Range;

use serde::Serialize;

/// The reason of an example that has the text of another one.
pub(super) const DUPLICATE: &str = "duplicate_example";
/// The reason of an example that is a near duplicate of another one.
pub(super) const NEAR_DUPLICATE: &str = "near_duplicate_example";
/// The reason of a validation example whose middle the training split shows.
pub(super) const SEEN: &str = "seen_in_training";

/// A file or a hole that gave no example: a line of the file of rejects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reject<'a> {
    /// The project that the file is of; absent where there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<&'a str>,
    /// The file's key.
    pub filepath: &'a str,
    /// Where the hole starts in the file, in bytes; none of a whole file.
    pub start_byte: Option<usize>,
    /// One past the hole's last byte.
    pub end_byte: Option<usize>,
    /// As `metadata.json` counts it.
    pub reason: &'a str,
    /// What it is a duplicate of: a file's key, with `REPO:` before it where
    /// there are more projects than one, and `:START..END` behind it for a hole.
    pub duplicate_of: Option<String>,
    /// What would have been cut out, with placeholders for secrets.
    pub middle: Option<&'a str>,
}

/// A hole that was turned down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoleRejection {
    /// Its bytes.
    pub range: Range<usize>,
    /// Why.
    pub reason: &'static str,
}

impl Reject<'_> {
    /// It as a line with its line break.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn line(&self) -> std::io::Result<String> {
        let mut line = serde_json::to_string(self)?;
        line.push('\n');
        Ok(line)
    }
}

//! The lines of the file of rejects (`--rejects`): files that give no example, and
//! holes that are rejected. Proposals that could never be a hole (too short, too
//! many lines, next to another hole) are counted but not listed.

use std::ops::Range;

use serde::Serialize;

use crate::dataset::json_line;

/// The reason of a hole with fewer characters than the fewest of a middle.
pub(super) const TOO_SHORT: &str = "too_short";
/// The reason of a hole that another kind of hole has, too.
pub(super) const DUPLICATE_HOLE: &str = "duplicate_hole";
/// The reason of a hole with more characters than a middle may have.
pub(super) const TOO_LONG: &str = "too_long";
/// The reason of a hole of which a secret is all, or a part that matters.
pub(super) const SECRET: &str = "secret";
/// The reason of a hole that ends inside a secret.
pub(super) const SECRET_CUT_THROUGH: &str = "secret_cut_through";
/// The reason of a hole in whose example the source has a control token of the model.
pub(super) const MARKER_IN_TEXT: &str = "marker_in_text";
/// The reason of a hole whose middle the context shows.
pub(super) const MIDDLE_IN_CONTEXT: &str = "middle_in_context";
/// The reason of a hole whose example has more tokens than the limit.
pub(super) const TOO_MANY_TOKENS: &str = "too_many_tokens";
/// The reason of a file in which no hole was found.
pub(super) const NO_HOLE: &str = "no hole fits";
/// The reason of a file none of whose examples is left: all of them are seen in training,
/// or the curriculum has removed them.
pub(super) const NO_EXAMPLE_LEFT: &str = "no_example_left";
/// The reason of an example that has the text of another one.
pub(super) const DUPLICATE: &str = "duplicate_example";
/// The reason of an example that is a near duplicate of another one.
pub(super) const NEAR_DUPLICATE: &str = "near_duplicate_example";
/// The reason of a validation example whose middle the training split shows.
pub(super) const SEEN_IN_TRAINING: &str = "seen_in_training";
/// The reason of a training example that shows the middle of a validation example.
pub(super) const SHOWS_VALIDATION: &str = "shows_validation";

/// A file or a hole that gives no example: a line of the file of rejects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reject<'a> {
    /// The project of the file. Absent if the run has one project only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<&'a str>,
    /// The file's key.
    pub filepath: &'a str,
    /// The commit that added the hole, if it is from the file's history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_commit: Option<&'a str>,
    /// Where the hole starts in the file, in bytes. None for a whole file.
    pub start_byte: Option<usize>,
    /// One past the hole's last byte.
    pub end_byte: Option<usize>,
    /// The reason, as `metadata.json` counts it.
    pub reason: &'a str,
    /// The file or hole of which this is a duplicate: the file's key, with `REPO:`
    /// before it if the run has more than one project, and `:START..END` after it
    /// for a hole.
    pub duplicate_of: Option<String>,
    /// The text of the hole, with placeholders for secrets.
    pub middle: Option<&'a str>,
}

/// A rejected hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoleRejection {
    /// Its bytes in the file.
    pub range: Range<usize>,
    /// Why it is rejected.
    pub reason: &'static str,
}

impl Reject<'_> {
    /// The line, with its line break.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn line(&self) -> std::io::Result<String> {
        let mut line = json_line::text(self)?;
        line.push('\n');
        Ok(line)
    }
}

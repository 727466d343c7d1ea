//! The section `[limits]`: the limits of files, projects, messages and clients.

use serde::{Deserialize, Deserializer};

use super::values::accept;
use crate::files::WalkOptions;

/// The limits of fimd. What exceeds a limit is refused with an error that names the
/// limit; nothing is truncated silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most PHP files of a project; fimd does not open one with more.
    #[serde(deserialize_with = "limit")]
    pub max_files: usize,
    /// The most bytes of a file; fimd leaves out a larger one with a warning.
    #[serde(deserialize_with = "limit")]
    pub max_file_bytes: u64,
    /// The most bytes of memory of a project, by accounting: texts, facts and postings.
    /// fimd does not open one that takes more.
    #[serde(deserialize_with = "limit")]
    pub max_project_bytes: u64,
    /// The most bytes of a message; a larger one is answered with an error and skipped.
    #[serde(deserialize_with = "limit")]
    pub max_message_bytes: usize,
    /// The most bytes of an open buffer. The server drops a larger one and refuses
    /// requests for it until the client sends the whole text again.
    #[serde(deserialize_with = "limit")]
    pub max_buffer_bytes: usize,
    /// The most characters that a client may ask for in one context.
    #[serde(deserialize_with = "limit")]
    pub max_context_chars: usize,
    /// The most clients of a socket at a time; one more gets an error and is
    /// disconnected.
    #[serde(deserialize_with = "limit")]
    pub max_clients: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let walk = WalkOptions::default();
        Self {
            max_files: walk.max_files,
            max_file_bytes: walk.max_file_bytes,
            max_project_bytes: walk.max_project_bytes,
            max_message_bytes: 64 << 20,
            max_buffer_bytes: 16 << 20,
            max_context_chars: 1 << 20,
            max_clients: 512,
        }
    }
}

impl Limits {
    /// The options for finding files within these limits.
    pub(super) fn walk(&self) -> WalkOptions {
        WalkOptions {
            max_files: self.max_files,
            max_file_bytes: self.max_file_bytes,
            max_project_bytes: self.max_project_bytes,
            ..WalkOptions::default()
        }
    }
}

/// An integer of 1 or more.
fn limit<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    accept(deserializer, "an integer of 1 or more", |value| {
        let number = value.as_u64().filter(|&number| number > 0);
        T::try_from(number?).ok()
    })
}

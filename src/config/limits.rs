//! The section `[limits]`: how much of everything there may be.

use serde::{Deserialize, Deserializer};

use super::values::accept;
use crate::files::WalkOptions;

/// How much of everything there may be. What goes beyond is refused with an
/// answer that names the limit; nothing is cut off in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// PHP files that a project may have; one with more is not opened.
    #[serde(deserialize_with = "limit")]
    pub max_files: usize,
    /// Bytes that a file may have; a larger one is left out with a warning.
    #[serde(deserialize_with = "limit")]
    pub max_file_bytes: u64,
    /// Bytes of memory that a project may take, by accounting: the texts, the
    /// facts and the index. One that takes more is not opened.
    #[serde(deserialize_with = "limit")]
    pub max_project_bytes: u64,
    /// Bytes that a message may have; a larger one is answered with an error
    /// and skipped.
    #[serde(deserialize_with = "limit")]
    pub max_message_bytes: usize,
    /// Bytes that an open buffer may have; a larger one is forgotten until the
    /// client gives it as a whole again, and requests for it are refused.
    #[serde(deserialize_with = "limit")]
    pub max_buffer_bytes: usize,
    /// Characters that a client may ask for in one context.
    #[serde(deserialize_with = "limit")]
    pub max_context_chars: usize,
    /// Clients that a socket serves at a time; the next is answered with an
    /// error and let go.
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
    /// How files are found within them.
    #[must_use]
    pub fn walk(&self) -> WalkOptions {
        WalkOptions {
            max_files: self.max_files,
            max_file_bytes: self.max_file_bytes,
            max_project_bytes: self.max_project_bytes,
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

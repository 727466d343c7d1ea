//! The section `[limits]`: how much of everything there may be.

use toml_edit::TableLike;

use super::section::{Section, Wrong};
use crate::files::WalkOptions;

/// How much of everything there may be. What goes beyond is refused with an
/// answer that names the limit; nothing is cut off in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// PHP files that a project may have; one with more is not opened.
    pub max_files: usize,
    /// Bytes that a file may have; a larger one is left out with a warning.
    pub max_file_bytes: u64,
    /// Bytes of memory that a project may take, by accounting: the texts, the
    /// facts and the index. One that takes more is not opened.
    pub max_project_bytes: u64,
    /// Bytes that a message may have; a larger one is answered with an error
    /// and skipped.
    pub max_message_bytes: usize,
    /// Bytes that an open buffer may have; a larger one is forgotten until the
    /// client gives it as a whole again, and requests for it are refused.
    pub max_buffer_bytes: usize,
    /// Characters that a client may ask for in one context.
    pub max_context_chars: usize,
    /// Clients that a socket serves at a time; the next is answered with an
    /// error and let go.
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
    /// What the settings file calls them.
    pub(super) const KEYS: [&str; 7] = [
        "max_files",
        "max_file_bytes",
        "max_project_bytes",
        "max_message_bytes",
        "max_buffer_bytes",
        "max_context_chars",
        "max_clients",
    ];

    /// Sets one of them, if there is one of that name: whether there is.
    fn set(&mut self, key: &str, limit: usize) -> bool {
        match key {
            "max_files" => self.max_files = limit,
            "max_file_bytes" => self.max_file_bytes = limit as u64,
            "max_project_bytes" => self.max_project_bytes = limit as u64,
            "max_message_bytes" => self.max_message_bytes = limit,
            "max_buffer_bytes" => self.max_buffer_bytes = limit,
            "max_context_chars" => self.max_context_chars = limit,
            "max_clients" => self.max_clients = limit,
            _ => return false,
        }
        true
    }

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

/// What the section says.
pub(super) fn read(table: &dyn TableLike) -> Result<Limits, Wrong> {
    let section = Section::new("limits", table, &Limits::KEYS)?;
    let mut limits = Limits::default();
    for key in Limits::KEYS {
        let limit = section.get(key, "an integer of 1 or more", |item| {
            let number = usize::try_from(item.as_integer()?).ok();
            number.filter(|&number| number > 0)
        })?;
        if let Some(limit) = limit {
            limits.set(key, limit);
        }
    }
    Ok(limits)
}

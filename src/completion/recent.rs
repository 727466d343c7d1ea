//! The completions shown last, for those who type what they are shown.

use std::collections::VecDeque;
use std::sync::Arc;

/// How many are remembered.
const KEPT: usize = 32;

/// A completion and the buffer that it was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The key of the file.
    pub path: String,
    /// The text before the cursor.
    pub before: String,
    /// The text behind it.
    pub after: String,
    /// What was shown.
    pub text: String,
}

/// The completions shown last, newest first.
#[derive(Debug, Default)]
pub struct Recent(VecDeque<Arc<Completed>>);

impl Recent {
    /// Remembers one.
    pub fn push(&mut self, completed: Completed) {
        let is_old = |other: &Arc<Completed>| {
            (&other.path, &other.before, &other.after)
                == (&completed.path, &completed.before, &completed.after)
        };
        self.0.retain(|other| !is_old(other));
        self.0.truncate(KEPT - 1);
        self.0.push_front(Arc::new(completed));
    }

    /// What is left of a completion of which some has been typed, and nothing
    /// else: the newest such. Empty, if all of it has.
    #[must_use]
    pub fn rest(&self, path: &str, before: &str, after: &str) -> Option<String> {
        self.0.iter().find_map(|old| {
            if old.path != path || old.after != after {
                return None;
            }
            let typed = before.strip_prefix(old.before.as_str())?;
            old.text.strip_prefix(typed).map(str::to_owned)
        })
    }

    /// Forgets everything, since what contexts are made of has changed.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

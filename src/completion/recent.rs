//! The completions shown last, for those who type what they are shown.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::context::Context;

/// How many are remembered.
const KEPT: usize = 32;

/// A completion and the buffer that it was made for.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownCompletion {
    /// The key of the file.
    pub path: String,
    /// The text before the cursor.
    pub before: String,
    /// The text behind it.
    pub after: String,
    /// What was shown.
    pub text: String,
    /// The context that the model was shown.
    pub context: Arc<Context>,
}

/// The completions shown last, newest first.
#[derive(Debug, Default)]
pub struct RecentCompletions(VecDeque<ShownCompletion>);

impl RecentCompletions {
    /// Remembers one.
    pub fn push(&mut self, completed: ShownCompletion) {
        let is_old = |other: &ShownCompletion| {
            (&other.path, &other.before, &other.after)
                == (&completed.path, &completed.before, &completed.after)
        };
        self.0.retain(|other| !is_old(other));
        self.0.truncate(KEPT - 1);
        self.0.push_front(completed);
    }

    /// The newest completion of which some has been typed, and nothing else,
    /// and what is left of it: empty, if all of it has.
    #[must_use]
    pub fn rest(&self, path: &str, before: &str, after: &str) -> Option<(&ShownCompletion, &str)> {
        self.0.iter().find_map(|old| {
            if old.path != path || old.after != after {
                return None;
            }
            let typed = before.strip_prefix(old.before.as_str())?;
            Some((old, old.text.strip_prefix(typed)?))
        })
    }
}

//! The completions shown last. A user who types what is shown gets the rest of the
//! same completion, without another request.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::context::Context;

/// The number of completions that are remembered.
const CAPACITY: usize = 32;

/// A completion, and the buffer for which it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownCompletion {
    /// The key of the file.
    pub path: String,
    /// The text before the cursor.
    pub before: String,
    /// The text behind the cursor.
    pub after: String,
    /// The text that was shown.
    pub text: String,
    /// The context in the prompt.
    pub context: Arc<Context>,
}

/// The completions shown last, newest first.
#[derive(Debug, Default)]
pub struct RecentCompletions(VecDeque<ShownCompletion>);

impl RecentCompletions {
    /// Remembers `completed`.
    pub fn push(&mut self, completed: ShownCompletion) {
        let is_old = |other: &ShownCompletion| {
            (&other.path, &other.before, &other.after)
                == (&completed.path, &completed.before, &completed.after)
        };
        self.0.retain(|other| !is_old(other));
        self.0.truncate(CAPACITY - 1);
        self.0.push_front(completed);
    }

    /// The newest completion whose start the user has typed since it was shown, if
    /// nothing else has changed, and the rest of it. The rest is empty if the user
    /// has typed all of it.
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

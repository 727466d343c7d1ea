//! The completions shown last. A user who types what is shown gets the rest of the
//! same completion, without another request.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::context::Context;

/// The number of buffers and cursors whose completions are remembered.
const CAPACITY: usize = 32;
/// The most texts that are remembered for one cursor.
const MAX_TEXTS: usize = 16;

/// The completions at one cursor, and the buffer for which they were made.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownCompletion {
    /// The path of the file, unlike that of any other file.
    pub path: String,
    /// The text before the cursor.
    pub before: String,
    /// The text behind the cursor.
    pub after: String,
    /// The texts that were shown, best first.
    pub texts: Vec<String>,
    /// The context in the prompt.
    pub context: Arc<Context>,
}

/// The completions shown last, newest first.
#[derive(Debug, Default)]
pub struct RecentCompletions(VecDeque<ShownCompletion>);

impl RecentCompletions {
    /// Remembers `completed`. Texts that are known for the same cursor stand behind
    /// its own.
    pub fn push(&mut self, mut completed: ShownCompletion) {
        let is_here = |other: &ShownCompletion| {
            (&other.path, &other.before, &other.after)
                == (&completed.path, &completed.before, &completed.after)
        };
        if let Some(at) = self.0.iter().position(is_here)
            && let Some(old) = self.0.remove(at)
        {
            for text in old.texts {
                if !completed.texts.contains(&text) {
                    completed.texts.push(text);
                }
            }
            completed.texts.truncate(MAX_TEXTS);
        }
        self.0.truncate(CAPACITY - 1);
        self.0.push_front(completed);
    }

    /// The rests of the completions whose start the user has typed since they were
    /// shown, newest first. Nothing else may have changed. No rest is empty.
    pub fn rests<'a>(
        &'a self,
        path: &'a str,
        before: &'a str,
        after: &'a str,
    ) -> impl Iterator<Item = (&'a ShownCompletion, &'a str)> {
        let here = move |old: &&ShownCompletion| old.path == path && old.after == after;
        self.0.iter().filter(here).flat_map(move |old| {
            let typed = before.strip_prefix(old.before.as_str());
            let rests = typed.into_iter().flat_map(|typed| {
                let texts = old.texts.iter();
                texts.filter_map(move |text| text.strip_prefix(typed))
            });
            let rests = rests.filter(|rest| !rest.is_empty());
            rests.map(move |rest| (old, rest))
        })
    }
}

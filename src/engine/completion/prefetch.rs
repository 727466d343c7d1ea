//! Completions that are requested before the client asks for them, and those that are
//! known without asking.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::{
    BufferPosition, Completion, CompletionRequest, Completions, ModelAnswers, Timings, lock,
};
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::index::Snapshot;

/// A completion that is requested before the client asks for it.
#[derive(Debug)]
pub(super) struct Prefetch {
    position: BufferPosition,
    /// Closed when the task ends.
    done: watch::Receiver<()>,
    task: AbortHandle,
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Completions {
    /// Starts the completion of `request` before the client asks for it. Replaces the
    /// previous prefetch.
    pub fn prefetch(
        self: &Arc<Self>,
        engine: &Engine,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
    ) {
        let (completions, engine) = (Arc::clone(self), engine.clone());
        let (finished, done) = watch::channel(());
        let position = request.position.clone();
        let mut prefetched = lock(&self.prefetched);
        *lock(&self.flight) = None;
        let task = tokio::spawn(async move {
            let cancel = Cancel::default();
            let (progress, _) = watch::channel(String::new());
            let completion = completions.ask(&engine, request, snapshot, cancel, &progress);
            if let Err(error) = completion.await {
                tracing::debug!("nothing was completed ahead of time: {error}");
            }
            drop(finished);
        });
        *prefetched = Some(Prefetch {
            position,
            done,
            task: task.abort_handle(),
        });
    }

    /// The completion at `position`, if it is known already: the rest of one that the
    /// user is typing, or a prefetched one. Empty if the user has declined all that is
    /// known. Waits for a prefetch in progress.
    pub(super) async fn known(&self, position: &BufferPosition) -> Option<Completion> {
        let done = {
            let mut prefetched = lock(&self.prefetched);
            match &*prefetched {
                Some(prefetch) if prefetch.position == *position => Some(prefetch.done.clone()),
                _ => {
                    // The cursor is elsewhere, so the prefetch is useless.
                    *prefetched = None;
                    None
                }
            }
        };
        if let Some(mut done) = done {
            // This fails once the task has ended.
            while done.changed().await.is_ok() {}
        }
        let (place, file) = (position.place(), position.file());
        let (before, after) = position.content.split_at(position.cursor);
        let recent = lock(&self.recent);
        let mut rests = recent.rests(&file, before, after).peekable();
        rests.peek()?;
        let wanted = {
            let offers = lock(&self.offers);
            rests.find(|(_, rest)| !offers.is_declined(&place, rest))
        };
        let (texts, context) = wanted.map_or_else(Default::default, |(shown, rest)| {
            (vec![rest.to_owned()], Arc::clone(&shown.context))
        });
        let timings = Timings {
            cached: true,
            ..Timings::default()
        };
        let answers = ModelAnswers {
            texts,
            context,
            context_start: None,
            timings,
        };
        Some(self.offer(&place, answers))
    }
}

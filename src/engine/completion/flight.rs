//! An automatic completion that is at the model server, and that goes on while the user
//! types what it says.
//!
//! A server goes on reading a prompt when its connection is closed. So a completion that
//! is superseded by typing on is worth more alive than dead: the next request needs what
//! the server reads for it. It ends when its text disagrees with what is typed, when the
//! cursor is elsewhere, or when nobody has asked for it for a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use super::{
    BufferPosition, CompleteError, Completion, CompletionRequest, Completions, ModelAnswers, lock,
};
use crate::cancel::Cancel;
use crate::engine::{Engine, WorkError};
use crate::index::Snapshot;

/// How long a completion goes on that nobody waits for: an editor cancels a request
/// when a key is pressed, and asks again a moment later.
const GRACE: Duration = Duration::from_millis(300);

/// A completion that is at the model server.
#[derive(Debug)]
pub(super) struct Flight {
    position: BufferPosition,
    /// What is to be shown of the answer so far. Closed when the answer is complete.
    shown: watch::Receiver<String>,
    /// How many requests wait for it.
    riders: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request that waits for a flight.
struct Ride {
    completions: Arc<Completions>,
    riders: Arc<AtomicUsize>,
}

impl Ride {
    fn new(completions: &Arc<Completions>, riders: &Arc<AtomicUsize>) -> Self {
        riders.fetch_add(1, Ordering::Relaxed);
        Self {
            completions: Arc::clone(completions),
            riders: Arc::clone(riders),
        }
    }
}

impl Drop for Ride {
    fn drop(&mut self) {
        if self.riders.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (completions, riders) = (Arc::clone(&self.completions), Arc::clone(&self.riders));
        runtime.spawn(async move {
            tokio::time::sleep(GRACE).await;
            let mut flight = lock(&completions.flight);
            let is_this = flight
                .as_ref()
                .is_some_and(|flight| Arc::ptr_eq(&flight.riders, &riders));
            if is_this && riders.load(Ordering::Relaxed) == 0 {
                *flight = None;
            }
        });
    }
}

impl Completions {
    /// Asks the model in a task of its own, which goes on for a moment when the future is
    /// dropped. Ends the one before.
    pub(super) async fn fly(
        self: &Arc<Self>,
        engine: &Engine,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
    ) -> Result<ModelAnswers, CompleteError> {
        let (task, _ride) = self.take_off(engine, request, snapshot);
        match task.await {
            Ok(answers) => answers,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => Err(WorkError::caught(&*panic).into()),
                // Another flight has taken its place.
                Err(_) => Ok(ModelAnswers::default()),
            },
        }
    }

    fn take_off(
        self: &Arc<Self>,
        engine: &Engine,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
    ) -> (JoinHandle<Result<ModelAnswers, CompleteError>>, Ride) {
        let (completions, engine) = (Arc::clone(self), engine.clone());
        let (progress, shown) = watch::channel(String::new());
        let position = request.position.clone();
        let riders = Arc::default();
        let ride = Ride::new(self, &riders);
        let mut flight = lock(&self.flight);
        let task = tokio::spawn(async move {
            let cancel = Cancel::default();
            let answers = completions.ask(&engine, request, snapshot, cancel, &progress);
            answers.await
        });
        *flight = Some(Flight {
            position,
            shown,
            riders,
            task: task.abort_handle(),
        });
        (task, ride)
    }

    /// The completion at `position` of a flight that agrees with what the user has typed
    /// since it took off. Waits for it. Ends a flight that does not agree.
    pub(super) async fn landed(self: &Arc<Self>, position: &BufferPosition) -> Option<Completion> {
        let (typed, mut shown, ride) = {
            let mut flight = lock(&self.flight);
            let agreeing = flight.as_ref().and_then(|flight| {
                let typed = position.typed_since(&flight.position)?.to_owned();
                let ride = Ride::new(self, &flight.riders);
                Some((typed, flight.shown.clone(), ride))
            });
            if agreeing.is_none() {
                *flight = None;
            }
            agreeing?
        };
        loop {
            let agrees = {
                let text = shown.borrow_and_update();
                text.starts_with(&typed) || typed.starts_with(&**text)
            };
            if !agrees {
                break;
            }
            // This fails once the answer is complete.
            if shown.changed().await.is_err() {
                drop(ride);
                return self.known(position).await;
            }
        }
        *lock(&self.flight) = None;
        None
    }
}

impl BufferPosition {
    /// What was typed at the cursor of `former` to come here, if nothing else happened.
    fn typed_since(&self, former: &Self) -> Option<&str> {
        if (&self.root, &self.path) != (&former.root, &former.path) {
            return None;
        }
        let (before, after) = former.content.split_at(former.cursor);
        let (now, behind) = self.content.split_at(self.cursor);
        (behind == after).then(|| now.strip_prefix(before))?
    }
}

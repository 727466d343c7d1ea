//! Whether an answer is due from a model server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Answers that are due from a model server.
#[derive(Debug, Default)]
pub(super) struct DueAnswers {
    now: Arc<AtomicUsize>,
    /// The number of all so far.
    all: AtomicUsize,
}

/// One answer is due until this is dropped.
#[derive(Debug)]
pub struct DueAnswer(Arc<AtomicUsize>);

impl DueAnswers {
    /// One more, until the result is dropped.
    pub(super) fn one(&self) -> DueAnswer {
        self.now.fetch_add(1, Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
        DueAnswer(Arc::clone(&self.now))
    }

    /// The number of all so far, if none is due.
    pub(super) fn quiet_since(&self) -> Option<usize> {
        let all = self.all.load(Ordering::Relaxed);
        (self.now.load(Ordering::Relaxed) == 0).then_some(all)
    }
}

impl Drop for DueAnswer {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

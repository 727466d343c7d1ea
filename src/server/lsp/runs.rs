//! The runs of tags that the client can cancel.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// The runs of a connection, by their ids.
#[derive(Debug, Default)]
pub(super) struct Runs(Mutex<RunList>);

#[derive(Debug, Default)]
struct RunList {
    /// The number of the last run.
    last: u64,
    running: BTreeMap<String, oneshot::Sender<()>>,
}

impl Runs {
    fn locked<T>(&self, look: impl FnOnce(&mut RunList) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a run. Returns its id, and a receiver that fails once the run is
    /// cancelled.
    pub(super) fn add(&self) -> (String, oneshot::Receiver<()>) {
        let (cancel, cancelled) = oneshot::channel();
        self.locked(|list| {
            list.last += 1;
            let id = format!("fimd/tags/{}", list.last);
            list.running.insert(id.clone(), cancel);
            (id, cancelled)
        })
    }

    /// Removes the run with this id, if there is one, and thereby cancels it.
    pub(super) fn cancel(&self, id: &str) {
        self.locked(|list| list.running.remove(id));
    }
}

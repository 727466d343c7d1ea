//! The documents whose diagnostics have changed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// The documents whose diagnostics the client does not know yet.
#[derive(Debug, Default)]
pub(super) struct StaleDiagnostics {
    uris: Mutex<BTreeSet<String>>,
    changed: Notify,
}

impl StaleDiagnostics {
    /// The diagnostics of this document have changed.
    pub(super) fn add(&self, uri: &str) {
        let mut uris = self.uris.lock().unwrap_or_else(PoisonError::into_inner);
        uris.insert(uri.to_owned());
        self.changed.notify_one();
    }

    /// Waits for changes and takes the documents that have any.
    pub(super) async fn take(&self) -> BTreeSet<String> {
        self.changed.notified().await;
        std::mem::take(&mut self.uris.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

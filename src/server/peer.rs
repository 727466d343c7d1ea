//! Requests of fimd to the client, numbered from 1, and the way of its responses
//! back to the tasks that wait for them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::output::Notifier;
use crate::rpc;

/// The result of a request to the client, or its error.
type PeerResult = Result<Box<RawValue>, rpc::Error>;

/// A client that takes requests and notifications.
#[derive(Debug)]
pub(super) struct Peer {
    client: Notifier,
    pending: Mutex<PendingRequests>,
}

/// The requests that have no response yet.
#[derive(Debug, Default)]
struct PendingRequests {
    /// The id of the last request.
    last: u64,
    waiting: FxHashMap<u64, oneshot::Sender<PeerResult>>,
}

impl Peer {
    /// The client that `client` reaches.
    pub(super) fn new(client: Notifier) -> Self {
        Self {
            client,
            pending: Mutex::default(),
        }
    }

    /// Sends a notification; see [`Notifier::send`]. Returns none if the client has
    /// left.
    pub(super) async fn tell(&self, method: &str, params: &impl Serialize) -> Option<()> {
        self.client.send(|| rpc::notification(method, params)).await
    }

    /// Sends a notification whose parameters are made once the output has room.
    /// Returns none if the client has left.
    pub(super) async fn tell_newest<P: Serialize>(
        &self,
        method: &str,
        params: impl FnOnce() -> P,
    ) -> Option<()> {
        self.client
            .send(|| rpc::notification(method, &params()))
            .await
    }

    /// Sends a request and waits for its response, which may never come. No answer
    /// that the client waits for may wait here. Returns none if the client has
    /// left.
    pub(super) async fn ask(&self, method: &str, params: &impl Serialize) -> Option<PeerResult> {
        let (sender, response) = oneshot::channel();
        let id = {
            let mut pending = self.pending();
            pending.last += 1;
            let id = pending.last;
            pending.waiting.insert(id, sender);
            id
        };
        // Forgets the request if this future is dropped, too.
        let _guard = PendingGuard { peer: self, id };
        self.client
            .send(|| rpc::request(id, method, params))
            .await?;
        response.await.ok()
    }

    /// Gives a response to the task that waits for it.
    pub(super) fn take_response(&self, response: rpc::Response) {
        let id = response.id.to_string().parse::<u64>().ok();
        let waiting = id.and_then(|id| self.pending().waiting.remove(&id));
        let is_taken = waiting.is_some_and(|waiting| waiting.send(response.result).is_ok());
        if !is_taken {
            tracing::debug!(id = %response.id, "no request waits for this response");
        }
    }

    fn pending(&self) -> MutexGuard<'_, PendingRequests> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a request when it is dropped.
struct PendingGuard<'a> {
    peer: &'a Peer,
    id: u64,
}

impl Drop for PendingGuard<'_> {
    fn drop(&mut self) {
        self.peer.pending().waiting.remove(&self.id);
    }
}

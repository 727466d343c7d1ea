//! The client as one who can be asked, too: requests of ours, numbered from 1,
//! and the way of their answers back to whoever waits.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::reply::Notifier;
use crate::rpc;

type Outcome = Result<Box<RawValue>, rpc::Error>;

/// A client that may be told and asked things.
#[derive(Debug)]
pub(super) struct Peer {
    client: Notifier,
    asked: Mutex<Asked>,
}

/// Requests that have no answer yet.
#[derive(Debug, Default)]
struct Asked {
    last: u64,
    waiting: FxHashMap<u64, oneshot::Sender<Outcome>>,
}

impl Peer {
    /// That client.
    pub(super) fn new(client: Notifier) -> Self {
        Self {
            client,
            asked: Mutex::default(),
        }
    }

    /// Sends a notification; see [`Notifier::send`]. None if the client has gone.
    pub(super) async fn tell(&self, method: &str, params: &impl Serialize) -> Option<()> {
        self.client.send(|| rpc::notification(method, params)).await
    }

    /// Like [`tell`](Self::tell), with parameters that are made when there is
    /// room for them.
    pub(super) async fn tell_newest<P: Serialize>(
        &self,
        method: &str,
        params: impl FnOnce() -> P,
    ) -> Option<()> {
        self.client
            .send(|| rpc::notification(method, &params()))
            .await
    }

    /// Sends a request and waits for its answer, which never comes if the
    /// client gives none: nothing that the client itself waits for may wait
    /// here. None if the client has gone.
    pub(super) async fn ask(&self, method: &str, params: &impl Serialize) -> Option<Outcome> {
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut asked = self.asked();
            asked.last += 1;
            let id = asked.last;
            asked.waiting.insert(id, answer);
            id
        };
        // Forgotten, whether it is answered or nobody waits any more.
        let _forget = Forget { peer: self, id };
        self.client
            .send(|| rpc::request(id, method, params))
            .await?;
        answered.await.ok()
    }

    /// Gives an answer to whoever waits for it.
    pub(super) fn answered(&self, answer: rpc::Answer) {
        let id = answer.id.to_string().parse::<u64>().ok();
        let waiting = id.and_then(|id| self.asked().waiting.remove(&id));
        let taken = waiting.is_some_and(|waiting| waiting.send(answer.outcome).is_ok());
        if !taken {
            tracing::debug!(id = %answer.id, "nobody waits for this answer");
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a request when it is dropped.
struct Forget<'a> {
    peer: &'a Peer,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.peer.asked().waiting.remove(&self.id);
    }
}

//! The memory for messages that have not come as a whole, of all clients together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What every message may have without a part of the room, in bytes.
const FREE_BYTES: usize = 1 << 20;

/// The parts in which a message takes more, in bytes.
const PART_BYTES: usize = 1 << 20;

/// The room for messages that have not come as a whole. Clones share it.
#[derive(Clone, Debug)]
pub struct MessageRoom(Arc<Semaphore>);

impl MessageRoom {
    /// Room for `bytes` bytes, beside one megabyte for each client.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let parts = bytes.div_ceil(PART_BYTES).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(parts)))
    }
}

/// What the message that a client sends takes of the room.
#[derive(Debug)]
pub(super) struct MessageShare {
    room: MessageRoom,
    taken: Option<OwnedSemaphorePermit>,
}

impl MessageShare {
    /// Nothing yet.
    pub(super) fn new(room: MessageRoom) -> Self {
        Self { room, taken: None }
    }

    /// Takes what a message of `bytes` bytes needs, beside what it has. Returns whether
    /// there was room. If not, the message has nothing any more.
    pub(super) fn hold(&mut self, bytes: usize) -> bool {
        let needed = bytes.saturating_sub(FREE_BYTES).div_ceil(PART_BYTES);
        let taken = self
            .taken
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        if needed <= taken {
            return true;
        }
        let more = u32::try_from(needed - taken).ok();
        let more = more.and_then(|more| Arc::clone(&self.room.0).try_acquire_many_owned(more).ok());
        let Some(more) = more else {
            self.taken = None;
            return false;
        };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        true
    }

    /// Gives back all that was taken: the message has come.
    pub(super) fn release(&mut self) {
        self.taken = None;
    }
}

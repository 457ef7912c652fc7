//! Bounds the bytes that wait to be sent to the broker.
//!
//! The client of NATS takes what it is given into a queue, however slowly the broker reads. So each
//! payload takes room here, and gives it back when the client drops it, which is when its last byte
//! was written to the socket.

use std::sync::Arc;

use bytes::Bytes;
use metrics::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::{Metric, gauge};

/// What may wait for the broker, in bytes: a second of what one connection sends over loopback when
/// every answer has megabytes, and four times the largest message.
const MOST: usize = 64 << 20;

/// What a message takes in the client's queue besides its payload, in bytes.
const OVERHEAD: usize = 512;

/// The room for payloads that wait to be sent. Clones share it, and so do the connections of a
/// process.
#[derive(Clone)]
pub struct Outgoing {
    room: Arc<Semaphore>,
    bytes: usize,
    waiting: Gauge,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl Outgoing {
    /// Room for that many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        // The semaphore counts in `u32`.
        let bytes = bytes.clamp(1, u32::MAX as usize);
        let waiting = gauge(Metric::BrokerOutgoing, &[]);
        Self { room: Arc::new(Semaphore::new(bytes)), bytes, waiting }
    }

    /// Waits for room for a payload. The result is the same bytes, which hold the room.
    pub(super) async fn enter(&self, payload: Bytes) -> Bytes {
        let room = Arc::clone(&self.room).acquire_many_owned(self.takes(&payload)).await;
        // The semaphore is never closed.
        room.map_or(Bytes::new(), |room| self.leaving(payload, room))
    }

    /// Takes room for a payload that nobody waits for. It must leave half of all room to those that
    /// somebody waits for. `None` if there is too little.
    pub(super) fn try_enter(&self, payload: Bytes) -> Option<Bytes> {
        let takes = self.takes(&payload);
        if self.room.available_permits() < self.bytes / 2 + (takes as usize).min(self.bytes / 2) {
            return None;
        }
        let room = Arc::clone(&self.room).try_acquire_many_owned(takes).ok()?;
        Some(self.leaving(payload, room))
    }

    fn takes(&self, payload: &Bytes) -> u32 {
        u32::try_from((payload.len() + OVERHEAD).min(self.bytes)).unwrap_or(u32::MAX)
    }

    fn leaving(&self, payload: Bytes, room: OwnedSemaphorePermit) -> Bytes {
        let waiting = self.waiting.clone();
        waiting.increment(f64::from(u32::try_from(payload.len()).unwrap_or(u32::MAX)));
        Bytes::from_owner(Leaving { payload, waiting, _room: room })
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let free = self.room.available_permits();
        f.debug_struct("Outgoing").field("bytes", &self.bytes).field("free", &free).finish()
    }
}

/// A payload on its way to the socket.
struct Leaving {
    payload: Bytes,
    waiting: Gauge,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Leaving {
    fn as_ref(&self) -> &[u8] {
        &self.payload
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.waiting.decrement(f64::from(u32::try_from(self.payload.len()).unwrap_or(u32::MAX)));
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn room_comes_back_when_the_bytes_are_dropped() {
        let outgoing = Outgoing::new(10_000);
        let payload = Bytes::from(vec![7; 6_000]);
        let first = outgoing.enter(payload.clone()).now_or_never().unwrap();
        assert_eq!(first, payload);
        let mut second = Box::pin(outgoing.enter(payload.clone()));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert_eq!(second.now_or_never().unwrap(), payload);
    }

    #[test]
    fn what_nobody_waits_for_leaves_half_of_the_room() {
        let outgoing = Outgoing::new(10_000);
        let held = outgoing.try_enter(Bytes::from(vec![7; 4_000])).unwrap();
        assert!(outgoing.try_enter(Bytes::from(vec![7; 4_000])).is_none());
        let asked_for = outgoing.enter(Bytes::from(vec![7; 4_000])).now_or_never();
        assert!(asked_for.is_some());
        drop((held, asked_for));
        // One that is larger than all of it is alone.
        assert!(outgoing.enter(Bytes::from(vec![7; 40_000])).now_or_never().is_some());
    }
}

//! The requests in progress by their reply subjects, so that a caller can cancel its own.

use std::{collections::HashMap, sync::Arc};

use ocelli_messages::v1;
use parking_lot::Mutex;
use prost::Message as _;
use tokio_util::sync::CancellationToken;

/// The requests of a service that are in progress.
#[derive(Clone, Debug, Default)]
pub(in crate::broker) struct Callers {
    waiting: Arc<Mutex<HashMap<Box<str>, Waiting>>>,
}

/// The requests with one reply subject: a request that was sent twice is one to its caller.
#[derive(Debug, Default)]
struct Waiting {
    requests: usize,
    gone: CancellationToken,
}

impl Callers {
    /// Registers a request until the result is dropped.
    pub(super) fn enter(&self, reply: &str) -> Entered {
        let mut waiting = self.waiting.lock();
        let entry = waiting.entry(reply.into()).or_default();
        entry.requests += 1;
        Entered { callers: self.clone(), reply: reply.into(), gone: entry.gone.clone() }
    }

    /// Cancels the requests that a `CancelRequest` names; other messages are ignored.
    pub(in crate::broker) fn cancel(&self, payload: &[u8]) {
        let Ok(v1::CancelRequest { reply }) = v1::CancelRequest::decode(payload) else { return };
        if let Some(waiting) = self.waiting.lock().get(reply.as_str()) {
            waiting.gone.cancel();
        }
    }
}

/// A request in progress whose caller can cancel it.
#[derive(Debug)]
pub(super) struct Entered {
    callers: Callers,
    reply: Box<str>,
    gone: CancellationToken,
}

impl Entered {
    /// Waits until the caller is gone.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut waiting = self.callers.waiting.lock();
        if let Some(entry) = waiting.get_mut(&self.reply) {
            entry.requests -= 1;
            if entry.requests == 0 {
                waiting.remove(&self.reply);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancel(reply: &str) -> Vec<u8> {
        v1::CancelRequest { reply: reply.to_owned() }.encode_to_vec()
    }

    #[test]
    fn a_caller_cancels_its_own_request_and_no_other() {
        let callers = Callers::default();
        let [one, two] = ["_INBOX.a.1", "_INBOX.a.2"].map(|reply| callers.enter(reply));
        callers.cancel(&cancel("_INBOX.a.1"));
        callers.cancel(&cancel("_INBOX.a.3"));
        callers.cancel(b"\xff\xff");
        assert!(one.gone.is_cancelled() && !two.gone.is_cancelled());
    }

    #[test]
    fn a_request_is_forgotten_when_it_ends() {
        let callers = Callers::default();
        let [one, again] = [(); 2].map(|()| callers.enter("_INBOX.a.1"));
        drop(one);
        callers.cancel(&cancel("_INBOX.a.1"));
        assert!(again.gone.is_cancelled());
        drop(again);
        assert!(callers.waiting.lock().is_empty());
    }
}

//! How a message gets its credit: it is checked first, so that it is charged for everything that it
//! will take, and then waits once.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use ocelli_messages::Failure;
use tokio::time::Instant;

use crate::credits::{Caller, Credit, CreditPool};

/// A credit that several owners hold: the request, the work that may outlive it, and its answer
/// until that was sent. It returns to its pool when the last of them drops it.
#[derive(Clone, Debug, Default)]
pub struct Hold(Option<Arc<Credit>>);

impl Hold {
    /// Bytes that hold the credit until they are dropped.
    #[must_use]
    pub fn keep(self, bytes: Bytes) -> Bytes {
        match self.0 {
            Some(credit) => Bytes::from_owner(Held { bytes, _credit: credit }),
            None => bytes,
        }
    }

    /// Changes what is charged to what the answer takes, now that the work is done. An answer that
    /// is larger than what was charged is charged in full only if there is room, because it is
    /// there already.
    pub(super) fn shrink_to(&self, bytes: usize) {
        if let Some(credit) = &self.0 {
            // The credit is then unchanged.
            let _unchanged = credit.resize(bytes);
        }
    }
}

impl From<Credit> for Hold {
    fn from(credit: Credit) -> Self {
        Self(Some(Arc::new(credit)))
    }
}

struct Held {
    bytes: Bytes,
    _credit: Arc<Credit>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The right of a message to wait for a credit, once.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Turn>);

#[derive(Debug)]
struct Turn {
    pool: Option<CreditPool>,
    caller: Caller,
    /// The length of the message.
    bytes: usize,
    until: Instant,
    hold: OnceLock<Hold>,
}

impl Admission {
    /// Admission to a pool for a message of `bytes` bytes, which waits no longer than `until`.
    pub(super) fn to(pool: CreditPool, caller: Caller, bytes: usize, until: Instant) -> Self {
        let hold = OnceLock::new();
        Self(Arc::new(Turn { pool: Some(pool), caller, bytes, until, hold }))
    }

    /// Admission that is granted at once, for messages that something else limits.
    pub(super) fn free() -> Self {
        let (caller, until, hold) = (Caller::UNKNOWN, Instant::now(), OnceLock::new());
        Self(Arc::new(Turn { pool: None, caller, bytes: 0, until, hold }))
    }

    /// Who the message comes from.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// Waits for a credit for the message and `more` bytes, which the work on it takes. Called
    /// again, it returns the same credit.
    ///
    /// # Errors
    /// `overloaded` if there is none in time, `too_large` if the message needs more than all
    /// requests together may.
    pub async fn admit(&self, more: usize) -> Result<Hold, Failure> {
        let Turn { pool, caller, bytes, until, hold } = &*self.0;
        if let (None, Some(pool)) = (hold.get(), pool) {
            let all = bytes.saturating_add(more);
            let credit = pool.acquire_holding(caller, *bytes, all, *until).await?;
            return Ok(hold.get_or_init(|| credit.into()).clone());
        }
        Ok(self.hold())
    }

    /// What the message holds so far.
    pub(super) fn hold(&self) -> Hold {
        self.0.hold.get().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::credits::CreditLimits;

    #[test]
    fn a_credit_is_held_until_the_last_of_its_owners_is_gone() {
        let pool = CreditPool::new(CreditLimits::of(2, 100), "test");
        let admission = Admission::to(pool.clone(), Caller::UNKNOWN, 10, Instant::now());
        let hold = admission.admit(50).now_or_never().unwrap().unwrap();
        assert_eq!(pool.bytes_in_use(), 60);
        drop(admission.admit(50).now_or_never().unwrap().unwrap());
        assert_eq!(pool.bytes_in_use(), 60, "it waits once");
        drop(admission);
        hold.shrink_to(20);
        let answer = hold.keep(Bytes::from_static(b"answer"));
        assert_eq!((pool.bytes_in_use(), &*answer), (20, &b"answer"[..]));
        drop(answer);
        assert_eq!((pool.bytes_in_use(), pool.in_use()), (0, 0));
    }

    #[test]
    fn what_is_limited_elsewhere_holds_nothing() {
        let hold = Admission::free().admit(1 << 40).now_or_never().unwrap().unwrap();
        assert_eq!(hold.keep(Bytes::from_static(b"x")), "x");
    }
}

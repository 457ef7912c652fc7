//! How long a lease is held, as a state machine that takes the time.

use std::time::Duration;

use tokio::time::Instant;

/// The time until which a lease is certainly held, and when it is due for renewal.
///
/// The server counts from the moment at which a write arrives. This counts from the moment before
/// it was sent, and stops a tenth early, so the holder always gives up before the server does.
#[derive(Debug)]
pub(super) struct Term {
    ttl: Duration,
    until: Instant,
    next: Instant,
}

/// What a holder has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing before that time.
    At(Instant),
    /// Renew the lease.
    Renew,
    /// The lease has ended; it must not be renewed any more.
    Ended,
}

impl Term {
    /// The term of a lease whose first write was sent at that time.
    pub(super) fn new(ttl: Duration, sent: Instant) -> Self {
        let mut term = Self { ttl, until: sent, next: sent };
        term.renewed(sent);
        term
    }

    /// A renewal that was sent at that time has succeeded.
    pub(super) fn renewed(&mut self, sent: Instant) {
        self.until = sent + self.ttl.mul_f64(0.9);
        self.next = sent + self.ttl / 3;
    }

    /// A renewal has failed, and the next one comes soon.
    pub(super) fn failed(&mut self, now: Instant) {
        self.next = now + self.ttl / 20;
    }

    /// The end of the term.
    pub(super) const fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn due(&self, now: Instant) -> Due {
        if now >= self.until {
            Due::Ended
        } else if now >= self.next {
            Due::Renew
        } else {
            Due::At(self.next.min(self.until))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(30);

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_renewed_after_a_third_and_ends_before_the_server_ends_it() {
        let start = Instant::now();
        let term = Term::new(TTL, start);
        assert_eq!(term.due(start), Due::At(after(start, 10)));
        assert_eq!(term.due(after(start, 10)), Due::Renew);
        assert_eq!(term.due(after(start, 26)), Due::Renew);
        assert_eq!(term.due(after(start, 27)), Due::Ended);
        assert_eq!(term.until(), after(start, 27));
    }

    #[test]
    fn a_renewal_counts_from_when_it_was_sent() {
        let start = Instant::now();
        let mut term = Term::new(TTL, start);
        // The answer came at 20, but the server may have counted from 10.
        term.renewed(after(start, 10));
        assert_eq!(term.due(after(start, 19)), Due::At(after(start, 20)));
        assert_eq!(term.due(after(start, 36)), Due::Renew);
        assert_eq!(term.due(after(start, 37)), Due::Ended);
    }

    #[test]
    fn a_failed_renewal_is_tried_again_soon_and_does_not_prolong_the_term() {
        let start = Instant::now();
        let mut term = Term::new(TTL, start);
        term.failed(after(start, 10));
        assert_eq!(term.due(after(start, 10)), Due::At(start + Duration::from_millis(11_500)));
        term.failed(after(start, 26));
        assert_eq!(term.due(after(start, 26)), Due::At(after(start, 27)));
        assert_eq!(term.due(after(start, 27)), Due::Ended);
    }
}

//! Leases: at most one holder at a time, and a number that exposes a holder who does not know yet
//! that it has lost.
//!
//! The lease is a value that expires. Every write carries its time to live and the revision that it
//! replaces: the client library's `update` loses the time to live, and so does its
//! `create_with_ttl` over the marker of an expired value, and a lease without one never ends.
//!
//! No clock makes a lease safe: a holder may be stopped for an hour between looking at its lease
//! and acting on it. So every holder has a fence, which is larger than those of all holders before
//! it, and whoever is acted upon refuses a smaller fence than it has seen.

mod term;

use std::time::Duration;

use bytes::Bytes;
use ocelli_messages::{ErrorKind, Failure};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tracing::{debug, info};

use super::{
    Bucket, Key,
    api::{Refused, unique},
    bucket::is_marker,
};
use term::{Due, Term};

/// The shortest time to live, which the server counts in whole seconds.
const SHORTEST: Duration = Duration::from_secs(2);
/// The longest time to live: a lease that nobody holds blocks its work that long.
const LONGEST: Duration = Duration::from_hours(1);

/// Why a lease is no longer held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseLoss {
    /// It could not be renewed in time.
    Expired,
    /// Another holder has it, or an operator removed it.
    Taken,
}

#[derive(Clone, Copy, Debug)]
enum State {
    HeldUntil(Instant),
    Lost(LeaseLoss),
}

/// Who holds a lease, as it stands in the bucket.
#[derive(Debug, Deserialize, Serialize)]
struct Holder {
    holder: String,
    /// Tells apart the leases that the same holder acquires one after another.
    lease: String,
}

/// A lease that was acquired. It renews itself until it is released or dropped.
///
/// A dropped lease is not released: it expires, as that of a killed holder does.
#[derive(Debug)]
pub struct Lease {
    bucket: Bucket,
    key: Key,
    fence: u64,
    state: watch::Receiver<State>,
    stop: Option<oneshot::Sender<()>>,
    /// Ends with the last revision of the lease.
    keeper: JoinHandle<u64>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Lease {
    /// Tries once to acquire a lease. Must be called on a tokio runtime.
    ///
    /// `holder` names who holds it, for people. The time to live is 2 s to 1 h in whole seconds: that
    /// is how long the lease of a killed holder lasts. The bucket needs markers.
    ///
    /// # Errors
    /// `conflict` if somebody holds it, with that holder's name; `invalid_argument` for a wrong
    /// time to live or a bucket without markers; `unavailable` if the broker is away.
    pub async fn acquire(
        bucket: &Bucket,
        key: &Key,
        holder: &str,
        ttl: Duration,
    ) -> Result<Self, Failure> {
        check(bucket, ttl)?;
        let expected = match bucket.last(key).await? {
            None => 0,
            Some(last) if is_marker(&last.headers) => last.sequence,
            Some(last) => return Err(held(key, &last.payload)),
        };
        let lease = unique(bucket.inner.jetstream.connection());
        let value = serde_json::to_vec(&Holder { holder: holder.to_owned(), lease });
        let value = Bytes::from(value.map_err(|error| Failure::internal(error.to_string()))?);
        let sent = Instant::now();
        let written = bucket.write(key, value.clone(), Some(expected), Some(ttl.as_secs())).await;
        let fence = match written {
            Ok(revision) => revision,
            Err(refused) if refused.is_wrong_revision() => {
                return Err(held(
                    key,
                    &bucket.last(key).await?.map(|last| last.payload).unwrap_or_default(),
                ));
            }
            Err(refused) => return Err(bucket.failed(key, refused)),
        };
        let term = Term::new(ttl, sent);
        let (sender, state) = watch::channel(State::HeldUntil(term.until()));
        let (stop, stopped) = oneshot::channel();
        let keeper = Keeper {
            bucket: bucket.clone(),
            key: key.clone(),
            value,
            ttl,
            revision: fence,
            term,
            state: sender,
        };
        Ok(Self {
            bucket: bucket.clone(),
            key: key.clone(),
            fence,
            state,
            stop: Some(stop),
            keeper: tokio::spawn(keeper.run(stopped)),
        })
    }

    /// Waits until the lease is free and acquires it. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// As [`Lease::acquire`], except that it waits while somebody holds the lease and while the
    /// broker is away.
    pub async fn wait(
        bucket: &Bucket,
        key: &Key,
        holder: &str,
        ttl: Duration,
    ) -> Result<Self, Failure> {
        loop {
            match Self::acquire(bucket, key, holder, ttl).await {
                Err(failure)
                    if matches!(failure.kind, ErrorKind::Conflict | ErrorKind::Unavailable) =>
                {
                    debug!(%key, %failure, "a lease is not free");
                }
                done => return done,
            }
            // Those who wait do not ask at the same time.
            let part = rand::rng().random_range(0.1..0.25);
            sleep(ttl.mul_f64(part)).await;
        }
    }

    /// The number of this holder, larger than that of every holder before it in this bucket. It
    /// stays the same over renewals.
    #[must_use]
    pub const fn fence(&self) -> u64 {
        self.fence
    }

    /// Whether the lease is held now, by the local clock. A process that was stopped sees the truth
    /// at once, but nothing keeps it from being stopped right after it looked: pass on the fence.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(*self.state.borrow(), State::HeldUntil(until) if Instant::now() < until)
    }

    /// Waits until the lease is lost. It is safe to drop the future and call this again.
    pub async fn lost(&self) -> LeaseLoss {
        let mut state = self.state.clone();
        loop {
            let until = match *state.borrow_and_update() {
                State::HeldUntil(until) => until,
                State::Lost(loss) => return loss,
            };
            tokio::select! {
                changed = state.changed() => {
                    if changed.is_err() {
                        return LeaseLoss::Expired;
                    }
                }
                () = sleep_until(until) => {
                    // A renewal may have succeeded at the same moment.
                    if !self.is_held() {
                        return LeaseLoss::Expired;
                    }
                }
            }
        }
    }

    /// Gives the lease back, so that the next holder need not wait until it expires. It is no error
    /// if it was lost already.
    ///
    /// # Errors
    /// `unavailable` if the broker is away; the lease expires then.
    pub async fn release(mut self) -> Result<(), Failure> {
        if let Some(stop) = self.stop.take() {
            // If the keeper has ended, it does not listen.
            let _ended = stop.send(());
        }
        let Ok(revision) = (&mut self.keeper).await else { return Ok(()) };
        if !self.is_held() {
            return Ok(());
        }
        match self.bucket.remove(&self.key, Some(revision)).await {
            Err(refused) if !refused.is_wrong_revision() => {
                Err(self.bucket.failed(&self.key, refused))
            }
            _ => Ok(()),
        }
    }
}

fn check(bucket: &Bucket, ttl: Duration) -> Result<(), Failure> {
    if !(SHORTEST..=LONGEST).contains(&ttl) || ttl.subsec_nanos() != 0 {
        let text = format!("a time to live of {ttl:?} is not possible for a lease");
        return Err(Failure::invalid("ttl", text).allow(["2 s to 1 h in whole seconds"]));
    }
    if bucket.inner.spec.markers.is_none() {
        let name = bucket.inner.spec.bucket();
        let text = format!("bucket {name} keeps no markers, so nothing in it can expire");
        return Err(Failure::invalid("markers", text));
    }
    Ok(())
}

fn held(key: &Key, value: &[u8]) -> Failure {
    let by = serde_json::from_slice::<Holder>(value);
    let by = by.map_or_else(|_| "somebody".to_owned(), |by| by.holder);
    Failure::new(ErrorKind::Conflict, format!("the lease {key} is held by {by}"))
}

/// Renews a lease.
struct Keeper {
    bucket: Bucket,
    key: Key,
    value: Bytes,
    ttl: Duration,
    revision: u64,
    term: Term,
    state: watch::Sender<State>,
}

impl Keeper {
    async fn run(mut self, mut stop: oneshot::Receiver<()>) -> u64 {
        loop {
            match self.term.due(Instant::now()) {
                Due::At(time) => tokio::select! {
                    () = sleep_until(time) => {}
                    _ = &mut stop => return self.revision,
                },
                Due::Renew => {
                    if let Some(loss) = self.renew().await {
                        return self.lost(loss);
                    }
                }
                Due::Ended => return self.lost(LeaseLoss::Expired),
            }
        }
    }

    fn lost(self, loss: LeaseLoss) -> u64 {
        info!(key = %self.key, ?loss, "a lease was lost");
        self.state.send_replace(State::Lost(loss));
        self.revision
    }

    async fn renew(&mut self) -> Option<LeaseLoss> {
        let sent = Instant::now();
        let seconds = Some(self.ttl.as_secs());
        let write = self.bucket.write(&self.key, self.value.clone(), Some(self.revision), seconds);
        match timeout_at(self.term.until(), write).await {
            Ok(Ok(revision)) => {
                self.revision = revision;
                self.term.renewed(sent);
                self.state.send_replace(State::HeldUntil(self.term.until()));
                None
            }
            Ok(Err(refused)) if refused.is_wrong_revision() => self.find().await,
            Ok(Err(Refused::Failure(failure))) => self.failed(&failure.to_string()),
            Ok(Err(Refused::Answer(error))) => self.failed(&error.to_string()),
            // The term has ended.
            Err(_) => None,
        }
    }

    /// The revision has changed. It is still ours if the answer to an earlier renewal was lost.
    async fn find(&mut self) -> Option<LeaseLoss> {
        match timeout_at(self.term.until(), self.bucket.last(&self.key)).await {
            Ok(Ok(Some(last))) if last.payload == self.value => {
                self.revision = last.sequence;
                None
            }
            Ok(Ok(Some(last))) if !is_marker(&last.headers) => Some(LeaseLoss::Taken),
            Ok(Ok(last)) => {
                let removed =
                    last.is_some_and(|last| last.headers.get(super::bucket::OPERATION).is_some());
                Some(if removed { LeaseLoss::Taken } else { LeaseLoss::Expired })
            }
            Ok(Err(failure)) => self.failed(&failure.to_string()),
            Err(_) => None,
        }
    }

    fn failed(&mut self, reason: &str) -> Option<LeaseLoss> {
        debug!(key = %self.key, reason, "a lease could not be renewed, and will be tried again");
        self.term.failed(Instant::now());
        None
    }
}

//! Following a bucket: its state first, then its changes, whatever happens to the broker.
//!
//! A client library that resumes after the last revision it saw hears nothing when the bucket has
//! been created again, because the new revisions are lower. So this never resumes. Whatever breaks
//! the flow (a gap, a silence, a new connection) and whatever shows that the bucket is not the one
//! that it was (its time of creation, a lower last revision) ends the round, and the next one
//! begins with the full state. Rounds are spaced by a back-off with jitter, and each takes its
//! consumer off the server, so a flapping connection does not fill the broker with consumers.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::jetstream::{consumer::DeliverPolicy, stream::Info};
use ocelli_messages::{ErrorKind, Failure};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tracing::{debug, warn};

use super::{
    Bucket, Entry, Key, KeyPattern,
    bucket::{BATCH, is_marker},
    config::{self, ensure_stream},
    message::{Follow, Followed, Follower},
};
use crate::{broker::Link, supervisor::Backoff};

/// How many events may wait for whoever watches; the flow from the broker waits then.
const EVENTS: usize = 64;
/// How often the bucket is checked to be the same one.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// How often it is asked whether the state is complete, until it is.
const COMPLETE_EVERY: Duration = Duration::from_secs(1);
const BACKOFF_BASE: Duration = Duration::from_millis(200);
const BACKOFF_CAP: Duration = Duration::from_secs(5);
/// A round that lasted this long was a good one: the back-off starts over.
const STABLE: Duration = Duration::from_secs(10);

/// What happened in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// A key has a value: it is part of the state, or it has just been written.
    Put(Entry),
    /// A key has lost its value: it was deleted, or it expired.
    Delete {
        /// The key that has no value now.
        key: Key,
        /// The revision of the removal.
        revision: u64,
    },
    /// The flow was interrupted. What is known may be wrong from here on until [`Self::Current`]:
    /// the full state follows, and a key that is not in it has no value.
    Reset,
    /// The state is complete; from here on there are changes.
    Current,
}

/// The flow of a bucket's events. Dropping it ends the watch.
#[derive(Debug)]
pub struct BucketWatch {
    events: mpsc::Receiver<WatchEvent>,
    _only: OnlyOne,
}

impl BucketWatch {
    /// The next event. It waits as long as nothing happens, and also while the broker is away.
    ///
    /// Returns `None` only when the runtime that the watch was started on is shutting down.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        self.events.recv().await
    }
}

#[derive(Debug)]
struct OnlyOne(Arc<AtomicBool>);

impl Drop for OnlyOne {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Bucket {
    /// Starts to watch the keys that a pattern matches. Must be called on a tokio runtime.
    ///
    /// The full state comes first, then [`WatchEvent::Current`], then changes. After an
    /// interruption there is a [`WatchEvent::Reset`], and the same again. If the bucket is gone, it
    /// is created again.
    ///
    /// # Errors
    /// `conflict` if this bucket is being watched already: one watch per bucket and process is
    /// enough, so whoever needs the events shares it. `invalid_argument` for a pattern of another
    /// tenant.
    pub fn watch(&self, pattern: KeyPattern) -> Result<BucketWatch, Failure> {
        if pattern.tenant() != self.tenant() {
            let text = format!("pattern {} is not for tenant {}", pattern.as_str(), self.tenant());
            return Err(Failure::invalid("pattern", text));
        }
        let watched = Arc::clone(&self.inner.watched);
        if watched.swap(true, Ordering::AcqRel) {
            let text = format!("bucket {} is being watched already", self.inner.spec.bucket());
            return Err(Failure::new(ErrorKind::Conflict, text));
        }
        let (sender, events) = mpsc::channel(EVENTS);
        tokio::spawn(follow(self.clone(), pattern, sender));
        Ok(BucketWatch { events, _only: OnlyOne(watched) })
    }
}

/// Why a round ended.
enum End {
    /// Nobody listens any more.
    Unheard,
    Broken(String),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure.to_string())
    }
}

async fn follow(bucket: Bucket, pattern: KeyPattern, events: mpsc::Sender<WatchEvent>) {
    let mut backoff = Backoff::new(BACKOFF_BASE, BACKOFF_CAP, STABLE, rand::random());
    let mut round = Round { bucket, pattern, events, told: false };
    loop {
        let up = async { round.bucket.inner.jetstream.connection().up().await };
        tokio::select! {
            () = up => {}
            () = round.events.closed() => return,
        }
        let began = Instant::now();
        let reason = match round.run().await {
            End::Unheard => return,
            End::Broken(reason) => reason,
        };
        let bucket = round.bucket.inner.spec.bucket();
        debug!(bucket, reason, "the watch of a bucket was interrupted");
        tokio::select! {
            () = sleep(backoff.next(Some(began.elapsed()))) => {}
            () = round.events.closed() => return,
        }
    }
}

struct Round {
    bucket: Bucket,
    pattern: KeyPattern,
    events: mpsc::Sender<WatchEvent>,
    /// Whether any event has been sent.
    told: bool,
}

impl Round {
    async fn run(&mut self) -> End {
        let connected = self.bucket.inner.jetstream.connection().link();
        let (info, mut follower) = match self.start().await {
            Ok(started) => started,
            Err(failure) => {
                warn!(%failure, "a bucket cannot be watched now");
                return failure.into();
            }
        };
        let end = self.flow(&info, &mut follower, connected).await;
        follower.stop().await;
        end
    }

    async fn start(&self) -> Result<(Info, Follower), Failure> {
        let inner = &self.bucket.inner;
        let info = ensure_stream(&inner.jetstream, inner.spec.class, inner.spec.config()?).await?;
        let follow = Follow {
            stream: &inner.stream,
            filter: self.bucket.subject(self.pattern.as_str()),
            from: DeliverPolicy::LastPerSubject,
            batch: BATCH,
            headers_only: false,
        };
        Ok((info, Follower::start(&inner.jetstream, follow).await?))
    }

    async fn flow(&mut self, info: &Info, follower: &mut Follower, connected: Link) -> End {
        if self.told && !self.tell(WatchEvent::Reset).await {
            return End::Unheard;
        }
        let jetstream = self.bucket.inner.jetstream.clone();
        let mut check = interval(CHECK_EVERY);
        let mut complete = interval(COMPLETE_EVERY);
        for ticks in [&mut check, &mut complete] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.reset();
        }
        let mut last = info.state.last_sequence;
        let mut known = HashMap::new();
        let mut current = follower.pending == 0;
        if current && !self.tell(WatchEvent::Current).await {
            return End::Unheard;
        }
        loop {
            let mut now_current = false;
            tokio::select! {
                message = follower.next() => {
                    let message = match message {
                        Ok(message) => message,
                        Err(reason) => return End::Broken(reason),
                    };
                    last = last.max(message.sequence);
                    now_current = message.pending == 0;
                    if let Some(event) = self.event(message, current, &mut known)
                        && !self.tell(event).await
                    {
                        return End::Unheard;
                    }
                }
                () = jetstream.broken(connected) => {
                    return End::Broken("the connection to the broker broke".into());
                }
                // A key that expired before it was delivered leaves no last message to say so.
                _ = complete.tick(), if !current => {
                    now_current = follower.is_at_end().await.unwrap_or(false);
                }
                _ = check.tick() => {
                    if let Some(end) = self.check(info, last, &mut known).await {
                        return end;
                    }
                }
                () = self.events.closed() => return End::Unheard,
            }
            if now_current && !current {
                current = true;
                if !self.tell(WatchEvent::Current).await {
                    return End::Unheard;
                }
            }
        }
    }

    /// The event of a message. Before the state is complete, a key without a value is no news.
    fn event(
        &self,
        message: Followed,
        current: bool,
        known: &mut HashMap<Key, u64>,
    ) -> Option<WatchEvent> {
        let key = self.bucket.key_of(&message.subject)?;
        let revision = message.sequence;
        if is_marker(&message.headers) {
            known.remove(&key);
            return current.then_some(WatchEvent::Delete { key, revision });
        }
        known.insert(key.clone(), revision);
        Some(WatchEvent::Put(Entry { key, value: message.payload, revision }))
    }

    /// Finds what no message tells: that the bucket is another one than at the start of this
    /// round, and which values have disappeared from its beginning without a marker.
    async fn check(
        &mut self,
        info: &Info,
        last: u64,
        known: &mut HashMap<Key, u64>,
    ) -> Option<End> {
        let inner = &self.bucket.inner;
        let now = match config::info(&inner.jetstream, &inner.stream).await {
            Ok(now) => now,
            Err(failure) if failure.kind == ErrorKind::NotFound => return Some(failure.into()),
            // If it cannot be asked, the silence of the flow decides.
            Err(_) => return None,
        };
        if now.created != info.created {
            return Some(End::Broken("the bucket was created again".into()));
        }
        if now.state.last_sequence < last {
            return Some(End::Broken("the bucket has lost its last revisions".into()));
        }
        let first = now.state.first_sequence;
        for (key, revision) in known.extract_if(|_, revision| *revision < first) {
            if !self.tell(WatchEvent::Delete { key, revision }).await {
                return Some(End::Unheard);
            }
        }
        None
    }

    /// Sends an event; false if nobody listens any more.
    async fn tell(&mut self, event: WatchEvent) -> bool {
        self.told = true;
        self.events.send(event).await.is_ok()
    }
}

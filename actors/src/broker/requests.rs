//! Sends requests, and brings each answer to the caller that waits for it.
//!
//! All answers arrive on one subscription of the connection. A caller that stops waiting, for any
//! reason, tells the workers, so that they do not work for nobody. While it waits, it wants a sign
//! of life from the worker: a request that nobody is working on, because its worker was killed, is
//! frozen, or never received it, is sent again.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, HeaderMap, Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_messages::{ErrorKind, Failure, Subject, header, subjects, v1};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::{sync::Notify, task::AbortHandle, time::timeout};
use tracing::{debug, info};

use super::{Outgoing, connection::RETRY_AFTER};
use crate::metrics::{Metric, counter};

/// How often a worker is asked for a sign of life.
const KEEPALIVE: Duration = Duration::from_millis(500);
/// How long a caller waits without one before it sends its request again.
const SILENCE: Duration = Duration::from_millis(1_500);

/// The requests of a connection that wait for their answers.
#[derive(Debug)]
pub(super) struct Requests {
    client: Client,
    outgoing: Outgoing,
    inbox: String,
    waiting: Arc<Waiting>,
    next: AtomicU64,
    receiver: AbortHandle,
}

type Waiting = Mutex<HashMap<u64, Arc<Slot>>>;

/// Where the answer to one request arrives.
#[derive(Debug, Default)]
struct Slot {
    state: Mutex<Arrived>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Arrived {
    answer: Option<Message>,
    alive: bool,
}

/// What a caller learns while it waits.
enum News {
    /// A worker is working on the request.
    Alive,
    Answer(Message),
}

impl Requests {
    /// Subscribes to the answers.
    pub(super) async fn start(client: Client, outgoing: Outgoing) -> Result<Self, Failure> {
        let inbox = client.new_inbox();
        let answers = client.subscribe(format!("{inbox}.*")).await;
        let answers = answers.map_err(|_| lost())?;
        let waiting = Arc::new(Waiting::default());
        let receiver = tokio::spawn(receive(answers, inbox.len() + 1, Arc::clone(&waiting)));
        let receiver = receiver.abort_handle();
        Ok(Self { client, outgoing, inbox, waiting, next: AtomicU64::new(0), receiver })
    }

    /// Sends a request and waits for its answer, without a time limit. Dropping the future tells
    /// the workers that nobody waits any more.
    pub(super) async fn ask(
        &self,
        subject: &Subject,
        mut headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Message, Failure> {
        headers.insert(header::KEEPALIVE, KEEPALIVE.as_millis().to_string());
        let mut call = Call::new(self, subject);
        let mut attempts = Attempts::default();
        call.send(headers.clone(), payload.clone()).await?;
        loop {
            match timeout(SILENCE, call.slot.news()).await {
                Ok(News::Alive) => attempts.alive(),
                Ok(News::Answer(answer)) => {
                    call.answered = true;
                    return Ok(answer);
                }
                Err(_silence) if attempts.again() => {
                    info!(
                        subject = subject.template(),
                        "no sign of life: the request is sent again"
                    );
                    counter(Metric::RequestRetries, &[]).increment(1);
                    call.send(headers.clone(), payload.clone()).await?;
                }
                Err(_silence) => {}
            }
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}

/// Brings answers to their callers until the subscription ends.
async fn receive(mut answers: Subscriber, prefix: usize, waiting: Arc<Waiting>) {
    while let Some(message) = answers.next().await {
        let id = message.subject.get(prefix..).and_then(|id| id.parse().ok());
        let slot = id.and_then(|id: u64| waiting.lock().get(&id).cloned());
        match slot {
            Some(slot) => slot.put(message),
            None => debug!("an answer came after its caller had gone"),
        }
    }
}

impl Slot {
    fn put(&self, message: Message) {
        let mut state = self.state.lock();
        if is_sign_of_life(&message) {
            state.alive = true;
        } else if state.answer.is_none() {
            // Of two workers that were asked, the first to answer counts.
            state.answer = Some(message);
        }
        drop(state);
        self.changed.notify_one();
    }

    async fn news(&self) -> News {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(answer) = state.answer.take() {
                    return News::Answer(answer);
                }
                if std::mem::take(&mut state.alive) {
                    return News::Alive;
                }
            }
            self.changed.notified().await;
        }
    }
}

fn is_sign_of_life(message: &Message) -> bool {
    let headers = message.headers.as_ref();
    headers.is_some_and(|headers| headers.get(header::KEEPALIVE).is_some())
}

/// Whether the answer is the broker's own: no worker is subscribed.
pub(super) fn has_no_responder(answer: &Message) -> bool {
    answer.status == Some(StatusCode::NO_RESPONDERS)
}

/// One request, from the moment at which an answer can arrive.
struct Call<'a> {
    requests: &'a Requests,
    subject: &'a Subject,
    id: u64,
    reply: String,
    slot: Arc<Slot>,
    sent: bool,
    answered: bool,
}

impl<'a> Call<'a> {
    fn new(requests: &'a Requests, subject: &'a Subject) -> Self {
        let id = requests.next.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::<Slot>::default();
        requests.waiting.lock().insert(id, Arc::clone(&slot));
        let reply = format!("{}.{id}", requests.inbox);
        Self { requests, subject, id, reply, slot, sent: false, answered: false }
    }

    async fn send(&mut self, headers: HeaderMap, payload: Bytes) -> Result<(), Failure> {
        let payload = self.requests.outgoing.enter(payload).await;
        self.sent = true;
        let (subject, reply) = (self.subject.to_string(), self.reply.clone());
        let client = &self.requests.client;
        let sent = client.publish_with_reply_and_headers(subject, reply, headers, payload).await;
        sent.map_err(|_| lost())
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.requests.waiting.lock().remove(&self.id);
        if self.answered || !self.sent {
            return;
        }
        let subject = subjects::CANCEL.of(self.subject.tenant()).to_string();
        let cancel = v1::CancelRequest { reply: std::mem::take(&mut self.reply) };
        let client = self.requests.client.clone();
        let publish = async move {
            // If it cannot be sent, the deadline ends the work.
            drop(client.publish(subject, cancel.encode_to_vec().into()).await);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(publish);
        }
    }
}

/// How often a request may be sent again.
#[derive(Debug)]
struct Attempts {
    /// Nobody has begun to work on it: sending it again does no harm, but must not multiply the
    /// load of workers that are too busy to give signs of life.
    unheard: u32,
    /// A worker was working on it: if that died of it, no more than one other worker should.
    heard: u32,
    alive: bool,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { unheard: 3, heard: 1, alive: false }
    }
}

impl Attempts {
    fn alive(&mut self) {
        self.alive = true;
    }

    /// Whether to send the request again after a silence.
    fn again(&mut self) -> bool {
        let left =
            if std::mem::take(&mut self.alive) { &mut self.heard } else { &mut self.unheard };
        let again = *left > 0;
        *left = left.saturating_sub(1);
        if self.heard == 0 {
            self.unheard = 0;
        }
        again
    }
}

fn lost() -> Failure {
    Failure::new(ErrorKind::Unavailable, "the request could not be sent").retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_nobody_works_on_is_sent_again_a_few_times() {
        let mut attempts = Attempts::default();
        let again: Vec<_> = (0..5).map(|_| attempts.again()).collect();
        assert_eq!(again, [true, true, true, false, false]);
    }

    #[test]
    fn a_request_whose_worker_fell_silent_is_sent_once_more() {
        let mut attempts = Attempts::default();
        attempts.alive();
        attempts.alive();
        assert!(attempts.again());
        assert!(!attempts.again(), "its second worker was never heard of");
        attempts.alive();
        assert!(!attempts.again(), "two workers died of it");
    }
}

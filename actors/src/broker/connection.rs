//! One connection to NATS: its state as a value to wait on, and requests that always end.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_nats::{Client, ConnectOptions, Event, ServerAddr, client::RequestErrorKind};
use bytes::Bytes;
use ocelli_messages::{Failure, MessageContext, Subject, header, v1};
use prost::Message as _;
use tokio::sync::watch;
use tracing::{Span, debug, info, warn};

use super::delivery::{too_large, write_headers};
use crate::{
    metrics::{Metric, counter, gauge},
    trace,
};

/// How long to wait between attempts to connect: short, because a broker that comes back should
/// be found within its first second.
const RECONNECT_DELAY: Duration = Duration::from_millis(200);
/// How long one attempt may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// A broker that is there confirms a drain at once.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// What is suggested to callers while a worker or the broker is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// A broker that does not confirm a subscription within this time is not there.
const BARRIER_WITHIN: Duration = Duration::from_secs(5);

/// How to connect.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// `nats://host:port`, with `user:password@` or `token@` before the host where it asks for them.
    pub url: String,
    /// What the broker shows of this client.
    pub name: String,
    /// Messages, not bytes, that a subscription may hold.
    pub subscription_capacity: usize,
}

/// Whether a connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// If not, it tries again by itself.
    pub up: bool,
    /// How many times it was made.
    pub generation: u64,
}

/// A connection to NATS. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection {
    client: Client,
    options: Arc<ConnectionOptions>,
    link: watch::Receiver<Link>,
    overflow: watch::Receiver<u64>,
}

impl Connection {
    /// Starts to connect, and keeps at it: [`Connection::up`] waits until it stands.
    ///
    /// # Errors
    /// `invalid_argument` if the URL is none.
    pub async fn open(options: ConnectionOptions) -> Result<Self, Failure> {
        Self::open_shared(Arc::new(options)).await
    }

    /// Another connection to the same broker, served by the runtime that this is called on.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn sibling(&self) -> Result<Self, Failure> {
        Self::open_shared(Arc::clone(&self.options)).await
    }

    async fn open_shared(options: Arc<ConnectionOptions>) -> Result<Self, Failure> {
        let (sender, link) = watch::channel(Link::default());
        let (overflowed, overflow) = watch::channel(0);
        let wrong = |error: String| Failure::invalid("broker.url", error);
        let server: ServerAddr =
            options.url.parse().map_err(|e: io::Error| wrong(e.to_string()))?;
        // The client itself does not look for them in the URL.
        let connect = match (server.username(), server.password()) {
            (Some(user), Some(password)) => {
                ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
            }
            (Some(token), None) => ConnectOptions::with_token(token.to_owned()),
            (None, _) => ConnectOptions::new(),
        };
        let (name, told) = (options.name.clone(), AtomicBool::new(false));
        let client = connect
            .name(&options.name)
            .subscription_capacity(options.subscription_capacity)
            .connection_timeout(CONNECT_WITHIN)
            // Requests carry deadlines of their own.
            .request_timeout(None)
            .reconnect_delay_callback(|attempts| {
                // The first attempt, also the very first one, is made at once.
                if attempts <= 1 { Duration::ZERO } else { RECONNECT_DELAY }
            })
            .retry_on_initial_connect()
            .event_callback(move |event| {
                if matches!(event, Event::SlowConsumer(_)) {
                    overflowed.send_modify(|messages| *messages += 1);
                }
                note(&name, &sender, &told, &event);
                std::future::ready(())
            })
            .connect(server)
            .await
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { client, options, link, overflow })
    }

    /// The client, for what has no method here.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it stands now.
    #[must_use]
    pub fn link(&self) -> Link {
        *self.link.borrow()
    }

    /// The state to wait on.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// How many messages the client has dropped because a subscription was full, to wait on.
    #[must_use]
    pub fn overflow(&self) -> watch::Receiver<u64> {
        self.overflow.clone()
    }

    /// Waits until it stands.
    pub async fn up(&self) {
        let mut link = self.link.clone();
        // It fails only if the client is gone, and `self` holds that.
        let _closed = link.wait_for(|link| link.up).await;
    }

    /// The largest message that the broker takes, headers included, bytes.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.client.max_payload()
    }

    /// Waits until the broker knows every subscription made so far on this connection.
    ///
    /// `flush()` only waits for the socket; a message to ourselves comes back after the broker has
    /// read what was sent before it.
    ///
    /// # Errors
    /// `unavailable` if the broker does not answer.
    pub async fn barrier(&self) -> Result<(), Failure> {
        let round_trip = async {
            let inbox = self.client.new_inbox();
            let mut echo = self.client.subscribe(inbox.clone()).await.ok()?;
            self.client.publish(inbox, Bytes::new()).await.ok()?;
            futures::StreamExt::next(&mut echo).await
        };
        match tokio::time::timeout(BARRIER_WITHIN, round_trip).await {
            Ok(Some(_)) => Ok(()),
            _ => Err(Failure::unavailable("the broker does not answer", RETRY_AFTER)),
        }
    }

    /// Sends what is left to send, and closes it for good.
    pub async fn close(&self) {
        if self.client.drain().await.is_err() {
            // It was closed already.
            return;
        }
        let mut link = self.link.clone();
        let down = link.wait_for(|link| !link.up);
        if tokio::time::timeout(CLOSE_WITHIN, down).await.is_err() {
            warn!("the connection to the broker could not be closed in time");
        }
    }

    /// Asks, and waits for the answer until the context's deadline.
    ///
    /// # Errors
    /// What the service answered; `unavailable` at once if there is no broker or no service, and
    /// when the connection breaks while waiting; `deadline_exceeded`; `too_large` if the request is
    /// more than the broker takes.
    pub async fn request(
        &self,
        subject: &Subject,
        context: &MessageContext,
        payload: Bytes,
    ) -> Result<Bytes, Failure> {
        let connected = self.link();
        if !connected.up {
            return Err(Failure::unavailable("there is no connection to the broker", RETRY_AFTER));
        }
        let left = context.deadline.left(SystemTime::now());
        let left = left.ok_or_else(|| Failure::deadline("the deadline has passed already"))?;
        let length = payload.len();
        let request = async_nats::Request::new()
            .headers(write_headers(&trace::outgoing(&Span::current(), context)))
            .payload(payload)
            .timeout(None);
        let mut link = self.link.clone();
        tokio::select! {
            answer = self.client.send_request(subject.to_string(), request) => {
                let answer = answer.map_err(|error| self.refused(error.kind(), subject, length))?;
                read_answer(answer)
            }
            _ = link.wait_for(|link| *link != connected) => Err(Failure::unavailable(
                "the connection to the broker broke before the answer came",
                RETRY_AFTER,
            )),
            () = tokio::time::sleep(left) => {
                Err(Failure::deadline("no answer came before the deadline"))
            }
        }
    }

    fn refused(&self, kind: RequestErrorKind, subject: &Subject, length: usize) -> Failure {
        match kind {
            RequestErrorKind::NoResponders => {
                Failure::unavailable(format!("no worker listens on {subject}"), RETRY_AFTER)
            }
            RequestErrorKind::MaxPayloadExceeded => too_large(length, self.max_payload()),
            RequestErrorKind::TimedOut => Failure::deadline("no answer came in time"),
            RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
                Failure::unavailable("the request could not be sent", RETRY_AFTER)
            }
        }
    }
}

fn read_answer(answer: async_nats::Message) -> Result<Bytes, Failure> {
    let code = answer.headers.as_ref().and_then(|headers| headers.get(header::ERROR_CODE));
    let Some(code) = code else { return Ok(answer.payload) };
    match v1::Error::decode(answer.payload) {
        Ok(error) => Err(error.into()),
        Err(_) => Err(Failure::internal(format!("a service answered with status {code}"))),
    }
}

/// Follows a connection. `told` is whether its absence has been logged: an attempt every 0.2 s is not
/// worth a line each.
fn note(name: &str, link: &watch::Sender<Link>, told: &AtomicBool, event: &Event) {
    let connections = gauge(Metric::BrokerConnections, &[]);
    match event {
        Event::Connected => {
            link.send_modify(|link| {
                *link = Link { up: true, generation: link.generation + 1 };
            });
            if link.borrow().generation > 1 {
                counter(Metric::BrokerReconnects, &[]).increment(1);
            }
            connections.increment(1.0);
            told.store(false, Ordering::Relaxed);
            info!(name, "connected to the broker");
        }
        Event::Closed | Event::Disconnected => {
            let was_up = link.borrow().up;
            link.send_modify(|link| link.up = false);
            if was_up {
                connections.decrement(1.0);
            }
            if matches!(event, Event::Closed) {
                info!(name, "the connection to the broker is closed");
            } else if !told.swap(true, Ordering::Relaxed) {
                warn!(name, "no connection to the broker");
            }
        }
        Event::SlowConsumer(_) => {
            counter(Metric::BrokerSlowConsumers, &[]).increment(1);
            warn!(name, "a subscription is full: the client dropped messages");
        }
        Event::LameDuckMode => warn!(name, "the broker is about to shut down"),
        Event::Draining => info!(name, "draining"),
        Event::ServerError(error) => warn!(name, %error, "the broker reported an error"),
        Event::ClientError(error) if link.borrow().up || !told.swap(true, Ordering::Relaxed) => {
            warn!(name, %error, "the broker's client reported an error");
        }
        Event::ClientError(error) => debug!(name, %error, "the broker is still away"),
    }
}

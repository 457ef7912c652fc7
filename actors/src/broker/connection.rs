//! A connection to NATS, whose state can be watched and whose requests always end.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_nats::{
    Client, ClientError, ConnectErrorKind, ConnectOptions, Event, ServerAddr,
    client::RequestErrorKind,
};
use bytes::Bytes;
use ocelli_messages::{ErrorKind, Failure, MessageContext, Subject, header, v1};
use prost::Message as _;
use tokio::sync::watch;
use tracing::{Span, debug, info, warn};

use super::delivery::{too_large, write_headers};
use crate::{
    metrics::{Metric, counter, gauge},
    trace,
};

/// The pause between attempts to connect. It is short, because a broker that is back should be
/// found within a second.
const RECONNECT_DELAY: Duration = Duration::from_millis(200);
/// How long an attempt to connect may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long closing may take. A broker that can be reached confirms a drain at once.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// The wait that is suggested to callers while a worker or the broker cannot be reached.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// What is wrong when the user, the password or the token is.
pub const LOGIN_REFUSED: &str = "the broker refused the login";
/// A broker that does not confirm a subscription within this time counts as unreachable.
const BARRIER_WITHIN: Duration = Duration::from_secs(5);

/// How to connect to the broker.
#[derive(Clone)]
pub struct ConnectionOptions {
    /// The URL `nats://host:port`, with `user:password@` or `token@` before the host if the broker
    /// requires them.
    pub url: String,
    /// The name of this client, which the broker shows.
    pub name: String,
    /// The number of messages that a subscription may buffer.
    pub subscription_capacity: usize,
}

impl std::fmt::Debug for ConnectionOptions {
    /// Leaves the URL out, because it may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionOptions").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The state of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Whether the connection is established. If it is not, the client keeps trying to reconnect.
    pub up: bool,
    /// The number of times that the connection was established.
    pub generation: u64,
}

/// A connection to NATS. It is cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub struct Connection {
    client: Client,
    options: Arc<ConnectionOptions>,
    link: watch::Receiver<Link>,
    overflow: watch::Receiver<u64>,
    refusal: watch::Receiver<Option<String>>,
    refused_logins: watch::Receiver<u32>,
}

impl Connection {
    /// Starts to connect, and keeps trying in the background. [`Connection::up`] waits until the
    /// connection is established.
    ///
    /// # Errors
    /// `invalid_argument` if the URL is invalid.
    pub async fn open(options: ConnectionOptions) -> Result<Self, Failure> {
        Self::open_shared(Arc::new(options)).await
    }

    /// Opens another connection to the same broker, served by the runtime that calls this function.
    ///
    /// # Errors
    /// The same as those of [`Connection::open`].
    pub async fn sibling(&self) -> Result<Self, Failure> {
        Self::open_shared(Arc::clone(&self.options)).await
    }

    async fn open_shared(options: Arc<ConnectionOptions>) -> Result<Self, Failure> {
        let (sender, link) = watch::channel(Link::default());
        let (overflowed, overflow) = watch::channel(0);
        let (refused, refusal) = watch::channel(None);
        let (logins, refused_logins) = watch::channel(0);
        let wrong = |error: String| Failure::invalid("broker.url", error);
        let server: ServerAddr =
            options.url.parse().map_err(|e: io::Error| wrong(e.to_string()))?;
        // The client itself does not read credentials from the URL.
        let connect = match (server.username(), server.password()) {
            (Some(user), Some(password)) => {
                ConnectOptions::with_user_and_password(decoded(user), decoded(password))
            }
            (Some(token), None) => ConnectOptions::with_token(decoded(token)),
            (None, _) => ConnectOptions::new(),
        };
        let server = without_credentials(server).map_err(|error| wrong(error.to_string()))?;
        let (name, told) = (options.name.clone(), AtomicBool::new(false));
        let client = connect
            .name(&options.name)
            .subscription_capacity(options.subscription_capacity)
            .connection_timeout(CONNECT_WITHIN)
            // Requests have deadlines of their own.
            .request_timeout(None)
            .reconnect_delay_callback(|attempts| {
                // The first attempt after each loss, and the very first one, is made at once.
                if attempts <= 1 { Duration::ZERO } else { RECONNECT_DELAY }
            })
            .retry_on_initial_connect()
            .event_callback(move |event| {
                if matches!(event, Event::SlowConsumer(_)) {
                    overflowed.send_modify(|messages| *messages += 1);
                }
                if let Some(subject) = refused_subscription(&event) {
                    refused.send_replace(Some(subject));
                }
                count_refused_login(&logins, &event);
                note(&name, &sender, &told, &event);
                std::future::ready(())
            })
            .connect(server)
            .await
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { client, options, link, overflow, refusal, refused_logins })
    }

    /// The underlying client, for calls that have no method here.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The state of the connection now.
    #[must_use]
    pub fn link(&self) -> Link {
        *self.link.borrow()
    }

    /// The state of the connection, to watch for changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// The number of messages that the client dropped because a subscription was full, to watch for
    /// changes.
    #[must_use]
    pub fn overflow(&self) -> watch::Receiver<u64> {
        self.overflow.clone()
    }

    /// The number of logins in a row that the broker has refused since it last accepted one, to
    /// watch for changes. The connection keeps trying, because credentials may be rotated.
    #[must_use]
    pub fn refused_logins(&self) -> watch::Receiver<u32> {
        self.refused_logins.clone()
    }

    /// Waits until the broker has refused the given number of logins in a row.
    pub async fn login_refused(&self, times: u32) -> Failure {
        let mut refused = self.refused_logins.clone();
        if refused.wait_for(|refused| *refused >= times).await.is_err() {
            // The client, which `self` holds, keeps the other end.
            return std::future::pending().await;
        }
        Failure::new(ErrorKind::PermissionDenied, LOGIN_REFUSED).at("broker.url")
    }

    /// Waits until the broker has refused a subscription of this connection, because its account
    /// has no permission for the subject.
    pub(super) async fn subscription_refused(&self) -> Failure {
        let mut refusal = self.refusal.clone();
        let refused = refusal.wait_for(Option::is_some).await;
        let Some(subject) = refused.ok().and_then(|subject| subject.clone()) else {
            // The client, which `self` holds, keeps the other end.
            return std::future::pending().await;
        };
        let message = format!("the broker's account may not subscribe to {subject}");
        Failure::new(ErrorKind::PermissionDenied, message).at("broker.tenants")
    }

    /// Waits until the connection is established.
    pub async fn up(&self) {
        let mut link = self.link.clone();
        // This fails only if the client is gone, and `self` owns it.
        let _closed = link.wait_for(|link| link.up).await;
    }

    /// The size of the largest message that the broker accepts, headers included, in bytes.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.client.max_payload()
    }

    /// Waits until the broker has registered every subscription made so far on this connection.
    ///
    /// `flush()` waits only for the socket. A message to this client returns after the broker has
    /// read everything that was sent before it.
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

    /// Sends everything that is still buffered, and closes the connection for good.
    pub async fn close(&self) {
        if self.client.drain().await.is_err() {
            // The connection was already closed.
            return;
        }
        let mut link = self.link.clone();
        let down = link.wait_for(|link| !link.up);
        if tokio::time::timeout(CLOSE_WITHIN, down).await.is_err() {
            warn!("the connection to the broker could not be closed in time");
        }
    }

    /// Sends a request, and waits for the answer until the context's deadline.
    ///
    /// # Errors
    /// The failure that the service answered. `unavailable` at once if there is no broker or no
    /// service, and if the connection is lost while waiting. `deadline_exceeded` if no answer
    /// arrives in time. `too_large` if the request is larger than the broker accepts.
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
        let left = left.ok_or_else(|| Failure::deadline("the deadline has already passed"))?;
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
                "the connection to the broker was lost before an answer arrived",
                RETRY_AFTER,
            )),
            () = tokio::time::sleep(left) => {
                Err(Failure::deadline("no answer arrived before the deadline"))
            }
        }
    }

    fn refused(&self, kind: RequestErrorKind, subject: &Subject, length: usize) -> Failure {
        match kind {
            RequestErrorKind::NoResponders => {
                Failure::unavailable(format!("no worker is subscribed to {subject}"), RETRY_AFTER)
            }
            RequestErrorKind::MaxPayloadExceeded => too_large(length, self.max_payload()),
            RequestErrorKind::TimedOut => {
                Failure::deadline("no answer arrived before the deadline")
            }
            RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
                Failure::unavailable("the request could not be sent", RETRY_AFTER)
            }
        }
    }
}

/// The address alone, because the client logs it.
fn without_credentials(server: ServerAddr) -> io::Result<ServerAddr> {
    let mut url = server.into_inner();
    // These fail only for a URL without a host, which has no credentials.
    url.set_username("").ok();
    url.set_password(None).ok();
    ServerAddr::from_url(url)
}

/// The text of a part of a URL, in which `%2F` stands for `/`. What stands for nothing is kept.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The subject of a subscription that the broker refuses with this event.
fn refused_subscription(event: &Event) -> Option<String> {
    let Event::ServerError(async_nats::ServerError::Other(text)) = event else { return None };
    let (_, subject) = text.split_once("Permissions Violation for Subscription to ")?;
    Some(subject.to_owned())
}

/// Counts the logins that the broker refuses in a row. The client reports a refused attempt to
/// connect as an error of its own, with the text of its kind.
fn count_refused_login(refused: &watch::Sender<u32>, event: &Event) {
    let now = match event {
        Event::Connected => 0,
        Event::ClientError(ClientError::Other(text))
            if *text == ConnectErrorKind::AuthorizationViolation.to_string() =>
        {
            refused.borrow().saturating_add(1)
        }
        _ => return,
    };
    refused.send_replace(now);
}

fn read_answer(answer: async_nats::Message) -> Result<Bytes, Failure> {
    let code = answer.headers.as_ref().and_then(|headers| headers.get(header::ERROR_CODE));
    let Some(code) = code else { return Ok(answer.payload) };
    match v1::Error::decode(answer.payload) {
        Ok(error) => Err(error.into()),
        Err(_) => Err(Failure::internal(format!("a service answered with status {code}"))),
    }
}

/// Updates the state of a connection after an event. `told` is whether the loss of the connection
/// has been logged: an attempt every 0.2 s is not worth a log line each.
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
                warn!(name, "lost the connection to the broker");
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
        Event::ClientError(error) => debug!(name, %error, "the broker is still unreachable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_decoded_and_not_in_the_address() {
        for (part, text) in [
            ("secret", "secret"),
            ("%2F%23%3f%40%25", "/#?@%"),
            ("%C3%A9", "é"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
        ] {
            assert_eq!(decoded(part), text);
        }
        let server: ServerAddr = "nats://me:secret@host:4223".parse().unwrap();
        assert_eq!(without_credentials(server).unwrap().as_url_str(), "nats://host:4223");
    }
}

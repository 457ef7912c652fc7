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
    Client, ClientError, ConnectErrorKind, ConnectOptions, Event, HeaderMap, ServerAddr,
};
use bytes::Bytes;
use ocelli_messages::{ErrorKind, Failure, MessageContext, Subject, header, v1};
use prost::Message as _;
use tokio::sync::{OnceCell, watch};
use tracing::{Span, debug, info, warn};

use super::{
    Intake, Outgoing, Subscription,
    delivery::{headers_len, too_large, write_headers},
    requests::{Requests, has_no_responder},
};
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
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often the broker is pinged. Two pings without an answer, and it counts as down: a frozen
/// broker must not be taken for a slow one for long, because what is sent to it waits in memory.
const PING_EVERY: Duration = Duration::from_secs(1);
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
    /// The room for what waits to be sent.
    pub outgoing: Outgoing,
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
    /// The prefix of the inboxes of this connection and its siblings. To a worker, who shares it is
    /// one caller.
    inbox: Arc<str>,
    link: watch::Receiver<Link>,
    refused_logins: watch::Receiver<u32>,
    requests: Arc<OnceCell<Requests>>,
}

impl Connection {
    /// Starts to connect, and keeps trying in the background. [`Connection::up`] waits until the
    /// connection is established.
    ///
    /// # Errors
    /// `invalid_argument` if the URL is invalid.
    pub async fn open(options: ConnectionOptions) -> Result<Self, Failure> {
        let inbox = format!("_INBOX.{:032x}", rand::random::<u128>());
        Self::open_shared(Arc::new(options), inbox.into()).await
    }

    /// Opens another connection to the same broker, served by the runtime that calls this function.
    ///
    /// # Errors
    /// The same as those of [`Connection::open`].
    pub async fn sibling(&self) -> Result<Self, Failure> {
        Self::open_shared(Arc::clone(&self.options), Arc::clone(&self.inbox)).await
    }

    async fn open_shared(
        options: Arc<ConnectionOptions>,
        inbox: Arc<str>,
    ) -> Result<Self, Failure> {
        let (sender, link) = watch::channel(Link::default());
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
            .custom_inbox_prefix(&*inbox)
            .subscription_capacity(options.subscription_capacity)
            .connection_timeout(CONNECT_WITHIN)
            .ping_interval(PING_EVERY)
            // Requests have deadlines of their own.
            .request_timeout(None)
            .reconnect_delay_callback(|attempts| {
                // The first attempt after each loss, and the very first one, is made at once.
                if attempts <= 1 { Duration::ZERO } else { RECONNECT_DELAY }
            })
            .retry_on_initial_connect()
            .event_callback(move |event| {
                count_refused_login(&logins, &event);
                note(&name, &sender, &told, &event);
                std::future::ready(())
            })
            .connect(server)
            .await
            .map_err(|error| wrong(error.to_string()))?;
        let requests = Arc::default();
        Ok(Self { client, options, inbox, link, refused_logins, requests })
    }

    /// The name of this client, which the broker shows.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.options.name
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

    /// Receives the messages of those subscriptions, over a further connection to the same broker.
    ///
    /// # Errors
    /// The same as those of [`Intake::new`].
    pub fn intake(&self, subscriptions: Vec<Subscription>) -> Result<Intake, Failure> {
        Intake::new(&self.options, subscriptions)
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

    /// Sends a message once there is room for it among what waits to be sent.
    ///
    /// # Errors
    /// `too_large` if the broker does not accept so large a message, `unavailable` if the
    /// connection was closed.
    pub async fn publish(
        &self,
        subject: impl Into<String>,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<(), Failure> {
        self.check_size(&headers, &payload)?;
        let payload = self.options.outgoing.enter(payload).await;
        self.send(subject.into(), headers, payload).await
    }

    /// Sends a message that nobody waits for, or returns `overloaded` if too much waits to be sent.
    ///
    /// # Errors
    /// The same as those of [`Connection::publish`], and `overloaded`.
    pub async fn publish_or_drop(
        &self,
        subject: impl Into<String>,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<(), Failure> {
        self.check_size(&headers, &payload)?;
        let payload = self.options.outgoing.try_enter(payload).ok_or_else(|| {
            Failure::overloaded("too many bytes wait to be sent to the broker", RETRY_AFTER)
        })?;
        self.send(subject.into(), headers, payload).await
    }

    async fn send(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<(), Failure> {
        let sent = self.client.publish_with_headers(subject, headers, payload).await;
        sent.map_err(|_| {
            Failure::unavailable("the connection to the broker is closed", RETRY_AFTER)
        })
    }

    /// Checks the size of a message, headers included, as the broker does.
    fn check_size(&self, headers: &HeaderMap, payload: &Bytes) -> Result<(), Failure> {
        let (is, most) = (headers_len(headers) + payload.len(), self.max_payload());
        if is > most { Err(too_large(is, most)) } else { Ok(()) }
    }

    /// Sends a request, and waits for the answer until the context's deadline. If no worker gives a
    /// sign of life for a second and a half, the request is sent again. Dropping the future
    /// cancels the work on the request.
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
        let headers = write_headers(&trace::outgoing(&Span::current(), context));
        self.check_size(&headers, &payload)?;
        let start = || Requests::start(self.client.clone(), self.options.outgoing.clone());
        let requests = self.requests.get_or_try_init(start).await?;
        let mut link = self.link.clone();
        tokio::select! {
            answer = requests.ask(subject, headers, payload) => read_answer(subject, answer?),
            _ = link.wait_for(|link| *link != connected) => Err(Failure::unavailable(
                "the connection to the broker was lost before an answer arrived",
                RETRY_AFTER,
            )),
            () = tokio::time::sleep(left) => {
                Err(Failure::deadline("no answer arrived before the deadline"))
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
pub(super) fn decoded(part: &str) -> String {
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

fn read_answer(subject: &Subject, answer: async_nats::Message) -> Result<Bytes, Failure> {
    if has_no_responder(&answer) {
        let message = format!("no worker is subscribed to {subject}");
        return Err(Failure::unavailable(message, RETRY_AFTER));
    }
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

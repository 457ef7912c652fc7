//! Receives messages: a connection to NATS that only reads.
//!
//! Everything else, from publishing to JetStream, is done by async-nats on connections of its own.
//! Its subscriptions are not used for work, because one message that it cannot parse ends its whole
//! connection, and because it drops messages when the buffer of a subscription is full.
//!
//! Here, a message that cannot be parsed costs only itself, and there is no buffer: whoever asks
//! for the [next](Intake::next) event reads the socket. A consumer that is too slow is noticed by
//! the broker, which has a bound for it.

mod buffer;
mod headers;
mod parse;
mod servers;
mod session;
mod socket;
mod status;

use std::time::Duration;

use async_nats::Message;
use futures::{FutureExt as _, future::BoxFuture};
use ocelli_messages::Failure;
use tokio::sync::watch;
use tracing::warn;

use self::{
    servers::{Login, Servers},
    session::{Session, Step},
    socket::{Socket, Tls},
    status::Status,
};
use super::{ConnectionOptions, Link};

/// The pause before each attempt to connect, apart from the first one.
const RECONNECT_DELAY: Duration = Duration::from_millis(200);

/// A subject to receive messages of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The subject, in which `*` stands for one word and `>` for all that follow.
    pub subject: String,
    /// The queue group: only one of its members receives a message.
    pub queue: Option<String>,
}

/// What an [`Intake`] received.
#[derive(Clone, Debug)]
pub enum IntakeEvent {
    /// A message for the subscription with this index. Headers that could not be read are missing
    /// from it.
    Message {
        /// The index in the list of subscriptions.
        subscription: usize,
        /// The message.
        message: Message,
    },
    /// A message for the subscription with this index whose subject or reply subject is not UTF-8.
    /// There is nothing left of it.
    Unreadable {
        /// The index in the list of subscriptions.
        subscription: usize,
    },
    /// The connection is established and the broker has registered every subscription.
    Up,
    /// The connection was lost. It is established again without further ado.
    Down,
    /// The broker refuses the login (`unauthenticated`), which is tried again, or a subscription
    /// (`permission_denied`).
    Refused(Failure),
    /// Nothing arrives any more after [`Intake::drain`].
    Drained,
}

/// Receives the messages of a list of subscriptions.
#[derive(Debug)]
pub struct Intake {
    subscriptions: Vec<Subscription>,
    servers: Servers,
    login: Login,
    tls: Tls,
    status: Status,
    phase: Phase,
    draining: bool,
}

enum Phase {
    Connecting(BoxFuture<'static, std::io::Result<Socket>>),
    Connected(Box<Session>),
    Ended,
}

impl std::fmt::Debug for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connecting(_) => "Connecting",
            Self::Connected(_) => "Connected",
            Self::Ended => "Ended",
        })
    }
}

impl Intake {
    /// An intake of the messages of those subscriptions. It connects when it is asked for its first
    /// event.
    ///
    /// # Errors
    /// `invalid_argument` if the URL is invalid, `unsupported` if it is that of a WebSocket.
    pub fn new(
        options: &ConnectionOptions,
        subscriptions: Vec<Subscription>,
    ) -> Result<Self, Failure> {
        let servers = Servers::new(&options.url)?;
        let login = Login::new(options, &servers);
        let status = Status::new(login.name());
        let tls = Tls::default();
        let phase = connect(&servers, &tls, Duration::ZERO);
        Ok(Self { subscriptions, servers, login, tls, status, phase, draining: false })
    }

    /// The state of the connection, to watch for changes. It is up when the broker has registered
    /// every subscription.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Link> {
        self.status.watch()
    }

    /// Ends the subscriptions. What the broker has sent until then is still received, followed by
    /// [`IntakeEvent::Drained`], which also comes when the connection is lost.
    pub fn drain(&mut self) {
        self.draining = true;
        match &mut self.phase {
            Phase::Connected(session) => session.drain(),
            Phase::Connecting(_) => self.phase = Phase::Ended,
            Phase::Ended => {}
        }
    }

    /// Waits for the next event. If the future is dropped before it is ready, nothing is lost.
    ///
    /// The connection is served only while this is awaited.
    pub async fn next(&mut self) -> IntakeEvent {
        loop {
            match &mut self.phase {
                Phase::Ended => return IntakeEvent::Drained,
                Phase::Connecting(attempt) => match attempt.await {
                    Ok(socket) => {
                        self.servers.learn(&socket.info.connect_urls);
                        let session = Session::start(socket, &self.login, &self.subscriptions);
                        self.phase = Phase::Connected(Box::new(session));
                    }
                    Err(error) => {
                        self.status.lost(&error);
                        self.reconnect(RECONNECT_DELAY);
                    }
                },
                Phase::Connected(session) => match session.step().await {
                    Ok(step) => {
                        if let Some(event) = self.event(step) {
                            return event;
                        }
                    }
                    Err(reason) => {
                        // A server that closes new connections at once must not be kept busy.
                        let pause = if session.is_up() { Duration::ZERO } else { RECONNECT_DELAY };
                        let was_up = self.status.lost(&reason);
                        if self.draining {
                            self.phase = Phase::Ended;
                            return IntakeEvent::Drained;
                        }
                        self.reconnect(pause);
                        if was_up {
                            return IntakeEvent::Down;
                        }
                    }
                },
            }
        }
    }

    fn reconnect(&mut self, pause: Duration) {
        self.servers.failed();
        self.phase = connect(&self.servers, &self.tls, pause);
    }

    fn event(&mut self, step: Step) -> Option<IntakeEvent> {
        match step {
            Step::Message { subscription, message, faults } => {
                status::malformed(faults);
                Some(IntakeEvent::Message { subscription, message })
            }
            Step::Unreadable { subscription } => {
                status::unreadable();
                Some(IntakeEvent::Unreadable { subscription })
            }
            Step::Up => {
                self.status.up();
                Some(IntakeEvent::Up)
            }
            Step::Refused(failure) => Some(IntakeEvent::Refused(failure)),
            Step::Info(info) => {
                self.servers.learn(&info.connect_urls);
                if info.lame_duck {
                    warn!(name = self.login.name(), "the broker is about to shut down");
                }
                None
            }
            Step::Drained => {
                self.status.down();
                self.phase = Phase::Ended;
                Some(IntakeEvent::Drained)
            }
        }
    }
}

/// An attempt to connect to the server that is next, after a pause.
fn connect(servers: &Servers, tls: &Tls, pause: Duration) -> Phase {
    let (server, tls, tls_required) =
        (servers.first().clone(), tls.clone(), servers.tls_required());
    let attempt = async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        socket::open(server, tls, tls_required).await
    };
    Phase::Connecting(attempt.boxed())
}

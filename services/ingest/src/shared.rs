//! What the handlers share.

use std::time::Duration;

use ocelli_actors::{broker::Connection, credits::CreditPool};
use ocelli_kit::health::Health;
use ocelli_messages::{Failure, Limits, Tenant};
use tracing::warn;

use crate::connection::Slowest;

/// When a client is told to try again while there is no connection to the broker.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long a thread that starts to serve waits for its connection to the broker. Without one it
/// serves nevertheless, and answers each request that needs the broker with `unavailable`.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// What the handlers work with. The gateway's threads share all of it but the connection.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) health: Health,
    pub(crate) limits: Limits,
    /// The tenant that every request belongs to, as long as nothing identifies callers.
    pub(crate) tenant: Tenant,
    /// Bounds how many requests, and how many bytes of them, are in progress.
    pub(crate) credits: CreditPool,
    /// How long a request may wait for a credit.
    pub(crate) patience: Duration,
    /// The deadline of a request that states none, and the longest time to send a body.
    pub(crate) request_timeout: Duration,
    /// The slowest that a client may send a body.
    pub(crate) slowest: Slowest,
}

impl Shared {
    /// A copy with a connection to the broker of its own, which runs on the calling thread. A
    /// request then wakes no other thread, neither on its way out nor on its way back, which saves
    /// some 0.2 of the 1.9 ms that a frame takes.
    pub(crate) async fn on_this_thread(&self) -> Result<Self, Failure> {
        let connection = self.connection.sibling().await?;
        if tokio::time::timeout(CONNECT_WITHIN, connection.up()).await.is_err() {
            warn!("serving without a connection to the broker");
        }
        Ok(Self { connection, ..self.clone() })
    }

    /// Fails while there is no connection to the broker, so that no body is read for nothing.
    pub(crate) fn need_broker(&self) -> Result<(), Failure> {
        if self.connection.link().up {
            Ok(())
        } else {
            Err(Failure::unavailable("there is no connection to the broker", RETRY_AFTER))
        }
    }
}

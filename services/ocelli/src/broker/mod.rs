//! The broker that `ocelli up` manages: its data folder, its first start, and its actor.

mod actor;
mod data;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use ocelli_actors::supervisor::{ChildSpec, SupervisorSpec};
use ocelli_messages::{ErrorKind, Failure};
use ocelli_nats_server::{NatsServer, ServerOptions};

use self::actor::{BrokerActor, guarded};
pub(crate) use self::{
    actor::{GUARD, become_guard},
    data::DataFolder,
};
use crate::settings::ManagedBroker;

/// The number of restarts within a time that are allowed, and the shortest and longest delay before
/// one. Everything waits for the broker, so it is back at once, however often it is killed. One
/// that ends each time it is started uses up its restarts within a minute.
const RESTARTS: (usize, Duration) = (60, Duration::from_secs(60));
const BACKOFF: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(250));

/// A running broker that this process manages.
pub(crate) struct Managed {
    /// The child that keeps it running.
    pub(crate) child: ChildSpec,
    /// The URL that clients connect to.
    pub(crate) url: String,
    /// The locked folder with its files.
    pub(crate) data: Rc<RefCell<DataFolder>>,
}

/// Starts the broker, because everything else needs its port. From then on, its actor keeps it
/// running.
pub(crate) async fn start(config: &ManagedBroker) -> anyhow::Result<Managed> {
    let data = DataFolder::lock(&config.data)?;
    let mut options = guarded(ServerOptions {
        port: config.port,
        max_payload: config.max_payload_bytes,
        store: Some(data.store()),
        ..ServerOptions::default()
    })?;
    let server = NatsServer::start(&options)
        .await
        .map_err(|failed| Failure::new(ErrorKind::Unavailable, failed.to_string()))?;
    let url = server.url();
    // Clients reconnect to this address after a restart.
    options.port = server.port();
    let running = Rc::new(Cell::new(Some(server)));
    let data = Rc::new(RefCell::new(data));
    let folder = Rc::clone(&data);
    let (server, _) = ChildSpec::actor("nats-server", move |child| {
        BrokerActor::new(Rc::clone(&running), Rc::clone(&folder), options.clone(), child)
    });
    let (restarts, window) = RESTARTS;
    let (base, cap) = BACKOFF;
    let supervisor = SupervisorSpec::new("broker").intensity(restarts, window).backoff(base, cap);
    Ok(Managed { child: ChildSpec::supervisor(supervisor.child(server)), url, data })
}

//! The process as its services see it: connections, health, limits, the time, and a way to ask for
//! the end of the process.

mod links;
mod presence;

use std::{
    cell::RefCell,
    time::{Duration, SystemTime},
};

use ocelli_actors::{
    broker::{Connection, ConnectionOptions},
    supervisor::ChildSpec,
};
use ocelli_messages::{Failure, Limits, Tenant, Tenants};
use tokio::{sync::watch, task::JoinHandle};

use self::links::Links;
use crate::{
    config::BrokerConfig,
    health::{Dependency, Health},
};

/// Messages, not bytes, that a subscription may hold until its pump has taken them over; the pump
/// only ever moves them, so a few are enough, and frames are large.
const SUBSCRIPTION_CAPACITY: usize = 1_024;

/// What the services of one process share.
///
/// It lives on the main thread, where services are built. What a service needs later it takes out
/// while it is built: everything that the host gives can be kept.
#[derive(Debug)]
pub struct Host {
    url: String,
    tenant: Tenant,
    tenants: Tenants,
    request_timeout: Duration,
    limits: Limits,
    health: Health,
    clock: Clock,
    instance: String,
    control: Connection,
    connections: RefCell<Vec<Connection>>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
    exit: watch::Sender<Option<String>>,
}

impl Host {
    /// Starts to connect to the broker, and follows it in `/ready`.
    ///
    /// # Errors
    /// `invalid_argument` if the broker's settings are wrong.
    pub async fn open(
        broker: &BrokerConfig,
        limits: Limits,
        health: Health,
    ) -> Result<Self, Failure> {
        let name = |field: &'static str| {
            move |e: ocelli_messages::TokenError| {
                Failure::invalid(format!("broker.{field}"), e.to_string())
            }
        };
        let control = connect(&broker.url, "control").await?;
        let instance = control.client().new_inbox();
        let host = Self {
            url: broker.url.clone(),
            tenant: broker.tenant().map_err(name("tenant"))?,
            tenants: broker.tenants().map_err(name("tenants"))?,
            request_timeout: broker.request_timeout(),
            limits,
            health,
            clock: Clock::system(),
            instance: instance.rsplit('.').next().unwrap_or("0").to_owned(),
            connections: RefCell::new(vec![control.clone()]),
            tasks: RefCell::default(),
            exit: watch::Sender::new(None),
            control,
        };
        host.follow(presence::broker(host.control.clone(), host.dependency("broker", true)));
        Ok(host)
    }

    /// Opens a connection of that name. A service has one for each kind of traffic that must not
    /// wait for another: live frames never delay a request. The host closes all of them, after the
    /// services have stopped.
    ///
    /// # Errors
    /// `invalid_argument` if the URL of the broker is wrong; a broker that is away is waited for.
    pub async fn connect(&self, name: &str) -> Result<Connection, Failure> {
        let connection = connect(&self.url, name).await?;
        self.connections.borrow_mut().push(connection.clone());
        Ok(connection)
    }

    /// The health of this process.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Adds something that a service needs to `/ready`; it is down until the service reports it.
    #[must_use]
    pub fn dependency(&self, name: &'static str, required: bool) -> Dependency {
        self.health.dependency(name, required)
    }

    /// Keeps a dependency up as long as at least one instance of that NATS service answers.
    pub fn follow_service(&self, service: &'static str, dependency: Dependency) {
        self.follow(presence::service(self.control.clone(), service, dependency));
    }

    /// How large images may be.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The tenant of requests that name none because they came in over HTTP.
    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The tenants that workers serve.
    #[must_use]
    pub const fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// The time limit of a request that states no deadline.
    #[must_use]
    pub const fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// The clock of this process.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// The name of this process among all that run the same services; new with each start.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Runs a task until the process begins to stop: from then on `/ready` has nothing to follow.
    pub fn follow(&self, task: impl Future<Output = ()> + 'static) {
        self.tasks.borrow_mut().push(actix_rt::spawn(task));
    }

    /// A way to ask for the end of the process from any thread.
    #[must_use]
    pub fn exit(&self) -> ExitRequest {
        ExitRequest(self.exit.clone())
    }

    /// Waits until a service asks for the end of the process; its reason.
    pub async fn exit_requested(&self) -> String {
        let mut requests = self.exit.subscribe();
        let request = requests.wait_for(Option::is_some).await;
        // The sender lives as long as `self`, so the channel is never closed.
        request.ok().and_then(|reason| reason.clone()).unwrap_or_default()
    }

    /// Ends the tasks that follow dependencies; the process begins to stop.
    pub fn stop_following(&self) {
        self.health.stopping();
        self.tasks.borrow_mut().drain(..).for_each(|task| task.abort());
    }

    /// The child that closes the connections. It belongs before the services in their supervisor,
    /// which stops its children in reverse.
    #[must_use]
    pub fn links(&self) -> ChildSpec {
        let connections = self.connections.borrow().clone();
        ChildSpec::actor("links", move |child| Links::new(connections.clone(), child)).0
    }
}

async fn connect(url: &str, name: &str) -> Result<Connection, Failure> {
    Connection::open(ConnectionOptions {
        url: url.to_owned(),
        name: format!("ocelli {name}"),
        subscription_capacity: SUBSCRIPTION_CAPACITY,
    })
    .await
}

/// Asks for the end of the process. The first request counts.
#[derive(Clone, Debug)]
pub struct ExitRequest(watch::Sender<Option<String>>);

impl ExitRequest {
    /// Ends the process with the exit code 70, so that its platform starts a new one.
    pub fn request(&self, reason: impl Into<String>) {
        self.0.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(|| reason.into());
            is_first
        });
    }
}

/// Where a service reads the time of day: one place, so that a test can set it.
#[derive(Clone, Copy, Debug)]
pub struct Clock(fn() -> SystemTime);

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub const fn system() -> Self {
        Self(SystemTime::now)
    }

    /// A clock that reads what `now` says.
    #[must_use]
    pub const fn reading(now: fn() -> SystemTime) -> Self {
        Self(now)
    }

    /// The time of day.
    #[must_use]
    pub fn now(self) -> SystemTime {
        (self.0)()
    }
}

//! The process as its services see it: connections, health, limits, the clock, and a way to request
//! the end of the process.

mod links;
mod presence;

use std::{
    cell::RefCell,
    time::{Duration, SystemTime},
};

use ocelli_actors::{
    broker::{Connection, ConnectionOptions, Outgoing},
    credits::Budget,
    supervisor::ChildSpec,
};
use ocelli_messages::{Failure, Limits, Tenant, Tenants};
use tokio::{sync::watch, task::JoinHandle};

use self::links::Links;
use crate::{
    config::{BrokerConfig, LimitsConfig},
    health::{Dependency, Health},
    memory,
};

/// The number of messages that a subscription of the client may buffer. Requests and live frames
/// do not arrive on one, so a small buffer is enough.
const SUBSCRIPTION_CAPACITY: usize = 1_024;

/// The number of refused logins after which a process that was never connected gives up. A broker
/// that is starting may refuse a login before it has read its accounts.
pub const LOGIN_ATTEMPTS: u32 = 3;

/// What the services of a process share.
///
/// It lives on the main thread, where services are built. While a service is built, it takes
/// everything that it will need later from the host; all of it can be kept.
pub struct Host {
    url: String,
    tenant: Tenant,
    tenants: Tenants,
    request_timeout: Duration,
    limits: LimitsConfig,
    budget: Budget,
    outgoing: Outgoing,
    health: Health,
    clock: Clock,
    instance: String,
    control: Connection,
    connections: RefCell<Vec<Connection>>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
    exit: watch::Sender<Option<String>>,
}

impl std::fmt::Debug for Host {
    /// Leaves the URL of the broker out, because it may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl Host {
    /// Starts to connect to the broker, whose state `/ready` reports from then on.
    ///
    /// # Errors
    /// `invalid_argument` if the broker's settings are wrong.
    pub async fn open(
        broker: &BrokerConfig,
        limits: impl Into<LimitsConfig>,
        health: Health,
    ) -> Result<Self, Failure> {
        let name = |field: &'static str| {
            move |e: ocelli_messages::TokenError| {
                Failure::invalid(format!("broker.{field}"), e.to_string())
            }
        };
        let limits = limits.into();
        let outgoing = Outgoing::default();
        let control = connect(&broker.url, "control", &outgoing).await?;
        let instance = control.client().new_inbox();
        let host = Self {
            url: broker.url.clone(),
            tenant: broker.tenant().map_err(name("tenant"))?,
            tenants: broker.tenants().map_err(name("tenants"))?,
            request_timeout: broker.request_timeout(),
            limits,
            budget: Budget::new(usize::try_from(limits.memory_bytes()).unwrap_or(usize::MAX)),
            outgoing,
            health,
            clock: Clock::system(),
            instance: instance.rsplit('.').next().unwrap_or("0").to_owned(),
            connections: RefCell::new(vec![control.clone()]),
            tasks: RefCell::default(),
            exit: watch::Sender::new(None),
            control,
        };
        memory::record_budget(host.budget.bytes() as u64);
        host.follow(presence::broker(host.control.clone(), host.dependency("broker", true)));
        Ok(host)
    }

    /// Opens a connection with the given name. A service has one connection for each kind of
    /// traffic that must not delay another, so that live frames never delay a request. The host
    /// closes all connections after the services have stopped.
    ///
    /// # Errors
    /// `invalid_argument` if the URL of the broker is invalid. A broker that cannot be reached is
    /// not an error: the connection keeps trying.
    pub async fn connect(&self, name: &str) -> Result<Connection, Failure> {
        let connection = connect(&self.url, name, &self.outgoing).await?;
        self.connections.borrow_mut().push(connection.clone());
        Ok(connection)
    }

    /// The health of this process.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Adds a dependency to `/ready`. It is down until the service reports it to be up.
    #[must_use]
    pub fn dependency(&self, name: &'static str, required: bool) -> Dependency {
        self.health.dependency(name, required)
    }

    /// Reports a dependency as up as long as at least one instance of the given NATS service
    /// answers.
    pub fn follow_service(&self, service: &'static str, dependency: Dependency) {
        self.follow(presence::service(self.control.clone(), service, dependency));
    }

    /// The limits on images and pipelines.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits.limits()
    }

    /// The memory that the requests of this process may use.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The tenant of requests over HTTP, which name none.
    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The tenants that the workers of this process serve.
    #[must_use]
    pub const fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// The time limit for a request that states no deadline.
    #[must_use]
    pub const fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// The clock of this process.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// The name of this process, which is unique among all processes and new with each start.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Runs a task until the process begins to stop, because `/ready` is no longer updated from
    /// then on.
    pub fn follow(&self, task: impl Future<Output = ()> + 'static) {
        self.tasks.borrow_mut().push(actix_rt::spawn(task));
    }

    /// A handle to request the end of the process from any thread.
    #[must_use]
    pub fn exit(&self) -> ExitRequest {
        ExitRequest(self.exit.clone())
    }

    /// Waits until a service requests the end of the process, and returns the reason.
    pub async fn exit_requested(&self) -> String {
        let mut requests = self.exit.subscribe();
        let request = requests.wait_for(Option::is_some).await;
        // The sender lives as long as `self`, so the channel is never closed.
        request.ok().and_then(|reason| reason.clone()).unwrap_or_default()
    }

    /// Waits until the broker has refused the login so often that the credentials must be wrong.
    ///
    /// This never happens once the broker has accepted a login: its credentials may then be rotated
    /// while the process runs, so the process keeps trying and only `/ready` tells.
    pub async fn login_refused(&self) -> Failure {
        tokio::select! {
            biased;
            () = self.control.up() => {}
            failure = self.control.login_refused(LOGIN_ATTEMPTS) => return failure,
        }
        std::future::pending().await
    }

    /// Ends the tasks that follow dependencies when the process begins to stop.
    pub fn stop_following(&self) {
        self.health.stopping();
        self.tasks.borrow_mut().drain(..).for_each(|task| task.abort());
    }

    /// The child that closes the connections. It must come before the services in their supervisor,
    /// which stops its children in reverse order.
    #[must_use]
    pub fn links(&self) -> ChildSpec {
        let connections = self.connections.borrow().clone();
        ChildSpec::actor("links", move |child| Links::new(connections.clone(), child)).0
    }
}

async fn connect(url: &str, name: &str, outgoing: &Outgoing) -> Result<Connection, Failure> {
    Connection::open(ConnectionOptions {
        url: url.to_owned(),
        name: format!("ocelli {name}"),
        subscription_capacity: SUBSCRIPTION_CAPACITY,
        outgoing: outgoing.clone(),
    })
    .await
}

/// A handle to request the end of the process. Only the first request counts.
#[derive(Clone, Debug)]
pub struct ExitRequest(watch::Sender<Option<String>>);

impl ExitRequest {
    /// Ends the process with exit code 70, so that its platform starts a new one.
    pub fn request(&self, reason: impl Into<String>) {
        self.0.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(|| reason.into());
            is_first
        });
    }
}

/// The clock that services read the time of day from, so that a test can replace it.
#[derive(Clone, Copy, Debug)]
pub struct Clock(fn() -> SystemTime);

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub const fn system() -> Self {
        Self(SystemTime::now)
    }

    /// A clock that returns the result of `now`.
    #[must_use]
    pub const fn reading(now: fn() -> SystemTime) -> Self {
        Self(now)
    }

    /// The current time of day.
    #[must_use]
    pub fn now(self) -> SystemTime {
        (self.0)()
    }
}

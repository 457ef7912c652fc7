//! The gateway's parts and how they are connected: the one place that creates its server.

use std::{io, net::SocketAddr, net::TcpListener, sync::Arc, time::Duration};

use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler, WrapFuture,
};
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    http::KeepAlive,
};
use ocelli_actors::{
    actor_ref::ActorRef,
    broker::Connection,
    credits::{CreditLimits, CreditPool},
    supervisor::{ChildContext, ChildSpec, Exit, Stop},
};
use ocelli_kit::health::Health;
use ocelli_messages::{ErrorKind, Limits, Tenant};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::{Config, areas::AREAS, routes, scope::OpenConnection, shared::Shared};

/// How long a connection may be idle between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a client that got its answer early may go on sending a body that nobody reads. Cut off
/// at once, it would see a reset connection instead of the answer.
const LINGER: Duration = Duration::from_secs(5);

/// What the gateway is made from. Its listening socket is bound once, so the port stays the same
/// across restarts.
#[derive(Clone, Debug)]
pub struct Parts {
    config: Config,
    shared: Arc<Shared>,
    listener: Arc<TcpListener>,
}

impl Parts {
    /// Binds the port.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub fn bind(
        config: &Config,
        limits: Limits,
        tenant: Tenant,
        connection: Connection,
        health: Health,
    ) -> io::Result<Self> {
        let addr = config.http_addr;
        let listener = TcpListener::bind(addr)
            .map_err(|error| io::Error::new(error.kind(), format!("http port {addr}: {error}")))?;
        let credits = CreditLimits {
            slots: config.max_in_flight,
            bytes: config.max_in_flight_bytes,
            waiting_slots: config.max_waiting,
            // Who waits has sent its head only: no memory is held for a body.
            waiting_bytes: usize::MAX,
        };
        let shared = Shared {
            connection,
            health,
            limits,
            tenant,
            credits: CreditPool::new(credits, "http"),
            patience: Duration::from_millis(config.patience_ms),
            request_timeout: Duration::from_millis(config.request_timeout_ms),
        };
        Ok(Self { config: config.clone(), shared: shared.into(), listener: listener.into() })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// How many requests are under way: their bodies are being read, worked on or sent.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.credits.in_use()
    }

    /// Starts to serve; inside a tokio runtime.
    ///
    /// # Errors
    /// If the listening socket cannot be used.
    pub fn start(&self) -> io::Result<Gateway> {
        let addr = self.addr()?;
        let server = self.server()?;
        let handle = server.handle();
        info!(%addr, "serving HTTP");
        Ok(Gateway { addr, handle, server: Some(tokio::spawn(server)) })
    }

    fn server(&self) -> io::Result<Server> {
        let config = &self.config;
        let shared = Arc::clone(&self.shared);
        let server = HttpServer::new(move || {
            let shared = Arc::clone(&shared);
            let tenant = shared.tenant.clone();
            App::new()
                .data_factory(move || {
                    let shared = Arc::clone(&shared);
                    async move { shared.on_this_thread().await }
                })
                .configure(routes::configure(AREAS, tenant))
        })
        .workers(config.workers)
        .max_connections(config.max_connections.div_ceil(config.workers.max(1)))
        .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
        .client_request_timeout(HEAD_WITHIN)
        .client_disconnect_timeout(LINGER)
        // A client that goes away is noticed while its request is worked on.
        .h1_allow_half_closed(false)
        // Without it the end of each body waits 40 ms for the acknowledgement of its start.
        .tcp_nodelay(true)
        .on_connect(|_, connection| drop(connection.insert(OpenConnection::new())))
        .shutdown_timeout(config.shutdown_timeout_ms.div_ceil(1_000))
        .disable_signals();
        Ok(server.listen(self.listener.try_clone()?)?.run())
    }
}

/// A gateway that serves. Dropped, it stops at once.
#[derive(Debug)]
pub struct Gateway {
    /// Where.
    pub addr: SocketAddr,
    handle: ServerHandle,
    server: Option<JoinHandle<io::Result<()>>>,
}

impl Gateway {
    /// Takes no more connections and waits until the open requests are answered, at most `grace`.
    pub async fn stop(self, grace: Duration) {
        if tokio::time::timeout(grace, self.handle.stop(true)).await.is_err() {
            warn!("requests are cut off: they took longer than the grace period");
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // The command is sent by the call; only its end would have to be awaited.
        drop(self.handle.stop(false));
    }
}

/// Binds the port and starts to serve.
///
/// # Errors
/// If the address cannot be bound.
pub async fn start(
    config: &Config,
    limits: Limits,
    tenant: Tenant,
    connection: Connection,
    health: Health,
) -> io::Result<Gateway> {
    Parts::bind(config, limits, tenant, connection, health)?.start()
}

/// The gateway as a child of a supervisor.
#[must_use]
pub fn child(parts: Parts) -> (ChildSpec, ActorRef<GatewayActor>) {
    let shutdown = Duration::from_millis(parts.config.shutdown_timeout_ms);
    let (child, actor) = ChildSpec::actor("ingest", move |child| GatewayActor {
        parts: parts.clone(),
        child: child.clone(),
        gateway: None,
    });
    (child.shutdown_within(shutdown + LINGER), actor)
}

/// The control face of the gateway; its connections are served by threads of their own.
#[derive(Debug)]
pub struct GatewayActor {
    parts: Parts,
    child: ChildContext,
    /// Taken away when it is asked to stop.
    gateway: Option<Gateway>,
}

impl GatewayActor {
    /// Shows the numbers in the actor tree.
    fn observe(&self, addr: SocketAddr) {
        let credits = self.parts.shared.credits.clone();
        self.child.observe(move || {
            serde_json::json!({
                "addr": addr.to_string(),
                "in_flight": credits.in_use(),
                "in_flight_bytes": credits.bytes_in_use(),
                "waiting": credits.waiting(),
            })
        });
    }

    /// Ends this generation when its server does, unless it was asked to.
    fn watch(&mut self, context: &mut Context<Self>) {
        let Some(server) = self.gateway.as_mut().and_then(|gateway| gateway.server.take()) else {
            return;
        };
        context.spawn(server.into_actor(self).map(|ended, actor, _| {
            if actor.gateway.is_some() {
                warn!(?ended, "the HTTP server ended by itself");
                actor.child.exit(Exit::Failed(ErrorKind::Internal));
            }
        }));
    }
}

impl Actor for GatewayActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        match self.parts.start() {
            Ok(gateway) => {
                self.observe(gateway.addr);
                self.gateway = Some(gateway);
                self.watch(context);
                self.child.ready();
            }
            Err(error) => {
                warn!(%error, "the gateway cannot serve");
                self.child.exit(Exit::Failed(ErrorKind::Unavailable));
            }
        }
    }
}

impl Handler<Stop> for GatewayActor {
    type Result = ();

    fn handle(&mut self, stop: Stop, context: &mut Context<Self>) {
        let gateway = self.gateway.take();
        let stopped = async move {
            if let Some(gateway) = gateway {
                gateway.stop(stop.grace).await;
            }
        };
        context.spawn(stopped.into_actor(self).map(|(), _, context| context.stop()));
    }
}

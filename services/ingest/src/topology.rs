//! The gateway's parts and how they are connected: the one place that creates its server.

use std::{io, net::SocketAddr, net::TcpListener, rc::Rc, sync::Arc, time::Duration};

use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler, WrapFuture,
};
use actix_http::{HttpService, KeepAlive};
use actix_server::{Server, ServerHandle};
use actix_service::{IntoServiceFactory as _, ServiceFactory as _, ServiceFactoryExt as _};
use actix_service::{fn_factory, fn_service, map_config};
use actix_web::{App, dev::AppConfig};
use ocelli_actors::{
    actor_ref::ActorRef,
    broker::Connection,
    credits::{Budget, CreditLimits},
    supervisor::{ChildContext, ChildSpec, Exit, Stop},
};
use ocelli_kit::health::Health;
use ocelli_messages::{ErrorKind, Limits, Tenant};
use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tracing::{debug, info, warn};

use crate::{
    Config,
    areas::AREAS,
    connection::{Crowd, Door, Guarded, HEAD_WITHIN, KEEP_ALIVE, Slowest},
    routes,
    shared::Shared,
};

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
        budget: &Budget,
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
            credits: budget.pool(credits, "http"),
            patience: Duration::from_millis(config.patience_ms),
            request_timeout: Duration::from_millis(config.request_timeout_ms),
            slowest: Slowest::new(Duration::from_millis(config.stall_ms), config.min_bytes_per_s),
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

    /// How many requests wait until one of those ends.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.credits.waiting()
    }

    /// Starts to serve; inside a tokio runtime.
    ///
    /// # Errors
    /// If the listening socket cannot be used.
    pub fn start(&self) -> io::Result<Gateway> {
        let addr = self.addr()?;
        let crowd = Arc::new(Crowd::new(self.config.max_connections));
        let server = self.server(&crowd)?;
        let handle = server.handle();
        info!(%addr, "serving HTTP");
        Ok(Gateway { addr, handle, server: Some(tokio::spawn(server)), crowd })
    }

    /// The server. It is actix's, except that the gateway itself counts its connections and owns
    /// their streams: actix stops to accept when there are too many, and when it is to end.
    fn server(&self, crowd: &Arc<Crowd>) -> io::Result<Server> {
        let shared = Arc::clone(&self.shared);
        let crowd = Arc::clone(crowd);
        let serve = move || {
            let door = Door::new(Arc::clone(&crowd), shared.slowest);
            let (tenant, shared) = (shared.tenant.clone(), Arc::clone(&shared));
            let app = App::new()
                .data_factory(move || {
                    let shared = Arc::clone(&shared);
                    async move { shared.on_this_thread().await }
                })
                .configure(routes::configure(AREAS, tenant))
                .into_factory()
                .map_err(|error| error.error_response());
            let http = HttpService::build()
                .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
                .client_request_timeout(HEAD_WITHIN)
                .client_disconnect_timeout(LINGER)
                // A client that has closed its half of the connection still wants its answer.
                .h1_allow_half_closed(true)
                .on_connect_ext(|stream: &Guarded, data| drop(data.insert(stream.link())))
                .h1(map_config(app, |()| AppConfig::default()));
            fn_factory(move || {
                let (door, http) = (door.clone(), http.new_service(()));
                async move {
                    let http = Rc::new(http.await?);
                    Ok::<_, ()>(fn_service(move |stream: TcpStream| {
                        let served = door.clone().serve(stream, Rc::clone(&http));
                        async move {
                            served.await;
                            Ok::<_, ()>(())
                        }
                    }))
                }
            })
        };
        let server = Server::build()
            .workers(self.config.workers)
            .max_concurrent_connections(usize::MAX >> 1)
            .disable_signals();
        Ok(server.listen("http", self.listener.try_clone()?, serve)?.run())
    }
}

/// A gateway that serves. Dropped, it stops at once.
#[derive(Debug)]
pub struct Gateway {
    /// Where.
    pub addr: SocketAddr,
    handle: ServerHandle,
    server: Option<JoinHandle<io::Result<()>>>,
    crowd: Arc<Crowd>,
}

impl Gateway {
    /// Turns new connections away and waits until the open requests are answered, at most `grace`.
    pub async fn stop(self, grace: Duration) {
        let until = Instant::now() + grace;
        self.crowd.drain();
        if timeout_at(until, self.crowd.quiet()).await.is_err() {
            warn!("requests are cut off: they took longer than the grace period");
        }
        let lingering = Instant::now() + LINGER;
        if timeout_at(until.min(lingering), self.crowd.empty()).await.is_err() {
            debug!("connections are cut off whose clients send on");
        }
        self.handle.stop(false).await;
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
    budget: &Budget,
) -> io::Result<Gateway> {
    Parts::bind(config, limits, tenant, connection, health, budget)?.start()
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

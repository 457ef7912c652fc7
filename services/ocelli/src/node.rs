//! A node: a process and the services that run in it.

use std::{cell::RefCell, io::Write as _, process::ExitCode, rc::Rc, sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use ocelli_actors::{
    supervisor::{Supervisor, SupervisorHandle, SupervisorSpec},
    tree::ActorTree,
};
use ocelli_kit::{
    admin::{self, AdminState},
    config::{AdminConfig, BrokerConfig, LimitsConfig, Settings, hide_credentials},
    health::Health,
    host::Host,
    service::ServiceEntry,
    signals::shutdown_signal,
};
use ocelli_messages::{ErrorKind, Failure};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use crate::{
    broker::{self, DataFolder},
    exit,
    settings::{Shutdown, section},
};

/// How long the ready line may take until a warning says that nobody reads it.
const PRINT_WITHIN: Duration = Duration::from_secs(1);

/// The running services and the resources that they share.
pub(crate) struct Node {
    host: Host,
    supervisor: SupervisorHandle,
    admin: actix_web::dev::ServerHandle,
    /// The addresses in the ready line, each with its name.
    addresses: Vec<(&'static str, String)>,
    grace: Duration,
    /// The lock on the data folder, which is held as long as the process lives, because two brokers
    /// with the same files would destroy them.
    _data: Option<Rc<RefCell<DataFolder>>>,
}

impl Node {
    /// Starts the broker if this process manages it, builds every service, opens the admin port,
    /// and lets the supervisor start everything.
    pub(crate) async fn start(
        settings: &Settings,
        services: &[&ServiceEntry],
        managed: bool,
        prometheus: PrometheusHandle,
    ) -> anyhow::Result<Self> {
        let mut root = SupervisorSpec::new("ocelli");
        let mut broker: BrokerConfig = section(settings, "broker")?;
        let mut data = None;
        if managed {
            let managed = broker::start(&section(settings, "managed_broker")?).await?;
            broker.url = managed.url;
            data = Some(managed.data);
            root = root.child(managed.child);
        }

        let limits: LimitsConfig = section(settings, "limits")?;
        let host = Host::open(&broker, limits, Health::new()).await?;
        let mut children = Vec::new();
        let mut addresses = Vec::new();
        for service in services {
            let built = service.build(settings, &host).await?;
            children.push(built.child);
            addresses.extend(built.addresses);
        }
        // Children stop in reverse order: the services, then their connections, then the broker.
        root = children.into_iter().fold(root.child(host.links()), SupervisorSpec::child);

        let tree = ActorTree::new();
        let (address, admin) = open_admin(settings, &host, prometheus, &tree).await?;
        addresses.push(("admin", address));
        addresses.push(("nats", hide_credentials(&broker.url).into_owned()));
        let shutdown: Shutdown = section(settings, "shutdown")?;
        Ok(Self {
            host,
            supervisor: Supervisor::start(root, &tree),
            admin,
            addresses,
            grace: Duration::from_millis(shutdown.grace_ms),
            _data: data,
        })
    }

    /// Runs until it is told to stop or its supervisor gives up, and returns the exit code.
    pub(crate) async fn serve(self, hints: bool) -> anyhow::Result<ExitCode> {
        let ready = async {
            if self.supervisor.ready().await.is_ok() && self.host.health().wait_ready().await {
                announce(&self.addresses, hints).await;
            }
            std::future::pending::<()>().await;
        };
        let code = tokio::select! {
            signal = shutdown_signal() => {
                info!(signal, "stopping");
                Ok(exit::SUCCESS)
            }
            exit = self.supervisor.exited() => {
                error!(?exit, "the supervisor gave up");
                Ok(exit::SOFTWARE)
            }
            reason = self.host.exit_requested() => {
                error!(reason, "a service requested a new process");
                Ok(exit::SOFTWARE)
            }
            failure = self.host.login_refused() => {
                error!(error = %failure, "stopping");
                Err(failure)
            }
            () = ready => Ok(exit::SUCCESS),
        };
        self.host.stop_following();
        let (stopped, clean) = tokio::select! {
            exit = self.supervisor.shutdown(self.grace) => (exit.to_string(), exit.is_clean()),
            // A second signal skips the grace period.
            signal = shutdown_signal() => (format!("cut short by {signal}"), false),
        };
        self.admin.stop(false).await;
        info!(stopped, clean, "stopped");
        match code? {
            exit::SUCCESS if !clean => Ok(exit::CUT_OFF.into()),
            code => Ok(code.into()),
        }
    }
}

/// Opens the admin port, and returns its address and its running server.
async fn open_admin(
    settings: &Settings,
    host: &Host,
    prometheus: PrometheusHandle,
    tree: &ActorTree,
) -> anyhow::Result<(String, actix_web::dev::ServerHandle)> {
    let config: AdminConfig = section(settings, "admin")?;
    let actors = tree.clone();
    let state = AdminState {
        health: host.health().clone(),
        prometheus,
        tree: Arc::new(move || actors.to_json()),
        version: env!("CARGO_PKG_VERSION"),
    };
    let (addr, server) = admin::serve(config.addr, state).await.map_err(|error| {
        Failure::new(ErrorKind::Unavailable, error.to_string()).at("admin.addr")
    })?;
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok((addr.to_string(), handle))
}

/// Prints the line on stdout that tells people and programs that everything is ready, and logs it.
///
/// A thread of its own writes it, because a write to a pipe that nobody empties does not return.
/// The process serves whether anybody reads the line or not.
async fn announce(addresses: &[(&'static str, String)], hints: bool) {
    let text = ready_line(addresses, hints);
    info!(line = text.lines().next(), "ready");
    let (done, written) = oneshot::channel();
    let thread = std::thread::Builder::new().name("ready-line".to_owned());
    let spawned = thread.spawn(move || {
        let mut stdout = std::io::stdout().lock();
        let result = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        done.send(result).ok();
    });
    let outcome = match spawned {
        Ok(_) => tokio::time::timeout(PRINT_WITHIN, written).await,
        Err(error) => Ok(Ok(Err(error))),
    };
    match outcome {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => warn!(%error, "the ready line cannot be printed"),
        Ok(Err(_)) | Err(_) => warn!("the ready line is not printed: nobody reads stdout"),
    }
}

fn ready_line(addresses: &[(&'static str, String)], hints: bool) -> String {
    let pairs: Vec<_> = addresses.iter().map(|(name, addr)| format!("{name}={addr}")).collect();
    let mut text = format!("ready {}\n", pairs.join(" "));
    let address = |wanted| addresses.iter().find(|(name, _)| *name == wanted).map(|(_, addr)| addr);
    if let (true, Some(http), Some(nats)) = (hints, address("http"), address("nats")) {
        text += &format!(
            "\nTry, in another terminal:\n  \
             curl http://{http}/api/v1/filters\n  \
             curl --data-binary @photo.jpg \
             'http://{http}/api/v1/process/image?filter=grayscale&filter=blur:kernel_size=15,sigma=4&format=png' -o out.png\n  \
             target/release/ocelli process photo.jpg --filter grayscale -o out.png --nats {nats}\n\
             Ctrl-C stops everything.\n"
        );
    }
    text
}

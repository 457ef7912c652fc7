//! A node: a process and the services that run in it.

use std::{process::ExitCode, sync::Arc, time::Duration};

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
use tracing::{error, info};

use crate::{
    broker::{self, DataFolder},
    exit,
    settings::{Shutdown, section},
};

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
    _data: Option<DataFolder>,
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
                announce(&self.addresses, hints);
            }
            std::future::pending::<()>().await;
        };
        let mut refused = None;
        let code = tokio::select! {
            signal = shutdown_signal() => {
                info!(signal, "stopping");
                ExitCode::SUCCESS
            }
            exit = self.supervisor.exited() => {
                error!(?exit, "the supervisor gave up");
                exit::SOFTWARE.into()
            }
            reason = self.host.exit_requested() => {
                error!(reason, "a service requested a new process");
                exit::SOFTWARE.into()
            }
            failure = self.host.login_refused() => {
                error!(error = %failure, "stopping");
                refused = Some(failure);
                ExitCode::SUCCESS
            }
            () = ready => ExitCode::SUCCESS,
        };
        self.host.stop_following();
        let stopped = tokio::select! {
            exit = self.supervisor.shutdown(self.grace) => format!("{exit:?}"),
            // A second signal skips the grace period.
            signal = shutdown_signal() => format!("cut short by {signal}"),
        };
        self.admin.stop(false).await;
        info!(stopped, "stopped");
        refused.map_or(Ok(code), |failure| Err(failure.into()))
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
    let (addr, server) = admin::serve(config.addr, state).await?;
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok((addr.to_string(), handle))
}

/// Prints the line on stdout that tells people and programs that everything is ready.
#[allow(clippy::print_stdout, reason = "the ready line is what stdout is for")]
fn announce(addresses: &[(&'static str, String)], hints: bool) {
    let pairs: Vec<_> = addresses.iter().map(|(name, addr)| format!("{name}={addr}")).collect();
    println!("ready {}", pairs.join(" "));
    let address = |wanted| addresses.iter().find(|(name, _)| *name == wanted).map(|(_, addr)| addr);
    if let (true, Some(http), Some(nats)) = (hints, address("http"), address("nats")) {
        println!(
            "\nTry, in another terminal:\n  \
             curl http://{http}/api/v1/filters\n  \
             curl --data-binary @photo.jpg \
             'http://{http}/api/v1/process/image?filter=grayscale&filter=blur:kernel_size=15,sigma=4&format=png' -o out.png\n  \
             target/release/ocelli process photo.jpg --filter grayscale -o out.png --nats {nats}\n\
             Ctrl-C stops everything."
        );
    }
}

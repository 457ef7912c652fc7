//! Running services: `ocelli up` and `ocelli run`.

use std::{
    cell::Cell,
    fs::{File, TryLockError},
    path::Path,
    process::ExitCode,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use ocelli_actors::{
    broker::{Connection, ConnectionOptions},
    supervisor::{ChildSpec, Supervisor, SupervisorHandle, SupervisorSpec},
    tree::ActorTree,
};
use ocelli_gpu_filter::{Gpu, GpuState, OnDeviceLost};
use ocelli_kernels::{Catalog, Probe, probe};
use ocelli_kit::{
    admin::{self, AdminState},
    config::hide_credentials,
    health::Health,
    signals::shutdown_signal,
    telemetry,
};
use ocelli_messages::Failure;
use ocelli_nats_server::{NatsServer, ServerOptions};
use tokio::sync::watch::Receiver;
use tracing::{error, info};

use crate::{
    broker::{ManagedBroker, guarded},
    cli::{self, Service},
    exit,
    links::Links,
    settings::{Config, address_flags, settings, sources},
    watch,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Messages, not bytes, that a subscription may hold until its pump has taken them over; the pump
/// only ever moves them, so a few are enough, and frames are large.
const SUBSCRIPTION_CAPACITY: usize = 1_024;

/// `ocelli up`.
pub(crate) fn up(up: cli::Up) -> anyhow::Result<ExitCode> {
    let mut sources = sources(&up.file);
    sources.flags = address_flags(&up.addresses);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    sources.flags.extend(up.data.map(|dir| ("managed_broker.data".to_owned(), text(&dir).into())));
    let port = up.nats_port.map(|port| ("managed_broker.port".to_owned(), i64::from(port).into()));
    sources.flags.extend(port);
    let config = settings(&sources)?;
    start(config, &[Service::GpuFilter, Service::Ingest], true, up.hints)
}

/// `ocelli run`.
pub(crate) fn run(run: cli::Run) -> anyhow::Result<ExitCode> {
    let mut sources = sources(&run.file);
    sources.flags = address_flags(&run.addresses);
    sources.flags.extend(run.nats.map(|url| ("broker.url".to_owned(), url.into())));
    let config = settings(&sources)?;
    start(config, &run.services, false, false)
}

fn start(
    config: Config,
    services: &[Service],
    managed: bool,
    hints: bool,
) -> anyhow::Result<ExitCode> {
    let telemetry = telemetry::init(&config.telemetry, "ocelli", VERSION)?;
    // Actors run on this, the main thread; everything else on the runtime's workers.
    let system = actix_rt::System::with_tokio_rt(|| {
        #[allow(clippy::expect_used, reason = "without a runtime there is nobody to report to")]
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("the system gives threads and timers")
    });
    let prometheus = telemetry.prometheus();
    let code = system.block_on(async {
        let mut node = Node::start(config, services, managed, prometheus).await?;
        node.serve(hints).await
    });
    telemetry.shutdown();
    code
}

/// A process and what runs in it.
struct Node {
    config: Config,
    health: Health,
    supervisor: SupervisorHandle,
    admin: actix_web::dev::ServerHandle,
    /// They keep `/ready` true; from the moment it stops there is nothing more to say.
    watches: Vec<tokio::task::JoinHandle<()>>,
    /// What the ready line says, after the word `ready`.
    addresses: Vec<(&'static str, String)>,
    gpu: Receiver<GpuState>,
    /// Held as long as the process lives: two brokers on the same files would destroy them.
    _data: Option<File>,
}

impl Node {
    async fn start(
        mut config: Config,
        services: &[Service],
        managed: bool,
        prometheus: metrics_exporter_prometheus::PrometheusHandle,
    ) -> anyhow::Result<Self> {
        let (tree, health) = (ActorTree::new(), Health::new());
        let mut root = SupervisorSpec::new("ocelli");
        let mut addresses = Vec::new();
        let mut data = None;
        if managed {
            data = Some(lock(&config.managed_broker.data)?);
            let (broker, url) = managed_broker(&config).await?;
            root = root.child(broker);
            config.broker.url = url;
        }
        let (probe, gpu) = (probe(), Gpu::default());
        // A connection for each service and one for control: frames never delay a question.
        let control = connect(&config, "control").await?;
        let mut links = vec![control.clone()];
        let mut watches = vec![actix_rt::spawn(watch::broker(
            control.clone(),
            health.dependency("broker", true),
        ))];
        let mut children = Vec::new();
        for service in services {
            let connection = connect(&config, service.name()).await?;
            links.push(connection.clone());
            children.push(match service {
                Service::GpuFilter => {
                    let frames = connect(&config, "live-frames").await?;
                    links.push(frames.clone());
                    let device = health.dependency("device", true);
                    let detail = watch::detail(&probe, config.gpu_filter.threads());
                    let needed = config.gpu_filter.needs_gpu();
                    watches.push(actix_rt::spawn(watch::device(
                        gpu.watch(),
                        device,
                        detail,
                        needed,
                    )));
                    gpu_filter(&config, &probe, &gpu, connection, frames)?
                }
                Service::Ingest => {
                    let workers = health.dependency("filter-workers", true);
                    watches.push(actix_rt::spawn(watch::workers(control.clone(), workers)));
                    let (gateway, addr) = ingest(&config, &health, connection)?;
                    addresses.push(("http", addr));
                    gateway
                }
            });
        }
        let (links, _) = ChildSpec::actor("links", move |child| Links::new(links.clone(), child));
        root = children.into_iter().fold(root.child(links), SupervisorSpec::child);
        let actors = tree.clone();
        let state = AdminState {
            health: health.clone(),
            prometheus,
            tree: Arc::new(move || actors.to_json()),
            version: VERSION,
        };
        let (addr, server) = admin::serve(config.admin.addr, state).await?;
        let admin = server.handle();
        actix_rt::spawn(server);
        addresses.push(("admin", addr.to_string()));
        addresses.push(("nats", hide_credentials(&config.broker.url).into_owned()));
        let supervisor = Supervisor::start(root, &tree);
        let gpu = gpu.watch();
        Ok(Self { config, health, supervisor, admin, watches, addresses, gpu, _data: data })
    }

    /// Runs until it is told to stop, or gives up.
    async fn serve(&mut self, hints: bool) -> anyhow::Result<ExitCode> {
        let signal = shutdown_signal();
        tokio::pin!(signal);
        let ready = async {
            if self.supervisor.ready().await.is_ok() && self.health.wait_ready().await {
                announce(&self.addresses, hints);
            }
            std::future::pending::<()>().await;
        };
        let mut gpu = self.gpu.clone();
        let ends_with_gpu = self.config.gpu_filter.on_device_lost == OnDeviceLost::Exit;
        let code = tokio::select! {
            signal = &mut signal => {
                info!(signal, "stopping");
                ExitCode::SUCCESS
            }
            exit = self.supervisor.exited() => {
                error!(?exit, "the supervisor gave up");
                exit::SOFTWARE.into()
            }
            detail = watch::lost(&mut gpu), if ends_with_gpu => {
                error!(detail, "the GPU is lost: a new process may have it again");
                exit::SOFTWARE.into()
            }
            () = ready => ExitCode::SUCCESS,
        };
        self.health.stopping();
        self.watches.iter().for_each(tokio::task::JoinHandle::abort);
        let grace = Duration::from_millis(self.config.shutdown.grace_ms);
        let stopped = tokio::select! {
            exit = self.supervisor.shutdown(grace) => format!("{exit:?}"),
            // Asked twice: somebody is in a hurry.
            signal = shutdown_signal() => format!("cut short by {signal}"),
        };
        self.admin.stop(false).await;
        info!(stopped, "stopped");
        Ok(code)
    }
}

/// The one line on stdout that says that everything is ready, for people and for programs.
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

fn lock(data: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(data).with_context(|| format!("the folder {}", data.display()))?;
    let path = data.join("ocelli.lock");
    let file = File::create(&path).with_context(|| format!("the file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another ocelli uses the folder {}; stop that one, or choose another with --data DIR",
            data.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).context(path.display().to_string()),
    }
}

async fn managed_broker(config: &Config) -> anyhow::Result<(ChildSpec, String)> {
    let managed = &config.managed_broker;
    let mut options = guarded(ServerOptions {
        port: managed.port,
        max_payload: managed.max_payload_bytes,
        store: Some(std::path::absolute(managed.data.join("nats"))?),
        ..ServerOptions::default()
    })?;
    let server = NatsServer::start(&options).await.map_err(|failed| {
        Failure::new(ocelli_messages::ErrorKind::Unavailable, failed.to_string())
    })?;
    let url = server.url();
    // Whoever is connected comes back to this address.
    options.port = server.port();
    let running = Rc::new(Cell::new(Some(server)));
    let (child, _) = ChildSpec::actor("broker", move |child| {
        ManagedBroker::new(Rc::clone(&running), options.clone(), child)
    });
    Ok((child, url))
}

async fn connect(config: &Config, name: &str) -> Result<Connection, Failure> {
    Connection::open(ConnectionOptions {
        url: config.broker.url.clone(),
        name: format!("ocelli {name}"),
        subscription_capacity: SUBSCRIPTION_CAPACITY,
    })
    .await
}

fn gpu_filter(
    config: &Config,
    probe: &Probe,
    gpu: &Gpu,
    requests: Connection,
    frames: Connection,
) -> anyhow::Result<ChildSpec> {
    let parts = ocelli_gpu_filter::Parts {
        config: config.gpu_filter.clone(),
        limits: config.limits,
        tenant: config.tenant()?,
        request_timeout: config.broker.request_timeout(),
        instance: requests.client().new_inbox().rsplit('.').next().unwrap_or("0").to_owned(),
        requests,
        frames,
        catalog: Arc::new(Catalog::standard()),
        probe: probe.clone(),
        gpu: gpu.clone(),
    };
    Ok(ChildSpec::supervisor(ocelli_gpu_filter::supervisor(&parts)?))
}

fn ingest(
    config: &Config,
    health: &Health,
    connection: Connection,
) -> anyhow::Result<(ChildSpec, String)> {
    let parts = ocelli_ingest::Parts::bind(
        &config.ingest,
        config.limits,
        config.tenant()?,
        connection,
        health.clone(),
    )?;
    let addr = parts.addr()?;
    let (child, _) = ocelli_ingest::child(parts);
    Ok((child, addr.to_string()))
}

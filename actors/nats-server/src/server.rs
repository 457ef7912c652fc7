//! Starting and stopping the server.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    time::Instant,
};

/// How long a server may take until it listens. It takes 15 ms; a loaded machine takes longer.
const READY_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(2);
/// What a server gets between SIGTERM and SIGKILL.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The program was not found.
    #[error("nats-server was not found: {0}")]
    Missing(String),
    /// It, or a file that it needs, could not be made.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended at once, for example because its port is taken.
    #[error("nats-server ended at once ({status}): {log}")]
    Ended {
        /// Its exit status.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// It does not listen.
    #[error("nats-server was not ready within {} s: {log}", READY_WITHIN.as_secs())]
    NotReady {
        /// The last lines of its log.
        log: String,
    },
}

/// How a server of a cluster finds the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterOptions {
    /// The name that all servers of the cluster share.
    pub name: String,
    /// The port of 127.0.0.1 on which this server listens for the others.
    pub port: u16,
    /// The ports of 127.0.0.1 on which the servers listen, this one's own may be among them.
    pub routes: Vec<u16>,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The port for clients; 0 takes a free one.
    pub port: u16,
    /// The largest message, bytes.
    pub max_payload: u32,
    /// Where JetStream keeps its files; `None` for a directory that goes with the server.
    pub store: Option<PathBuf>,
    /// Whether JetStream syncs every message to disk before it acknowledges it; otherwise it syncs
    /// every two minutes.
    pub sync_always: bool,
    /// The server's name, unique in its cluster; `None` lets the server choose one.
    pub name: Option<String>,
    /// The cluster that the server belongs to; `None` for a server on its own.
    pub cluster: Option<ClusterOptions>,
    /// Further lines of the configuration, such as users and their permissions.
    pub extra: String,
    /// The program; `None` to look for it.
    pub binary: Option<PathBuf>,
    /// A program that takes `<parent pid> <program> <arguments…>` and runs
    /// [`exec_guarded`](crate::exec_guarded), with the arguments that lead there.
    pub launcher: Option<(PathBuf, Vec<String>)>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            port: 0,
            // Above the largest image that the default limits allow (10 MiB), with room for the
            // message around it: see docs/adr/0001.
            max_payload: 16 * 1024 * 1024,
            store: None,
            sync_always: false,
            name: None,
            cluster: None,
            extra: String::new(),
            binary: None,
            launcher: None,
        }
    }
}

/// A running server; it is killed when this is dropped.
#[derive(Debug)]
pub struct NatsServer {
    child: Child,
    port: u16,
    /// Holds the configuration, the log and, without a store of its own, JetStream's files.
    directory: tempfile::TempDir,
}

#[derive(serde::Deserialize)]
struct Ports {
    nats: Vec<String>,
}

impl NatsServer {
    /// Starts a server on 127.0.0.1 and waits until it listens.
    ///
    /// # Errors
    /// If there is no `nats-server` program or it does not start.
    pub async fn start(options: &ServerOptions) -> Result<Self, ServerError> {
        let io = |what: &str| {
            let what = what.to_owned();
            move |source| ServerError::Io { what, source }
        };
        let here = std::env::current_dir().map_err(io("the working directory"))?;
        let binary = options.binary.clone().map_or_else(|| crate::find_binary(&here), Ok)?;
        let directory = tempfile::Builder::new()
            .prefix("ocelli-nats-")
            .tempdir()
            .map_err(io("a temporary directory"))?;
        let config = directory.path().join("nats.conf");
        std::fs::write(&config, configuration(options, directory.path()))
            .map_err(io("the configuration of nats-server"))?;
        let log = std::fs::File::create(directory.path().join("nats.log"))
            .map_err(io("the log of nats-server"))?;
        let mut command = if let Some((launcher, arguments)) = &options.launcher {
            let mut command = Command::new(launcher);
            command.args(arguments).arg(std::process::id().to_string()).arg(&binary);
            command
        } else {
            Command::new(&binary)
        };
        command
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            // Ctrl-C reaches every process of the terminal's group; this one ends when we say so.
            .process_group(0);
        let child = command.spawn().map_err(io(&format!("starting {}", binary.display())))?;
        let mut server = Self { child, port: 0, directory };
        server.port = server.wait_until_it_listens().await?;
        Ok(server)
    }

    /// Where clients connect: `nats://127.0.0.1:4222`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port that it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it ends by itself; says how, and what it logged last.
    pub async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        format!("{status}: {}", last_lines(self.directory.path()))
    }

    /// Stops it: SIGTERM, and SIGKILL if that did not help.
    pub async fn stop(mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.pid().and_then(|pid| i32::try_from(pid).ok()) {
            use rustix::process::{Pid, Signal, kill_process};
            if let Some(Err(error)) = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::TERM))
            {
                tracing::debug!(%error, "nats-server could not be asked to stop");
            }
            if tokio::time::timeout(STOP_WITHIN, self.child.wait()).await.is_ok() {
                return;
            }
        }
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "nats-server could not be killed");
        }
    }

    /// Kills it with SIGKILL, as a crash would, and waits until it is gone.
    pub async fn kill(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "nats-server could not be killed");
        }
    }

    async fn wait_until_it_listens(&mut self) -> Result<u16, ServerError> {
        let until = Instant::now() + READY_WITHIN;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                let log = last_lines(self.directory.path());
                return Err(ServerError::Ended { status: status.to_string(), log });
            }
            if let Some(port) = read_port(self.directory.path()) {
                return Ok(port);
            }
            if Instant::now() > until {
                return Err(ServerError::NotReady { log: last_lines(self.directory.path()) });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn configuration(options: &ServerOptions, directory: &Path) -> String {
    let own_store = directory.join("jetstream");
    let store = options.store.as_deref().unwrap_or(&own_store);
    let port = if options.port == 0 { -1 } else { i32::from(options.port) };
    let payload = options.max_payload;
    // A JSON string is a valid string of this configuration language, whatever it holds.
    let quoted = |path: &Path| serde_json::Value::from(path.to_string_lossy()).to_string();
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let sync = if options.sync_always { ", sync_interval: always" } else { "" };
    let name = options.name.as_deref();
    let name = name.map(|name| format!("server_name: {}\n", text(name))).unwrap_or_default();
    let cluster = options.cluster.as_ref().map(|cluster| {
        let routes = cluster.routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\""));
        let routes = routes.collect::<Vec<_>>().join(", ");
        let (name, port) = (text(&cluster.name), cluster.port);
        format!("cluster {{ name: {name}, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}\n")
    });
    format!(
        "host: \"127.0.0.1\"\nport: {port}\nmax_payload: {payload}\n\
         # Ten raw 1080p frames fill the default of 64 MiB, and the reader is cut off.\n\
         max_pending: 512MB\nwrite_deadline: \"30s\"\n\
         # A client that leaves two pings unanswered is frozen or gone, and its requests wait.\n\
         ping_interval: \"1s\"\nping_max: 2\nports_file_dir: {}\n\
         jetstream {{ store_dir: {}{sync} }}\n{name}{}{}\n",
        quoted(directory),
        quoted(store),
        cluster.unwrap_or_default(),
        options.extra,
    )
}

/// The server writes `nats-server_<pid>.ports` once it listens.
fn read_port(directory: &Path) -> Option<u16> {
    let files = std::fs::read_dir(directory).ok()?;
    let ports = files
        .filter_map(Result::ok)
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "ports"))?;
    let ports: Ports = serde_json::from_slice(&std::fs::read(ports).ok()?).ok()?;
    ports.nats.first()?.rsplit(':').next()?.parse().ok()
}

fn last_lines(directory: &Path) -> String {
    let log = std::fs::read_to_string(directory.join("nats.log")).unwrap_or_default();
    let lines: Vec<_> = log.lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}

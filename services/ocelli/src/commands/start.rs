//! `ocelli up` and `ocelli run`: run services until they are told to stop.

use std::{path::Path, process::ExitCode};

use ocelli_kit::{service::ServiceEntry, telemetry};

use crate::{
    cli::{self, Flags},
    node::Node,
    settings::{section, settings, sources},
};

/// Runs `ocelli up`: every service, and a broker for them.
pub(crate) fn up(
    services: &'static [ServiceEntry],
    up: cli::Up,
    mut flags: Flags,
) -> anyhow::Result<ExitCode> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    flags.extend(up.admin.admin.map(|addr| ("admin.addr".to_owned(), addr.to_string().into())));
    flags.extend(up.data.map(|dir| ("managed_broker.data".to_owned(), text(&dir).into())));
    flags.extend(
        up.nats_port.map(|port| ("managed_broker.port".to_owned(), i64::from(port).into())),
    );
    let start = Start { services: services.iter().collect(), managed: true, hints: up.hints };
    start.run(services, &up.file, flags)
}

/// Runs `ocelli run`: some services on an existing broker.
pub(crate) fn run(
    services: &'static [ServiceEntry],
    run: cli::Run,
    mut flags: Flags,
) -> anyhow::Result<ExitCode> {
    flags.extend(run.admin.admin.map(|addr| ("admin.addr".to_owned(), addr.to_string().into())));
    flags.extend(run.nats.map(|url| ("broker.url".to_owned(), url.into())));
    // The command line accepts only names of services.
    let wanted = |entry: &&ServiceEntry| run.services.iter().any(|name| name == entry.name);
    let start =
        Start { services: services.iter().filter(wanted).collect(), managed: false, hints: false };
    start.run(services, &run.file, flags)
}

/// The services to start, and their settings.
struct Start {
    services: Vec<&'static ServiceEntry>,
    /// Whether this process manages the broker.
    managed: bool,
    hints: bool,
}

impl Start {
    /// `all` lists the services that may have settings, whether they are started or not.
    fn run(
        self,
        all: &'static [ServiceEntry],
        file: &cli::ConfigFile,
        flags: Flags,
    ) -> anyhow::Result<ExitCode> {
        let mut sources = sources(file);
        sources.flags = flags;
        let settings = settings(all, &sources)?;
        let telemetry = telemetry::init(
            &section(&settings, "telemetry")?,
            "ocelli",
            env!("CARGO_PKG_VERSION"),
        )?;
        for service in &self.services {
            telemetry.describe(service.metrics);
        }
        // Actors run on this thread, the main one. Everything else runs on the runtime's workers.
        let system = actix_rt::System::with_tokio_rt(|| {
            #[allow(clippy::expect_used, reason = "without a runtime there is no way to report it")]
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .expect("the system provides threads and timers")
        });
        let prometheus = telemetry.prometheus();
        let code = system.block_on(async {
            let node = Node::start(&settings, &self.services, self.managed, prometheus).await?;
            node.serve(self.hints).await
        });
        telemetry.shutdown();
        code
    }
}

//! The gateway as a part of a process.

use ocelli_actors::metrics::MetricRow;
use ocelli_kit::{
    host::Host,
    service::{Built, Flag, FlagValue, Service},
};
use ocelli_messages::{ErrorKind, Failure};

use crate::{Config, Parts, child, metrics::Metric};

/// The NATS service that answers what the gateway asks. Services share names, not code.
const WORKERS: &str = "gpu-filter";

/// The HTTP gateway.
#[derive(Debug)]
pub struct Ingest;

impl Service for Ingest {
    const NAME: &'static str = "ingest";
    const SECTION: &'static str = "ingest";
    const ABOUT: &'static str = "The HTTP gateway";
    const METRICS: &'static [MetricRow] = Metric::ROWS;
    const FLAGS: &'static [Flag] = &[Flag {
        name: "http",
        field: "http_addr",
        value: FlagValue::Address,
        help: "Address of the HTTP gateway; port 0 chooses a free one [default: 127.0.0.1:8000]",
    }];

    type Config = Config;

    async fn build(config: Config, host: &Host) -> Result<Built, Failure> {
        host.follow_service(WORKERS, host.dependency("filter-workers", true));
        let connection = host.connect(Self::NAME).await?;
        let tenant = host.tenant().clone();
        let cannot_listen = |error: std::io::Error| {
            Failure::new(ErrorKind::Unavailable, error.to_string()).at("ingest.http_addr")
        };
        let (health, budget) = (host.health().clone(), host.budget());
        let parts = Parts::bind(&config, host.limits(), tenant, connection, health, budget)
            .map_err(cannot_listen)?;
        let addr = parts.addr().map_err(cannot_listen)?;
        Ok(Built::new(child(parts).0).listening("http", addr))
    }
}

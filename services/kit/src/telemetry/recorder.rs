//! The recorder of metrics: one per process, as the `metrics` crate has it.

use std::{sync::OnceLock, thread, time::Duration};

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use ocelli_actors::metrics::{Metric, SECONDS_BUCKETS, describe};

use super::TelemetryError;

/// The one piece of global state, since metrics are global: it is made once and then shared.
static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();

/// How often samples are moved into their buckets, also if nobody reads them. Until then each takes
/// 16 bytes, and a request has five: with 7,000 requests a second, half a megabyte every second.
const UPKEEP: Duration = Duration::from_secs(1);

/// Installs the recorder of this process; later calls return the same one.
///
/// # Errors
/// If other code has installed one of its own.
pub fn recorder() -> Result<PrometheusHandle, TelemetryError> {
    let recorder = RECORDER.get_or_init(|| install().map_err(|error| error.to_string()));
    recorder.clone().map_err(TelemetryError::Metrics)
}

fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(SECONDS_BUCKETS)?.install_recorder()?;
    describe(Metric::ROWS);
    let upkeep = handle.clone();
    // A thread and not a task: it is needed before and after any runtime. It lives as long as the
    // recorder, which is as long as the process.
    let spawned = thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(move || {
        loop {
            thread::park_timeout(UPKEEP);
            upkeep.run_upkeep();
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no upkeep of metrics: memory grows until they are read");
    }
    Ok(handle)
}

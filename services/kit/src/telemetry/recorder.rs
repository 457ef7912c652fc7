//! The recorder for metrics, of which the `metrics` crate allows one per process.

use std::{sync::OnceLock, thread, time::Duration};

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use ocelli_actors::metrics::{Metric, SECONDS_BUCKETS, describe};

use super::TelemetryError;

/// The only global state, because metrics are global. It is created once and then shared.
static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();

/// How often samples are moved into their buckets, even if the metrics are not read. Until then,
/// each sample takes 16 bytes, and a request has five: at 7,000 requests a second, half a megabyte
/// every second.
const UPKEEP: Duration = Duration::from_secs(1);

/// Installs the recorder of this process. Later calls return the same one.
///
/// # Errors
/// If other code has installed a recorder of its own.
pub fn recorder() -> Result<PrometheusHandle, TelemetryError> {
    let recorder = RECORDER.get_or_init(|| install().map_err(|error| error.to_string()));
    recorder.clone().map_err(TelemetryError::Metrics)
}

fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(SECONDS_BUCKETS)?.install_recorder()?;
    describe(Metric::ROWS);
    describe(crate::metrics::Metric::ROWS);
    let upkeep = handle.clone();
    // This is a thread and not a task, because it is needed before and after any runtime. It runs
    // as long as the process, like the recorder.
    let spawned = thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(move || {
        loop {
            thread::park_timeout(UPKEEP);
            upkeep.run_upkeep();
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "metrics are not compacted: memory grows until they are read");
    }
    Ok(handle)
}

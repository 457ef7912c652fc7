//! Logs, traces, metrics and error events, which [`init`] sets up once at the start of a process.
//!
//! Telemetry cannot stop or slow down the work: spans and error events go through bounded queues to
//! threads of their own, and are dropped if a queue is full.
//!
//! Every log line inside a span with the fields `trace_id` and `request_id` shows them. Error lines
//! become Sentry events, except those with a field `panic`, which the panic hook has already sent.

mod fields;
mod filter;
mod json;
mod recorder;
mod request;
mod sentry_events;
mod traces;

use std::{io::IsTerminal as _, sync::mpsc, thread, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use ocelli_actors::metrics::{MetricRow, describe};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::{self, writer::BoxMakeWriter},
    layer::SubscriberExt as _,
};

pub use self::{
    recorder::recorder,
    request::{Origin, request_span},
};
use crate::config::{LogFormat, TelemetryConfig};

/// The reason why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The setting `log_filter` is invalid.
    #[error("telemetry.log_filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter for traces could not be built.
    #[error("telemetry.otlp_endpoint: {0}")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The setting `sentry_dsn` is invalid. It is a secret, so it is not quoted.
    #[error("telemetry.sentry_dsn is not a Sentry DSN; the form is https://KEY@HOST/PROJECT")]
    SentryDsn,
    /// The recorder for metrics could not be installed.
    #[error("metrics: {0}")]
    Metrics(String),
    /// Other code already handles the logs of this process.
    #[error("logging is already set up: call init once, at the start of the process")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// The telemetry of this process. Call [`Telemetry::shutdown`] at its end.
#[must_use = "dropping it ends the export of traces and error events"]
pub struct Telemetry {
    prometheus: PrometheusHandle,
    provider: Option<SdkTracerProvider>,
    sentry: Option<sentry::ClientInitGuard>,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry")
            .field("otlp", &self.provider.is_some())
            .field("sentry", &self.sentry.is_some())
            .finish_non_exhaustive()
    }
}

/// Sets up metrics and logs on stderr (stdout is for the results of a command), and, if they are
/// configured, traces and Sentry. Call it once, on the main thread and before other threads are
/// started: threads started earlier send no error events.
///
/// # Errors
/// If the configuration is invalid or logging is already set up.
pub fn init(
    config: &TelemetryConfig,
    service: &'static str,
    version: &'static str,
) -> Result<Telemetry, TelemetryError> {
    let terminal = std::io::stderr().is_terminal();
    let output = Output {
        json: match config.log_format {
            LogFormat::Auto => !terminal,
            LogFormat::Pretty => false,
            LogFormat::Json => true,
        },
        ansi: terminal,
        writer: BoxMakeWriter::new(std::io::stderr),
    };
    let (subscriber, telemetry) = build(config, service, version, output)?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(telemetry)
}

/// The destination and the format of log lines.
struct Output {
    json: bool,
    ansi: bool,
    writer: BoxMakeWriter,
}

fn build(
    config: &TelemetryConfig,
    service: &'static str,
    version: &'static str,
    output: Output,
) -> Result<(impl Subscriber + Send + Sync + use<>, Telemetry), TelemetryError> {
    let filter = filter::EventsBy::new(EnvFilter::try_new(&config.log_filter)?);
    // An error only means that a provider is already installed, which is fine.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let prometheus = recorder()?;
    let sentry = sentry_events::init(config, service, version)?;
    let provider = traces::provider(config, service, version)?;

    let logs = if output.json {
        json::JsonLines::new(service, output.writer).with_filter(filter).boxed()
    } else {
        fmt::layer()
            .with_ansi(output.ansi)
            .with_writer(output.writer)
            .fmt_fields(fields::pretty())
            .with_filter(filter)
            .boxed()
    };
    let subscriber = Registry::default()
        // This comes first, because the layers after it read the fields that it stores.
        .with(fields::SpanFieldsLayer.with_filter(filter::spans()))
        .with(provider.as_ref().map(traces::layer))
        .with(sentry.is_some().then(sentry_events::layer))
        .with(logs);
    Ok((subscriber, Telemetry { prometheus, provider, sentry }))
}

/// How long the shutdown may take. It is longer than the exporters' own time limits.
const FLUSH_PATIENCE: Duration = Duration::from_secs(6);
const EXPORTER_PATIENCE: Duration = Duration::from_secs(3);

impl Telemetry {
    /// The metrics that `/metrics` returns.
    #[must_use]
    pub fn prometheus(&self) -> PrometheusHandle {
        self.prometheus.clone()
    }

    /// Adds the help texts and units of a table's metrics to `/metrics`.
    pub fn describe(&self, table: &[MetricRow]) {
        describe(table);
    }

    /// Sends the remaining traces and error events. It blocks the thread for up to six seconds,
    /// whatever the state of the receivers, so call it last, when nothing else runs.
    pub fn shutdown(self) {
        if self.provider.is_none() && self.sentry.is_none() {
            return;
        }
        // The exporters block, which they must not do inside an async runtime.
        let (done, finished) = mpsc::sync_channel(1);
        let flush = thread::Builder::new().name("telemetry-flush".to_owned()).spawn(move || {
            if let Some(provider) = &self.provider
                && let Err(error) = provider.shutdown_with_timeout(EXPORTER_PATIENCE)
            {
                tracing::warn!(%error, "the last traces were not exported");
            }
            drop(self);
            // The receiver is gone if the flush took too long.
            let _too_late = done.send(());
        });
        if flush.is_ok() {
            let _gave_up = finished.recv_timeout(FLUSH_PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests;

//! Logs, traces, metrics and error events: set up once, by [`init`], at the start of a process.
//!
//! Nothing here can stop or slow the work: spans are exported from a thread of their own through a
//! bounded queue, error events likewise, and what does not fit is dropped.
//!
//! Every log line inside a span that has the fields `trace_id` and `request_id` shows them. Error
//! lines become Sentry events, except those with a field `panic`: the panic hook has sent it.

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

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log_filter` is wrong.
    #[error("telemetry.log_filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter of traces could not be built.
    #[error("telemetry.otlp_endpoint: {0}")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
    /// `sentry_dsn` is wrong; it is a secret, so it is not quoted.
    #[error("telemetry.sentry_dsn is not a Sentry DSN; it must look like https://KEY@HOST/PROJECT")]
    SentryDsn,
    /// The recorder of metrics could not be installed.
    #[error("metrics: {0}")]
    Metrics(String),
    /// Something else writes the logs of this process already.
    #[error("logging is set up already: call init once, at the start of the process")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// The telemetry of this process. Call [`Telemetry::shutdown`] last.
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

/// Sets up logs on stderr (stdout belongs to the results of a command), and metrics; traces and
/// Sentry where they are configured. Call it once, first, on the main thread: threads started
/// earlier send no error events.
///
/// # Errors
/// If the configuration is wrong or logging is set up already.
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

/// Where log lines go, and how they look.
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
    // An error only says that there is a provider already, which is as good.
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
        // First: the layers after it read what it keeps.
        .with(fields::SpanFieldsLayer.with_filter(filter::spans()))
        .with(provider.as_ref().map(traces::layer))
        .with(sentry.is_some().then(sentry_events::layer))
        .with(logs);
    Ok((subscriber, Telemetry { prometheus, provider, sentry }))
}

/// Longer than the exporters need to give up by themselves.
const FLUSH_PATIENCE: Duration = Duration::from_secs(6);
const EXPORTER_PATIENCE: Duration = Duration::from_secs(3);

impl Telemetry {
    /// What `/metrics` shows.
    #[must_use]
    pub fn prometheus(&self) -> PrometheusHandle {
        self.prometheus.clone()
    }

    /// Gives the metrics of a table their help texts and units in `/metrics`.
    pub fn describe(&self, table: &[MetricRow]) {
        describe(table);
    }

    /// Sends what is left of traces and error events. Blocks the thread for at most six seconds,
    /// however broken the receivers are: call it last, when nothing else runs.
    pub fn shutdown(self) {
        if self.provider.is_none() && self.sentry.is_none() {
            return;
        }
        // The exporters block, and must not do that inside an async runtime.
        let (done, finished) = mpsc::sync_channel(1);
        let flush = thread::Builder::new().name("telemetry-flush".to_owned()).spawn(move || {
            if let Some(provider) = &self.provider
                && let Err(error) = provider.shutdown_with_timeout(EXPORTER_PATIENCE)
            {
                tracing::warn!(%error, "the last traces were not exported");
            }
            drop(self);
            // Nobody waits any more if that took too long.
            let _too_late = done.send(());
        });
        if flush.is_ok() {
            let _gave_up = finished.recv_timeout(FLUSH_PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests;

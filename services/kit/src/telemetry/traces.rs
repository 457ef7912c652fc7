//! Sends traces to an OpenTelemetry collector.

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    Layer,
    filter::{Filtered, Targets},
    registry::LookupSpan,
};

use crate::config::TelemetryConfig;

const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);
const PATH: &str = "/v1/traces";

/// The provider that exports spans, or `None` if no endpoint is configured.
///
/// It uses the blocking client, because the batch processor has a thread of its own, on which the
/// asynchronous client would find no runtime.
pub(super) fn provider(
    config: &TelemetryConfig,
    service: &'static str,
    version: &'static str,
) -> Result<Option<SdkTracerProvider>, ExporterBuildError> {
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(None);
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url(endpoint))
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", version))
        .with_attribute(KeyValue::new("deployment.environment.name", config.environment.clone()))
        .build();
    let sampler = Sampler::TraceIdRatioBased(config.sample_ratio);
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_resource(resource)
        .build();
    Ok(Some(provider))
}

/// The URL for traces at the collector's endpoint, which is given as in
/// `OTEL_EXPORTER_OTLP_ENDPOINT`.
fn url(endpoint: &str) -> String {
    let base = endpoint.trim_end_matches('/');
    if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") }
}

/// Exports only the spans of Ocelli, because exporting those of the exporter's HTTP client would
/// create more of them without end.
pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(
    provider: &SdkTracerProvider,
) -> Filtered<OpenTelemetryLayer<S, SdkTracer>, Targets, S> {
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("ocelli"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_target("ocelli", LevelFilter::INFO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once() {
        for endpoint in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"] {
            assert_eq!(url(endpoint), "http://c:4318/v1/traces");
        }
        assert_eq!(url("https://c/otlp"), "https://c/otlp/v1/traces");
    }
}

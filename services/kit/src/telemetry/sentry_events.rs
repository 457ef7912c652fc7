//! Sends errors to Sentry.

use std::time::Duration;

use sentry::{
    ClientInitGuard, ClientOptions,
    integrations::tracing::{BreadcrumbLayer, ErrorLayer},
    types::Dsn,
};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::{Layer, filter::filter_fn, layer::Context, registry::LookupSpan};

use super::{
    TelemetryError,
    fields::{self, REQUEST_ID, TRACE_ID},
};
use crate::config::TelemetryConfig;

/// Starts the client, or returns `None` if no DSN is configured.
pub(super) fn init(
    config: &TelemetryConfig,
    service: &'static str,
    version: &'static str,
) -> Result<Option<ClientInitGuard>, TelemetryError> {
    let Some(dsn) = &config.sentry_dsn else {
        return Ok(None);
    };
    let dsn: Dsn = dsn.expose().parse().map_err(|_| TelemetryError::SentryDsn)?;
    let mut options = ClientOptions::new()
        .release(format!("{service}@{version}"))
        .environment(config.environment.clone())
        .send_default_pii(false)
        .shutdown_timeout(Duration::from_secs(2));
    options.dsn = Some(dsn);
    Ok(Some(sentry::init(options)))
}

/// Turns error lines into events, and the lines before them into breadcrumbs.
pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    let errors = Errors(ErrorLayer::new())
        .with_filter(filter_fn(|metadata| metadata.is_span() || is_error(metadata)));
    let breadcrumbs = BreadcrumbLayer::new().with_filter(filter_fn(|metadata| {
        metadata.is_event() && *metadata.level() <= Level::INFO && !is_error(metadata)
    }));
    breadcrumbs.and_then(errors)
}

/// Whether a log line becomes an event. The log line of a panic does not, because the panic hook
/// has already sent the panic with its stack.
fn is_error(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
        && *metadata.level() == Level::ERROR
        && metadata.fields().field("panic").is_none()
}

/// Adds the ids of the request, by which an event can be found in logs and traces.
struct Errors(ErrorLayer);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let (_, mut around) = fields::around(event, &context);
        sentry::with_scope(
            |scope| {
                for name in [TRACE_ID, REQUEST_ID] {
                    if let Some(id) = around.take(name) {
                        scope.set_tag(name, id);
                    }
                }
            },
            || self.0.on_event(event, context),
        );
    }
}

//! Decides which events and spans reach the log.

use tracing::{
    Level, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    EnvFilter,
    filter::{FilterFn, filter_fn},
    layer::{Context, Filter},
};

/// Filters events, but not the spans around them, so that a warning shows its request id even if
/// the filter is `warn`.
pub(super) struct EventsBy(EnvFilter);

impl EventsBy {
    pub(super) const fn new(filter: EnvFilter) -> Self {
        Self(filter)
    }
}

/// The parts of the HTTP clients that send traces and error events. Their detailed lines show URLs
/// with the user, the password and the query, so they are never logged.
const CLIENTS: [&str; 3] = ["hyper", "reqwest", "ureq"];

fn is_telling(metadata: &Metadata<'_>) -> bool {
    let client = CLIENTS.iter().any(|client| metadata.target().starts_with(client));
    client && *metadata.level() > Level::INFO
}

fn is_context(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && *metadata.level() <= Level::INFO
}

/// Lets through the spans that give log lines their context, and no events.
pub(super) fn spans() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    filter_fn(is_context as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::INFO)
}

impl<S: Subscriber> Filter<S> for EventsBy {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        is_context(metadata)
            || (!is_telling(metadata) && Filter::enabled(&self.0, metadata, context))
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The filter is always called, because it learns its span directives here.
        let interest = Filter::<S>::callsite_enabled(&self.0, metadata);
        match (is_context(metadata), is_telling(metadata)) {
            (true, _) => Interest::always(),
            (false, true) => Interest::never(),
            (false, false) => interest,
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.0).map(|level| level.max(LevelFilter::INFO))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        Filter::on_new_span(&self.0, attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        Filter::on_record(&self.0, id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_enter(&self.0, id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_exit(&self.0, id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        Filter::on_close(&self.0, id, context);
    }
}

//! The fields of spans and events, as values and as text.

use std::fmt::{self, Debug};

use serde_json::{Map, Value};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    field::MakeExt as _,
    fmt::{FormatFields, format},
    layer::Context,
    registry::LookupSpan,
};

/// The id that correlates everything that one request caused.
pub(super) const REQUEST_ID: &str = "request_id";
/// The trace of the request, 32 hex digits.
pub(super) const TRACE_ID: &str = "trace_id";

/// Whether only the tracer uses a field.
fn is_internal(name: &str) -> bool {
    name.starts_with("otel.")
}

/// The fields of a span or event by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        if !is_internal(field.name()) {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }

    /// Removes a field and returns it as text.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}"));
    }
}

/// Stores the fields of each span in the span, for the layers that come after.
pub(super) struct SpanFieldsLayer;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanFieldsLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }
}

/// The fields of all spans around an event, and the name of the innermost span. Fields of inner
/// spans take precedence.
pub(super) fn around<S: Subscriber + for<'a> LookupSpan<'a>>(
    event: &tracing::Event<'_>,
    context: &Context<'_, S>,
) -> (Option<&'static str>, Fields) {
    let mut all = Fields::default();
    let mut name = None;
    for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
        name = Some(span.name());
        if let Some(Fields(fields)) = span.extensions().get::<Fields>() {
            all.0.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    (name, all)
}

/// Formats fields as `name=value` for people.
pub(super) fn pretty() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    format::debug_fn(|writer, field, value| -> fmt::Result {
        match field.name() {
            "message" => write!(writer, "{value:?}"),
            name if is_internal(name) => Ok(()),
            name => write!(writer, "{name}={value:?}"),
        }
    })
    .delimited(" ")
}

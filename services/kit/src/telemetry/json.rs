//! Log lines for machines, each of them a JSON object.

use std::io::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    fmt::{
        MakeWriter,
        format::Writer,
        time::{FormatTime as _, SystemTime},
        writer::BoxMakeWriter,
    },
    layer::Context,
    registry::LookupSpan,
};

use super::fields::{self, Fields, REQUEST_ID, TRACE_ID};

/// Writes events as JSON.
pub(super) struct JsonLines {
    service: &'static str,
    writer: BoxMakeWriter,
}

impl JsonLines {
    pub(super) const fn new(service: &'static str, writer: BoxMakeWriter) -> Self {
        Self { service, writer }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    service: &'a str,
    target: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
}

#[derive(Serialize)]
struct Span {
    name: &'static str,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let (name, mut around) = fields::around(event, &context);
        let mut own = Fields::default();
        event.record(&mut own);
        let mut id = |name: &str| {
            let outer = around.take(name);
            own.take(name).or(outer)
        };
        let (trace_id, request_id) = (id(TRACE_ID), id(REQUEST_ID));
        let mut timestamp = String::new();
        // Writing to a string cannot fail.
        let _infallible = SystemTime.format_time(&mut Writer::new(&mut timestamp));
        let metadata = event.metadata();
        let line = Line {
            timestamp,
            level: metadata.level().as_str(),
            service: self.service,
            target: metadata.target(),
            message: own.take("message").unwrap_or_default(),
            trace_id,
            request_id,
            fields: own.0,
            span: name.map(|name| Span { name, fields: around.0 }),
        };
        if let Ok(mut bytes) = serde_json::to_vec(&line) {
            bytes.push(b'\n');
            // A single write, so that lines of several threads do not mix. If stderr is closed, the
            // error cannot be reported anywhere.
            let _nobody_reads = self.writer.make_writer_for(metadata).write_all(&bytes);
        }
    }
}

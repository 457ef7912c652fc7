//! The span of a request says where it was done: a field that the span does not declare would be
//! dropped without a word.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::{Arc, Mutex};

use common::{frame, next, results, with_service};
use ocelli_testkit::frames::{grey_pixels, request, step};
use tracing::{
    Id, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt as _},
    registry::{LookupSpan, Registry},
};

/// What was recorded as `ocelli.accelerator`, by the name of the span.
type Accelerators = Vec<(&'static str, String)>;

#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<Accelerators>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorded {
    fn on_record(&self, span: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let name = context.span(span).unwrap().name();
        values.record(&mut Accelerator(&mut self.0.lock().unwrap(), name));
    }
}

struct Accelerator<'a>(&'a mut Accelerators, &'static str);

impl Visit for Accelerator<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "ocelli.accelerator" {
            self.0.push((self.1, value.to_owned()));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[test]
fn the_span_of_a_request_and_of_a_live_frame_says_where_it_was_done() {
    let recorded = Recorded::default();
    let subscriber = Registry::default().with(recorded.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    with_service(
        |_| {},
        async |service| {
            let steps = || vec![step("blur", &[])];
            service.process(&request(grey_pixels(1, 1, [0]), steps())).await.unwrap();
            let mut answers = results(&service).await;
            service.client.client().publish(common::IN, frame(1, steps())).await.unwrap();
            next(&mut answers).await;
        },
    );
    let accelerators = recorded.0.lock().unwrap().clone();
    assert_eq!(accelerators, [("request", "cpu".into()), ("live frame", "cpu".into())]);
}

//! Every metric of every service: names, units, labels and help texts in one list.
//!
//! Labels come from closed lists; never ids, streams or subjects. Raw `metrics` macros are banned
//! elsewhere by `clippy.toml`.

#![allow(clippy::disallowed_macros, reason = "this is the one place where names become metrics")]

use metrics::{Counter, Gauge, Histogram, Label, Unit};

/// What kind of series a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution, in seconds.
    Histogram,
}

macro_rules! metric_names {
    ($($variant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)*) => {
        /// A metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Metric {
            $(#[doc = $help] $variant,)*
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name, with the unit as Prometheus wants it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Counter, gauge or histogram.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// The names of its labels.
            #[must_use]
            pub const fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($label),*],)* }
            }

            /// What it counts.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

metric_names! {
    Requests = "ocelli_requests_total", Counter, ["endpoint", "code"],
        "Requests answered by a NATS endpoint; code is \"ok\" or an error kind.";
    RequestSeconds = "ocelli_request_duration_seconds", Histogram, ["endpoint"],
        "From a request's arrival at a NATS endpoint to its reply.";
    RequestsInFlight = "ocelli_requests_in_flight", Gauge, ["endpoint"],
        "Requests that hold a credit or wait for one.";
    Errors = "ocelli_errors_total", Counter, ["handler", "code"],
        "Errors by where they were answered and by error kind.";
    FramesIn = "ocelli_frames_in_total", Counter, ["service"],
        "Live frames received. In = out + dropped + those being worked on.";
    FramesOut = "ocelli_frames_out_total", Counter, ["service"],
        "Live frames answered, with a result or an error.";
    FramesDropped = "ocelli_frames_dropped_total", Counter, ["service", "reason"],
        "Live frames not answered, by reason.";
    FrameSeconds = "ocelli_frame_processing_seconds", Histogram, ["accelerator", "filter"],
        "Compute time of one filter on one frame.";
    StageSeconds = "ocelli_frame_stage_seconds", Histogram, ["stage"],
        "Time a frame spent in a stage: queue, decode, encode.";
    DeviceChoices = "ocelli_device_choices_total", Counter, ["accelerator", "by"],
        "Requests given to a device, by why, where there is a GPU.";
    GpuBatches = "ocelli_gpu_batches_total", Counter, [],
        "Times that a GPU ran a chain, on one frame or several.";
    GpuBatchFrames = "ocelli_gpu_batch_frames_total", Counter, [],
        "Frames on which a GPU ran a chain.";
    ActorRestarts = "ocelli_actor_restarts_total", Counter, ["actor", "reason"],
        "Restarts by the supervisor.";
    CreditsInUse = "ocelli_credits_in_use", Gauge, ["pool"],
        "Credits taken from a pool.";
    BreakerState = "ocelli_breaker_state", Gauge, ["breaker"],
        "0 closed, 1 half-open, 2 open.";
    BrokerConnections = "ocelli_broker_connections", Gauge, [],
        "Connections to NATS that stand.";
    BrokerReconnects = "ocelli_broker_reconnects_total", Counter, [],
        "Connections to NATS after the first.";
    BrokerSlowConsumers = "ocelli_broker_slow_consumers_total", Counter, [],
        "Times the client dropped messages because a subscription was full.";
    HttpRequests = "ocelli_http_requests_total", Counter, ["route", "status"],
        "HTTP requests answered by the gateway.";
    HttpSeconds = "ocelli_http_request_duration_seconds", Histogram, ["route"],
        "From an HTTP request's head to its response.";
    HttpConnections = "ocelli_http_connections", Gauge, [],
        "Open HTTP connections of the gateway.";
}

/// The bounds of every histogram, seconds: a hop takes 0.2 ms, a large photograph a second.
pub const SECONDS_BUCKETS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];

fn key_labels(metric: Metric, values: &[&'static str]) -> Vec<Label> {
    debug_assert_eq!(metric.labels().len(), values.len(), "labels of {metric:?}");
    metric.labels().iter().zip(values).map(|(&key, &value)| Label::new(key, value)).collect()
}

/// A handle to a counter. Take it once and keep it where it is used often.
pub fn counter(metric: Metric, values: &[&'static str]) -> Counter {
    debug_assert_eq!(metric.kind(), Kind::Counter);
    metrics::counter!(metric.name(), key_labels(metric, values))
}

/// A handle to a gauge.
pub fn gauge(metric: Metric, values: &[&'static str]) -> Gauge {
    debug_assert_eq!(metric.kind(), Kind::Gauge);
    metrics::gauge!(metric.name(), key_labels(metric, values))
}

/// A handle to a histogram of seconds.
pub fn histogram(metric: Metric, values: &[&'static str]) -> Histogram {
    debug_assert_eq!(metric.kind(), Kind::Histogram);
    metrics::histogram!(metric.name(), key_labels(metric, values))
}

/// Tells the installed recorder what each metric means.
pub fn describe() {
    for &metric in Metric::ALL {
        match metric.kind() {
            Kind::Counter => metrics::describe_counter!(metric.name(), metric.help()),
            Kind::Gauge => metrics::describe_gauge!(metric.name(), metric.help()),
            Kind::Histogram => {
                metrics::describe_histogram!(metric.name(), Unit::Seconds, metric.help());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_convention_of_prometheus() {
        let mut seen = std::collections::HashSet::new();
        for metric in Metric::ALL {
            let name = metric.name();
            assert!(seen.insert(name), "{name} twice");
            assert!(name.starts_with("ocelli_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind() == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), metric.kind() == Kind::Histogram, "{name}");
            assert!(metric.labels().iter().all(|label| !label.contains("id")), "{name}");
        }
    }
}

//! Metrics as tables: names, units, labels and help texts.
//!
//! Each crate lists its own metrics with [`metrics_table!`](crate::metrics_table!), one row each.
//! Label values come from fixed lists; they are never ids, streams or subjects. `clippy.toml` bans
//! the raw `metrics` macros elsewhere.

#![allow(clippy::disallowed_macros, reason = "this is the one place where names become metrics")]

use metrics::{Counter, Gauge, Histogram, Label, Unit};

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A counter, which only increases.
    Counter,
    /// A gauge, whose value increases and decreases.
    Gauge,
    /// A histogram of times in seconds.
    Histogram,
}

/// A row of a crate's table of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricRow {
    /// The name, which ends with the unit as Prometheus expects it.
    pub name: &'static str,
    /// Whether the metric is a counter, a gauge or a histogram.
    pub kind: Kind,
    /// The names of the labels.
    pub labels: &'static [&'static str],
    /// The help text: what the metric counts or measures.
    pub help: &'static str,
}

/// An entry of a table of metrics; [`metrics_table!`](crate::metrics_table!) implements it.
pub trait MetricName: Copy {
    /// The row of the entry.
    fn row(self) -> &'static MetricRow;
}

/// Defines a crate's table of metrics: an enum `Metric` with a variant for each row, and
/// `Metric::ROWS`, which lists all rows.
///
/// ```
/// ocelli_actors::metrics_table! {
///     Shouts = "ocelli_shouts_total", Counter, ["code"], "Texts returned in upper case.";
/// }
/// # fn main() {
/// assert_eq!(Metric::ROWS[0].labels, ["code"]);
/// # }
/// ```
#[macro_export]
macro_rules! metrics_table {
    ($($variant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)*) => {
        /// A metric of this crate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Metric {
            $(#[doc = $help] $variant,)*
        }

        impl Metric {
            /// Every metric of this crate.
            pub const ROWS: &'static [$crate::metrics::MetricRow] =
                &[$($crate::metrics_table!(@row $name, $kind, [$($label),*], $help),)*];
        }

        impl $crate::metrics::MetricName for Metric {
            fn row(self) -> &'static $crate::metrics::MetricRow {
                match self {
                    $(Self::$variant => {
                        const { &$crate::metrics_table!(@row $name, $kind, [$($label),*], $help) }
                    })*
                }
            }
        }
    };
    (@row $name:literal, $kind:ident, [$($label:literal),*], $help:literal) => {
        $crate::metrics::MetricRow {
            name: $name,
            kind: $crate::metrics::Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        }
    };
}

metrics_table! {
    Requests = "ocelli_requests_total", Counter, ["endpoint", "code"],
        "Requests answered by a NATS endpoint; code is \"ok\" or an error kind.";
    RequestSeconds = "ocelli_request_duration_seconds", Histogram, ["endpoint"],
        "From a request's arrival at a NATS endpoint to its reply.";
    RequestsInFlight = "ocelli_requests_in_flight", Gauge, ["endpoint"],
        "Requests that hold a credit or wait for one.";
    Errors = "ocelli_errors_total", Counter, ["handler", "code"],
        "Errors by the handler that answered and by error kind.";
    FramesIn = "ocelli_frames_in_total", Counter, ["service"],
        "Live frames received: in = out + dropped + in progress.";
    FramesOut = "ocelli_frames_out_total", Counter, ["service"],
        "Live frames answered, with a result or an error.";
    FramesDropped = "ocelli_frames_dropped_total", Counter, ["service", "reason"],
        "Live frames not answered, by reason.";
    WorkItems = "ocelli_work_items_total", Counter, ["worker", "code"],
        "Attempts at a durable work item; code is \"ok\" or an error kind.";
    WorkSeconds = "ocelli_work_item_duration_seconds", Histogram, ["worker"],
        "From the delivery of a work item to its acknowledgement.";
    ActorRestarts = "ocelli_actor_restarts_total", Counter, ["actor", "reason"],
        "Restarts by the supervisor.";
    CreditsInUse = "ocelli_credits_in_use", Gauge, ["pool"],
        "Credits taken from a pool.";
    MemoryReserved = "ocelli_memory_reserved_bytes", Gauge, [],
        "Memory that requests in progress were charged for.";
    BreakerState = "ocelli_breaker_state", Gauge, ["breaker"],
        "0 closed, 1 half-open, 2 open.";
    BrokerConnections = "ocelli_broker_connections", Gauge, [],
        "Open connections to NATS.";
    BrokerReconnects = "ocelli_broker_reconnects_total", Counter, [],
        "Reconnections to NATS.";
    BrokerOutgoing = "ocelli_broker_outgoing_bytes", Gauge, [],
        "Bytes that wait to be sent to NATS.";
    RequestRetries = "ocelli_request_retries_total", Counter, [],
        "Requests sent again because no worker gave a sign of life.";
    BrokerSlowConsumers = "ocelli_broker_slow_consumers_total", Counter, [],
        "Times the client dropped messages because a subscription was full.";
    BrokerMalformed = "ocelli_broker_malformed_messages_total", Counter, ["reason"],
        "Messages of which something could not be read, by what it was.";
}

/// The bucket bounds of every histogram, in seconds. A hop takes 0.2 ms, a large photograph a
/// second.
pub const SECONDS_BUCKETS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];

fn key_labels(row: &MetricRow, values: &[&'static str]) -> Vec<Label> {
    debug_assert_eq!(row.labels.len(), values.len(), "labels of {}", row.name);
    row.labels.iter().zip(values).map(|(&key, &value)| Label::new(key, value)).collect()
}

/// A handle to a counter with the given label values. Create it once and keep it if it is used
/// often.
pub fn counter(metric: impl MetricName, values: &[&'static str]) -> Counter {
    let row = metric.row();
    debug_assert_eq!(row.kind, Kind::Counter, "{}", row.name);
    metrics::counter!(row.name, key_labels(row, values))
}

/// A handle to a gauge with the given label values.
pub fn gauge(metric: impl MetricName, values: &[&'static str]) -> Gauge {
    let row = metric.row();
    debug_assert_eq!(row.kind, Kind::Gauge, "{}", row.name);
    metrics::gauge!(row.name, key_labels(row, values))
}

/// A handle to a histogram with the given label values. It records seconds.
pub fn histogram(metric: impl MetricName, values: &[&'static str]) -> Histogram {
    let row = metric.row();
    debug_assert_eq!(row.kind, Kind::Histogram, "{}", row.name);
    metrics::histogram!(row.name, key_labels(row, values))
}

/// Gives the help texts and units of a table to the installed recorder.
pub fn describe(table: &[MetricRow]) {
    for row in table {
        match row.kind {
            Kind::Counter => metrics::describe_counter!(row.name, row.help),
            Kind::Gauge => metrics::describe_gauge!(row.name, row.help),
            Kind::Histogram => {
                metrics::describe_histogram!(row.name, Unit::Seconds, row.help);
            }
        }
    }
}

/// Lists the mistakes in a set of tables: names that violate the conventions of Prometheus,
/// duplicate names, and labels that could hold ids.
#[must_use]
pub fn problems<'a>(rows: impl IntoIterator<Item = &'a MetricRow>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut problems = Vec::new();
    for row in rows {
        let name = row.name;
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(format!("{name} {problem}"));
            }
        };
        check(seen.insert(name), "is defined twice");
        check(
            // `process_` is for what Prometheus expects of every process.
            name.starts_with("ocelli_") || name.starts_with("process_"),
            "must start with ocelli_",
        );
        check(
            name.ends_with("_total") == (row.kind == Kind::Counter),
            "must end with _total if and only if it is a counter",
        );
        check(
            name.ends_with("_seconds") == (row.kind == Kind::Histogram),
            "must end with _seconds if and only if it is a histogram",
        );
        check(
            row.labels.iter().all(|label| *label != "id" && !label.ends_with("_id")),
            "must not have a label that holds ids",
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_convention_of_prometheus() {
        assert_eq!(problems(Metric::ROWS), Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_with_a_table_is_listed() {
        let row = MetricRow { name: "frames", kind: Kind::Counter, labels: &["id"], help: "" };
        assert_eq!(problems([&row, &row]).len(), 7);
    }
}

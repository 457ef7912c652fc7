//! What can be set.

use std::net::{Ipv4Addr, SocketAddr};

use ocelli_kit::config::{Problem, Section};
use serde::{Deserialize, Serialize};

/// The section `ingest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address that it listens on; port 0 chooses a free one.
    pub http_addr: SocketAddr,
    /// Threads that serve connections. They pass bytes on; they do not compute.
    pub workers: usize,
    /// Open connections; for one more, the one that was idle for the longest time is closed.
    pub max_connections: usize,
    /// How long a client may go without sending or taking what `min_bytes_per_s` asks for.
    pub stall_ms: u64,
    /// The slowest that a client may send a body or read an answer.
    pub min_bytes_per_s: u64,
    /// The deadline of a request that states none, and the longest time to send a body.
    pub request_timeout_ms: u64,
    /// Requests that may be under way.
    pub max_in_flight: usize,
    /// Bytes of requests that may be under way.
    pub max_in_flight_bytes: usize,
    /// Requests that may wait until one of those ends; one more is answered with `overloaded`.
    pub max_waiting: usize,
    /// How long a request may wait.
    pub patience_ms: u64,
    /// How long open requests may take after the gateway was asked to stop.
    pub shutdown_timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            workers: 2,
            max_connections: 4_096,
            stall_ms: 10_000,
            min_bytes_per_s: 16 * 1024,
            request_timeout_ms: 30_000,
            max_in_flight: 256,
            max_in_flight_bytes: 512 * 1024 * 1024,
            max_waiting: 256,
            patience_ms: 1_000,
            shutdown_timeout_ms: 10_000,
        }
    }
}

impl Section for Config {
    fn problems(&self) -> Vec<Problem> {
        [
            Problem::range("workers", self.workers, 1, 1_024),
            Problem::range("max_connections", self.max_connections, 1, 1_000_000),
            Problem::range("stall_ms", self.stall_ms, 1, 600_000),
            Problem::range("min_bytes_per_s", self.min_bytes_per_s, 1, 1 << 30),
            Problem::range("request_timeout_ms", self.request_timeout_ms, 1, 600_000),
            Problem::range("max_in_flight", self.max_in_flight, 1, 65_536),
            Problem::range("max_in_flight_bytes", self.max_in_flight_bytes, 1 << 20, usize::MAX),
            Problem::range("max_waiting", self.max_waiting, 0, 65_536),
            Problem::range("patience_ms", self.patience_ms, 0, 600_000),
            Problem::range("shutdown_timeout_ms", self.shutdown_timeout_ms, 0, 600_000),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        vec![("http", self.http_addr)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_order() {
        assert_eq!(Config::default().problems(), []);
        assert_eq!(Config::default().http_addr.to_string(), "127.0.0.1:8000");
    }

    #[test]
    fn every_mistake_is_listed() {
        let config = Config {
            workers: 0,
            max_connections: 0,
            stall_ms: 0,
            min_bytes_per_s: 0,
            request_timeout_ms: 600_001,
            max_in_flight: 0,
            max_in_flight_bytes: 1_000,
            ..Config::default()
        };
        let fields: Vec<_> = config.problems().into_iter().map(|problem| problem.field).collect();
        assert_eq!(
            fields,
            [
                "workers",
                "max_connections",
                "stall_ms",
                "min_bytes_per_s",
                "request_timeout_ms",
                "max_in_flight",
                "max_in_flight_bytes"
            ],
        );
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let text = r#"{"http_addr": "127.0.0.1:1", "worker": 3}"#;
        let error = serde_json::from_str::<Config>(text).unwrap_err();
        assert!(error.to_string().contains("worker"), "{error}");
    }
}

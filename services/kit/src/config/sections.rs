//! The sections that every process has.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use actix_web::http::Uri;
use ocelli_messages::{Tenant, Tenants, TokenError};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::{Problem, Secret, Section};

/// The section `[broker]`: the address of the NATS server, and the tenants.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerConfig {
    /// The URL of the server, `nats://` or `tls://`, which may contain credentials.
    pub url: String,
    /// The tenant of requests over HTTP.
    pub tenant: String,
    /// The tenants that the workers of this process serve; an empty list means all.
    pub tenants: Vec<String>,
    /// The time limit for a request without a deadline of its own, in milliseconds.
    pub request_timeout_ms: u64,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".to_owned(),
            tenant: "default".to_owned(),
            tenants: Vec::new(),
            request_timeout_ms: 30_000,
        }
    }
}

impl fmt::Debug for BrokerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerConfig")
            .field("url", &without_credentials(&self.url))
            .field("tenant", &self.tenant)
            .field("tenants", &self.tenants)
            .field("request_timeout_ms", &self.request_timeout_ms)
            .finish()
    }
}

impl BrokerConfig {
    /// The longest time limit in milliseconds: ten minutes, because longer work is a job, not a
    /// request.
    pub const MAX_REQUEST_TIMEOUT_MS: u64 = 600_000;

    /// How long a request without a deadline of its own may take.
    #[must_use]
    pub const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// The tenant of requests over HTTP.
    ///
    /// # Errors
    /// If the name is not allowed.
    pub fn tenant(&self) -> Result<Tenant, TokenError> {
        self.tenant.parse()
    }

    /// The tenants that the workers of this process serve.
    ///
    /// # Errors
    /// The error of the first name that is not allowed.
    pub fn tenants(&self) -> Result<Tenants, TokenError> {
        Tenants::parse(self.tenants.iter().map(String::as_str))
    }
}

impl Section for BrokerConfig {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let schemes = ["nats://host:4222", "tls://host:4222"];
        if !is_server(&self.url) {
            let mut message = format!("{} is not the URL of a NATS server", quoted(&self.url));
            if self.url.contains('@') {
                message += ": in a user, password or token, write / as %2F, # as %23, ? as %3F, \
                            @ as %40 and % as %25";
            }
            problems.push(Problem::new("url", message).allow(schemes));
        }
        if let Err(error) = self.tenant() {
            problems.push(Problem::new("tenant", error.to_string()));
        }
        let wrong = self.tenants.iter().filter_map(|name| name.parse::<Tenant>().err());
        problems.extend(wrong.map(|error| Problem::new("tenants", error.to_string())));
        if !(1..=Self::MAX_REQUEST_TIMEOUT_MS).contains(&self.request_timeout_ms) {
            let message = format!("{} is out of range", self.request_timeout_ms);
            problems.push(
                Problem::new("request_timeout_ms", message)
                    .allow([format!("1 to {}", Self::MAX_REQUEST_TIMEOUT_MS)]),
            );
        }
        problems
    }
}

/// The section `[admin]`: the port for probes and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminConfig {
    /// The address of the admin port; port 0 chooses a free one.
    pub addr: SocketAddr,
}

impl Section for AdminConfig {
    fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        vec![("admin", self.addr)]
    }
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 8002)) }
    }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for people if stderr is a terminal, otherwise JSON.
    #[default]
    Auto,
    /// Text for people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// The section `[telemetry]`: logs, traces and error events.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// The format of log lines.
    pub log_format: LogFormat,
    /// The filter for log lines, e.g. `info` or `info,ocelli_ingest=debug`.
    pub log_filter: String,
    /// The endpoint that traces are sent to, e.g. `http://collector:4318`. Without it, there are
    /// none.
    pub otlp_endpoint: Option<String>,
    /// The share of traces that is kept, from 0 to 1. It only applies to traces that start in this
    /// process; the caller decides about others.
    pub sample_ratio: f64,
    /// The Sentry DSN that error events are sent to. Without it, none are sent.
    pub sentry_dsn: Option<Secret>,
    /// The name of this deployment in traces and error events.
    pub environment: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Auto,
            log_filter: "info,async_nats=off,actix_server=warn".to_owned(),
            otlp_endpoint: None,
            sample_ratio: 0.1,
            sentry_dsn: None,
            environment: "development".to_owned(),
        }
    }
}

impl fmt::Debug for TelemetryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryConfig")
            .field("log_format", &self.log_format)
            .field("log_filter", &self.log_filter)
            .field("otlp_endpoint", &self.otlp_endpoint.as_deref().map(without_credentials))
            .field("sample_ratio", &self.sample_ratio)
            .field("sentry_dsn", &self.sentry_dsn)
            .field("environment", &self.environment)
            .finish()
    }
}

impl Section for TelemetryConfig {
    fn problems(&self) -> Vec<Problem> {
        let problem = |field: &str, message: String| Problem::new(field, message);
        let mut problems = Vec::new();
        if let Err(error) = EnvFilter::try_new(&self.log_filter) {
            let message = format!("{:?} is not a log filter: {error}", self.log_filter);
            problems.push(problem("log_filter", message).allow([
                "off",
                "error",
                "warn",
                "info",
                "debug",
                "trace",
                "info,TARGET=debug",
            ]));
        }
        if let Some(endpoint) = self.otlp_endpoint.as_deref().filter(|text| !is_http_url(text)) {
            let message = format!("{} is not an HTTP URL", quoted(endpoint));
            problems.push(
                problem("otlp_endpoint", message).allow(["http://host:4318", "https://host:4318"]),
            );
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            let message = format!("{} is out of range", self.sample_ratio);
            problems.push(problem("sample_ratio", message).allow(["0.0 to 1.0"]));
        }
        if let Some(dsn) = &self.sentry_dsn
            && dsn.expose().parse::<sentry::types::Dsn>().is_err()
        {
            problems.push(
                problem("sentry_dsn", "must have the form https://KEY@HOST/PROJECT".to_owned())
                    .allow(["https://KEY@HOST/PROJECT"]),
            );
        }
        if self.environment.trim().is_empty() {
            problems.push(problem("environment", "must not be empty".to_owned()));
        }
        problems
    }
}

/// Whether the text is the URL of a NATS server. The client itself would accept an address without
/// a scheme, or even without a host. In a URL with an `@` behind its host, a password has ended the
/// host too early.
fn is_server(text: &str) -> bool {
    let with_host = |server: async_nats::ServerAddr| {
        // The client is built without WebSockets.
        let tcp = !server.is_websocket();
        let url = server.into_inner();
        let behind = [Some(url.path()), url.query(), url.fragment()];
        tcp && url.host_str().is_some_and(|host| !host.is_empty() && !host.contains('%'))
            && !behind.into_iter().flatten().any(|part| part.contains('@'))
    };
    text.contains("://") && text.parse().is_ok_and(with_host)
}

/// What follows the credentials of a URL, up to its query, however it is written.
fn without_credentials(url: &str) -> &str {
    let host = url.rsplit_once('@').map_or(url, |(_, host)| host);
    host.split(['?', '#']).next().unwrap_or_default()
}

/// A wrong URL in a message. Where the credentials of a malformed URL end is anybody's guess, so it
/// is not shown if it may have some, before its host or in its query.
fn quoted(url: &str) -> String {
    if url.contains(['@', '?', '#']) { "the value".to_owned() } else { format!("{url:?}") }
}

fn is_http_url(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|h| !h.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_right() {
        assert_eq!(BrokerConfig::default().problems(), []);
        assert_eq!(TelemetryConfig::default().problems(), []);
    }

    #[test]
    fn every_wrong_value_of_a_section_is_listed() {
        let fields = |problems: Vec<Problem>| -> Vec<String> {
            problems.into_iter().map(|problem| problem.field).collect()
        };
        let broker = BrokerConfig {
            url: "http://host".to_owned(),
            tenant: "No Tenant".to_owned(),
            tenants: vec!["acme".to_owned(), "*".to_owned(), "B".to_owned()],
            request_timeout_ms: 0,
        };
        assert_eq!(
            fields(broker.problems()),
            ["url", "tenant", "tenants", "tenants", "request_timeout_ms"]
        );
        let telemetry = TelemetryConfig {
            log_filter: "info,=[".to_owned(),
            otlp_endpoint: Some("collector:4318".to_owned()),
            sample_ratio: f64::NAN,
            sentry_dsn: Some(Secret::new("hunter2")),
            environment: " ".to_owned(),
            ..TelemetryConfig::default()
        };
        assert_eq!(
            fields(telemetry.problems()),
            ["log_filter", "otlp_endpoint", "sample_ratio", "sentry_dsn", "environment"],
        );
    }

    #[test]
    fn no_problem_and_no_debug_output_shows_a_secret() {
        let broker = BrokerConfig {
            url: "nats://me:hunt/hunter2@host:x".to_owned(),
            ..BrokerConfig::default()
        };
        let telemetry = TelemetryConfig {
            sentry_dsn: Some(Secret::new("hunter2")),
            otlp_endpoint: Some("me:hunter2@host?token=hunter2".to_owned()),
            ..TelemetryConfig::default()
        };
        let problems = [broker.problems(), telemetry.problems()].concat();
        assert_eq!(problems.len(), 3);
        assert!(format!("{problems:?}").contains("%2F"), "it says how to write it");
        let shown = format!("{problems:?} {broker:?} {telemetry:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_server_needs_a_known_scheme() {
        for (url, right) in [
            ("nats://127.0.0.1:4222", true),
            ("tls://user:pass@nats.example.org", true),
            ("wss://nats.example.org", false),
            ("127.0.0.1:4222", false),
            ("nats://", false),
            ("nats://two hosts", false),
            ("nats://user:pa%2Fss%23@host", true),
            ("nats://user:pa@ss@host", true),
            ("nats://user:12/pass@host", false),
            ("nats://user:12#pass@host", false),
            ("nats://token?more@host", false),
        ] {
            let config = BrokerConfig { url: url.to_owned(), ..BrokerConfig::default() };
            assert_eq!(config.problems().is_empty(), right, "{url}");
        }
    }
}

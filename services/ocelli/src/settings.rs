//! All settings of the process: a section for each part.

use std::path::PathBuf;

use ocelli_kit::config::{
    AdminConfig, BrokerConfig, Problem, Settings, Sources, TelemetryConfig, load,
};
use ocelli_messages::{Limits, Tenant};
use serde::{Deserialize, Serialize};

use crate::{
    cli::{Addresses, ConfigFile},
    exit::BadConfig,
};

/// Environment variables that are ours and no settings.
const OTHER_VARIABLES: [&str; 1] = [ocelli_nats_server::BINARY_VARIABLE];

/// `[managed_broker]`: the broker that `ocelli up` brings along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ManagedBroker {
    /// On 127.0.0.1; 0 takes a free one.
    pub(crate) port: u16,
    /// Where it keeps its files.
    pub(crate) data: PathBuf,
    /// The largest message.
    pub(crate) max_payload_bytes: u32,
}

impl Default for ManagedBroker {
    fn default() -> Self {
        Self { port: 4222, data: "data".into(), max_payload_bytes: 16 * 1024 * 1024 }
    }
}

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub(crate) struct Config {
    pub(crate) broker: BrokerConfig,
    pub(crate) managed_broker: ManagedBroker,
    pub(crate) admin: AdminConfig,
    pub(crate) telemetry: TelemetryConfig,
    pub(crate) limits: Limits,
    pub(crate) gpu_filter: ocelli_gpu_filter::Config,
    pub(crate) ingest: ocelli_ingest::Config,
    /// How long work under way may take when the process is asked to stop.
    pub(crate) shutdown: Shutdown,
}

/// `[shutdown]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Shutdown {
    /// Work that is not done by then is given up.
    pub(crate) grace_ms: u64,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { grace_ms: 10_000 }
    }
}

impl Config {
    /// The tenant, which [`Settings::problems`] has checked.
    pub(crate) fn tenant(&self) -> anyhow::Result<Tenant> {
        Ok(self.broker.tenant.parse()?)
    }
}

impl Settings for Config {
    fn problems(&self) -> Vec<Problem> {
        const LARGEST_PAYLOAD: u32 = 64 * 1024 * 1024;
        let mut problems = self.broker.problems("broker");
        problems.extend(self.telemetry.problems("telemetry"));
        let mut add = |field: String, message: String| problems.push(Problem::new(field, message));
        for (field, message) in self.gpu_filter.problems() {
            add(format!("gpu_filter.{field}"), message);
        }
        for (field, message) in self.ingest.problems() {
            add(format!("ingest.{field}"), message);
        }
        let limits = [
            ("max_encoded_bytes", self.limits.max_encoded_bytes as u64),
            ("max_side_px", self.limits.max_side_px.into()),
            ("max_pixels", self.limits.max_pixels),
            ("max_steps", self.limits.max_steps as u64),
        ];
        for (field, _) in limits.into_iter().filter(|(_, value)| *value == 0) {
            add(format!("limits.{field}"), "0 would refuse everything".to_owned());
        }
        let payload = self.managed_broker.max_payload_bytes;
        if !(1024 * 1024..=LARGEST_PAYLOAD).contains(&payload) {
            let message = format!("{payload} must be from 1048576 to {LARGEST_PAYLOAD}");
            add("managed_broker.max_payload_bytes".to_owned(), message);
        }
        problems
    }
}

/// What a command takes its settings from.
pub(crate) fn sources(file: &ConfigFile) -> Sources {
    Sources {
        file: file.config.clone(),
        env: Sources::process_env(),
        env_allowed: OTHER_VARIABLES.to_vec(),
        flags: Vec::new(),
    }
}

/// The flags that are settings.
pub(crate) fn address_flags(addresses: &Addresses) -> Vec<(String, toml::Value)> {
    let http = addresses.http.map(|addr| ("ingest.http_addr".to_owned(), addr.to_string().into()));
    let admin = addresses.admin.map(|addr| ("admin.addr".to_owned(), addr.to_string().into()));
    http.into_iter().chain(admin).collect()
}

/// Loads the settings.
pub(crate) fn settings(sources: &Sources) -> anyhow::Result<Config> {
    load(sources).map_err(|problems| {
        anyhow::Error::new(BadConfig(problems.iter().map(ToString::to_string).collect()))
    })
}

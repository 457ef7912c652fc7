//! The settings of the process, with a section for each of its parts.

use std::path::PathBuf;

use anyhow::Context as _;
use ocelli_kit::{
    config::{
        AdminConfig, BrokerConfig, LimitsConfig, Problem, Section, SectionEntry, Settings, Sources,
        TelemetryConfig, load,
    },
    service::ServiceEntry,
};
use serde::{Deserialize, Serialize};

use crate::{cli::ConfigFile, exit::BadConfig};

/// Environment variables of Ocelli that are not settings.
const OTHER_VARIABLES: [&str; 1] = [ocelli_nats_server::BINARY_VARIABLE];

/// The sections that every process has, whichever services it runs.
const SECTIONS: [SectionEntry; 6] = [
    SectionEntry::of::<BrokerConfig>("broker"),
    SectionEntry::of::<ManagedBroker>("managed_broker"),
    SectionEntry::of::<AdminConfig>("admin"),
    SectionEntry::of::<TelemetryConfig>("telemetry"),
    SectionEntry::of::<LimitsConfig>("limits"),
    SectionEntry::of::<Shutdown>("shutdown"),
];

/// The section `[managed_broker]`: the broker that `ocelli up` starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ManagedBroker {
    /// The port on 127.0.0.1; 0 chooses a free one.
    pub(crate) port: u16,
    /// The folder for its files.
    pub(crate) data: PathBuf,
    /// The size of the largest message in bytes.
    pub(crate) max_payload_bytes: u32,
}

impl Default for ManagedBroker {
    fn default() -> Self {
        Self { port: 4222, data: "data".into(), max_payload_bytes: 16 * 1024 * 1024 }
    }
}

impl Section for ManagedBroker {
    fn problems(&self) -> Vec<Problem> {
        const LEAST: u32 = 1024 * 1024;
        const MOST: u32 = 64 * 1024 * 1024;
        Problem::range("max_payload_bytes", self.max_payload_bytes, LEAST, MOST)
            .into_iter()
            .collect()
    }
}

/// The section `[shutdown]`: how the process stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Shutdown {
    /// The time in milliseconds after which work that is not finished is aborted.
    pub(crate) grace_ms: u64,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { grace_ms: 10_000 }
    }
}

impl Section for Shutdown {}

/// The sources of a command's settings.
pub(crate) fn sources(file: &ConfigFile) -> Sources {
    Sources {
        file: file.config.clone(),
        env: Sources::process_env(),
        env_allowed: OTHER_VARIABLES.to_vec(),
        flags: Vec::new(),
    }
}

/// Loads the settings of a process with the given services.
pub(crate) fn settings(services: &[ServiceEntry], sources: &Sources) -> anyhow::Result<Settings> {
    let sections: Vec<_> =
        SECTIONS.into_iter().chain(services.iter().map(|entry| entry.section)).collect();
    load(&sections, sources).map_err(|problems| {
        anyhow::Error::new(BadConfig(problems.iter().map(ToString::to_string).collect()))
    })
}

/// Returns the section with the given name.
pub(crate) fn section<T: Section>(settings: &Settings, name: &str) -> anyhow::Result<T> {
    settings
        .section(name)
        .map_err(|problem| anyhow::Error::msg(problem.message))
        .with_context(|| format!("cannot read the section {name}"))
}

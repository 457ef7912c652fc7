//! What can be set.

use ocelli_kit::config::{Problem, Section};
use serde::{Deserialize, Serialize};

/// What computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendUse {
    /// A GPU where there is one, and the CPU.
    #[default]
    Auto,
    /// The CPU alone.
    Cpu,
    /// A GPU, and the CPU; without a GPU the service does not start.
    Cuda,
}

/// What follows when the GPU is lost: no new thread brings it back, a new process may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDeviceLost {
    /// The CPU goes on.
    #[default]
    Degrade,
    /// The process ends, so that its platform starts a new one.
    Exit,
}

/// The section `gpu_filter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Threads that compute; 0 takes one for each core.
    pub cpu_workers: usize,
    /// What computes: `auto`, `cpu` or `cuda`.
    pub backend: BackendUse,
    /// What follows when the GPU is lost: `degrade` or `exit`.
    pub on_device_lost: OnDeviceLost,
    /// Frames that a GPU takes at a time of those that wait and are alike; 1 takes each alone.
    pub batch: usize,
    /// Requests that may be under way.
    pub credits: usize,
    /// Bytes of requests that may be under way.
    pub credit_bytes: usize,
    /// Requests that may wait for a credit; one more is answered with `overloaded` at once.
    pub waiting: usize,
    /// Bytes of requests that may wait for a credit.
    pub waiting_bytes: usize,
    /// How long a request may wait for a credit.
    pub patience_ms: u64,
    /// Live frames that may wait; then the oldest is dropped.
    pub live_waiting: usize,
    /// Bytes of live frames that may wait.
    pub live_waiting_bytes: usize,
    /// The deadline of a live frame that states none.
    pub live_timeout_ms: u64,
    /// A CPU worker that is busy with one request for longer counts as hung: a new one takes its
    /// place in the queue.
    pub hang_ms: u64,
    /// Unused pixel memory that is kept for the next frames.
    pub pool_bytes: usize,
}

const MIB: usize = 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        Self {
            cpu_workers: 0,
            backend: BackendUse::Auto,
            on_device_lost: OnDeviceLost::Degrade,
            batch: 8,
            credits: 64,
            credit_bytes: 256 * MIB,
            waiting: 128,
            waiting_bytes: 256 * MIB,
            patience_ms: 2_000,
            live_waiting: 64,
            live_waiting_bytes: 128 * MIB,
            live_timeout_ms: 5_000,
            hang_ms: 120_000,
            pool_bytes: 128 * MIB,
        }
    }
}

impl Section for Config {
    fn problems(&self) -> Vec<Problem> {
        [
            Problem::range("cpu_workers", self.cpu_workers, 0, 1024),
            Problem::range("batch", self.batch, 1, 32),
            Problem::range("credits", self.credits, 1, 65_536),
            Problem::range("credit_bytes", self.credit_bytes, MIB, usize::MAX),
            Problem::range("waiting", self.waiting, 0, 65_536),
            Problem::range("live_waiting", self.live_waiting, 1, 65_536),
            Problem::range("hang_ms", self.hang_ms, 100, 3_600_000),
            Problem::range("live_waiting_bytes", self.live_waiting_bytes, MIB, usize::MAX),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Config {
    /// Whether it cannot go on without its GPU.
    #[must_use]
    pub fn needs_gpu(&self) -> bool {
        self.backend == BackendUse::Cuda || self.on_device_lost == OnDeviceLost::Exit
    }

    /// How many threads compute.
    #[must_use]
    pub fn threads(&self) -> usize {
        if self.cpu_workers > 0 {
            self.cpu_workers
        } else {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        }
    }
}

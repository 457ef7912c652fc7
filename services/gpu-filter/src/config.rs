//! The settings of the filter service.

use ocelli_kit::config::{Problem, Section};
use serde::{Deserialize, Serialize};

/// The devices that compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendUse {
    /// A GPU, if there is one, and the CPU.
    #[default]
    Auto,
    /// Only the CPU.
    Cpu,
    /// A GPU and the CPU. Without a GPU, the service does not start.
    Cuda,
}

/// What happens when the GPU is lost. A new thread cannot recover it, but a new process may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDeviceLost {
    /// The CPU continues alone.
    #[default]
    Degrade,
    /// The process exits, so that its platform starts a new one.
    Exit,
}

/// The section `gpu_filter` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The number of threads that compute; 0 means one for each core.
    pub cpu_workers: usize,
    /// The devices to compute on: `auto`, `cpu` or `cuda`.
    pub backend: BackendUse,
    /// What happens when the GPU is lost: `degrade` or `exit`.
    pub on_device_lost: OnDeviceLost,
    /// The most waiting frames of the same chain and shape that a GPU takes in one batch; with 1,
    /// each is taken alone.
    pub batch: usize,
    /// The number of requests that may be in progress.
    pub credits: usize,
    /// The memory that all requests in progress may take, in bytes; 0 means the whole budget of the
    /// process.
    pub credit_bytes: usize,
    /// The number of requests that may wait for a credit. One more is answered with `overloaded` at
    /// once.
    pub waiting: usize,
    /// The bytes of all requests that may wait for a credit.
    pub waiting_bytes: usize,
    /// How long a request may wait for a credit, in milliseconds.
    pub patience_ms: u64,
    /// The number of live frames that may wait. If there are more, the oldest is dropped.
    pub live_waiting: usize,
    /// The bytes of all live frames that may wait.
    pub live_waiting_bytes: usize,
    /// The time limit for a live frame that states no deadline, in milliseconds.
    pub live_timeout_ms: u64,
    /// The time in milliseconds after which a CPU worker that is busy with one request counts as
    /// hung and is replaced.
    pub hang_ms: u64,
    /// The bytes of unused pixel memory that are kept for the next frames.
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
            credit_bytes: 0,
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
            (self.credit_bytes > 0)
                .then(|| Problem::range("credit_bytes", self.credit_bytes, MIB, usize::MAX))
                .flatten(),
            Problem::range("waiting", self.waiting, 0, 65_536),
            Problem::range("live_waiting", self.live_waiting, 1, 65_536),
            Problem::range("hang_ms", self.hang_ms, 1_000, 3_600_000),
            Problem::range("live_waiting_bytes", self.live_waiting_bytes, MIB, usize::MAX),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Config {
    /// Whether the service cannot work without its GPU.
    #[must_use]
    pub fn needs_gpu(&self) -> bool {
        self.backend == BackendUse::Cuda || self.on_device_lost == OnDeviceLost::Exit
    }

    /// The number of threads that compute, at least 1.
    #[must_use]
    pub fn threads(&self) -> usize {
        if self.cpu_workers > 0 {
            self.cpu_workers
        } else {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        }
    }
}

//! What this machine offers.

use crate::cuda;
use crate::simd::Level;

/// The processors that are usable here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The vector instructions in use: `avx512`, `avx2`, `sse4.1`, `neon` or `scalar`.
    pub cpu: &'static str,
    /// The GPUs, or why there is none.
    pub cuda: Result<Vec<CudaDevice>, String>,
}

/// An NVIDIA GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaDevice {
    /// Its number, from 0.
    pub ordinal: usize,
    /// What the driver calls it.
    pub name: String,
    /// All of its memory.
    pub memory_bytes: u64,
    /// Major and minor.
    pub compute_capability: (u32, u32),
}

/// Looks at this machine. Never panics, whatever is or is not installed.
#[must_use]
pub fn probe() -> Probe {
    Probe { cpu: Level::best().name(), cuda: cuda::devices() }
}

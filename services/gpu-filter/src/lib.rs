//! Filters images on CPU and CUDA workers.
//!
//! | subject | in | out |
//! |---|---|---|
//! | `ocelli.v1.<tenant>.req.filter.process` | `ProcessRequest` | `ProcessResponse` |
//! | `ocelli.v1.<tenant>.req.filter.list` | `ListFiltersRequest` | `ListFiltersResponse` |
//! | `ocelli.v1.<tenant>.frame.in.<stream>` | `ProcessRequest` | `ProcessResponse` on `…frame.out.<stream>` |
//!
//! One request's way: [`topology`] shows the actors; `handlers/` take the messages; `plan` checks a
//! request until it cannot be wrong; `worker` does the work on a device's thread.

#![forbid(unsafe_code)]

mod config;
mod definitions;
mod devices;
mod dispatch;
mod gpu;
mod handlers;
mod metrics;
mod output;
mod pixels;
mod plan;
mod service;
#[cfg(test)]
mod test_jobs;
mod times;
pub mod topology;
mod worker;

pub use config::{BackendUse, Config, OnDeviceLost};
pub use gpu::{Gpu, GpuState};
pub use service::GpuFilter;
pub use topology::{Parts, supervisor};

/// Its name as a NATS service, as a queue group and in metrics.
pub const SERVICE: &str = "gpu-filter";

//! Filters images on CPU and CUDA workers.
//!
//! | subject | in | out |
//! |---|---|---|
//! | `ocelli.v1.<tenant>.req.filter.process` | `ProcessRequest` | `ProcessResponse` |
//! | `ocelli.v1.<tenant>.req.filter.list` | `ListFiltersRequest` | `ListFiltersResponse` |
//! | `ocelli.v1.<tenant>.frame.in.<stream>` | `ProcessRequest` | `ProcessResponse` on `…frame.out.<stream>` |
//!
//! To follow a request: [`topology`] shows the actors, `handlers/` receive the messages, `plan`
//! checks a request completely, and `worker` processes it on the thread of a device.

#![forbid(unsafe_code)]

mod config;
mod definitions;
mod devices;
mod dispatch;
mod gpu;
mod handlers;
mod memory;
mod metrics;
mod output;
mod pixels;
mod plan;
mod quarantine;
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

/// The name of the service in NATS, as a queue group and in metrics.
pub const SERVICE: &str = "gpu-filter";

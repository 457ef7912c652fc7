//! The program `ocelli` with one more service: the example of `docs/how-to/add-a-service.md`.

#![forbid(unsafe_code)]
#![allow(missing_docs, unreachable_pub, reason = "the example is a page of the book")]

mod service;

use std::process::ExitCode;

use ocelli_gpu_filter::GpuFilter;
use ocelli_ingest::Ingest;
use ocelli_kit::service::ServiceEntry;

const SERVICES: &[ServiceEntry] = &[
    ServiceEntry::of::<GpuFilter>(),
    ServiceEntry::of::<Ingest>(),
    ServiceEntry::of::<service::Shout>(),
];

fn main() -> ExitCode {
    ocelli::main(SERVICES)
}

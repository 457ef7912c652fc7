//! The registry: every service that the program can run.

use ocelli_gpu_filter::GpuFilter;
use ocelli_ingest::Ingest;
use ocelli_kit::service::ServiceEntry;

/// The services, one line each. Names on the command line, flags, sections of the settings and the
/// metrics' help texts are made from this list, and so are the checks of the reference pages.
pub const SERVICES: &[ServiceEntry] =
    &[ServiceEntry::of::<GpuFilter>(), ServiceEntry::of::<Ingest>()];

//! `ocelli`: all services, the managed broker and the command line in one binary.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use ocelli_gpu_filter::GpuFilter;
use ocelli_ingest::Ingest;
use ocelli_kit::service::ServiceEntry;

/// The registry: a new service is one line here.
const SERVICES: &[ServiceEntry] = &[ServiceEntry::of::<GpuFilter>(), ServiceEntry::of::<Ingest>()];

// Frames of half a megabyte and more come and go with every request. The system's allocator maps
// and unmaps such memory each time, and every page of it faults anew. mimalloc's large pages (`no_thp`
// turns them off) are no faster here, and stay as long as a byte of their 2 MiB is in use: after
// 600,000 requests 72 MB were resident, of 4 MB in use, and it still grew; without them 26 MB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ocelli::main(SERVICES)
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn the_allocator_asks_for_no_large_pages() {
        let used = vec![1u8; 1 << 20];
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let flags = maps.lines().filter_map(|line| line.strip_prefix("VmFlags:"));
        let large = flags.filter(|flags| flags.split(' ').any(|flag| flag == "hg")).count();
        assert_eq!(large, 0, "areas in large pages, {} bytes in use", used.len());
    }
}

//! `ocelli`: all services, the managed broker and the command line in one binary.

#![forbid(unsafe_code)]

use std::process::ExitCode;

// Every request allocates and frees frames of half a megabyte or more. The system's allocator maps
// and unmaps such memory each time, so every page of it faults again. The large pages of mimalloc
// (`no_thp` turns them off) are not faster here, and are kept as long as a byte of their 2 MiB is
// in use: after 600,000 requests, 72 MB were resident with 4 MB in use, and still growing; without
// large pages it was 26 MB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ocelli::main(ocelli::SERVICES)
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

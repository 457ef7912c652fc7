//! The memory of one buffer: its alignment, and the size of its pages.

use memmap2::{MmapMut, MmapOptions};

/// The bytes of a cache line. The buffers of a [`Pool`](crate::Pool) start at one.
///
/// A wide store that crosses a cache line takes twice as long, and with the allocator's alignment
/// of large memory all of them would: a lookup table on RGB 640×480 took 32.6 µs that way, and
/// takes 24.6 µs with buffers that start at a line.
pub const CACHE_LINE: usize = 64;

/// The bytes of a large page of memory on x86-64, and on Arm with small pages of 4 KiB.
const LARGE_PAGE: usize = 2 << 20;

/// Initialised memory. The operating system zeroes fresh memory page by page when it is first
/// touched, so the bytes skipped at the start take no room.
#[derive(Debug)]
pub(super) enum Memory {
    /// Memory of the allocator.
    Heap { all: Vec<u8>, start: usize, len: usize },
    /// Memory of the operating system, in large pages if it has them.
    ///
    /// With pages of 4 KiB, a 4K frame in RGB has 6,075 of them. Each one faults when it is first
    /// touched, and they exceed the processor's address cache (TLB): a copy of 8 MB from one buffer
    /// to another took 558 µs with small pages, and takes 522 µs with large ones.
    Pages { all: MmapMut, start: usize, len: usize },
}

impl Memory {
    pub(super) fn new(len: usize) -> Self {
        Self::in_large_pages(len).unwrap_or_else(|| {
            let all = zeros(len, CACHE_LINE - 1);
            let start = all.as_ptr().align_offset(CACHE_LINE).min(CACHE_LINE - 1);
            Self::Heap { all, start, len }
        })
    }

    /// Memory in large pages, or `None` if `len` would not fill one, or if there is no such memory.
    fn in_large_pages(len: usize) -> Option<Self> {
        let whole = len / LARGE_PAGE * LARGE_PAGE;
        if whole == 0 {
            return None;
        }
        let all = MmapOptions::new().len(len.checked_add(LARGE_PAGE)?).map_anon().ok()?;
        let start = all.as_ptr().align_offset(LARGE_PAGE).min(LARGE_PAGE);
        // The last, partial page is left out, because the rest of it would be wasted. A system that
        // does not support the advice uses small pages.
        #[cfg(target_os = "linux")]
        drop(all.advise_range(memmap2::Advice::HugePage, start, whole));
        Some(Self::Pages { all, start, len })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Heap { len, .. } | Self::Pages { len, .. } => *len,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        let (all, start, len): (&[u8], _, _) = match self {
            Self::Heap { all, start, len } => (all, *start, *len),
            Self::Pages { all, start, len } => (all, *start, *len),
        };
        all.get(start..start + len).unwrap_or_default()
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        let (all, start, len): (&mut [u8], _, _) = match self {
            Self::Heap { all, start, len } => (all, *start, *len),
            Self::Pages { all, start, len } => (all, *start, *len),
        };
        all.get_mut(start..start + len).unwrap_or_default()
    }
}

/// Zeroed memory of the allocator.
///
/// # Panics
/// If there is none: to abort, as the usual allocation does, would end all other requests too.
#[allow(clippy::panic, reason = "callers isolate the panic of a request from all others")]
fn zeros(len: usize, margin: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let whole = len.saturating_add(margin);
    if all.try_reserve_exact(whole).is_err() {
        panic!("out of memory: {len} bytes of pixels");
    }
    all.resize(whole, 0);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [usize; 7] =
        [1, 63, 64, 300_000, LARGE_PAGE - 1, LARGE_PAGE, 3 * LARGE_PAGE + 1];

    #[test]
    fn every_buffer_starts_at_a_cache_line_and_large_ones_at_a_large_page() {
        for len in LENGTHS {
            let memory = Memory::new(len);
            let align = if len < LARGE_PAGE { CACHE_LINE } else { LARGE_PAGE };
            assert_eq!(memory.bytes().as_ptr().align_offset(align), 0, "{len}");
        }
    }

    #[test]
    fn every_buffer_has_its_length_and_can_be_written() {
        for len in LENGTHS {
            let mut memory = Memory::new(len);
            assert_eq!((memory.len(), memory.bytes().len()), (len, len));
            assert!(memory.bytes().iter().all(|byte| *byte == 0), "{len}");
            memory.bytes_mut().fill(7);
            assert!(memory.bytes().iter().all(|byte| *byte == 7), "{len}");
        }
    }

    /// The flags that the kernel reports for the memory at the given address.
    #[cfg(target_os = "linux")]
    fn flags(place: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            let ends = line.split(' ').next().and_then(|range| range.split_once('-'));
            let ends = ends.map(|(from, to)| [from, to].map(|at| usize::from_str_radix(at, 16)));
            if let Some([Ok(from), Ok(to)]) = ends {
                inside = (from..to).contains(&place);
            } else if inside && let Some(flags) = line.strip_prefix("VmFlags:") {
                return flags.to_owned();
            }
        }
        panic!("no memory at {place:x}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn large_pages_are_asked_for_where_there_are_some() {
        let there_are = std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists();
        let memory = Memory::new(2 * LARGE_PAGE + 100);
        let place = memory.bytes().as_ptr() as usize;
        for (offset, whole) in [(0, true), (2 * LARGE_PAGE - 1, true), (2 * LARGE_PAGE, false)] {
            let flags = flags(place + offset);
            assert_eq!(flags.split(' ').any(|flag| flag == "hg"), there_are && whole, "{offset}");
        }
    }
}

//! At a steady load no frame allocates memory: neither for pixels nor for anything else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(unsafe_code, reason = "an allocator that counts")]

#[path = "parity/cases/mod.rs"]
#[allow(dead_code, reason = "only some of it is needed here")]
mod cases;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use ocelli_kernels::{Backend as _, Catalog, Chain, CpuBackend, Family, PixelFormat, Pool};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: all calls go to the system's allocator as they are.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One test, so that no other thread allocates meanwhile.
#[test]
fn a_steady_load_allocates_nothing() {
    let mut backend = CpuBackend::new(Pool::new(1 << 28));
    let mut allocating = Vec::new();
    let mut measure = |name: String, chain: &Chain, format: PixelFormat| {
        let image = cases::image(cases::Content::Scene, (320, 240), format, 0);
        // The first frames fill the pool and what operations prepare for a size.
        for _ in 0..3 {
            drop(backend.run(chain, image.clone()).unwrap());
        }
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..5 {
            drop(backend.run(chain, image.clone()).unwrap());
        }
        let more = ALLOCATIONS.load(Ordering::Relaxed) - before;
        if more > 0 {
            allocating.push(format!("{name} {format:?}: {more} in 5 frames"));
        }
    };
    let mut seen = Vec::new();
    for case in Family::ALL.into_iter().flat_map(cases::of) {
        let kind = (case.filter, case.format);
        // A larger image is taken, which some parameters do not fit.
        let shape = cases::image(case.content, (320, 240), case.format, 0).shape();
        if !seen.contains(&kind) && case.chain().output(shape).is_ok() {
            seen.push(kind);
            measure(case.filter.to_owned(), &case.chain(), case.format);
        }
    }
    let none = std::collections::BTreeMap::new();
    let steps = ["blur", "blur", "grayscale", "blur"];
    let chain = Chain::parse(&Catalog::standard(), steps.map(|id| (id, &none))).unwrap();
    measure("a chain".to_owned(), &chain, PixelFormat::Rgb8);
    assert!(allocating.is_empty(), "{allocating:#?}");
}

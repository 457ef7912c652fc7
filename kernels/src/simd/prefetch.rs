//! Prefetches cache lines before they are written.
//!
//! Stores do not wait for memory, but only so many can be under way. Where the processor does not
//! see itself which lines come next, or fetches them too late, asking ahead saves time.

/// Results up to that many bytes stay, with what they are made of, in a second-level cache of
/// 2 MiB. There asking ahead makes rows that are only copied up to 30 % faster; beyond, where
/// memory sets the pace, it costs 2 %.
const NEAR: usize = 1 << 20;

/// Whether prefetching pays for the rows of a result of `bytes` bytes.
pub(crate) fn pays(bytes: usize) -> bool {
    bytes <= NEAR
}

/// Prefetches the cache lines of `bytes`.
#[inline(always)]
pub(crate) fn prefetch(bytes: &[u8]) {
    for at in (0..bytes.len()).step_by(64) {
        prefetch_line(bytes.as_ptr().wrapping_add(at));
    }
}

/// Asks for the line there, which need not exist.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "an instruction that every CPU of this architecture has")]
#[inline(always)]
pub(crate) fn prefetch_line(at: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: SSE is part of x86-64, and an address that is not there is ignored.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
}

/// Asks for nothing: Rust has no stable instruction for it.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn prefetch_line(_: *const u8) {}

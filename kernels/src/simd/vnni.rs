//! An instruction of AVX-512 VNNI.

#![allow(unsafe_code, reason = "an instruction")]

use std::arch::asm;
use std::arch::x86_64::__m512i;

/// Adds to sums the products of pairs. This is the instruction, not its intrinsic, of which the
/// compiler makes a multiplication and an addition again: that takes 15 % longer.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
pub(crate) fn dot(mut sums: __m512i, pairs: __m512i, weights: __m512i) -> __m512i {
    // SAFETY: it reads and writes these registers only.
    unsafe {
        asm!(
            "vpdpwssd {}, {}, {}",
            inout(zmm_reg) sums,
            in(zmm_reg) pairs,
            in(zmm_reg) weights,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

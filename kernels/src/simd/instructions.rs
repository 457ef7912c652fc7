//! The sets of vector instructions, each a type whose values prove that the CPU has them.

/// The sets that loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// The instructions that every CPU of the target architecture has.
    Baseline(Baseline),
    /// The instructions of SSE4.1.
    #[cfg(target_arch = "x86_64")]
    Sse41(Sse41),
    /// The instructions of AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// The instructions of AVX-512 F, BW and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// The instructions that every CPU of the target architecture has: SSE2 on x86-64, NEON on aarch64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Baseline;

/// The instructions of SSE4.1.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sse41(());

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the caller has detected the instructions")]
impl Sse41 {
    /// # Safety
    /// The CPU has these instructions.
    pub(super) unsafe fn assume() -> Self {
        Self(())
    }
}

/// The instructions of AVX2.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the caller has detected the instructions")]
impl Avx2 {
    /// # Safety
    /// The CPU has these instructions.
    pub(super) unsafe fn assume() -> Self {
        Self(())
    }
}

/// The instructions of AVX-512 F, BW and VL.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the caller has detected the instructions")]
impl Avx512 {
    /// # Safety
    /// The CPU has these instructions.
    pub(super) unsafe fn assume() -> Self {
        Self(())
    }
}

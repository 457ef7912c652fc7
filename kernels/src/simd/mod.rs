//! Compiles one loop for several sets of vector instructions, and chooses the best at run time.
//!
//! Most loops here are plain Rust that the compiler vectorises once it may use the instructions:
//! [`simd_levels!`] writes the copies and the dispatch. Where the compiler fails, a filter has a
//! trait of its own with the operations of each set, as `blur/gaussian/words` does. NEON is part of
//! every aarch64 processor, so there the plain copy already uses it.

#[cfg(target_arch = "x86_64")]
mod aligned;
mod instructions;
pub(crate) mod prefetch;
#[cfg(target_arch = "x86_64")]
pub(crate) mod vnni;

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
pub(crate) use aligned::{aligned_from, each_block, each_large_block};
#[cfg(target_arch = "x86_64")]
pub(crate) use instructions::{Avx2, Avx512, Sse41};
pub(crate) use instructions::{Baseline, Instructions};

/// A set of vector instructions. A value proves that this CPU has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Instructions);

impl Level {
    /// The instructions that every CPU of this architecture has.
    const BASELINE: Self = Self(Instructions::Baseline(Baseline));

    /// The widest instructions of this CPU.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| Self::all().last().copied().unwrap_or(Self::BASELINE))
    }

    /// All sets of instructions of this CPU, narrowest first.
    #[cfg(not(target_arch = "x86_64"))]
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![Self::BASELINE]
    }

    /// All sets of instructions of this CPU, narrowest first.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "the proofs that instructions may be used are made here")]
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::BASELINE];
        if is_x86_feature_detected!("sse4.1") {
            // SAFETY: just detected.
            all.push(Self(Instructions::Sse41(unsafe { Sse41::assume() })));
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: just detected.
            all.push(Self(Instructions::Avx2(unsafe { Avx2::assume() })));
        }
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: just detected.
            all.push(Self(Instructions::Avx512(unsafe { Avx512::assume() })));
        }
        all
    }

    pub(crate) fn instructions(self) -> Instructions {
        self.0
    }

    /// The common name of the instructions, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Instructions::Baseline(_) if cfg!(target_arch = "aarch64") => "neon",
            Instructions::Baseline(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Instructions::Sse41(_) => "sse4.1",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512(_) => "avx512",
        }
    }
}

/// Compiles a function once for each set of instructions; the function gets a [`Level`] as its
/// first parameter, which chooses. With `fn name<I: Trait>(isa, …)`, the body is generic over a
/// trait that all sets of instructions implement, and `isa` is the one that was chosen.
macro_rules! simd_levels {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $crate::simd::simd_levels! {
            $(#[$meta])*
            $vis fn $name<I: Copy>(_isa, $($arg: $type),*) $body
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident<$isa:ident: $bound:ident>($value:ident, $($arg:ident: $type:ty),* $(,)?)
        $body:block
    ) => {
        $(#[$meta])*
        #[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
        $vis fn $name(level: $crate::simd::Level, $($arg: $type),*) {
            use $crate::simd::Instructions;

            #[inline(always)]
            fn with<$isa: $bound>($value: $isa, $($arg: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "sse4.1")]
            fn sse41(isa: impl $bound, $($arg: $type),*) {
                with(isa, $($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2(isa: impl $bound, $($arg: $type),*) {
                with(isa, $($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            fn avx512(isa: impl $bound, $($arg: $type),*) {
                with(isa, $($arg),*);
            }

            match level.instructions() {
                Instructions::Baseline(isa) => with(isa, $($arg),*),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: `isa` exists only where SSE4.1 was detected.
                Instructions::Sse41(isa) => unsafe { sse41(isa, $($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: `isa` exists only where AVX2 was detected.
                Instructions::Avx2(isa) => unsafe { avx2(isa, $($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: `isa` exists only where AVX-512 F, BW and VL were detected.
                Instructions::Avx512(isa) => unsafe { avx512(isa, $($arg),*) },
            }
        }
    };
}
pub(crate) use simd_levels;

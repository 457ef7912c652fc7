//! Vectors of 16-bit words: the few operations that the blur needs, for each set of instructions,
//! where the compiler does not find them by itself.
//!
//! A value of [`Words`] is the proof that its instructions may be used: it comes from a
//! [`Level`](super::Level), so the operations are safe. They have to be inlined into a function
//! that is compiled for those instructions, which `simd_levels!` sees to.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(target_arch = "x86_64")]
use super::vnni;

/// A set of instructions with vectors of `LANES` times 16 bits.
pub(crate) trait Words: Copy {
    /// A vector.
    type Lanes: Copy;
    /// Twice as many bytes.
    type Samples: Copy;
    /// Two weights.
    type Pair: Copy;
    /// As many totals of 32 bits.
    type Totals: Copy;
    /// Of how many.
    const LANES: usize;

    /// The same in all lanes.
    fn splat(self, value: u16) -> Self::Lanes;
    /// For samples, each weight below 128.
    fn byte_pair(self, pair: [u8; 2]) -> Self::Pair;
    /// For words.
    fn word_pair(self, pair: [u16; 2]) -> Self::Pair;
    /// The same total everywhere.
    fn totals(self, value: i32) -> Self::Totals;
    /// Bytes from that position on; zeros if there are too few.
    fn load_bytes(self, from: &[u8], at: usize) -> Self::Samples;
    /// To that position; nothing if there is too little room.
    fn store(self, lanes: Self::Lanes, to: &mut [u16], at: usize);
    /// As bytes, which all have to fit, to that position; nothing if there is too little room.
    fn store_bytes(self, lanes: Self::Lanes, to: &mut [u8], at: usize);
    /// To each lane, a byte of one times the first weight, and one of the other times the second,
    /// which are at most 15 bits; the sum is modulo 2^16. Lanes are in an order of their own.
    fn weigh(
        self,
        lanes: [Self::Lanes; 2],
        samples: [Self::Samples; 2],
        weights: Self::Pair,
    ) -> [Self::Lanes; 2];
    /// Such lanes in the order of the bytes.
    fn in_order(self, lanes: [Self::Lanes; 2]) -> [Self::Lanes; 2];
    /// To the total of each position from there on, the signed word there times the first weight,
    /// and the one `APART` further on times the second. Words that are not there are 0.
    fn dot<const APART: usize>(
        self,
        totals: Self::Totals,
        words: &[u16],
        at: usize,
        weights: Self::Pair,
    ) -> Self::Totals;
    /// The upper halves.
    fn upper(self, totals: Self::Totals) -> Self::Lanes;
}

/// So many that the compiler vectorises the loop over them: shorter ones it unrolls to scalars.
type Wide = [u16; 64];

/// What the language has: on x86-64 the compiler makes SSE2 of it, on aarch64 NEON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Baseline;

impl Baseline {
    /// From that position on; zeros if there are too few.
    #[inline(always)]
    fn load(self, from: &[u16], at: usize) -> Wide {
        let lanes = from.get(at..).and_then(<[u16]>::first_chunk);
        lanes.copied().unwrap_or([0; 64])
    }
}

impl Words for Baseline {
    type Lanes = Wide;
    type Samples = [u8; 128];
    type Pair = [u16; 2];
    type Totals = [i32; 64];
    const LANES: usize = 64;

    #[inline(always)]
    fn splat(self, value: u16) -> Self::Lanes {
        [value; 64]
    }

    #[inline(always)]
    fn byte_pair(self, pair: [u8; 2]) -> [u16; 2] {
        pair.map(u16::from)
    }

    #[inline(always)]
    fn word_pair(self, pair: [u16; 2]) -> [u16; 2] {
        pair
    }

    #[inline(always)]
    fn totals(self, value: i32) -> Self::Totals {
        [value; 64]
    }

    #[inline(always)]
    fn load_bytes(self, from: &[u8], at: usize) -> Self::Samples {
        let bytes = from.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().unwrap_or([0; 128])
    }

    #[inline(always)]
    fn store(self, lanes: Self::Lanes, to: &mut [u16], at: usize) {
        if let Some(to) = to.get_mut(at..).and_then(<[u16]>::first_chunk_mut) {
            *to = lanes;
        }
    }

    #[inline(always)]
    fn store_bytes(self, lanes: Self::Lanes, to: &mut [u8], at: usize) {
        if let Some(to) = to.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<64>) {
            to.iter_mut().zip(&lanes).for_each(|(to, lane)| *to = *lane as u8);
        }
    }

    #[inline(always)]
    fn weigh(self, mut lanes: [Wide; 2], [a, b]: [[u8; 128]; 2], [x, y]: [u16; 2]) -> [Wide; 2] {
        let products = a.iter().zip(&b).map(|(a, b)| u16::from(*a) * x + u16::from(*b) * y);
        let lanes_of = lanes.as_flattened_mut().iter_mut();
        lanes_of.zip(products).for_each(|(lane, sum)| *lane = lane.wrapping_add(sum));
        lanes
    }

    #[inline(always)]
    fn in_order(self, lanes: [Wide; 2]) -> [Wide; 2] {
        lanes
    }

    #[inline(always)]
    fn dot<const APART: usize>(
        self,
        mut totals: [i32; 64],
        words: &[u16],
        at: usize,
        weights: [u16; 2],
    ) -> [i32; 64] {
        let signed = |word: u16| i32::from(word.cast_signed());
        let (first, second) = (self.load(words, at), self.load(words, at + APART));
        let [x, y] = weights.map(signed);
        for ((total, a), b) in totals.iter_mut().zip(&first).zip(&second) {
            *total += signed(*a) * x + signed(*b) * y;
        }
        totals
    }

    #[inline(always)]
    fn upper(self, totals: [i32; 64]) -> Wide {
        let mut lanes = [0; 64];
        lanes.iter_mut().zip(&totals).for_each(|(lane, total)| *lane = (total >> 16) as u16);
        lanes
    }
}

/// One set of x86 instructions: the intrinsics have one naming scheme, except to load and store.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_isa {
    (
        $(#[$meta:meta])* $name:ident, $vector:ty, $lanes:literal,
        splat $splat:ident, load |$from:ident| $load:expr,
        store |$to:ident, $value:ident| $store:expr,
        narrow |$room:ident, $wide:ident| $narrow:expr,
        pair $pair:ident, down $down:ident,
        unpack $low:ident $high:ident, weigh $weigh:ident, add $add:ident,
        order |$low_lanes:ident, $high_lanes:ident| $order:expr,
        dot |$sums:ident, $pairs:ident, $weights:ident| $dot:expr,
        turns |$even:ident, $odd:ident| $turns:expr
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name(());

        #[allow(unsafe_code, reason = "vector instructions")]
        impl $name {
            /// # Safety
            /// The CPU has these instructions.
            pub(super) unsafe fn assume() -> Self {
                Self(())
            }

            /// From that position on; zeros if there are too few.
            #[inline(always)]
            fn load(self, from: &[u16], at: usize) -> $vector {
                match from.get(at..).and_then(<[u16]>::first_chunk::<$lanes>) {
                    // SAFETY: `self` proves the instruction; the array is as long as the vector.
                    Some($from) => unsafe { $load },
                    None => self.splat(0),
                }
            }

            /// To each sum of 32 bits, the products of two words with theirs.
            #[inline(always)]
            fn add_products(self, $sums: $vector, $pairs: $vector, $weights: $vector) -> $vector {
                $dot
            }

            /// Words at even positions of one, and at odd ones of the other.
            #[inline(always)]
            fn by_turns(self, $even: $vector, $odd: $vector) -> $vector {
                // SAFETY: `self` proves that the CPU has this instruction.
                unsafe { $turns }
            }
        }

        #[allow(unsafe_code, reason = "vector instructions")]
        impl Words for $name {
            type Lanes = $vector;
            type Samples = $vector;
            type Pair = $vector;
            /// Of even positions, and of odd ones.
            type Totals = [$vector; 2];
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(self, value: u16) -> $vector {
                // SAFETY: `self` proves that the CPU has this instruction.
                unsafe { $splat(value.cast_signed()) }
            }

            #[inline(always)]
            fn load_bytes(self, from: &[u8], at: usize) -> $vector {
                match from.get(at..).and_then(<[u8]>::first_chunk::<{ 2 * $lanes }>) {
                    // SAFETY: `self` proves the instruction; the array is as long as the vector.
                    Some($from) => unsafe { $load },
                    None => self.splat(0),
                }
            }

            #[inline(always)]
            fn store(self, $value: $vector, to: &mut [u16], at: usize) {
                if let Some($to) = to.get_mut(at..).and_then(<[u16]>::first_chunk_mut::<$lanes>) {
                    // SAFETY: `self` proves the instruction; the array is as long as the vector.
                    unsafe { $store };
                }
            }

            #[inline(always)]
            fn store_bytes(self, $wide: $vector, to: &mut [u8], at: usize) {
                if let Some($room) = to.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<$lanes>) {
                    $narrow
                }
            }

            #[inline(always)]
            fn weigh(
                self,
                lanes: [$vector; 2],
                [a, b]: [$vector; 2],
                weights: $vector,
            ) -> [$vector; 2] {
                let [low, high] = lanes;
                // SAFETY: `self` proves that the CPU has this instruction.
                let pairs = unsafe { $low(a, b) };
                // SAFETY: `self` proves that the CPU has this instruction.
                let more_pairs = unsafe { $high(a, b) };
                // SAFETY: `self` proves that the CPU has this instruction.
                let products = unsafe { $weigh(pairs, weights) };
                // SAFETY: `self` proves that the CPU has this instruction.
                let more_products = unsafe { $weigh(more_pairs, weights) };
                // SAFETY: `self` proves that the CPU has this instruction.
                let low = unsafe { $add(low, products) };
                // SAFETY: `self` proves that the CPU has this instruction.
                [low, unsafe { $add(high, more_products) }]
            }

            #[inline(always)]
            fn in_order(self, [$low_lanes, $high_lanes]: [$vector; 2]) -> [$vector; 2] {
                $order
            }

            #[inline(always)]
            fn byte_pair(self, pair: [u8; 2]) -> $vector {
                self.splat(u16::from_le_bytes(pair))
            }

            #[inline(always)]
            fn word_pair(self, [first, second]: [u16; 2]) -> $vector {
                let pair = u32::from(first) | u32::from(second) << 16;
                // SAFETY: `self` proves that the CPU has this instruction.
                unsafe { $pair(pair.cast_signed()) }
            }

            #[inline(always)]
            fn totals(self, value: i32) -> [$vector; 2] {
                // SAFETY: `self` proves that the CPU has this instruction.
                [unsafe { $pair(value) }; 2]
            }

            #[inline(always)]
            fn dot<const APART: usize>(
                self,
                [even, odd]: [$vector; 2],
                words: &[u16],
                at: usize,
                weights: $vector,
            ) -> [$vector; 2] {
                // Pairs that lie together in one vector; of colours, from two, by turns.
                let (mut evens, mut odds) = (self.load(words, at), self.load(words, at + 1));
                if APART > 1 {
                    evens = self.by_turns(evens, self.load(words, at + APART - 1));
                    odds = self.by_turns(odds, self.load(words, at + APART));
                }
                [self.add_products(even, evens, weights), self.add_products(odd, odds, weights)]
            }

            #[inline(always)]
            fn upper(self, [even, odd]: [$vector; 2]) -> $vector {
                // SAFETY: `self` proves that the CPU has this instruction.
                self.by_turns(unsafe { $down::<16>(even) }, odd)
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_isa!(
    /// SSE4.1.
    Sse41, __m128i, 8,
    splat _mm_set1_epi16,
    load |from| _mm_loadu_si128(from.as_ptr().cast()),
    store |to, lanes| _mm_storeu_si128(to.as_mut_ptr().cast(), lanes),
    narrow |to, lanes| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let packed = unsafe { _mm_packus_epi16(lanes, lanes) };
        // SAFETY: `self` proves the instruction; there is room for eight bytes.
        unsafe { _mm_storel_epi64(to.as_mut_ptr().cast(), packed) };
    },
    pair _mm_set1_epi32, down _mm_srli_epi32,
    unpack _mm_unpacklo_epi8 _mm_unpackhi_epi8, weigh _mm_maddubs_epi16, add _mm_add_epi16,
    order |low, high| [low, high],
    dot |sums, pairs, weights| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let products = unsafe { _mm_madd_epi16(pairs, weights) };
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm_add_epi32(sums, products) }
    },
    turns |even, odd| _mm_blend_epi16::<0xaa>(even, odd)
);

#[cfg(target_arch = "x86_64")]
x86_isa!(
    /// AVX2.
    Avx2, __m256i, 16,
    splat _mm256_set1_epi16,
    load |from| _mm256_loadu_si256(from.as_ptr().cast()),
    store |to, lanes| _mm256_storeu_si256(to.as_mut_ptr().cast(), lanes),
    narrow |to, lanes| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let low = unsafe { _mm256_castsi256_si128(lanes) };
        // SAFETY: `self` proves that the CPU has this instruction.
        let high = unsafe { _mm256_extracti128_si256::<1>(lanes) };
        // SAFETY: `self` proves that the CPU has this instruction.
        let packed = unsafe { _mm_packus_epi16(low, high) };
        // SAFETY: `self` proves the instruction; there is room for sixteen bytes.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), packed) };
    },
    pair _mm256_set1_epi32, down _mm256_srli_epi32,
    unpack _mm256_unpacklo_epi8 _mm256_unpackhi_epi8, weigh _mm256_maddubs_epi16,
    add _mm256_add_epi16,
    order |low, high| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let first = unsafe { _mm256_permute2x128_si256::<0x20>(low, high) };
        // SAFETY: `self` proves that the CPU has this instruction.
        [first, unsafe { _mm256_permute2x128_si256::<0x31>(low, high) }]
    },
    dot |sums, pairs, weights| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let products = unsafe { _mm256_madd_epi16(pairs, weights) };
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm256_add_epi32(sums, products) }
    },
    turns |even, odd| _mm256_blend_epi16::<0xaa>(even, odd)
);

/// Two sets with the vectors of AVX-512, which differ in how they add products.
#[cfg(target_arch = "x86_64")]
macro_rules! avx512_isa {
    (
        $(#[$meta:meta])* $name:ident,
        |$sums:ident, $pairs:ident, $weights:ident| $dot:expr
    ) => {
        x86_isa!(
            $(#[$meta])*
            $name, __m512i, 32,
            splat _mm512_set1_epi16,
            load |from| _mm512_loadu_si512(from.as_ptr().cast()),
            store |to, lanes| _mm512_storeu_si512(to.as_mut_ptr().cast(), lanes),
            narrow |to, lanes| {
                // SAFETY: `self` proves that the CPU has this instruction.
                let packed = unsafe { _mm512_cvtepi16_epi8(lanes) };
                // SAFETY: `self` proves the instruction; there is room for 32 bytes.
                unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), packed) };
            },
            pair _mm512_set1_epi32, down _mm512_srli_epi32,
            unpack _mm512_unpacklo_epi8 _mm512_unpackhi_epi8, weigh _mm512_maddubs_epi16,
            add _mm512_add_epi16,
            order |low, high| {
                let quads = |numbers: [i64; 8]| {
                    // SAFETY: `self` proves the instruction; the array is as long as the vector.
                    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
                };
                let first = quads([0, 1, 8, 9, 2, 3, 10, 11]);
                let last = quads([4, 5, 12, 13, 6, 7, 14, 15]);
                // SAFETY: `self` proves that the CPU has this instruction.
                let first = unsafe { _mm512_permutex2var_epi64(low, first, high) };
                // SAFETY: `self` proves that the CPU has this instruction.
                [first, unsafe { _mm512_permutex2var_epi64(low, last, high) }]
            },
            dot |$sums, $pairs, $weights| $dot,
            turns |even, odd| _mm512_mask_blend_epi16(0xaaaa_aaaa, even, odd)
        );
    };
}

#[cfg(target_arch = "x86_64")]
avx512_isa!(
    /// AVX-512 F, BW and VL.
    Avx512,
    |sums, pairs, weights| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let products = unsafe { _mm512_madd_epi16(pairs, weights) };
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm512_add_epi32(sums, products) }
    }
);
#[cfg(target_arch = "x86_64")]
avx512_isa!(
    /// AVX-512 F, BW, VL and VNNI, which adds products in one instruction.
    Vnni,
    |sums, pairs, weights| {
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { vnni::dot(sums, pairs, weights) }
    }
);

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// With VNNI, if the CPU has it.
    #[allow(unsafe_code, reason = "the proof that an instruction may be used is made here")]
    pub(crate) fn vnni(self) -> Option<Vnni> {
        // SAFETY: `self` proves the others; this one was just detected.
        is_x86_feature_detected!("avx512vnni").then(|| unsafe { Vnni::assume() })
    }
}

//! What the x86 instruction sets have in common: their intrinsics follow one naming scheme, except
//! for loads and stores.

/// Implements [`Words`](super::Words) for one set of instructions.
macro_rules! x86_isa {
    (
        $name:ident, $vector:ty, $lanes:literal,
        splat $splat:ident, load |$from:ident| $load:expr,
        store |$to:ident, $value:ident| $store:expr,
        narrow |$room:ident, $wide:ident| $narrow:expr,
        pair $pair:ident, down $down:ident,
        unpack $low:ident $high:ident, weigh $weigh:ident, add $add:ident,
        order |$low_lanes:ident, $high_lanes:ident| $order:expr,
        dot |$sums:ident, $pairs:ident, $weights:ident| $dot:expr,
        turns |$even:ident, $odd:ident| $turns:expr
    ) => {
        #[allow(unsafe_code, reason = "vector instructions")]
        impl $name {
            /// Loads words from position `at` on; gives zeros if there are too few.
            #[inline(always)]
            fn load(self, from: &[u16], at: usize) -> $vector {
                match from.get(at..).and_then(<[u16]>::first_chunk::<$lanes>) {
                    // SAFETY: `self` proves the instruction; the array is as long as the vector.
                    Some($from) => unsafe { $load },
                    None => self.splat(0),
                }
            }

            /// Adds to each sum of 32 bits the products of two words and their weights.
            #[inline(always)]
            fn add_products(self, $sums: $vector, $pairs: $vector, $weights: $vector) -> $vector {
                $dot
            }

            /// Takes the words at even positions from one vector, and at odd positions from the
            /// other.
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
            /// The totals of even positions, and of odd ones.
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
pub(super) use x86_isa;

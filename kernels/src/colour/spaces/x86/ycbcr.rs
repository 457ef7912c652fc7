//! OpenCV's YCrCb, whose numbers have 14 fractional bits: products of 16 bits are enough, as
//! `mulhrs` of a doubled difference is its product with such a number, rounded. Luma and green
//! are sums of two products, which one instruction makes in 32 bits.

use std::arch::x86_64::*;

use crate::colour::spaces::block::Block;

/// Two 16-bit weights of a pair of samples.
fn pair(first: i32, second: i32) -> i32 {
    (first & 0xffff) | second << 16
}

macro_rules! ycbcr {
    (
        $from_rgb:ident, $to_rgb:ident, $features:literal, $bytes:literal,
        $load:ident, $store:ident, $set32:ident, $set16:ident, $set8:ident, $xor:ident,
        $add32:ident, $add16:ident, $sub16:ident, $madd:ident, $mulhrs:ident, $sra32:ident,
        $low8:ident, $high8:ident, $low16:ident, $high16:ident, $packs32:ident, $packs16:ident,
        $packus16:ident
    ) => {
        #[target_feature(enable = $features)]
        pub(super) fn $from_rgb(block: &mut Block) {
            let (red_green, blue_half) = ($set32(pair(4_899, 9_617)), $set32(pair(1_868, 1 << 13)));
            let (cb, cr) = ($set16(9_241), $set16(11_682));
            let (zero, one, sign) = ($set16(0), $set16(1), $set8(i8::MIN));
            let [a, b, c, _] = &mut block.0;
            let pixels = (a.as_chunks_mut::<$bytes>().0.iter_mut())
                .zip(b.as_chunks_mut::<$bytes>().0)
                .zip(c.as_chunks_mut::<$bytes>().0);
            for ((a, b), c) in pixels {
                let (red, green, blue) = (load!($load, a), load!($load, b), load!($load, c));
                let convert = |red, green, blue| {
                    let luma = |red_and_green, blue_and_one| {
                        let sum =
                            $add32($madd(red_and_green, red_green), $madd(blue_and_one, blue_half));
                        $sra32::<14>(sum)
                    };
                    let luma = $packs32(
                        luma($low16(red, green), $low16(blue, one)),
                        luma($high16(red, green), $high16(blue, one)),
                    );
                    let difference = |colour, weight| {
                        let difference = $sub16(colour, luma);
                        $mulhrs($add16(difference, difference), weight)
                    };
                    [luma, difference(blue, cb), difference(red, cr)]
                };
                let first = convert($low8(red, zero), $low8(green, zero), $low8(blue, zero));
                let last = convert($high8(red, zero), $high8(green, zero), $high8(blue, zero));
                // Limited to what signed bytes hold, then 128 more.
                let chroma = |at: usize| $xor($packs16(first[at], last[at]), sign);
                store!($store, a, $packus16(first[0], last[0]));
                store!($store, b, chroma(1));
                store!($store, c, chroma(2));
            }
        }

        #[target_feature(enable = $features)]
        pub(super) fn $to_rgb(block: &mut Block) {
            let (red_cr, blue_cb) = ($set16(22_987), $set16(29_049));
            let (green, half) = ($set32(pair(-5_636, -11_698)), $set32(1 << 13));
            let (zero, middle) = ($set16(0), $set16(128));
            let [a, b, c, _] = &mut block.0;
            let pixels = (a.as_chunks_mut::<$bytes>().0.iter_mut())
                .zip(b.as_chunks_mut::<$bytes>().0)
                .zip(c.as_chunks_mut::<$bytes>().0);
            for ((a, b), c) in pixels {
                let (luma, cb, cr) = (load!($load, a), load!($load, b), load!($load, c));
                let convert = |luma, cb, cr| {
                    let (cb, cr) = ($sub16(cb, middle), $sub16(cr, middle));
                    let sum = |both| $sra32::<14>($add32($madd(both, green), half));
                    let of_green = $packs32(sum($low16(cb, cr)), sum($high16(cb, cr)));
                    [
                        $add16(luma, $mulhrs($add16(cr, cr), red_cr)),
                        $add16(luma, of_green),
                        $add16(luma, $mulhrs($add16(cb, cb), blue_cb)),
                    ]
                };
                let first = convert($low8(luma, zero), $low8(cb, zero), $low8(cr, zero));
                let last = convert($high8(luma, zero), $high8(cb, zero), $high8(cr, zero));
                store!($store, a, $packus16(first[0], last[0]));
                store!($store, b, $packus16(first[1], last[1]));
                store!($store, c, $packus16(first[2], last[2]));
            }
        }
    };
}

macro_rules! load {
    ($load:ident, $from:ident) => {
        // SAFETY: the array is as long as the vector.
        unsafe { $load($from.as_ptr().cast()) }
    };
}

macro_rules! store {
    ($store:ident, $to:ident, $vector:expr) => {
        let vector = $vector;
        // SAFETY: the array is as long as the vector.
        unsafe { $store($to.as_mut_ptr().cast(), vector) };
    };
}

ycbcr!(
    from_rgb_avx512,
    to_rgb_avx512,
    "avx512f,avx512bw,avx512vl",
    64,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_set1_epi32,
    _mm512_set1_epi16,
    _mm512_set1_epi8,
    _mm512_xor_si512,
    _mm512_add_epi32,
    _mm512_add_epi16,
    _mm512_sub_epi16,
    _mm512_madd_epi16,
    _mm512_mulhrs_epi16,
    _mm512_srai_epi32,
    _mm512_unpacklo_epi8,
    _mm512_unpackhi_epi8,
    _mm512_unpacklo_epi16,
    _mm512_unpackhi_epi16,
    _mm512_packs_epi32,
    _mm512_packs_epi16,
    _mm512_packus_epi16
);

ycbcr!(
    from_rgb_avx2,
    to_rgb_avx2,
    "avx2",
    32,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_set1_epi32,
    _mm256_set1_epi16,
    _mm256_set1_epi8,
    _mm256_xor_si256,
    _mm256_add_epi32,
    _mm256_add_epi16,
    _mm256_sub_epi16,
    _mm256_madd_epi16,
    _mm256_mulhrs_epi16,
    _mm256_srai_epi32,
    _mm256_unpacklo_epi8,
    _mm256_unpackhi_epi8,
    _mm256_unpacklo_epi16,
    _mm256_unpackhi_epi16,
    _mm256_packs_epi32,
    _mm256_packs_epi16,
    _mm256_packus_epi16
);

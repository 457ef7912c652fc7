//! Hue, saturation, value, as OpenCV has them for 8-bit images.

#![allow(clippy::indexing_slicing, reason = "all positions are below BLOCK")]

use super::block::{BLOCK, Block};
use super::x86;
use crate::simd::{Level, simd_levels};

/// Fractional bits of the quotients.
const BITS: u32 = 12;

/// The nearest whole number, halves to even, of any below 2^22: adding this leaves no room for a
/// fraction.
const SHIFT: f32 = 12_582_912.0;

/// To the nearest whole number, halves to even; of numbers below 2^22.
#[inline(always)]
pub(crate) fn round(value: f32) -> i32 {
    (value + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()).cast_signed()
}

/// Hue counts 0 to `HUES` - 1: 180 or 256 of them.
#[inline(always)]
fn to_hsv<const HUES: i32>([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [red, green, blue].map(i32::from);
    let value = r.max(g).max(b);
    let range = value - r.min(g).min(b);
    let half = 1 << (BITS - 1);
    // Where the divisor is 0, so is what it is multiplied with.
    let per_value = round((255 << BITS) as f32 / value.max(1) as f32);
    let per_range = match HUES {
        180 => round((30 << BITS) as f32 / range.max(1) as f32),
        _ => round((HUES << BITS) as f32 / (6 * range.max(1)) as f32),
    };
    let saturation = (range * per_value + half) >> BITS;
    let from_red = if value == r { g - b } else { 0 };
    let others = if value == g { b - r + 2 * range } else { r - g + 4 * range };
    let sixth = if value == r { from_red } else { others };
    let hue = (sixth * per_range + half) >> BITS;
    let hue = if hue < 0 { hue + HUES } else { hue };
    let hue = if HUES == 180 { hue } else { hue.min(255) };
    [hue as u8, saturation as u8, value as u8]
}

/// Which sixth of the circle, and how far into it: up to 30, or 85. Hues beyond the range start
/// anew. Of `hsv_full` OpenCV takes 255 for the whole circle here, and 256 there.
#[inline(always)]
fn split<const HUES: i32>(hue: u8) -> [u8; 2] {
    let (hue, sixth, over) = match HUES {
        180 => (u16::from(hue), 30, 2185),
        _ => (2 * u16::from(hue), 85, 772),
    };
    // Over a sixth, for all bytes.
    let sector = ((u32::from(hue) * over) >> 16) as u16;
    let into = hue - sixth * sector;
    [if sector >= 6 { sector - 6 } else { sector } as u8, into as u8]
}

/// What red, green and blue are made of, beside the value: the least of them, and what falls and
/// rises over a sixth of the circle.
#[inline(always)]
fn shades<const HUES: i32>(into: u8, saturation: u8, value: u8) -> [u8; 3] {
    let fraction = f32::from(into) * if HUES == 180 { 1.0 / 30.0 } else { 1.0 / 85.0 };
    let (s, v) = (f32::from(saturation) * (1.0 / 255.0), f32::from(value));
    let least = v * (1.0 - s);
    let falling = v * (1.0 - s * fraction);
    let rising = v * (1.0 - s * (1.0 - fraction));
    [least, falling, rising].map(|shade| round(shade) as u8)
}

/// Red, green, blue in that sixth of the circle.
#[inline(always)]
fn arrange(sector: u8, value: u8, [least, falling, rising]: [u8; 3]) -> [u8; 3] {
    let pick = |whole: bool, rises: bool, falls: bool| {
        let part = if rises { rising } else { least };
        let part = if falls { falling } else { part };
        if whole { value } else { part }
    };
    let is = |sixth: u8| sector == sixth;
    [
        pick(is(5) | is(0), is(4), is(1)),
        pick(is(1) | is(2), is(0), is(3)),
        pick(is(3) | is(4), is(2), is(5)),
    ]
}

/// Hue, saturation, value of red, green, blue; hue counts to `HUES` - 1: 180 or 256 of them.
pub(super) fn from_rgb<const HUES: i32>(level: Level, block: &mut Block) {
    if !x86::hsv_from_rgb::<HUES>(level, block) {
        match HUES {
            180 => from_rgb_180(level, block),
            _ => from_rgb_256(level, block),
        }
    }
}

macro_rules! in_place {
    ($from_rgb:ident, $to_rgb:ident, $hues:literal) => {
        simd_levels! {
            fn $from_rgb(block: &mut Block) {
                let [a, b, c, _] = &mut block.0;
                for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                    [*a, *b, *c] = to_hsv::<$hues>([*a, *b, *c]);
                }
            }
        }

        simd_levels! {
            /// Red, green, blue of hue, saturation, value.
            pub(super) fn $to_rgb(block: &mut Block) {
                // Each loop has numbers of another width: in one they took half longer.
                let [a, b, c, _] = &mut block.0;
                let mut sectors = [0; BLOCK];
                for (sector, hue) in sectors.iter_mut().zip(&mut *a) {
                    [*sector, *hue] = split::<$hues>(*hue);
                }
                let [mut least, mut falling, mut rising] = [[0; BLOCK]; 3];
                for at in 0..BLOCK {
                    [least[at], falling[at], rising[at]] = shades::<$hues>(a[at], b[at], c[at]);
                }
                for at in 0..BLOCK {
                    let shades = [least[at], falling[at], rising[at]];
                    [a[at], b[at], c[at]] = arrange(sectors[at], c[at], shades);
                }
            }
        }
    };
}
in_place!(from_rgb_180, to_rgb_180, 180);
in_place!(from_rgb_256, to_rgb_256, 256);

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenCV has tables of these, computed with doubles.
    #[test]
    fn quotients_are_the_exact_ones_rounded() {
        for divisor in 1..=255 {
            let exact = |numerator: i32, divisor: i32| {
                (f64::from(numerator) / f64::from(divisor)).round_ties_even() as i32
            };
            let ours = |numerator: i32, divisor: i32| round(numerator as f32 / divisor as f32);
            for hues in [180, 256] {
                assert_eq!(
                    ours(hues << BITS, 6 * divisor),
                    exact(hues << BITS, 6 * divisor),
                    "{divisor}"
                );
            }
            assert_eq!(ours(255 << BITS, divisor), exact(255 << BITS, divisor), "{divisor}");
        }
    }

    #[test]
    fn every_level_gives_the_same_for_every_value_and_range() {
        for level in Level::all() {
            for value in 0..=255_u8 {
                let mut block = Block::new();
                for least in 0..=value {
                    let between = least + (value - least) / 3;
                    for (at, rgb) in [
                        [value, between, least],
                        [value, least, between],
                        [between, value, least],
                        [least, value, between],
                        [between, least, value],
                        [least, between, value],
                    ]
                    .into_iter()
                    .enumerate()
                    {
                        (0..3).for_each(|channel| block.0[channel][at] = rgb[channel]);
                    }
                    let colours = |block: &Block| -> Vec<[u8; 3]> {
                        (0..6).map(|at| [0, 1, 2].map(|channel| block.0[channel][at])).collect()
                    };
                    let rgb = colours(&block);
                    let mut full = Block(block.0);
                    from_rgb::<180>(level, &mut block);
                    from_rgb::<256>(level, &mut full);
                    let must: Vec<_> = rgb.iter().map(|rgb| to_hsv::<180>(*rgb)).collect();
                    assert_eq!(colours(&block), must, "{level:?} {rgb:?}");
                    let must: Vec<_> = rgb.iter().map(|rgb| to_hsv::<256>(*rgb)).collect();
                    assert_eq!(colours(&full), must, "{level:?} {rgb:?}");
                }
            }
        }
    }

    fn to_rgb([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
        let [sector, into] = split::<180>(hue);
        arrange(sector, value, shades::<180>(into, saturation, value))
    }

    #[test]
    fn sixths_of_the_circle_are_exact() {
        for hue in 0..=255 {
            assert_eq!(split::<180>(hue), [hue / 30 % 6, hue % 30], "{hue}");
            let full = 2 * u16::from(hue);
            assert_eq!(split::<256>(hue).map(u16::from), [full / 85 % 6, full % 85], "{hue}");
        }
    }

    #[test]
    fn every_level_gives_the_same_for_every_hue() {
        for (level, saturation, value) in
            Level::all().into_iter().flat_map(|level| SHADES.map(|(s, v)| (level, s, v)))
        {
            let mut block = Block::new();
            block.0[0] = std::array::from_fn(|at| at as u8);
            block.0[1].fill(saturation);
            block.0[2].fill(value);
            to_rgb_180(level, &mut block);
            for hue in 0..=255 {
                let rgb = [0, 1, 2].map(|channel| block.0[channel][usize::from(hue)]);
                assert_eq!(rgb, to_rgb([hue, saturation, value]), "{level:?} {hue}");
            }
        }
    }

    const SHADES: [(u8, u8); 4] = [(255, 255), (200, 90), (3, 254), (0, 7)];

    #[test]
    fn primaries() {
        let cases = [
            ([255, 0, 0], [0, 255, 255]),
            ([255, 255, 0], [30, 255, 255]),
            ([0, 255, 0], [60, 255, 255]),
            ([0, 0, 255], [120, 255, 255]),
            ([255, 0, 255], [150, 255, 255]),
            ([70, 70, 70], [0, 0, 70]),
        ];
        for (rgb, hsv) in cases {
            assert_eq!(to_hsv::<180>(rgb), hsv);
            assert_eq!(to_rgb(hsv), rgb);
        }
        for hue in 0..=255 {
            // Whatever hue, also one beyond the range, is a colour.
            assert_eq!(to_rgb([hue, 255, 200]).iter().max(), Some(&200));
        }
    }
}

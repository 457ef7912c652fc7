//! Hue, saturation, value, as OpenCV has them for 8-bit images.

use super::block::Block;
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

/// Hues beyond the range start anew. Of `hsv_full` OpenCV takes 255 for the whole circle here, and
/// 256 there.
#[inline(always)]
fn to_rgb<const HUES: i32>([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
    let hue = i32::from(hue);
    // Which sixth of the circle, and how far into it.
    let (sector, fraction) = if HUES == 180 {
        // Over 30, for all bytes.
        let sector = (hue * 2185) >> 16;
        (sector, (hue - 30 * sector) as f32 * (1.0 / 30.0))
    } else {
        // Over 85, for all bytes.
        let sector = (2 * hue * 1543) >> 17;
        (sector, (2 * hue - 85 * sector) as f32 * (1.0 / 85.0))
    };
    let sector = if sector >= 6 { sector - 6 } else { sector };
    let (s, v) = (f32::from(saturation) * (1.0 / 255.0), f32::from(value));
    let least = v * (1.0 - s);
    let falling = v * (1.0 - s * fraction);
    let rising = v * (1.0 - s * (1.0 - fraction));
    let [least, falling, rising] = [least, falling, rising].map(|part| round(part) as u8);
    let pick = |first: u8, second: u8, third: u8, fourth: u8, fifth: u8, sixth: u8| {
        let low = if sector == 0 {
            first
        } else if sector == 1 {
            second
        } else {
            third
        };
        let high = if sector == 3 {
            fourth
        } else if sector == 4 {
            fifth
        } else {
            sixth
        };
        if sector < 3 { low } else { high }
    };
    [
        pick(value, falling, least, least, rising, value),
        pick(rising, value, value, falling, least, least),
        pick(least, least, rising, value, value, falling),
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
    ($name:ident, $pixel:expr) => {
        simd_levels! {
            pub(super) fn $name(block: &mut Block) {
                let [a, b, c, _] = &mut block.0;
                for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                    [*a, *b, *c] = $pixel([*a, *b, *c]);
                }
            }
        }
    };
}
in_place!(from_rgb_180, to_hsv::<180>);
in_place!(from_rgb_256, to_hsv::<256>);
in_place!(to_rgb_180, to_rgb::<180>);
in_place!(to_rgb_256, to_rgb::<256>);

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
            assert_eq!(to_rgb::<180>(hsv), rgb);
        }
        for hue in 0..=255 {
            // Whatever hue, also one beyond the range, is a colour.
            assert_eq!(to_rgb::<180>([hue, 255, 200]).iter().max(), Some(&200));
        }
    }
}

//! CIE L*a*b* of sRGB with the white of D65, as OpenCV has it for 8-bit images: L times 255/100,
//! a and b plus 128.

#![allow(clippy::indexing_slicing, reason = "indexes are bytes, or clamped to the table")]

use std::sync::OnceLock;

use super::block::{BLOCK, Block};
use super::hsv::round;
use crate::simd::simd_levels;

/// Steps of the cube root.
const ROOTS: usize = 256 * 3 / 2 * 8;
/// One, in the table of the cube root.
const ROOT_ONE: i32 = 1 << 15;
/// One, on the way back.
const ONE: f32 = 16_384.0;

/// XYZ over white from linear red, green and blue, 12 fractional bits.
const XYZ: [[i32; 3]; 3] = [[1777, 1541, 778], [871, 2929, 296], [73, 448, 3575]];
/// Linear red, green and blue from XYZ over white, 12 fractional bits.
const RGB: [[i32; 3]; 3] = [[12615, -6296, -2223], [-3773, 7684, 185], [217, -836, 4715]];

/// What is looked up.
pub(crate) struct Tables {
    /// Linear light of a sample, 2040 is white.
    linear: [i32; 256],
    /// The cube root, and what stands for it near 0.
    root: Box<[i32; ROOTS]>,
    /// Samples of linear light, 4096 is white.
    sample: Box<[i32; 4096]>,
}

impl Tables {
    /// The tables, which are computed once.
    pub(crate) fn get() -> &'static Self {
        static TABLES: OnceLock<Tables> = OnceLock::new();
        TABLES.get_or_init(|| Self {
            linear: std::array::from_fn(|at| {
                let x = at as f64 / 255.0;
                let light = if x <= 0.04045 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) };
                (2040.0 * light).round_ties_even() as i32
            }),
            root: Box::new(std::array::from_fn(|at| {
                let x = at as f64 / 2040.0;
                let root =
                    if x < 216.0 / 24389.0 { x * 841.0 / 108.0 + 16.0 / 116.0 } else { x.cbrt() };
                // OpenCV rounds these in single precision.
                ((f64::from(ROOT_ONE) * root) as f32).round_ties_even() as i32
            })),
            sample: Box::new(std::array::from_fn(|at| {
                let x = at as f64 / 4096.0;
                let light =
                    if x <= 0.003_130_8 { x * 12.92 } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
                (255.0 * light).round_ties_even() as i32
            })),
        })
    }

    /// All of them, as CUDA kernels are given them, with Y of all L and its cube roots: 16-bit
    /// numbers, but for the samples.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let luminance = [0, 1].map(|which| (0..=255).map(move |l| luminance(l)[which]));
        let words = self.linear.iter().chain(self.root.iter()).copied();
        let words = words.chain(luminance.into_iter().flatten());
        let words = words.flat_map(|word| (word as u16).to_le_bytes());
        words.chain(self.sample.iter().map(|sample| *sample as u8)).collect()
    }
}

/// Y of a sample of L, and its cube root.
#[inline(always)]
fn luminance(sample: u8) -> [i32; 2] {
    // Single precision gives OpenCV's doubles, rounded, for all 256.
    const NEAR_ZERO: f32 = ONE * 180.0 / (17.0 * 29.0 * 29.0 * 29.0);
    let l = f32::from(sample);
    let root = l * (100.0 * ONE / (255.0 * 116.0)) + 16.0 * ONE / 116.0;
    let cube = root * root * root / (ONE * ONE);
    [round(if sample <= 20 { l * NEAR_ZERO } else { cube }), round(root)]
}

/// X or Z over white from its cube root.
#[inline(always)]
fn cube(root: i32) -> i32 {
    // Towards zero, by rounding what is almost half less: exact, as quotients are multiples of
    // 1/841. A cast to whole numbers is not vectorised, and all of `to_rgb` took three times as
    // long with it.
    const LESS: f32 = 0.5 - 1.0 / (2.0 * 841.0);
    let quotient = root as f32 * (108.0 / 841.0);
    let near_zero = round(quotient - LESS.copysign(quotient)) - 290;
    // Overflows nowhere, as roots are below 27,000.
    let cube = (((root * root) >> 14) * root) >> 14;
    if root <= 3390 { near_zero } else { cube }
}

simd_levels! {
    pub(super) fn from_rgb(block: &mut Block, tables: &Tables) {
        let [a, b, c, _] = &mut block.0;
        let mut light = [[0_i32; BLOCK]; 3];
        for (light, samples) in light.iter_mut().zip([&*a, &*b, &*c]) {
            for (light, sample) in light.iter_mut().zip(samples) {
                *light = tables.linear[usize::from(*sample)];
            }
        }
        let mut roots = [[0_i32; BLOCK]; 3];
        for (roots, weights) in roots.iter_mut().zip(&XYZ) {
            for at in 0..BLOCK {
                let sum = light[0][at] * weights[0]
                    + light[1][at] * weights[1]
                    + light[2][at] * weights[2];
                roots[at] = (sum + (1 << 11)) >> 12;
            }
            for root in roots.iter_mut() {
                *root = tables.root[(*root as usize).min(ROOTS - 1)];
            }
        }
        for at in 0..BLOCK {
            let [x, y, z] = [roots[0][at], roots[1][at], roots[2][at]];
            let (half, zero) = (1 << 14, 128 << 15);
            // 116 * 255 / 100 and 16 * 255 / 100, rounded as OpenCV does.
            let l = (296 * y - 1_336_934 + half) >> 15;
            a[at] = l.clamp(0, 255) as u8;
            b[at] = ((500 * (x - y) + zero + half) >> 15).clamp(0, 255) as u8;
            c[at] = ((200 * (y - z) + zero + half) >> 15).clamp(0, 255) as u8;
        }
    }
}

simd_levels! {
    pub(super) fn to_rgb(block: &mut Block, tables: &Tables) {
        let [a, b, c, _] = &mut block.0;
        let mut light = [[0_i32; BLOCK]; 3];
        for at in 0..BLOCK {
            let (green_red, blue_yellow) = (i32::from(b[at]), i32::from(c[at]));
            // 128 * ONE / 500 and 128 * ONE / 200.
            let to_x = ((5 * green_red * 53_687 + (1 << 7)) >> 13) - 4194;
            let to_z = ((blue_yellow * 41_943 + (1 << 4)) >> 9) - 10_484;
            let [y, root] = luminance(a[at]);
            let (x, z) = (cube(root + to_x), cube(root - to_z));
            for (light, [of_x, of_y, of_z]) in light.iter_mut().zip(RGB) {
                let sum = of_x * x + of_y * y + of_z * z;
                light[at] = ((sum + (1 << 13)) >> 14).clamp(0, 4095);
            }
        }
        for (samples, light) in [a, b, c].into_iter().zip(&light) {
            for (sample, light) in samples.iter_mut().zip(light) {
                *sample = tables.sample[(*light as usize).min(4095)] as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubes_are_those_of_whole_numbers() {
        for root in -8200..27_000_i32 {
            let must = if root <= 3390 {
                root * 108 / 841 - (16_384 * 16 / 116) * 108 / 841
            } else {
                root * root / 16_384 * root / 16_384
            };
            assert_eq!(cube(root), must, "{root}");
        }
    }

    /// OpenCV has a table of these, computed with doubles.
    #[test]
    fn luminances_are_the_exact_ones_rounded() {
        for sample in 0..=255 {
            let (l, one) = (f64::from(sample), f64::from(ONE));
            let (y, root) = if sample <= 20 {
                let root = one * (16.0 / 116.0 + l * 5.0 / (3.0 * 17.0 * 29.0));
                (l * one * 180.0 / (17.0 * 29.0 * 29.0 * 29.0), root)
            } else {
                let root = l * 100.0 * one / (255.0 * 116.0) + 16.0 * one / 116.0;
                (root * root * root / (one * one), root)
            };
            let must = [y, root].map(|exact| exact.round_ties_even() as i32);
            assert_eq!(luminance(sample), must, "{sample}");
        }
    }

    #[test]
    fn coefficients_are_the_published_ones() {
        let white = [0.950_456, 1.0, 1.088_754];
        let xyz = [
            [0.412_453, 0.357_580, 0.180_423],
            [0.212_671, 0.715_160, 0.072_169],
            [0.019_334, 0.119_193, 0.950_227],
        ];
        let rgb = [
            [3.240_479, -1.537_15, -0.498_535],
            [-0.969_256, 1.875_991, 0.041_556],
            [0.055_648, -0.204_043, 1.057_311],
        ];
        for row in 0..3 {
            for column in 0..3 {
                let exact = xyz[row][column] / white[row] * 4096.0;
                assert!((f64::from(XYZ[row][column]) - exact).abs() <= 0.5, "XYZ {row} {column}");
                let exact = rgb[row][column] * white[column] * 4096.0;
                assert!((f64::from(RGB[row][column]) - exact).abs() <= 0.5, "RGB {row} {column}");
            }
        }
    }
}

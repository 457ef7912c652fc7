//! Luma and chroma: the matrices of BT.601 and BT.709, in full and in limited range, in integers.

use std::sync::LazyLock;

use super::block::Block;
use super::x86;
use crate::Table;
use crate::simd::{Level, simd_levels};

/// Fractional bits of a weight.
pub(crate) const BITS: u32 = 20;
const HALF: i32 = 1 << (BITS - 1);

/// How Y, Cb and Cr come from red, green and blue, and back; 20 fractional bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matrix {
    /// The weights of red, green and blue.
    pub(crate) y: [i32; 3],
    pub(crate) cb: [i32; 3],
    pub(crate) cr: [i32; 3],
    /// The luma of black.
    pub(crate) black: i32,
    /// The weight of luma above black, in every colour.
    pub(crate) luma: i32,
    pub(crate) red_cr: i32,
    pub(crate) green_cb: i32,
    pub(crate) green_cr: i32,
    pub(crate) blue_cb: i32,
}

/// BT.601 in limited range (luma 16 to 235), as cameras and video decoders deliver it, with
/// OpenCV's numbers.
pub(crate) const BT601_LIMITED: Matrix = Matrix {
    y: [269_484, 528_482, 102_760],
    cb: [-155_188, -305_135, 460_324],
    cr: [460_324, -385_875, -74_448],
    black: 16,
    luma: 1_220_542,
    red_cr: 1_673_527,
    green_cb: -409_993,
    green_cr: -852_492,
    blue_cb: 2_116_026,
};

/// The table from the luma of this matrix to grey.
pub(crate) static BT601_LIMITED_GRAY: LazyLock<Table> = LazyLock::new(|| BT601_LIMITED.gray());

impl Matrix {
    /// The matrix with those parameters.
    pub(crate) fn of(matrix: &str, full: bool) -> Self {
        match (matrix, full) {
            ("bt709", _) => Self::exact(0.2126, 0.0722, full),
            (_, false) => BT601_LIMITED,
            // OpenCV's numbers, which have 14 fractional bits, for the way back.
            (_, true) => Self {
                red_cr: 22_987 << 6,
                green_cb: -5_636 * 64,
                green_cr: -11_698 * 64,
                blue_cb: 29_049 << 6,
                ..Self::exact(0.299, 0.114, true)
            },
        }
    }

    /// The matrix with those weights of red and blue in luma.
    fn exact(red: f64, blue: f64, full: bool) -> Self {
        let green = 1.0 - red - blue;
        let (luma_range, chroma_range) =
            if full { (1.0, 1.0) } else { (219.0 / 255.0, 224.0 / 255.0) };
        let int = |value: f64| (value * f64::from(1 << BITS)).round() as i32;
        let chroma = |weights: [f64; 3], far: f64| {
            weights.map(|weight| int(weight / (2.0 * (1.0 - far)) * chroma_range))
        };
        let (red_cr, blue_cb) =
            (2.0 * (1.0 - red) / chroma_range, 2.0 * (1.0 - blue) / chroma_range);
        Self {
            y: [red, green, blue].map(|weight| int(weight * luma_range)),
            cb: chroma([-red, -green, 1.0 - blue], blue),
            cr: chroma([1.0 - red, -green, -blue], red),
            black: if full { 0 } else { 16 },
            luma: int(1.0 / luma_range),
            red_cr: int(red_cr),
            green_cb: int(-blue / green * blue_cb),
            green_cr: int(-red / green * red_cr),
            blue_cb: int(blue_cb),
        }
    }

    /// All numbers, as CUDA kernels are given them.
    pub(crate) fn numbers(&self) -> [i32; 15] {
        let Self { y: [y0, y1, y2], cb: [b0, b1, b2], cr: [r0, r1, r2], .. } = *self;
        let Self { black, luma, red_cr, green_cb, green_cr, blue_cb, .. } = *self;
        [y0, y1, y2, b0, b1, b2, r0, r1, r2, black, luma, red_cr, green_cb, green_cr, blue_cb]
    }

    /// Whether it is the one that OpenCV's `COLOR_RGB2YCrCb` has.
    pub(crate) fn is_opencv(&self) -> bool {
        self.black == 0 && self.red_cr == 22_987 << 6
    }

    /// Luma of a colour.
    #[inline(always)]
    pub(crate) fn y_of(&self, rgb: [u8; 3]) -> u8 {
        // No less than black, no more than white.
        sum(self.y, rgb, self.black) as u8
    }

    /// Cb of a colour.
    #[inline(always)]
    pub(crate) fn cb_of(&self, rgb: [u8; 3]) -> u8 {
        sum(self.cb, rgb, 128).clamp(0, 255) as u8
    }

    /// Cr of a colour.
    #[inline(always)]
    pub(crate) fn cr_of(&self, rgb: [u8; 3]) -> u8 {
        sum(self.cr, rgb, 128).clamp(0, 255) as u8
    }

    /// The colour; luma below black is black.
    #[inline(always)]
    pub(crate) fn rgb_of(&self, [y, cb, cr]: [u8; 3]) -> [u8; 3] {
        let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
        let luma = (i32::from(y) - self.black).max(0) * self.luma + HALF;
        let green = self.green_cb * cb + self.green_cr * cr;
        [self.red_cr * cr, green, self.blue_cb * cb]
            .map(|part| ((luma + part) >> BITS).clamp(0, 255) as u8)
    }

    /// Luma in full range: what greying the colour of that luma without chroma would give. It
    /// takes a third of a microsecond, so make it once.
    pub(crate) fn gray(&self) -> Table {
        Table::new(|y| {
            let luma = (i32::from(y) - self.black).max(0) * self.luma + HALF;
            (luma >> BITS).min(255) as u8
        })
    }
}

#[inline(always)]
fn sum(weights: [i32; 3], [red, green, blue]: [u8; 3], zero: i32) -> i32 {
    let [r, g, b] = weights;
    let sum = i32::from(red) * r + i32::from(green) * g + i32::from(blue) * b;
    (sum + (zero << BITS) + HALF) >> BITS
}

/// OpenCV's `COLOR_RGB2YCrCb` rounds luma before chroma comes from it; 14 fractional bits.
#[inline(always)]
pub(crate) fn opencv_ycbcr([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [red, green, blue].map(i32::from);
    let (half, zero) = (1 << 13, 128 << 14);
    let y = (4_899 * r + 9_617 * g + 1_868 * b + half) >> 14;
    let cr = ((r - y) * 11_682 + zero + half) >> 14;
    let cb = ((b - y) * 9_241 + zero + half) >> 14;
    [y as u8, cb.clamp(0, 255) as u8, cr.clamp(0, 255) as u8]
}

/// OpenCV's `COLOR_RGB2YCrCb`, in the order Y, Cb, Cr.
pub(crate) fn opencv_from_rgb(level: Level, block: &mut Block) {
    if !x86::ycbcr_from_rgb(level, block) {
        opencv_from_rgb_plain(level, block);
    }
}

/// Red, green and blue of luma and chroma.
pub(crate) fn to_rgb(level: Level, block: &mut Block, matrix: &Matrix) {
    if !(matrix.is_opencv() && x86::ycbcr_to_rgb(level, block)) {
        to_rgb_plain(level, block, matrix);
    }
}

simd_levels! {
    fn opencv_from_rgb_plain(block: &mut Block) {
        let [a, b, c, _] = &mut block.0;
        for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
            [*a, *b, *c] = opencv_ycbcr([*a, *b, *c]);
        }
    }
}

simd_levels! {
    pub(crate) fn from_rgb(block: &mut Block, matrix: &Matrix) {
        let matrix = *matrix;
        let [a, b, c, _] = &mut block.0;
        for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
            let rgb = [*a, *b, *c];
            [*a, *b, *c] = [matrix.y_of(rgb), matrix.cb_of(rgb), matrix.cr_of(rgb)];
        }
    }
}

simd_levels! {
    fn to_rgb_plain(block: &mut Block, matrix: &Matrix) {
        let matrix = *matrix;
        let [a, b, c, _] = &mut block.0;
        for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
            [*a, *b, *c] = matrix.rgb_of([*a, *b, *c]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounded to three decimals in OpenCV, so not the same numbers.
    #[test]
    fn bt601_of_opencv_is_near_the_exact_one() {
        let exact = Matrix::exact(0.299, 0.114, false);
        for (ours, must) in BT601_LIMITED.numbers().into_iter().zip(exact.numbers()) {
            assert!((ours - must).abs() < 1_100, "{ours} {must}");
        }
        let full = Matrix::exact(0.299, 0.114, true);
        for (ours, must) in Matrix::of("bt601", true).numbers().into_iter().zip(full.numbers()) {
            assert!((ours - must).abs() < 1_100, "{ours} {must}");
        }
    }

    #[test]
    fn every_level_gives_the_same() {
        let matrix = Matrix::of("bt601", true);
        let levels = || (0..=255_u8).step_by(5);
        for level in Level::all() {
            for first in 0..=255_u8 {
                for second in levels() {
                    let mut block = Block::new();
                    let pixels: Vec<_> = levels().map(|third| [first, second, third]).collect();
                    for (at, pixel) in pixels.iter().enumerate() {
                        (0..3).for_each(|channel| block.0[channel][at] = pixel[channel]);
                    }
                    let mut back = Block(block.0);
                    opencv_from_rgb(level, &mut block);
                    to_rgb(level, &mut back, &matrix);
                    for (at, pixel) in pixels.into_iter().enumerate() {
                        let of = |block: &Block| [0, 1, 2].map(|channel| block.0[channel][at]);
                        assert_eq!(of(&block), opencv_ycbcr(pixel), "{level:?} {pixel:?}");
                        assert_eq!(of(&back), matrix.rgb_of(pixel), "{level:?} {pixel:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn greys_have_no_chroma_and_there_and_back_is_near() {
        for name in ["bt601", "bt709"] {
            for full in [false, true] {
                let matrix = Matrix::of(name, full);
                let [gray, ..] = *matrix.gray().lists();
                for level in 0..=255 {
                    let rgb = [level; 3];
                    let (cb, cr) = (matrix.cb_of(rgb), matrix.cr_of(rgb));
                    assert_eq!([cb, cr], [128; 2], "{name} {full} {level}");
                    let y = matrix.y_of(rgb);
                    let back = matrix.rgb_of([y, cb, cr]);
                    assert!(back.iter().all(|part| part.abs_diff(level) <= 1), "{back:?} {level}");
                    assert_eq!(gray[usize::from(y)], back[0]);
                }
                for [red, green, blue] in [[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 200, 130]] {
                    let rgb = [red, green, blue];
                    let ycc = [matrix.y_of(rgb), matrix.cb_of(rgb), matrix.cr_of(rgb)];
                    let back = matrix.rgb_of(ycc);
                    let near = rgb.iter().zip(back).all(|(a, b)| a.abs_diff(b) <= 2);
                    assert!(near, "{name} {full} {rgb:?} {back:?}");
                }
            }
        }
    }
}

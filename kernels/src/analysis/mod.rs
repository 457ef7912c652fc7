//! Measurements on images.

mod gpu;

use crate::Image;
use crate::simd::{Level, simd_levels};
pub use gpu::difference_plan;

/// How much two images of the same shape differ, sample by sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of samples that were compared.
    pub samples: u64,
    /// The sum of all absolute differences, in levels.
    pub sum: u64,
    /// The largest absolute difference, in levels.
    pub max: u8,
    /// The number of samples whose difference is above the threshold.
    pub over: u64,
}

impl Difference {
    /// The mean absolute difference of a sample, in levels.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.samples.max(1) as f64
    }

    /// The share of samples whose difference is above the threshold, from 0 to 1.
    #[must_use]
    pub fn changed(&self) -> f64 {
        self.over as f64 / self.samples.max(1) as f64
    }
}

/// Compares two images like OpenCV's `absdiff`; `None` if their shapes differ. Alpha and chroma
/// count like other samples; padding does not.
#[must_use]
pub fn difference(a: &Image, b: &Image, threshold: u8) -> Option<Difference> {
    difference_with(Level::best(), a, b, threshold)
}

fn difference_with(level: Level, a: &Image, b: &Image, threshold: u8) -> Option<Difference> {
    if a.shape() != b.shape() {
        return None;
    }
    let mut total = Difference { samples: 0, sum: 0, max: 0, over: 0 };
    if a.is_packed()
        && b.is_packed()
        && (a.size().width().is_multiple_of(2) || !a.format().is_planar())
    {
        compare(level, a.data(), b.data(), threshold, &mut total);
        return Some(total);
    }
    for (a_plane, b_plane) in a.planes().into_iter().zip(b.planes()) {
        for (a, b) in a_plane.rows().zip(b_plane.rows()) {
            compare(level, a, b, threshold, &mut total);
        }
    }
    Some(total)
}

/// Samples that are compared side by side.
const LANES: usize = 64;
/// The number of blocks that lanes can count in 8 bits.
const BLOCKS: usize = 255;

simd_levels! {
    fn compare(a: &[u8], b: &[u8], threshold: u8, total: &mut Difference) {
        total.samples += a.len().min(b.len()) as u64;
        for (a, b) in a.chunks(LANES * BLOCKS).zip(b.chunks(LANES * BLOCKS)) {
            let (mut sums, mut over) = ([0_u16; LANES], [0_u8; LANES]);
            let mut most = [total.max; LANES];
            let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
            for (a, b) in a.iter().zip(b) {
                let lanes = sums.iter_mut().zip(&mut over).zip(&mut most);
                for ((a, b), ((sum, over), most)) in a.iter().zip(b).zip(lanes) {
                    let by = a.abs_diff(*b);
                    *sum += u16::from(by);
                    *over += u8::from(by > threshold);
                    *most = by.max(*most);
                }
            }
            total.sum += sums.iter().map(|sum| u64::from(*sum)).sum::<u64>();
            total.over += over.iter().map(|count| u64::from(*count)).sum::<u64>();
            total.max = most.into_iter().fold(total.max, u8::max);
            for (a, b) in a_rest.iter().zip(b_rest) {
                let by = a.abs_diff(*b);
                total.sum += u64::from(by);
                total.over += u64::from(by > threshold);
                total.max = total.max.max(by);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::test_images::{any_image, filled};
    use crate::{PixelFormat, Size};

    fn reference(a: &Image, b: &Image, threshold: u8) -> Difference {
        let mut total = Difference { samples: 0, sum: 0, max: 0, over: 0 };
        for (a, b) in a.rows().zip(b.rows()) {
            for (a, b) in a.iter().zip(b) {
                let by = (i32::from(*a) - i32::from(*b)).unsigned_abs() as u8;
                total.samples += 1;
                total.sum += u64::from(by);
                total.max = total.max.max(by);
                total.over += u64::from(by > threshold);
            }
        }
        total
    }

    proptest! {
        #[test]
        fn every_level_counts_the_same(
            a in any_image(150),
            other: u8,
            padding in 0..5_usize,
            threshold: u8,
        ) {
            let stride = a.row_bytes() + padding;
            let len = stride * a.size().height();
            let bytes = Bytes::from_iter((0..len).map(|at| (at * 37) as u8 ^ other));
            let b = Image::new(a.size(), a.format(), stride, bytes).unwrap();
            let expected = reference(&a, &b, threshold);
            for level in Level::all() {
                prop_assert_eq!(difference_with(level, &a, &b, threshold), Some(expected));
            }
        }
    }

    #[test]
    fn the_greatest_differences_do_not_overflow() {
        let [black, white] = [0, 255].map(|sample| filled(PixelFormat::Gray8, 640, 480, sample));
        let all = 640 * 480;
        let difference = difference(&black, &white, 254).unwrap();
        assert_eq!(difference, Difference { samples: all, sum: 255 * all, max: 255, over: all });
        assert!(difference.mean() == 255.0 && difference.changed() == 1.0);
    }

    #[test]
    fn what_lies_between_samples_does_not_count() {
        let size = Size::new(3, 2).unwrap();
        for format in [PixelFormat::Nv12, PixelFormat::I420] {
            let bytes = format.bytes(2, format.row_bytes(3)).unwrap();
            let image = |sample: u8| {
                let data = Bytes::from(vec![sample; bytes]);
                Image::new(size, format, format.row_bytes(3), data).unwrap()
            };
            let is = difference(&image(7), &image(9), 1).unwrap();
            // Six of luma, two each of chroma.
            assert_eq!(is, Difference { samples: 10, sum: 20, max: 2, over: 10 }, "{format:?}");
        }
    }

    #[test]
    fn other_shapes_are_not_compared() {
        let [a, b] = [3, 4].map(|width| filled(PixelFormat::Gray8, width, 4, 0));
        assert_eq!(difference(&a, &b, 0), None);
    }
}

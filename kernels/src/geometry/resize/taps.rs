//! The pixels of the input, and their weights, that make a pixel of the result, along one axis.
//!
//! The numbers are computed as OpenCV does, in its types and order, so that they are the same.

/// The interpolation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// The pixel at that place.
    Nearest,
    /// The two nearest of each axis, by their distance.
    Bilinear,
    /// The four nearest of each axis.
    Bicubic,
    /// Six of each axis; more, when the image shrinks.
    Lanczos3,
    /// All that a pixel of the result covers.
    Area,
}

impl Filter {
    /// The names of the parameter.
    pub(crate) const NAMES: [&'static str; 5] =
        ["nearest", "bilinear", "bicubic", "lanczos3", "area"];

    /// The filter with one of [`Filter::NAMES`].
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "nearest" => Self::Nearest,
            "bicubic" => Self::Bicubic,
            "lanczos3" => Self::Lanczos3,
            "area" => Self::Area,
            _ => Self::Bilinear,
        }
    }
}

/// For each pixel of the result, the pixels of the input that it is computed from, and their
/// weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taps {
    /// The first one. Beyond an edge stands the outermost pixel.
    pub(crate) first: Vec<i32>,
    /// The weights, `count` for each position.
    pub(crate) weights: Vec<i16>,
    /// Even; what is not needed has the weight 0.
    pub(crate) count: usize,
    /// The weights of a pixel sum up to 2 to the power of this.
    pub(crate) bits: u32,
}

/// Fractional bits of OpenCV's weights.
const OPENCV_BITS: u32 = 11;
/// The largest number of fractional bits: with more, sums of products may not fit into 32 bits.
const MOST_BITS: u32 = 15;

/// Positions of pixels as OpenCV counts: the scale is the inverse of the inverse of the ratio.
pub(crate) fn scale(from: usize, to: usize) -> f64 {
    1.0 / (to as f64 / from as f64)
}

/// For each pixel of the result, the nearest pixel of the input.
pub(crate) fn nearest(from: usize, to: usize) -> Vec<u32> {
    let scale = scale(from, to);
    let last = from.saturating_sub(1);
    (0..to).map(|at| ((at as f64 * scale) as usize).min(last) as u32).collect()
}

impl Taps {
    /// Taps that mix two pixels each.
    pub(crate) fn linear(from: usize, to: usize) -> Self {
        let scale = scale(from, to);
        Self::fixed(
            to,
            (0..to).map(|at| {
                let (first, part) = position(at, scale);
                (first, [1.0 - part, part])
            }),
        )
    }

    /// Two pixels each, as OpenCV's `INTER_AREA` takes them to enlarge.
    pub(crate) fn linear_of_area(from: usize, to: usize) -> Self {
        let (scale, inverse) = (scale(from, to), to as f64 / from as f64);
        Self::fixed(
            to,
            (0..to).map(|at| {
                let first = (at as f64 * scale).floor();
                let part = ((at + 1) as f64 - (first + 1.0) * inverse) as f32;
                let part = if part <= 0.0 { 0.0 } else { part - part.floor() };
                (first as i32, [1.0 - part, part])
            }),
        )
    }

    /// Four pixels each: Keys' cubic with a = -0.75.
    pub(crate) fn cubic(from: usize, to: usize) -> Self {
        const A: f32 = -0.75;
        let scale = scale(from, to);
        Self::fixed(
            to,
            (0..to).map(|at| {
                let (second, x) = position(at, scale);
                let far = ((A * (x + 1.0) - 5.0 * A) * (x + 1.0) + 8.0 * A) * (x + 1.0) - 4.0 * A;
                let near = ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
                let y = 1.0 - x;
                let next = ((A + 2.0) * y - (A + 3.0)) * y * y + 1.0;
                (second - 1, [far, near, next, 1.0 - far - near - next])
            }),
        )
    }

    fn fixed<const N: usize>(to: usize, all: impl Iterator<Item = (i32, [f32; N])>) -> Self {
        let one = (1 << OPENCV_BITS) as f32;
        let mut taps = Self {
            first: Vec::with_capacity(to),
            weights: Vec::with_capacity(to * N),
            count: N,
            bits: OPENCV_BITS,
        };
        for (first, weights) in all {
            taps.first.push(first);
            taps.weights.extend(weights.map(|weight| (weight * one).round_ties_even() as i16));
        }
        taps
    }

    /// Pillow's LANCZOS: six pixels each, times the factor by which the image shrinks.
    pub(crate) fn lanczos3(from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        let support = 3.0 * stretch;
        Self::float((0..to).map(|at| {
            let center = (at as f64 + 0.5) * scale;
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(from);
            let weight = |pixel: usize| lanczos((pixel as f64 + 0.5 - center) / stretch);
            (first, (first..end).map(weight).collect())
        }))
    }

    /// All pixels that one of the result covers: OpenCV's `INTER_AREA` to shrink.
    pub(crate) fn area(from: usize, to: usize) -> Self {
        let scale = scale(from, to);
        Self::float((0..to).map(|at| {
            let start = at as f64 * scale;
            let end = start + scale;
            let last = (end.floor() as usize).min(from - 1);
            let whole = (start.ceil() as usize).min(last);
            let (before, after) = (whole as f64 - start, end - last as f64);
            let mut weights = vec![1.0; last - whole];
            let mut first = whole;
            if before > 1e-3 {
                first -= 1;
                weights.insert(0, before);
            }
            if after > 1e-3 {
                weights.push(after.min(1.0));
            }
            (first, weights)
        }))
    }

    /// The weights as integers that add up to a power of two, which is as large as possible.
    fn float(all: impl Iterator<Item = (usize, Vec<f64>)>) -> Self {
        let mut all: Vec<(usize, Vec<f64>)> = all.collect();
        let mut greatest: f64 = 0.0;
        for (_, weights) in &mut all {
            let sum: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
            greatest = weights.iter().fold(greatest, |most, weight| most.max(weight.abs()));
        }
        let count = all.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
        let count = count.next_multiple_of(2);
        let fits = |bits: &u32| greatest * f64::from(1_u32 << bits) < 32767.0;
        let bits = (1..=MOST_BITS).rev().find(fits).unwrap_or(1);
        let one = f64::from(1_u32 << bits);
        let mut taps = Self { first: Vec::new(), weights: Vec::new(), count, bits };
        for (first, weights) in all {
            taps.first.push(first as i32);
            // What rounding one of them leaves goes to the next, so that the sum is exact.
            let (mut sum, mut done) = (0.0, 0.0);
            for weight in &weights {
                sum += weight * one;
                let rounded = (sum - done).round();
                done += rounded;
                taps.weights.push(rounded as i16);
            }
            taps.weights.resize(taps.first.len() * count, 0);
        }
        taps
    }

    /// Limits the pixels to `0..len`: weights beyond an edge are added to the outermost pixel.
    pub(crate) fn within(mut self, len: usize) -> Self {
        let last = (len as i32 - 1).max(0);
        let lists = self.weights.chunks_exact_mut(self.count);
        for (first, weights) in self.first.iter_mut().zip(lists) {
            let inside = (*first).min(len as i32 - weights.len() as i32).max(0);
            if inside == *first && weights.len() <= len {
                continue;
            }
            let mut moved = vec![0; weights.len()];
            for (pixel, weight) in (*first..).zip(weights.iter()) {
                let at = (pixel.clamp(0, last) - inside) as usize;
                if let Some(moved) = moved.get_mut(at) {
                    *moved += *weight;
                }
            }
            weights.copy_from_slice(&moved);
            *first = inside;
        }
        self
    }
}

/// The pixel before the place of a pixel of the result, and how far it is.
fn position(at: usize, scale: f64) -> (i32, f32) {
    let place = ((at as f64 + 0.5) * scale - 0.5) as f32;
    let before = place.floor();
    (before as i32, place - before)
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| {
        let angle = x * std::f64::consts::PI;
        if angle == 0.0 { 1.0 } else { angle.sin() / angle }
    };
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

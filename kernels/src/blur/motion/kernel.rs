//! The weights of a blurred line.

/// Fractional bits of a weight: all sum up to one, so a flat image stays as it is.
pub(super) const BITS: u32 = 15;

/// A pixel of the neighbourhood, and what it counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) across: i16,
    pub(super) down: i16,
    pub(super) weight: i16,
}

/// A line through the middle of so many points, one pixel apart: each counts for the four pixels
/// around it, the nearer the more. `length` is odd, the angle in degrees from the right against
/// the clock.
pub(super) fn line(length: usize, angle: f64) -> Vec<Tap> {
    let radius = (length / 2) as i32;
    let (sine, cosine) = angle.to_radians().sin_cos();
    let mut weights = vec![0.0_f64; length * length];
    for at in -radius..=radius {
        // Rows count downwards.
        let (x, y) = (f64::from(at) * cosine, f64::from(at) * -sine);
        for (row, down) in two_nearest(y) {
            for (column, across) in two_nearest(x) {
                let index = |at: i32| usize::try_from(at + radius).ok().filter(|at| *at < length);
                let (Some(row), Some(column)) = (index(row), index(column)) else { continue };
                if let Some(weight) = weights.get_mut(row * length + column) {
                    *weight += across * down / length as f64;
                }
            }
        }
    }
    integers(&weights, length)
}

/// The whole numbers below and above, and how near they are.
fn two_nearest(at: f64) -> [(i32, f64); 2] {
    let beyond = at - at.floor();
    [(at.floor() as i32, 1.0 - beyond), (at.floor() as i32 + 1, beyond)]
}

/// Rounding errors are handed on from pixel to pixel, so that the sum stays.
fn integers(weights: &[f64], side: usize) -> Vec<Tap> {
    let radius = (side / 2) as i16;
    let mut error = 0.0;
    let mut taps = Vec::new();
    for (at, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let exact = weight * f64::from(1 << BITS) + error;
        let rounded = exact.round().max(0.0);
        error = exact - rounded;
        let (down, across) = ((at / side) as i16 - radius, (at % side) as i16 - radius);
        taps.push(Tap { across, down, weight: rounded as i16 });
    }
    taps.retain(|tap| tap.weight > 0);
    taps
}

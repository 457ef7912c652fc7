//! The weights of bicubic interpolation, as OpenCV has them.

use std::sync::LazyLock;

/// Positions between two pixels that are told apart.
const STEPS: usize = 32;

/// Sixteen weights, row by row, that sum up to 2^15.
pub(super) type Weights = [i16; 16];

/// The weights for each fraction of y and each fraction of x.
static TABLE: LazyLock<Vec<Weights>> = LazyLock::new(|| {
    let fractions = || (0..STEPS).map(|step| step as f32 * (1.0 / STEPS as f32));
    fractions().flat_map(|y| fractions().map(move |x| weights(taps(x), taps(y)))).collect()
});

/// All weights: those for `x` and `y` 32ths are at `32 * y + x`.
pub(super) fn table() -> &'static [Weights] {
    &TABLE
}

/// The cubic convolution of Keys with a = -0.75, in single precision.
fn taps(x: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let y = 1.0 - x;
    let first = ((A * (x + 1.0) - 5.0 * A) * (x + 1.0) + 8.0 * A) * (x + 1.0) - 4.0 * A;
    let second = ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let third = ((A + 2.0) * y - (A + 3.0)) * y * y + 1.0;
    [first, second, third, 1.0 - first - second - third]
}

fn weights(x: [f32; 4], y: [f32; 4]) -> Weights {
    let mut weights = [0_i16; 16];
    let products = y.iter().flat_map(|y| x.iter().map(move |x| y * x));
    for (weight, product) in weights.iter_mut().zip(products) {
        // The cast saturates, as OpenCV's.
        *weight = (product * 32768.0).round_ties_even() as i16;
    }
    // What rounding lost or won goes to one of the four weights right and below of the middle:
    // the largest, or the smallest.
    let sum: i32 = weights.iter().map(|weight| i32::from(*weight)).sum();
    let (mut least, mut most) = (10, 10);
    for at in [10, 11, 14, 15] {
        let value = |at: usize| weights.get(at).copied().unwrap_or_default();
        if value(at) < value(least) {
            least = at;
        } else if value(at) > value(most) {
            most = at;
        }
    }
    let beyond = sum - 32768;
    if let Some(weight) = weights.get_mut(if beyond < 0 { most } else { least }) {
        *weight = (i32::from(*weight) - beyond) as i16;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_weights_sum_up_to_one() {
        assert_eq!(table().len(), STEPS * STEPS);
        for weights in table() {
            assert_eq!(weights.iter().map(|weight| i32::from(*weight)).sum::<i32>(), 32768);
        }
    }

    #[test]
    fn in_the_middle_of_a_pixel_nothing_else_counts() {
        let weights = table()[0];
        assert!(weights[5] == 32767 && weights[10] == 1, "{weights:?}");
    }
}

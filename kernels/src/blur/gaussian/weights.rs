//! The Gaussian bell in integers, as OpenCV's `GaussianBlur` has it for 8-bit images.

/// The number of weights of the largest kernel.
pub(super) const MAX_TAPS: usize = 255;

/// Room for the weights up to the middle of a kernel of 31, or for its pairs of weights.
pub(super) const HALF: usize = 16;

/// Like [`HALF`], for the largest kernel.
pub(super) const LARGE_HALF: usize = MAX_TAPS.div_ceil(2);

/// Fractional bits of a weight: all sum up to 256, so a flat image stays as it is.
const BITS: u32 = 8;

/// The bell's weights from one end to the other: symmetric, an odd number of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel {
    weights: [u16; MAX_TAPS],
    taps: usize,
}

impl Kernel {
    /// The kernel with `taps` weights, which is odd and at most [`MAX_TAPS`]. A `sigma` of 0
    /// derives it from the size.
    pub(super) fn gaussian(taps: usize, sigma: f64) -> Self {
        let mut kernel = Self { weights: [0; MAX_TAPS], taps: taps.clamp(1, MAX_TAPS) | 1 };
        let bell = kernel.bell(sigma);
        let radius = kernel.radius();
        // Rounding errors are handed on towards the middle, which takes what is left.
        let (mut error, mut sum) = (0.0, 0);
        for (at, value) in bell.into_iter().take(radius).enumerate() {
            let exact = value * f64::from(1 << BITS) + error;
            let rounded = exact.round_ties_even();
            error = exact - rounded;
            kernel.set(at, rounded as u16);
            sum += 2 * rounded as u16;
        }
        kernel.set(radius, (1 << BITS) - sum);
        kernel.trimmed()
    }

    /// The kernel without the zeros at its ends: a narrow bell in a large kernel has many.
    fn trimmed(self) -> Self {
        let zeros = self.weights().iter().take(self.radius()).take_while(|weight| **weight == 0);
        let zeros = zeros.count();
        let mut weights = [0; MAX_TAPS];
        let inner = self.weights().iter().skip(zeros).take(self.taps - 2 * zeros);
        weights.iter_mut().zip(inner).for_each(|(to, from)| *to = *from);
        Self { weights, taps: self.taps - 2 * zeros }
    }

    /// The first half of the exact bell and its middle, summing up to 1 when mirrored.
    fn bell(&self, sigma: f64) -> Vec<f64> {
        let taps = self.taps as f64;
        // For small kernels OpenCV has these instead of the formula below.
        let fitted: Option<&[f64]> = match self.taps {
            3 => Some(&[0.25, 0.5]),
            5 => Some(&[0.0625, 0.25, 0.375]),
            7 => Some(&[0.03125, 0.109375, 0.21875, 0.28125]),
            9 => Some(&[4. / 256., 13. / 256., 30. / 256., 51. / 256., 60. / 256.]),
            _ => None,
        };
        if let (true, Some(fitted)) = (sigma <= 0.0, fitted) {
            return fitted.to_vec();
        }
        let sigma = if sigma > 0.0 { sigma } else { 0.3 * ((taps - 1.0) * 0.5 - 1.0) + 0.8 };
        let radius = self.radius();
        let mut bell: Vec<f64> = (0..=radius)
            .map(|at| {
                let doubled = 2.0 * (radius - at) as f64;
                (doubled * doubled * (-0.125 / (sigma * sigma))).exp()
            })
            .collect();
        let sum = 2.0 * bell.iter().take(radius).sum::<f64>() + 1.0;
        bell.iter_mut().for_each(|value| *value /= sum);
        bell
    }

    fn set(&mut self, at: usize, weight: u16) {
        for mirrored in [at, self.taps - 1 - at] {
            if let Some(slot) = self.weights.get_mut(mirrored) {
                *slot = weight;
            }
        }
    }

    /// The weights from one end to the other.
    pub(super) fn weights(&self) -> &[u16] {
        self.weights.get(..self.taps).unwrap_or_default()
    }

    /// The reach to each side, in pixels.
    pub(super) fn radius(&self) -> usize {
        self.taps / 2
    }

    /// Whether the result is always the input.
    pub(super) fn is_identity(&self) -> bool {
        self.weights.get(self.radius()) == Some(&(1 << BITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_sums_up_to_one_and_is_symmetric() {
        for taps in (1..=MAX_TAPS).step_by(2) {
            for tenths in (0..=1000).step_by(if taps > 31 { 37 } else { 1 }) {
                let kernel = Kernel::gaussian(taps, f64::from(tenths) / 10.0);
                let weights = kernel.weights();
                assert!(weights.len() <= taps && weights.len() % 2 == 1);
                assert!(weights.len() == 1 || weights.first() != Some(&0));
                assert_eq!(weights.iter().sum::<u16>(), 256, "{taps} {tenths} {weights:?}");
                assert!(weights.iter().eq(weights.iter().rev()));
                // So that 15 bits hold what two samples add, as they are paired down the columns.
                if let [outer @ .., next] = &weights[..weights.len() / 2] {
                    let middle = weights[weights.len() / 2];
                    assert!(outer.iter().all(|weight| *weight <= 64), "{weights:?}");
                    assert!(*next < 128 && middle < 256 && next + middle / 2 <= 128);
                }
            }
        }
    }

    #[test]
    fn kernels_without_sigma() {
        assert_eq!(Kernel::gaussian(3, 0.0).weights(), [64, 128, 64]);
        assert_eq!(Kernel::gaussian(5, 0.0).weights(), [16, 64, 96, 64, 16]);
        // 11 taps: sigma = 0.3 * (5 - 1) + 0.8 = 2.
        assert_eq!(Kernel::gaussian(11, 0.0), Kernel::gaussian(11, 2.0));
    }

    #[test]
    fn one_tap_or_a_tiny_sigma_changes_nothing() {
        assert!(Kernel::gaussian(1, 5.0).is_identity());
        assert!(Kernel::gaussian(5, 0.1).is_identity());
        assert!(!Kernel::gaussian(5, 1.0).is_identity());
    }
}

//! The weight of a sample.

/// Powers of two of an exponent of zero or less, within 0.2 %: faster than a table of them, and
/// the same wherever it is computed.
///
/// The whole part of the exponent becomes that of a float, a polynomial does the fraction.
#[inline(always)]
pub(super) fn power_of_two(exponent: f32) -> f32 {
    /// With that added, the last bits of a float are the whole part, biased as in an exponent.
    const WHOLE: f32 = 12_582_912.0 + 127.0;
    let exponent = if exponent > -126.0 { exponent } else { -126.0 };
    let shifted = exponent + WHOLE;
    let fraction = exponent - (shifted - WHOLE);
    let [c0, c1, c2] = POLYNOMIAL;
    let power = (c2 * fraction + c1) * fraction + c0;
    power * f32::from_bits(shifted.to_bits() << 23)
}

/// Through the powers at the zeros of a Chebyshev polynomial from -0.5 to 0.5.
const POLYNOMIAL: [f32; 3] = [1.0, 0.703_601_2, 0.242_035_33];

/// What the colour difference squared is multiplied by, and what is added for each pixel of a
/// disc: exponents of two.
#[derive(Debug)]
pub(super) struct Weights {
    pub(super) colour: f32,
    pub(super) taps: Vec<Tap>,
}

/// A pixel of the disc.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    pub(super) across: i32,
    pub(super) down: i32,
    /// What it counts for by its distance: an exponent of two.
    pub(super) exponent: f32,
}

/// What a sample of the same value at the same place counts for, if weights are whole numbers.
pub(super) const WHOLE: u16 = 32_767;

/// A weight from its exponent, as a whole number: of 15 bits, so that signed products of 16 bits
/// will do; it is the mask that tells the compiler.
#[inline(always)]
pub(super) fn whole(exponent: f32) -> u16 {
    (power_of_two(exponent) * f32::from(WHOLE) + INTEGERS).to_bits() as u16 & WHOLE
}

/// From that on, a float has no fractional bits: adding it rounds.
pub(super) const INTEGERS: f32 = 8_388_608.0;

impl Weights {
    pub(super) fn new(radius: usize, sigma_color: f64, sigma_space: f64) -> Self {
        let falloff = |sigma: f64| -0.5 / (sigma * sigma) * std::f64::consts::LOG2_E;
        let radius = radius as i32;
        let mut taps = Vec::new();
        for down in -radius..=radius {
            for across in -radius..=radius {
                let squared = across * across + down * down;
                if squared <= radius * radius {
                    let exponent = (f64::from(squared) * falloff(sigma_space)) as f32;
                    taps.push(Tap { across, down, exponent });
                }
            }
        }
        Self { colour: falloff(sigma_color) as f32, taps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_close_enough() {
        for step in 0..=1_260_000 {
            let exponent = -(step as f32) / 10_000.0;
            let (is, must) = (f64::from(power_of_two(exponent)), f64::from(exponent).exp2());
            assert!((is / must - 1.0).abs() < 2.5e-3, "{exponent}: {is} {must}");
        }
        assert!(power_of_two(-1e30) > 0.0);
        assert!(power_of_two(-1e30) < 1e-37);
    }

    #[test]
    fn the_neighbourhood_is_a_disc() {
        let taps = |radius| Weights::new(radius, 1.0, 1.0).taps.len();
        assert_eq!((taps(1), taps(2), taps(4)), (5, 13, 49));
    }
}

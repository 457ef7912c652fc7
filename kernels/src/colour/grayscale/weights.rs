//! The grey that each algorithm computes, in integers.

/// Fractional bits of the weights: the three sum up to 1 << 15, so white stays white.
pub(super) const BITS: u32 = 15;

/// The algorithms, by the name of the parameter.
pub(super) const NAMES: [&str; 5] = ["bt601", "bt709", "average", "lightness", "luminosity"];

/// How a grey value comes from red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The sum of the channels, each times its weight, rounded to nearest.
    Weighted([u16; 3]),
    /// The middle between the greatest and the least channel, halves rounded up.
    Lightness,
}

impl Rule {
    /// The weights of one of [`NAMES`].
    pub(super) fn of(name: &str) -> Self {
        match name {
            "bt709" => Self::Weighted([6966, 23436, 2366]),
            // So close to a third that no sum of three bytes rounds differently.
            "average" => Self::Weighted([10923, 10922, 10923]),
            "lightness" => Self::Lightness,
            "luminosity" => Self::Weighted([6881, 23593, 2294]),
            // .299, .587, .114; the last is rounded down, as OpenCV does.
            _ => Self::Weighted([9798, 19235, 3735]),
        }
    }

    /// The weights; all 0 for lightness, which has none.
    pub(super) fn weights(self) -> [u16; 3] {
        match self {
            Self::Weighted(weights) => weights,
            Self::Lightness => [0; 3],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_stays_white() {
        for name in NAMES {
            let weights = Rule::of(name).weights();
            let sum: u32 = weights.iter().copied().map(u32::from).sum();
            assert!(name == "lightness" || sum == 1 << BITS, "{name} sums up to {sum}");
        }
    }

    #[test]
    fn average_is_the_exact_third_of_every_colour() {
        let [r, g, b] = Rule::of("average").weights().map(u32::from);
        for red in 0..=255 {
            for green in 0..=255 {
                for blue in 0..=255 {
                    let grey = (red * r + green * g + blue * b + (1 << (BITS - 1))) >> BITS;
                    assert_eq!(grey, (red + green + blue + 1) / 3, "{red} {green} {blue}");
                }
            }
        }
    }
}

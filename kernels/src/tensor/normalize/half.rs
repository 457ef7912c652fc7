//! Conversion to half precision.

/// The nearest number of half precision, half to even, as its bits.
pub(super) fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    // Beyond what rounds to the largest number: infinity; and what is none stays none.
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00;
    }
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    // Below the least normal number the bits count steps of 2^-24: adding 0.5 puts them in the
    // lowest bits of the sum, rounded.
    if magnitude < 0x3880_0000 {
        let sum = f32::from_bits(magnitude) + 0.5;
        return sign | (sum.to_bits() - 0.5_f32.to_bits()) as u16;
    }
    let odd = magnitude >> 13 & 1;
    let rounded = magnitude - ((127 - 15) << 23) + 0xfff + odd;
    sign | (rounded >> 13) as u16
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn known_numbers() {
        let known = [
            (0.0, 0x0000),
            (-0.0, 0x8000),
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (65504.0, 0x7bff),
            (65519.9, 0x7bff),
            (65520.0, 0x7c00),
            (f32::INFINITY, 0x7c00),
            (f32::NEG_INFINITY, 0xfc00),
            (1.0 / 3.0, 0x3555),
            // Half to even: 2049 lies between 2048 and 2050, 2051 between 2050 and 2052.
            (2049.0, 0x6800),
            (2051.0, 0x6802),
            // The least numbers.
            (5.960_464_5e-8, 0x0001),
            (2.980_232_2e-8, 0x0000),
            (2.980_233e-8, 0x0001),
            (6.103_515_6e-5, 0x0400),
            (6.097_555e-5, 0x03ff),
        ];
        for (value, bits) in known {
            assert_eq!(half(value), bits, "{value}");
        }
        assert_eq!(half(f32::NAN) & 0x7fff, 0x7e00);
    }

    /// Each number of half precision, in single precision, is itself again; and what lies between
    /// two is the nearer one.
    #[test]
    fn all_numbers_come_back() {
        let single = |bits: u16| {
            let (exponent, part) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
            let value = match exponent {
                0 => part * 2_f64.powi(-24),
                _ => (1024.0 + part) * 2_f64.powi(exponent - 25),
            };
            value as f32
        };
        for bits in 0..0x7c00_u16 {
            assert_eq!(half(single(bits)), bits);
            assert_eq!(half(-single(bits)), bits | 0x8000);
            if bits < 0x7bff {
                let (low, high) = (f64::from(single(bits)), f64::from(single(bits + 1)));
                let middle = ((low + high) / 2.0) as f32;
                let even = if bits % 2 == 0 { bits } else { bits + 1 };
                assert_eq!(half(middle), even, "{bits:x}");
                assert_eq!(half(middle.next_down()), bits, "{bits:x}");
                assert_eq!(half(middle.next_up()), bits + 1, "{bits:x}");
            }
        }
    }
}

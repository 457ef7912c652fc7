//! The matrix that maps pixels of the result to positions in the input.

use crate::Size;

/// Maps positions of the result to positions of the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Map {
    /// The first two rows; the third is 0 0 1.
    Affine([f64; 6]),
    /// Three rows: results are over the third.
    Perspective([f64; 9]),
}

impl Map {
    /// Inverts a matrix that maps the input to the result, like OpenCV's `warpAffine`; `None` if
    /// that is not possible.
    pub(crate) fn affine(matrix: &[f64]) -> Option<Self> {
        let &[a, b, c, d, e, f] = matrix else { return None };
        let scale = 1.0 / (a * e - b * d);
        let (a, b, d, e) = (e * scale, b * -scale, d * -scale, a * scale);
        let inverse = [a, b, -a * c - b * f, d, e, -d * c - e * f];
        finite(&inverse).then_some(Self::Affine(inverse))
    }

    /// Inverts a matrix that maps the input to the result, like OpenCV's `warpPerspective`; `None`
    /// if that is not possible.
    pub(crate) fn perspective(matrix: &[f64]) -> Option<Self> {
        let &[a, b, c, d, e, f, g, h, i] = matrix else { return None };
        let determinant = a * (e * i - h * f) - b * (d * i - g * f) + c * (d * h - g * e);
        let scale = 1.0 / determinant;
        let inverse = [
            (e * i - f * h) * scale,
            (c * h - b * i) * scale,
            (b * f - c * e) * scale,
            (f * g - d * i) * scale,
            (a * i - c * g) * scale,
            (c * d - a * f) * scale,
            (d * h - e * g) * scale,
            (b * g - a * h) * scale,
            (a * e - b * d) * scale,
        ];
        finite(&inverse).then_some(Self::Perspective(inverse))
    }

    /// Clockwise about the centre, and the size of the result: that of the input, or as large as
    /// it takes to hold all of it.
    pub(crate) fn rotation(input: Size, degrees: f64, expand: bool) -> Option<(Size, Self)> {
        let (sine, cosine) = exact_sine_cosine(degrees);
        let (width, height) = (input.width() as f64, input.height() as f64);
        let output = if expand {
            // What is computed as a hair more than a whole number is that number.
            let pixels = |length: f64| (length - 1e-6).ceil().max(1.0) as u32;
            let across = width * cosine.abs() + height * sine.abs();
            let down = width * sine.abs() + height * cosine.abs();
            Size::new(pixels(across), pixels(down))?
        } else {
            input
        };
        // Pixels are as large as they are: the middle of the first is at half a pixel.
        let from = ((width - 1.0) / 2.0, (height - 1.0) / 2.0);
        let to = ((output.width() as f64 - 1.0) / 2.0, (output.height() as f64 - 1.0) / 2.0);
        let inverse = [
            cosine,
            sine,
            from.0 - cosine * to.0 - sine * to.1,
            -sine,
            cosine,
            from.1 + sine * to.0 - cosine * to.1,
        ];
        Some((output, Self::Affine(inverse)))
    }
}

fn finite(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| number.is_finite())
}

/// Sine and cosine; whole quarters of a turn give whole numbers.
fn exact_sine_cosine(degrees: f64) -> (f64, f64) {
    match degrees.rem_euclid(360.0) {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        other => other.to_radians().sin_cos(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(map: Map, x: f64, y: f64) -> (f64, f64) {
        match map {
            Map::Affine([a, b, c, d, e, f]) => (a * x + b * y + c, d * x + e * y + f),
            Map::Perspective([a, b, c, d, e, f, g, h, i]) => {
                let w = g * x + h * y + i;
                ((a * x + b * y + c) / w, (d * x + e * y + f) / w)
            }
        }
    }

    fn near(is: (f64, f64), must: (f64, f64)) {
        let close = (is.0 - must.0).abs() < 1e-9 && (is.1 - must.1).abs() < 1e-9;
        assert!(close, "{is:?}, must be {must:?}");
    }

    #[test]
    fn the_inverse_leads_back() {
        let affine = [1.5, 0.25, -7.0, -0.5, 2.0, 11.0];
        let map = Map::affine(&affine).unwrap();
        near(apply(map, 1.5 * 3.0 + 0.25 * 4.0 - 7.0, -0.5 * 3.0 + 2.0 * 4.0 + 11.0), (3.0, 4.0));
        let p = [1.1, 0.2, 3.0, -0.1, 0.9, 5.0, 0.001, 0.002, 1.0];
        let there = apply(Map::Perspective(p), 30.0, 40.0);
        near(apply(Map::perspective(&p).unwrap(), there.0, there.1), (30.0, 40.0));
    }

    #[test]
    fn singular_matrices_have_no_inverse() {
        assert_eq!(Map::affine(&[1.0, 2.0, 5.0, 2.0, 4.0, 5.0]), None);
        assert_eq!(Map::affine(&[0.0; 6]), None);
        assert_eq!(Map::perspective(&[1.0; 9]), None);
    }

    #[test]
    fn a_quarter_turn_moves_corner_to_corner() {
        let size = Size::new(7, 4).unwrap();
        let (turned, map) = Map::rotation(size, 90.0, true).unwrap();
        assert_eq!((turned.width(), turned.height()), (4, 7));
        // Clockwise: the upper right corner shows what was at the upper left.
        near(apply(map, 3.0, 0.0), (0.0, 0.0));
        near(apply(map, 0.0, 0.0), (0.0, 3.0));
        near(apply(map, 3.0, 6.0), (6.0, 0.0));
        let (same, map) = Map::rotation(size, -180.0, false).unwrap();
        assert_eq!(same, size);
        near(apply(map, 6.0, 3.0), (0.0, 0.0));
    }

    #[test]
    fn an_expanded_canvas_holds_all_corners() {
        let size = Size::new(100, 30).unwrap();
        for degrees in [1.0, 30.0, 45.0, 133.7, 359.0] {
            let (output, map) = Map::rotation(size, degrees, true).unwrap();
            let Map::Affine([a, b, c, d, e, f]) = map else { panic!("an affine map") };
            // The matrix turns, so its inverse is its transpose.
            for (x, y) in [(0.0, 0.0), (99.0, 0.0), (0.0, 29.0), (99.0, 29.0)] {
                let (u, v) = (x - c, y - f);
                let (to_x, to_y) = (a * u + d * v, b * u + e * v);
                assert!((-0.5..=output.width() as f64 - 0.5).contains(&to_x), "{degrees} {to_x}");
                assert!((-0.5..=output.height() as f64 - 0.5).contains(&to_y), "{degrees} {to_y}");
            }
        }
    }
}

//! The neighbourhood: a shape of pixels around the middle one.

use arrayvec::ArrayVec;

/// The largest width and height of an element.
pub(super) const MAX_SIZE: usize = 63;

/// The most repetitions of a step.
pub(super) const MAX_ITERATIONS: usize = 10;

/// The reach of the largest rectangle: repeating a rectangle means making it larger.
pub(super) const MAX_RADIUS: usize = MAX_SIZE / 2 * MAX_ITERATIONS;

/// A shape that is symmetric and gets no wider away from its middle row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) shape: Shape,
    /// The reach to each side, in pixels.
    pub(super) radius: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Rect,
    Cross,
    Ellipse,
}

/// The names of the shapes.
pub(super) const SHAPES: [&str; 3] = ["rect", "cross", "ellipse"];

impl Shape {
    /// The shape with one of [`SHAPES`].
    pub(super) fn of(name: &str) -> Self {
        match name {
            "cross" => Self::Cross,
            "ellipse" => Self::Ellipse,
            _ => Self::Rect,
        }
    }
}

/// A rectangle of an element: all pixels within these distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) across: usize,
    pub(super) down: usize,
}

/// At most one for each height that an element other than a rectangle reaches.
pub(super) type Rectangles = ArrayVec<Rectangle, { MAX_SIZE / 2 + 1 }>;

impl Element {
    /// The reach to each side of the row at that distance from the middle. An ellipse is OpenCV's
    /// `getStructuringElement`, which rounds to even.
    pub(super) fn half_width(&self, distance: usize) -> usize {
        match self.shape {
            Shape::Cross if distance > 0 => 0,
            Shape::Rect | Shape::Cross => self.radius,
            Shape::Ellipse => {
                let (radius, distance) = (self.radius as f64, distance as f64);
                let inverse = if radius > 0.0 { 1.0 / (radius * radius) } else { 0.0 };
                let part = (radius * radius - distance * distance) * inverse;
                (radius * part.max(0.0).sqrt()).round_ties_even() as usize
            }
        }
    }

    /// Rectangles that together are the element, the widest first; each next one is narrower and
    /// higher.
    pub(super) fn rectangles(&self) -> Rectangles {
        let mut all = Rectangles::new();
        for down in 0..=self.radius {
            let across = self.half_width(down);
            match all.last_mut() {
                Some(last) if last.across == across => last.down = down,
                _ => all.push(Rectangle { across, down }),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_are_the_shape() {
        let of = |shape, radius| {
            let rectangles = Element { shape, radius }.rectangles();
            rectangles.iter().map(|one| (one.across, one.down)).collect::<Vec<_>>()
        };
        assert_eq!(of(Shape::Rect, 4), [(4, 4)]);
        assert_eq!(of(Shape::Cross, 4), [(4, 0), (0, 4)]);
        assert_eq!(of(Shape::Ellipse, 0), [(0, 0)]);
        assert_eq!(of(Shape::Ellipse, 1), [(1, 0), (0, 1)]);
        assert_eq!(of(Shape::Ellipse, 2), [(2, 1), (0, 2)]);
        assert_eq!(of(Shape::Ellipse, 3), [(3, 1), (2, 2), (0, 3)]);
    }

    #[test]
    fn ellipses_get_narrower_from_the_middle_and_end_in_a_point() {
        for radius in 1..=31 {
            let element = Element { shape: Shape::Ellipse, radius };
            let widths: Vec<usize> = (0..=radius).map(|at| element.half_width(at)).collect();
            assert!(widths.windows(2).all(|pair| pair[0] >= pair[1]));
            assert_eq!((widths[0], widths[radius]), (radius, 0));
        }
    }
}

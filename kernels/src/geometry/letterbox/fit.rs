//! The position of an image in a larger one that it is fitted to.

use crate::Size;

/// How an image was scaled and where it was put.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    /// Size of the image in pixels of the result.
    pub(crate) inner: Size,
    /// Columns to the left of the image.
    pub(crate) left: usize,
    /// Rows above the image.
    pub(crate) top: usize,
    /// Pixels of the result for one of the source, across and down. They differ by what rounding
    /// to whole pixels makes of the size.
    pub(crate) scale: (f64, f64),
}

impl Fit {
    /// As large as fits, with the aspect ratio kept; in the middle, or at the top left.
    pub(crate) fn new(source: Size, outer: Size, centred: bool) -> Self {
        let across = outer.width() as f64 / source.width() as f64;
        let down = outer.height() as f64 / source.height() as f64;
        let scale = across.min(down);
        let side = |source: usize, outer: usize| {
            ((source as f64 * scale).round() as usize).clamp(1, outer) as u32
        };
        let (width, height) =
            (side(source.width(), outer.width()), side(source.height(), outer.height()));
        let inner = Size::new(width, height).unwrap_or(outer);
        let spare = (outer.width() - inner.width(), outer.height() - inner.height());
        let (left, top) = if centred { (spare.0 / 2, spare.1 / 2) } else { (0, 0) };
        let scale = (
            inner.width() as f64 / source.width() as f64,
            inner.height() as f64 / source.height() as f64,
        );
        Self { inner, left, top, scale }
    }

    /// The point of the source that a point of the result shows. Pixels cover squares: the top
    /// left corner of the first is (0, 0).
    #[cfg_attr(not(test), allow(dead_code, reason = "what maps detections back uses it"))]
    pub(crate) fn to_source(self, (x, y): (f64, f64)) -> (f64, f64) {
        ((x - self.left as f64) / self.scale.0, (y - self.top as f64) / self.scale.1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fit(source: (u32, u32), outer: (u32, u32), centred: bool) -> Fit {
        let size = |(width, height)| Size::new(width, height).unwrap();
        Fit::new(size(source), size(outer), centred)
    }

    #[test]
    fn a_wide_image_has_bars_above_and_below() {
        let fit = fit((1920, 1080), (640, 640), true);
        assert_eq!((fit.inner.width(), fit.inner.height()), (640, 360));
        assert_eq!((fit.left, fit.top), (0, 140));
        assert_eq!(fit.to_source((320.0, 320.0)), (960.0, 540.0));
    }

    #[test]
    fn a_high_image_has_bars_at_both_sides() {
        let fit = fit((3, 300), (64, 64), true);
        assert_eq!((fit.inner.width(), fit.inner.height()), (1, 64));
        assert_eq!((fit.left, fit.top), (31, 0));
    }

    proptest! {
        #[test]
        fn it_touches_two_sides_and_maps_corners_to_corners(
            source in (1..500_u32, 1..500_u32),
            outer in (1..500_u32, 1..500_u32),
            centred: bool,
        ) {
            let fit = fit(source, outer, centred);
            let (width, height) = (fit.inner.width(), fit.inner.height());
            prop_assert!(width == outer.0 as usize || height == outer.1 as usize);
            prop_assert!(fit.left + width <= outer.0 as usize);
            prop_assert!(fit.top + height <= outer.1 as usize);
            let end = ((fit.left + width) as f64, (fit.top + height) as f64);
            let (x, y) = fit.to_source(end);
            prop_assert!((x - f64::from(source.0)).abs() < 1e-6);
            prop_assert!((y - f64::from(source.1)).abs() < 1e-6);
        }
    }
}

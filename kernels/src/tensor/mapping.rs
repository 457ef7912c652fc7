//! Maps positions in a model's input back to the image that it was made from.

use crate::Size;
use crate::geometry::letterbox::fit::Fit as Letterbox;

/// How an image is fitted to the input size of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Scaled to exactly that size, changing the aspect ratio.
    Stretch,
    /// Scaled to fit into that size, in the centre, with bars around it.
    Letterbox,
    /// Scaled to cover that size, and cropped to its centre.
    CenterCrop,
}

/// Where the pixels of a model's input come from in the source image.
///
/// Positions are in pixels. Pixels cover squares, and the top left corner of the first one is 0, 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mapping {
    source: Size,
    /// The size of the whole source in pixels of the input.
    inner: Size,
    /// The position of its left edge in the input; negative if it is cropped.
    left: isize,
    top: isize,
}

impl Mapping {
    /// The mapping of a source that is fitted to an input of that size; `None` if the part to crop
    /// is too large for an image.
    #[must_use]
    pub fn new(fit: Fit, source: Size, input: Size) -> Option<Self> {
        match fit {
            Fit::Stretch => Some(Self { source, inner: input, left: 0, top: 0 }),
            Fit::Letterbox => {
                let Letterbox { inner, left, top, .. } = Letterbox::new(source, input, true);
                Some(Self { source, inner, left: left as isize, top: top as isize })
            }
            Fit::CenterCrop => {
                let across = input.width() as f64 / source.width() as f64;
                let down = input.height() as f64 / source.height() as f64;
                let scale = across.max(down);
                let side = |source: usize, input: usize| {
                    let side = (source as f64 * scale).round().max(input as f64);
                    // What stands for each of its columns and rows has to fit into memory.
                    (side < f64::from(1 << 20)).then_some(side as u32)
                };
                let inner = Size::new(
                    side(source.width(), input.width())?,
                    side(source.height(), input.height())?,
                )?;
                let cut = |inner: usize, input: usize| -(((inner - input) / 2) as isize);
                let left = cut(inner.width(), input.width());
                let top = cut(inner.height(), input.height());
                Some(Self { source, inner, left, top })
            }
        }
    }

    /// The size of the source.
    #[must_use]
    pub const fn source(&self) -> Size {
        self.source
    }

    /// Pixels of the input for each pixel of the source, across and down.
    #[must_use]
    pub fn scale(&self) -> (f64, f64) {
        let across = self.inner.width() as f64 / self.source.width() as f64;
        let down = self.inner.height() as f64 / self.source.height() as f64;
        (across, down)
    }

    /// The size of the whole source in pixels of the input.
    pub(crate) const fn inner(&self) -> Size {
        self.inner
    }

    /// The position of the top left corner of the source in the input; negative if it is cropped.
    #[must_use]
    pub const fn offset(&self) -> (isize, isize) {
        (self.left, self.top)
    }

    /// The position in the source for a position in the input, clipped to the source.
    #[must_use]
    pub fn to_source(&self, x: f64, y: f64) -> (f64, f64) {
        let (across, down) = self.scale();
        let x = (x - self.left as f64) / across;
        let y = (y - self.top as f64) / down;
        let (width, height) = (self.source.width() as f64, self.source.height() as f64);
        (x.clamp(0.0, width), y.clamp(0.0, height))
    }

    /// The position in the input for a position in the source. It may lie outside, if the source is
    /// cropped.
    #[must_use]
    pub fn from_source(&self, x: f64, y: f64) -> (f64, f64) {
        let (across, down) = self.scale();
        (x * across + self.left as f64, y * down + self.top as f64)
    }

    /// The box in the source for a box in the input (left, top, right, bottom), clipped to the
    /// source.
    #[must_use]
    pub fn box_to_source(&self, [left, top, right, bottom]: [f64; 4]) -> [f64; 4] {
        let (left, top) = self.to_source(left, top);
        let (right, bottom) = self.to_source(right, bottom);
        [left, top, right, bottom]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size((width, height): (u32, u32)) -> Size {
        Size::new(width, height).unwrap()
    }

    #[test]
    fn a_letterboxed_detection_comes_back() {
        let mapping = Mapping::new(Fit::Letterbox, size((1920, 1080)), size((640, 640))).unwrap();
        assert_eq!(mapping.offset(), (0, 140));
        let found = mapping.box_to_source([100.0, 200.0, 300.0, 630.0]);
        assert_eq!(found, [300.0, 180.0, 900.0, 1080.0]);
    }

    #[test]
    fn a_crop_takes_the_middle() {
        let mapping = Mapping::new(Fit::CenterCrop, size((1920, 1080)), size((224, 224))).unwrap();
        assert_eq!(mapping.inner(), size((398, 224)));
        assert_eq!(mapping.offset(), (-87, 0));
        let (x, y) = mapping.to_source(112.0, 112.0);
        assert!((x - 960.0).abs() < 1e-9 && (y - 540.0).abs() < 1e-9, "{x} {y}");
    }

    #[test]
    fn what_would_be_too_large_to_cut_is_refused() {
        assert_eq!(Mapping::new(Fit::CenterCrop, size((1, 16384)), size((16384, 1))), None);
    }

    proptest! {
        #[test]
        fn there_and_back(
            fit in proptest::sample::select(vec![Fit::Stretch, Fit::Letterbox, Fit::CenterCrop]),
            source in (1..3000_u32, 1..3000_u32),
            input in (1..800_u32, 1..800_u32),
            at in (0.0..1.0_f64, 0.0..1.0_f64),
        ) {
            let Some(mapping) = Mapping::new(fit, size(source), size(input)) else {
                return Err(TestCaseError::reject("too large"));
            };
            let (x, y) = (at.0 * f64::from(source.0), at.1 * f64::from(source.1));
            let (u, v) = mapping.from_source(x, y);
            let (back_x, back_y) = mapping.to_source(u, v);
            prop_assert!((back_x - x).abs() < 1e-6 && (back_y - y).abs() < 1e-6);
            // All of the source is in the input, or the input is full of it.
            let (left, top) = mapping.offset();
            let (right, bottom) = (
                left + mapping.inner().width() as isize,
                top + mapping.inner().height() as isize,
            );
            match fit {
                Fit::CenterCrop => prop_assert!(
                    left <= 0 && top <= 0
                        && right >= input.0 as isize && bottom >= input.1 as isize
                ),
                _ => prop_assert!(
                    left >= 0 && top >= 0
                        && right <= input.0 as isize && bottom <= input.1 as isize
                ),
            }
        }
    }
}

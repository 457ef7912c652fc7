//! Rectangles to hide.

use std::ops::Range;

use crate::{ParameterError, Shape};

/// Pixels of a rectangle, which may lie outside of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

/// The part of it that is in an image: not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) columns: Range<usize>,
    pub(super) rows: Range<usize>,
}

/// The regions with x, y, width and height of each in `numbers`.
pub(super) fn parse(numbers: &[f64]) -> Result<Vec<Region>, ParameterError> {
    let (groups, _) = numbers.as_chunks::<4>();
    groups.iter().enumerate().map(|(at, group)| Region::parse(at + 1, *group)).collect()
}

impl Region {
    fn parse(number: usize, [x, y, width, height]: [f64; 4]) -> Result<Self, ParameterError> {
        for (name, length) in [("width", width), ("height", height)] {
            if length < 0.0 {
                let message = format!(
                    "the {name} of region {number} of regions must not be negative, it is {length}"
                );
                let allowed = vec!["x y width height, width and height 0 or more".to_owned()];
                return Err(ParameterError::new("regions", message, allowed));
            }
        }
        // What is only touched is hidden, too. The definition keeps numbers small enough.
        let (left, top) = (x.floor() as i64, y.floor() as i64);
        let empty = width == 0.0 || height == 0.0;
        Ok(Self {
            left,
            top,
            right: if empty { left } else { (x + width).ceil() as i64 },
            bottom: if empty { top } else { (y + height).ceil() as i64 },
        })
    }

    /// The part of it that is in such an image, if there is one.
    pub(super) fn within(&self, shape: Shape) -> Option<Part> {
        let clip = |from: i64, to: i64, length: usize| {
            let inside = |at: i64| usize::try_from(at.max(0)).map_or(length, |at| at.min(length));
            let range = inside(from)..inside(to);
            (!range.is_empty()).then_some(range)
        };
        Some(Part {
            columns: clip(self.left, self.right, shape.size.width())?,
            rows: clip(self.top, self.bottom, shape.size.height())?,
        })
    }
}

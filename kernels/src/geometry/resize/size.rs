//! The size of the result.

use crate::geometry::MAX_SIDE;
use crate::{ParameterError, Parameters, Refusal, Size};

/// Width and height that were asked for; 0 for one that follows from the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    width: usize,
    height: usize,
}

impl Target {
    pub(super) fn of(parameters: &Parameters) -> Result<Self, ParameterError> {
        let read = |id| Ok(usize::try_from(parameters.integer(id)?).unwrap_or(0));
        let target = Self { width: read("width")?, height: read("height")? };
        if (target.width, target.height) == (0, 0) {
            return Err(ParameterError::new(
                "width",
                "width and height must not both be 0".to_owned(),
                vec![format!("1..={MAX_SIDE}")],
            ));
        }
        Ok(target)
    }

    /// A fixed size, whatever the input.
    #[cfg(test)]
    pub(super) fn exactly(size: Size) -> Self {
        Self { width: size.width(), height: size.height() }
    }

    /// For an image of that size; the side that was not given keeps the aspect ratio.
    pub(super) fn size(self, input: Size) -> Result<Size, Refusal> {
        let (width, height) = match (self.width, self.height) {
            (0, height) => (follow(height, input.height(), input.width()), height),
            (width, 0) => (width, follow(width, input.width(), input.height())),
            both => both,
        };
        let side = |pixels: usize| u32::try_from(pixels.max(1)).ok();
        let fits = width <= MAX_SIDE && height <= MAX_SIDE;
        let size = side(width).zip(side(height)).filter(|_| fits);
        size.and_then(|(width, height)| Size::new(width, height)).ok_or_else(|| {
            let (id, given, side, other) = match self.width {
                0 => ("height", self.height, input.height(), input.width()),
                given => ("width", given, input.width(), input.height()),
            };
            let most = (MAX_SIDE * side / other.max(1)).clamp(1, MAX_SIDE);
            Refusal {
                parameter: Some(id),
                message: format!(
                    "{id} {given} makes {width}x{height} pixels of {}x{}, and no side may have \
                     more than {MAX_SIDE}",
                    input.width(),
                    input.height(),
                ),
                allowed: vec![format!("1..={most}")],
            }
        })
    }
}

/// To the nearest pixel.
fn follow(given: usize, side: usize, other: usize) -> usize {
    (given * other + side / 2) / side.max(1)
}

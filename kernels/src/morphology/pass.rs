//! One step: the least, or the greatest, sample of the neighbourhood of each.

use std::ops::Range;

use super::element::{Element, Shape};
use super::{Extreme, Outside, cross, ellipse, rect};
use crate::border::Border;
use crate::{Cpu, Window};

/// What all shapes need to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub(super) extreme: Extreme,
    pub(super) element: Element,
    pub(super) outside: Outside,
}

impl Pass {
    /// Those rows of the result.
    pub(super) fn render(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
    ) {
        match self.element.shape {
            _ if self.element.radius == 0 => rect::render(cpu, self, input, rows, output),
            Shape::Rect => rect::render(cpu, self, input, rows, output),
            Shape::Cross => cross::render(cpu, self, input, rows, output),
            Shape::Ellipse => ellipse::render(cpu, self, input, rows, output),
        }
    }

    /// Fills both margins of a row, as many pixels each as the element reaches.
    pub(super) fn extend(&self, row: &mut [u8], channels: usize) {
        let radius = self.element.radius;
        match self.outside {
            Outside::Border(border) => border.extend(row, radius, channels),
            Outside::Ignore => {
                let (margin, nothing) = (radius * channels, self.extreme.neutral());
                let end = row.len().saturating_sub(margin);
                row.get_mut(..margin).unwrap_or_default().fill(nothing);
                row.get_mut(end..).unwrap_or_default().fill(nothing);
            }
        }
    }

    /// The border that rectangles need: with one that takes samples from within the window
    /// anyway, it makes no difference.
    pub(super) fn of_rectangle(&self) -> Self {
        let outside = match self.outside {
            Outside::Border(Border::Replicate | Border::Reflect | Border::Reflect101) => {
                Outside::Ignore
            }
            other => other,
        };
        Self { outside, ..*self }
    }
}

//! One step: the least or the greatest sample of each neighbourhood.

use super::element::Element;
use super::{Extreme, Outside};
use crate::border::Border;

/// The work of one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub(super) extreme: Extreme,
    pub(super) element: Element,
    pub(super) outside: Outside,
}

impl Pass {
    /// A border that takes its samples from nearer than the position that they stand for makes no
    /// difference: elements are symmetric and get no wider away from their middle, so they have
    /// that sample anyway.
    pub(super) fn new(extreme: Extreme, element: Element, outside: Outside) -> Self {
        let outside = match outside {
            Outside::Border(Border::Replicate | Border::Reflect | Border::Reflect101) => {
                Outside::Ignore
            }
            other => other,
        };
        Self { extreme, element, outside }
    }
}

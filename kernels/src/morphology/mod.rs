//! Filters that make shapes grow and shrink.

mod band;
mod bytes;
mod definitions;
mod element;
mod gpu;
mod lines;
mod pass;
mod run;
#[cfg(test)]
mod tests;

use crate::Entry;
use crate::border::Border;
use element::Element;
pub(crate) const ENTRIES: &[Entry] = &definitions::ENTRIES;

/// The sample of a neighbourhood that becomes the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extreme {
    /// The least: dark shapes grow, bright ones shrink.
    Erode,
    /// The greatest: the other way round.
    Dilate,
}

impl Extreme {
    /// The value that is never the result if there is any other.
    fn neutral(self) -> u8 {
        match self {
            Self::Erode => 255,
            Self::Dilate => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Erode,
    Dilate,
    Open,
    Close,
    Gradient,
    TopHat,
    BlackHat,
}

/// The pixels beyond the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outside {
    /// Pixels beyond the edge do not count.
    Ignore,
    /// Pixels beyond the edge have values.
    Border(Border),
}

impl Outside {
    /// The position that stands for any; `None` if [`Outside::sample`] does.
    fn index(self, position: isize, len: usize) -> Option<usize> {
        match self {
            Self::Ignore => Border::Constant.index(position, len),
            Self::Border(border) => border.index(position, len),
        }
    }

    /// The sample where there is no position.
    fn sample(self, extreme: Extreme) -> u8 {
        match self {
            Self::Ignore => extreme.neutral(),
            Self::Border(_) => 0,
        }
    }

    fn wraps(self) -> bool {
        self == Self::Border(Border::Wrap)
    }
}

/// A filter with its parameters set.
#[derive(Debug)]
struct Morphology {
    definition: &'static crate::FilterDefinition,
    kind: Kind,
    element: Element,
    outside: Outside,
    /// The number of times that each step is done.
    iterations: usize,
}

impl Kind {
    /// The first steps, one after the other.
    fn steps(self) -> &'static [Extreme] {
        match self {
            Self::Erode => &[Extreme::Erode],
            Self::Dilate | Self::Gradient => &[Extreme::Dilate],
            Self::Open | Self::TopHat => &[Extreme::Erode, Extreme::Dilate],
            Self::Close | Self::BlackHat => &[Extreme::Dilate, Extreme::Erode],
        }
    }
}

//! Pixels beyond the edge of an image.

use crate::{ParameterDefinition, ParameterKind};

/// What pixels beyond the edge are; the names are OpenCV's, without `BORDER_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Border {
    /// The outermost pixel is repeated: `aaa|abc|ccc`.
    Replicate,
    /// The image is mirrored at its edge: `cba|abc|cba`.
    Reflect,
    /// The image is mirrored at its outermost pixel: `dcb|abcd|cba`.
    Reflect101,
    /// The image is repeated: `abc|abc|abc`.
    Wrap,
    /// Zeros: black and transparent.
    Constant,
}

/// The names in requests; `clamp` is another name for `replicate`.
pub(crate) const NAMES: [&str; 6] =
    ["clamp", "replicate", "reflect", "reflect_101", "wrap", "constant"];

/// The parameter of filters that read pixels beyond the edge.
pub(crate) const PARAMETER: ParameterDefinition = parameter("reflect_101");

/// The parameter with another default.
pub(crate) const fn parameter(default: &'static str) -> ParameterDefinition {
    ParameterDefinition {
        id: "border_mode",
        name: "Border",
        description: "Which pixels are used beyond the edge: the outermost pixel (clamp, \
                      replicate), the image mirrored at its edge (reflect) or at its outermost \
                      pixel (reflect_101), the opposite side (wrap), or zeros (constant).",
        kind: ParameterKind::Select { options: &NAMES, default },
    }
}

impl Border {
    /// The border with one of [`NAMES`].
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "clamp" | "replicate" => Self::Replicate,
            "reflect_101" => Self::Reflect101,
            "wrap" => Self::Wrap,
            "constant" => Self::Constant,
            _ => Self::Reflect,
        }
    }

    /// The number of this border in the CUDA sources.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Replicate => 0,
            Self::Reflect => 1,
            Self::Wrap => 2,
            Self::Reflect101 => 3,
            Self::Constant => 4,
        }
    }

    /// The position within `0..len` that stands for `position`; `None` if a constant does. `len` is
    /// at least 1.
    #[inline]
    pub(crate) fn index(self, position: isize, len: usize) -> Option<usize> {
        let length = len as isize;
        if (0..length).contains(&position) {
            return Some(position as usize);
        }
        let inside = match self {
            Self::Replicate => position.clamp(0, length - 1),
            Self::Wrap => position.rem_euclid(length),
            // Back and forth, as often as it takes.
            Self::Reflect => {
                let there_and_back = position.rem_euclid(2 * length);
                there_and_back.min(2 * length - 1 - there_and_back)
            }
            Self::Reflect101 => {
                let there_and_back = position.rem_euclid((2 * length - 2).max(1));
                there_and_back.min(2 * length - 2 - there_and_back).max(0)
            }
            Self::Constant => return None,
        };
        Some(inside as usize)
    }

    /// Fills the margins of a row, `radius` pixels at both ends, from the pixels between them.
    pub(crate) fn extend<T: Copy + Default>(self, row: &mut [T], radius: usize, channels: usize) {
        self.extend_with(T::default(), row, radius, channels);
    }

    /// Like [`Border::extend`], for rows where `zero` stands for a sample of 0.
    pub(crate) fn extend_with<T: Copy>(
        self,
        zero: T,
        row: &mut [T],
        radius: usize,
        channels: usize,
    ) {
        let margin = radius * channels;
        let Some(inner) = row.len().checked_sub(2 * margin) else { return };
        let skipped = match self {
            Self::Reflect => Some(0),
            Self::Reflect101 => Some(1),
            _ => None,
        };
        if let Some(skipped) = skipped.filter(|skipped| margin + skipped * channels <= inner) {
            // Known channels need no division: a row takes 4 ns instead of 11.
            match channels {
                1 => return mirror::<T, 1>(row, margin, skipped),
                3 => return mirror::<T, 3>(row, margin, skipped),
                4 => return mirror::<T, 4>(row, margin, skipped),
                _ => {}
            }
        }
        let width = inner / channels.max(1);
        if width == 0 {
            return;
        }
        for to in (0..radius).chain(radius + width..width + 2 * radius) {
            match self.index(to as isize - radius as isize, width) {
                Some(from) => {
                    let from = (radius + from) * channels;
                    row.copy_within(from..from + channels, to * channels);
                }
                None => {
                    let to = to * channels..(to + 1) * channels;
                    row.get_mut(to).unwrap_or_default().fill(zero);
                }
            }
        }
    }
}

/// Fills margins that are not wider than what they mirror, except for the outermost `skipped`
/// pixels.
fn mirror<T: Copy, const CHANNELS: usize>(row: &mut [T], margin: usize, skipped: usize) {
    let (left, rest) = row.split_at_mut(margin);
    let (middle, right) = rest.split_at_mut(rest.len() - margin);
    let ([left, right], middle) =
        ([left, right].map(|to| to.as_chunks_mut::<CHANNELS>().0), middle.as_chunks().0);
    let from = middle.iter().skip(skipped);
    left.iter_mut().rev().zip(from).for_each(|(to, from)| *to = *from);
    let from = middle.iter().rev().skip(skipped);
    right.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(border: Border, len: usize) -> String {
        let letter = |at| border.index(at, len).map_or('-', |at| char::from(b'a' + at as u8));
        (-7..len as isize + 7).map(letter).collect()
    }

    #[test]
    fn beyond_the_edge() {
        assert_eq!(around(Border::Replicate, 3), "aaaaaaaabcccccccc");
        assert_eq!(around(Border::Reflect, 3), "aabccbaabccbaabcc");
        assert_eq!(around(Border::Reflect101, 3), "bcbabcbabcbabcbab");
        assert_eq!(around(Border::Wrap, 3), "cabcabcabcabcabca");
        assert_eq!(around(Border::Constant, 3), "-------abc-------");
        for border in [Border::Replicate, Border::Reflect, Border::Reflect101, Border::Wrap] {
            assert_eq!(around(border, 1), "a".repeat(15));
        }
    }
}

//! What stands beyond the edge of an image.

/// How pixels beyond the edge are made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Border {
    /// The outermost pixel goes on: `aaa|abc|ccc`.
    Clamp,
    /// The image is mirrored at its edge: `cba|abc|cba`.
    Reflect,
    /// The image starts anew: `abc|abc|abc`.
    Wrap,
}

/// By the name of the parameter.
pub(super) const NAMES: [&str; 3] = ["clamp", "reflect", "wrap"];

impl Border {
    /// By one of [`NAMES`].
    pub(super) fn of(name: &str) -> Self {
        match name {
            "clamp" => Self::Clamp,
            "wrap" => Self::Wrap,
            _ => Self::Reflect,
        }
    }

    /// Its number in the CUDA source.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::Clamp => 0,
            Self::Reflect => 1,
            Self::Wrap => 2,
        }
    }

    /// The position within `0..len` that stands for any position; `len` is at least 1.
    pub(super) fn index(self, position: isize, len: usize) -> usize {
        let length = len as isize;
        let inside = match self {
            Self::Clamp => position.clamp(0, length - 1),
            Self::Wrap => position.rem_euclid(length),
            Self::Reflect => {
                // Back and forth, as often as it takes.
                let there_and_back = position.rem_euclid(2 * length);
                there_and_back.min(2 * length - 1 - there_and_back)
            }
        };
        inside as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(border: Border, len: usize) -> String {
        let around = -7..len as isize + 7;
        around.map(|at| char::from(b'a' + border.index(at, len) as u8)).collect()
    }

    #[test]
    fn beyond_the_edge() {
        assert_eq!(around(Border::Clamp, 3), "aaaaaaaabcccccccc");
        assert_eq!(around(Border::Reflect, 3), "aabccbaabccbaabcc");
        assert_eq!(around(Border::Wrap, 3), "cabcabcabcabcabca");
        for border in [Border::Clamp, Border::Reflect, Border::Wrap] {
            assert_eq!(around(border, 1), "a".repeat(15));
        }
    }
}

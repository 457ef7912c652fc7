//! The kernels of derivatives, each the product of two of one dimension: one that smooths along
//! one axis, one that takes differences along the other.

/// Taps of the longest.
pub(super) const MOST_TAPS: usize = 7;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernels {
    /// First differences with 1, 3, 5 or 7 taps. With 1 tap there is no smoothing.
    Sobel(u8),
    /// First differences that are the same in all directions.
    Scharr,
    /// Second differences with 1, 3, 5 or 7 taps. With 1 tap there is no smoothing.
    Laplacian(u8),
}

/// Two kernels of one dimension.
pub(super) trait Taps<const N: usize> {
    /// The kernel across the axis, which smooths.
    const SMOOTH: [i16; N];
    /// The kernel along the axis, which takes differences.
    const DERIVE: [i16; N];
}

macro_rules! taps {
    ($($name:ident $taps:literal $smooth:expr, $derive:expr;)*) => { $(
        pub(super) struct $name;

        impl Taps<$taps> for $name {
            const SMOOTH: [i16; $taps] = $smooth;
            const DERIVE: [i16; $taps] = $derive;
        }
    )* };
}
taps! {
    Sobel1 3 [0, 1, 0], [-1, 0, 1];
    Sobel3 3 [1, 2, 1], [-1, 0, 1];
    Sobel5 5 [1, 4, 6, 4, 1], [-1, -2, 0, 2, 1];
    Sobel7 7 [1, 6, 15, 20, 15, 6, 1], [-1, -4, -5, 0, 5, 4, 1];
    Scharr 3 [3, 10, 3], [-1, 0, 1];
    Laplacian1 3 [0, 1, 0], [1, -2, 1];
    Laplacian3 3 [1, 2, 1], [1, -2, 1];
    Laplacian5 5 [1, 4, 6, 4, 1], [1, 0, -2, 0, 1];
    Laplacian7 7 [1, 6, 15, 20, 15, 6, 1], [1, 2, -1, -4, -1, 2, 1];
}

/// An expression with the [`Taps`] of some [`Kernels`] as a type.
macro_rules! with_taps {
    (@ $taps:ident $type:ident $value:expr) => {{
        type $type = $crate::edges::kernels::$taps;
        $value
    }};
    ($kernels:expr, $type:ident => $value:expr) => {{
        match $kernels {
            Kernels::Sobel(1) => with_taps!(@ Sobel1 $type $value),
            Kernels::Sobel(3) => with_taps!(@ Sobel3 $type $value),
            Kernels::Sobel(5) => with_taps!(@ Sobel5 $type $value),
            Kernels::Sobel(_) => with_taps!(@ Sobel7 $type $value),
            Kernels::Scharr => with_taps!(@ Scharr $type $value),
            Kernels::Laplacian(1) => with_taps!(@ Laplacian1 $type $value),
            Kernels::Laplacian(3) => with_taps!(@ Laplacian3 $type $value),
            Kernels::Laplacian(5) => with_taps!(@ Laplacian5 $type $value),
            Kernels::Laplacian(_) => with_taps!(@ Laplacian7 $type $value),
        }
    }};
}
pub(super) use with_taps;

impl Kernels {
    /// How far they reach to each side.
    pub(super) const fn radius(self) -> usize {
        match self {
            Self::Sobel(1) | Self::Scharr | Self::Laplacian(1) => 1,
            Self::Sobel(taps) | Self::Laplacian(taps) => taps as usize / 2,
        }
    }

    /// The smoothing taps, then those of the differences.
    pub(super) fn taps(self) -> Vec<i16> {
        with_taps!(self, T => [T::SMOOTH, T::DERIVE].concat())
    }
}

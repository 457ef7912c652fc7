//! Conversions between colour spaces, a block at a time.

pub(crate) mod block;
pub(crate) mod hsv;
pub(crate) mod lab;
pub(crate) mod x86;
pub(crate) mod ycbcr;

use crate::simd::{Level, simd_levels};
use block::Block;
use lab::Tables;
use ycbcr::Matrix;

/// What the samples of a pixel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// Red, green and blue, in this order.
    Rgb,
    /// Blue, green and red, in this order.
    Bgr,
    /// One sample of luma.
    Gray,
    /// Hue of 0 to 179, saturation, value.
    Hsv,
    /// Hue of 0 to 255, saturation, value.
    HsvFull,
    /// L times 255/100, a and b plus 128.
    Lab,
    /// Luma, blue difference, red difference.
    YCbCr,
}

impl Space {
    /// The colour space with that name in requests.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "rgb" => Self::Rgb,
            "bgr" => Self::Bgr,
            "gray" => Self::Gray,
            "hsv" => Self::Hsv,
            "hsv_full" => Self::HsvFull,
            "lab" => Self::Lab,
            "ycbcr" => Self::YCbCr,
            _ => return None,
        })
    }

    /// The number of this variant in the CUDA sources.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Rgb => 0,
            Self::Bgr => 1,
            Self::Gray => 2,
            Self::Hsv => 3,
            Self::HsvFull => 4,
            Self::Lab => 5,
            Self::YCbCr => 6,
        }
    }

    /// Red, green, blue of a block of such pixels. Alpha stays.
    pub(crate) fn to_rgb(self, level: Level, matrix: &Matrix, block: &mut Block) {
        match self {
            Self::Rgb => {}
            Self::Bgr => swap_ends(block),
            Self::Gray => {
                let [red, green, blue, _] = &mut block.0;
                *green = *red;
                *blue = *red;
            }
            Self::Hsv => hsv::to_rgb_180(level, block),
            Self::HsvFull => hsv::to_rgb_256(level, block),
            Self::Lab => lab::to_rgb(level, block, Tables::get()),
            Self::YCbCr => ycbcr::to_rgb(level, block, matrix),
        }
    }

    /// Converts a block of red, green and blue to this space. Alpha is kept.
    pub(crate) fn of_rgb(self, level: Level, matrix: &Matrix, block: &mut Block) {
        match self {
            Self::Rgb => {}
            Self::Bgr => swap_ends(block),
            Self::Gray => to_gray(level, block),
            Self::Hsv => hsv::from_rgb::<180>(level, block),
            Self::HsvFull => hsv::from_rgb::<256>(level, block),
            Self::Lab => lab::from_rgb(level, block, Tables::get()),
            Self::YCbCr if matrix.is_opencv() => ycbcr::opencv_from_rgb(level, block),
            Self::YCbCr => ycbcr::from_rgb(level, block, matrix),
        }
    }
}

fn swap_ends(block: &mut Block) {
    let [first, _, third, _] = &mut block.0;
    std::mem::swap(first, third);
}

simd_levels! {
    fn to_gray(block: &mut Block) {
        let [red, green, blue, _] = &mut block.0;
        for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
            // As `grayscale` has it.
            let sum = u32::from(*red) * 9798 + u32::from(*green) * 19235 + u32::from(*blue) * 3735;
            *red = ((sum + (1 << 14)) >> 15) as u8;
        }
    }
}

//! Filters that hide parts of an image or draw over it.

mod draw;
mod redact;

use crate::cuda::{Argument, CudaSource, Launch};
use crate::simd::Level;
use crate::{Entry, PixelFormat, Shape, colour};
pub(crate) const ENTRIES: &[Entry] = &[draw::ENTRY, redact::ENTRY];

static CUDA: CudaSource =
    CudaSource { name: "privacy.cu", text: include_str!("../../cuda/privacy.cu") };

/// A colour as a pixel of that layout; grey is its luma.
fn pixel(color: [u8; 4], format: PixelFormat) -> [u8; 4] {
    let [red, green, blue, alpha] = color;
    match format {
        PixelFormat::Gray8 => {
            let mut grey = [0];
            colour::grayscale::bt601(Level::best(), &[red, green, blue], &mut grey);
            let [grey] = grey;
            [grey, grey, grey, alpha]
        }
        _ => color,
    }
}

/// Output as a copy of the input, for kernels after it to change parts of.
fn copy(shape: Shape) -> Option<Launch> {
    /// Bytes of a block of threads: sixteen for each.
    const EACH: usize = 16 * 128;
    let bytes = shape.bytes();
    Some(Launch {
        source: &CUDA,
        kernel: "privacy_copy",
        grid: (u32::try_from(bytes.div_ceil(EACH)).ok()?, 1),
        block: (128, 1),
        shared_bytes: 0,
        arguments: vec![
            Argument::Input,
            Argument::Output,
            Argument::Int(i32::try_from(shape.row_bytes()).ok()?),
            Argument::Int(i32::try_from(shape.size.height()).ok()?),
        ],
    })
}

//! The GPU half of `normalize_to_tensor`: four pixels of the tensor for each thread.

use super::Normalize;
use crate::colour::spaces::ycbcr::BT601_LIMITED;
use crate::convert::gpu::matrix_numbers;
use crate::cuda::{Argument, CudaProgram, Launch};
use crate::geometry::resize::{Filter, Plan, Taps, nearest};
use crate::geometry::{blocks, int};
use crate::tensor::CUDA;
use crate::{Element, PixelFormat, Shape};

/// Threads in a block.
const BLOCK: (u32, u32) = (32, 8);

impl Normalize {
    pub(super) fn program(&self, input: Shape) -> Option<CudaProgram> {
        let (mapping, outer) = (self.mapping(input.size)?, self.outer(input.size)?);
        let pixels = Self::pixels(input);
        let inner = Shape::new(mapping.inner(), pixels.format);
        let plans = self.prepared.plans(self.filter, pixels, inner);
        let (from, to) = (input.size, inner.size);
        // How pixels are made, and for each column, then each row, where the first is and the
        // weights of two.
        let words = |x: Vec<[i32; 2]>, y: Vec<[i32; 2]>| {
            x.into_iter().chain(y).flatten().flat_map(i32::to_le_bytes).collect::<Vec<u8>>()
        };
        let alone = |list: Vec<u32>| list.into_iter().map(|at| [at.cast_signed(), 0]).collect();
        let (mode, table) = match plans.first()? {
            // The mean of two by two.
            Plan::Blocks { .. } => (2, vec![0; 4]),
            Plan::Copy => {
                let each = |side: usize| (0..side as u32).collect();
                (0, words(alone(each(to.width())), alone(each(to.height()))))
            }
            _ if self.filter == Filter::Nearest => {
                let (x, y) =
                    (nearest(from.width(), to.width()), nearest(from.height(), to.height()));
                (0, words(alone(x), alone(y)))
            }
            _ => {
                let taps = |from, to| pairs(&Taps::linear(from, to));
                (1, words(taps(from.width(), to.width()), taps(from.height(), to.height())))
            }
        };
        let numbers = &self.numbers;
        let floats = numbers.factors.iter().chain(&numbers.offsets);
        let halves = numbers.halves.as_flattened().iter().flat_map(|half| half.to_le_bytes());
        let matrix = matrix_numbers(&BT601_LIMITED).flat_map(i32::to_le_bytes);
        let floats = floats.flat_map(|number| number.to_le_bytes());
        let numbers_table = matrix.chain(floats).chain(halves).collect();
        let layout = match input.format {
            PixelFormat::Nv12 => 1,
            PixelFormat::I420 => 2,
            PixelFormat::Gray8 | PixelFormat::Rgb8 | PixelFormat::Rgba8 => 0,
        };
        let [red, green, blue] = self.bars(input);
        let element = match numbers.element {
            Element::U8 => 0,
            Element::F16 => 1,
            Element::U32 | Element::F32 => 2,
        };
        let (left, top) = mapping.offset();
        let signed = |value: isize| i32::try_from(value).ok().map(Argument::Int);
        let launch = Launch {
            source: &CUDA,
            kernel: "tensor_normalize",
            grid: (blocks(outer.width(), 4 * 32)?, blocks(outer.height(), 8)?),
            block: BLOCK,
            // A word for each pixel.
            shared_bytes: 4 * BLOCK.0 * BLOCK.1 * 4,
            arguments: vec![
                Argument::Input,
                Argument::Output,
                int(from.width())?,
                int(from.height())?,
                int(pixels.format.channels())?,
                Argument::Int(layout),
                int(outer.width())?,
                int(outer.height())?,
                int(to.width())?,
                int(to.height())?,
                signed(left)?,
                signed(top)?,
                Argument::Int(mode),
                Argument::Int(element),
                Argument::Int(i32::from(self.planar)),
                Argument::Int(i32::from(self.blue_first)),
                Argument::Int(i32::from_le_bytes([red, green, blue, 0])),
                Argument::Data(0),
                Argument::Data(1),
            ],
        };
        let data = vec![table, numbers_table];
        Some(CudaProgram { scratch: Vec::new(), data, launches: vec![launch] })
    }
}

/// The position of the first of two pixels, and the weights of both, in 16 bits each.
fn pairs(taps: &Taps) -> Vec<[i32; 2]> {
    let weights = taps.weights.as_chunks::<2>().0.iter();
    let pair = |&[low, high]: &[i16; 2]| i32::from(high) << 16 | i32::from(low.cast_unsigned());
    taps.first.iter().zip(weights).map(|(first, weights)| [*first, pair(weights)]).collect()
}

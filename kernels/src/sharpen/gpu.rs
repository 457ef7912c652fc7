//! The GPU half of the family.

use crate::Shape;
use crate::blur::gaussian::Gaussian;
use crate::cuda::{Argument, CudaProgram, CudaSource, CudaWork, Launch};

static CUDA: CudaSource =
    CudaSource { name: "sharpen.cu", text: include_str!("../../cuda/sharpen.cu") };

/// Pixels of a tile, across and down; one block of threads makes one tile.
const TILE: (usize, usize) = (32, 16);

/// A kernel that compares the image with its blur; it takes those numbers last.
pub(super) fn against_blur(
    kernel: &'static str,
    gaussian: &Gaussian,
    input: Shape,
    numbers: &[i32],
) -> Option<CudaWork> {
    let (radius, channels) = (gaussian.radius(), input.format.channels());
    // The tile with its surroundings, and what the pass along its rows makes of it.
    let tile = (TILE.0 + 2 * radius) * (TILE.1 + 2 * radius) * channels;
    let sums = TILE.0 * (TILE.1 + 2 * radius) * channels * size_of::<u16>();
    let mut arguments = arguments(input, (radius, radius), gaussian.border().code())?;
    arguments.extend(numbers.iter().copied().map(Argument::Int));
    let weights = gaussian.weights().iter().flat_map(|weight| weight.to_le_bytes());
    let data = weights.collect();
    program(kernel, input, tile.next_multiple_of(4) + sums, arguments, data)
}

/// The kernel `sharpen_convolution` with a kernel that reaches so far across and down.
pub(super) fn convolution(
    input: Shape,
    (across, down): (usize, usize),
    border: i32,
    data: Vec<u8>,
) -> Option<CudaWork> {
    let tile = (TILE.0 + 2 * across) * (TILE.1 + 2 * down) * input.format.channels();
    let arguments = arguments(input, (across, down), border)?;
    program("sharpen_convolution", input, tile, arguments, data)
}

fn arguments(input: Shape, (across, down): (usize, usize), border: i32) -> Option<Vec<Argument>> {
    let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
    Some(vec![
        Argument::Input,
        Argument::Output,
        Argument::Data(0),
        int(input.size.width())?,
        int(input.size.height())?,
        int(input.format.channels())?,
        int(across)?,
        int(down)?,
        Argument::Int(border),
    ])
}

fn program(
    kernel: &'static str,
    input: Shape,
    shared_bytes: usize,
    arguments: Vec<Argument>,
    data: Vec<u8>,
) -> Option<CudaWork> {
    let blocks = |pixels: usize, tile: usize| u32::try_from(pixels.div_ceil(tile)).ok();
    let launch = Launch {
        source: &CUDA,
        kernel,
        grid: (blocks(input.size.width(), TILE.0)?, blocks(input.size.height(), TILE.1)?),
        block: (32, 8),
        shared_bytes: u32::try_from(shared_bytes).ok()?,
        arguments,
    };
    Some(CudaWork::Program(CudaProgram {
        scratch: Vec::new(),
        data: vec![data],
        launches: vec![launch],
    }))
}

//! Conversions of planar layouts on a GPU.

use crate::colour::spaces::Space;
use crate::colour::spaces::lab::Tables;
use crate::colour::spaces::ycbcr::Matrix;
use crate::cuda::{Argument, CudaProgram, CudaSource, CudaWork, Launch};
use crate::{PixelFormat, Shape};

static CUDA: CudaSource =
    CudaSource { name: "convert.cu", text: include_str!("../../cuda/convert.cu") };

/// Threads in a block; each processes four pixels of two rows.
const THREADS: (u32, u32) = (32, 8);

/// Luma, expanded to full range, as grey.
pub(crate) fn gray(input: Shape, matrix: &Matrix) -> Option<CudaWork> {
    let numbers = [Argument::Int(matrix.black), Argument::Int(matrix.luma)];
    program(input, "convert_gray", Vec::new(), [nv12(input.format)].into_iter().chain(numbers))
}

/// Copies the samples of one planar layout to the same or the other one.
pub(crate) fn rearrange(input: Shape, format: PixelFormat) -> Option<CudaWork> {
    program(input, "convert_planes", Vec::new(), [nv12(input.format), nv12(format)])
}

/// From a planar layout to interleaved pixels of a colour space, or to grey with those weights.
pub(crate) fn from_planar(
    input: Shape,
    matrix: &Matrix,
    space: Space,
    of_space: &Matrix,
    weights: Option<[i32; 3]>,
) -> Option<CudaWork> {
    let data = data(matrix, space, of_space, weights.unwrap_or_default());
    let numbers = [nv12(input.format), Argument::Int(space.code()), Argument::Data(0)];
    program(input, "convert_from_planar", data, numbers)
}

/// From interleaved pixels of a colour space to a planar layout.
pub(crate) fn to_planar(
    input: Shape,
    space: Space,
    of_space: &Matrix,
    format: PixelFormat,
    matrix: &Matrix,
) -> Option<CudaWork> {
    let channels = Argument::Int(i32::try_from(input.format.channels()).ok()?);
    let data = data(matrix, space, of_space, [0; 3]);
    let numbers = [channels, nv12(format), Argument::Int(space.code()), Argument::Data(0)];
    program(input, "convert_to_planar", data, numbers)
}

/// The numbers of a matrix for `spaces::to_rgb` and `spaces::from_rgb`.
pub(crate) fn matrix_numbers(matrix: &Matrix) -> impl Iterator<Item = i32> {
    matrix.numbers().into_iter().chain([i32::from(matrix.is_opencv())])
}

/// The tables that a colour space needs, if it does.
pub(crate) fn tables(space: Space) -> Option<Vec<u8>> {
    (space == Space::Lab).then(|| Tables::get().bytes())
}

fn data(matrix: &Matrix, space: Space, of_space: &Matrix, weights: [i32; 3]) -> Vec<Vec<u8>> {
    let numbers = matrix_numbers(matrix).chain(matrix_numbers(of_space)).chain(weights);
    let bytes = numbers.flat_map(i32::to_le_bytes).chain(tables(space).unwrap_or_default());
    vec![bytes.collect()]
}

fn nv12(format: PixelFormat) -> Argument {
    Argument::Int(i32::from(format == PixelFormat::Nv12))
}

fn program(
    input: Shape,
    kernel: &'static str,
    data: Vec<Vec<u8>>,
    rest: impl IntoIterator<Item = Argument>,
) -> Option<CudaWork> {
    let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
    let (width, height) = (input.size.width(), input.size.height());
    let blocks = |pixels: usize, of_block: u32| {
        u32::try_from(pixels).ok().map(|pixels| pixels.div_ceil(of_block))
    };
    let sizes = [Argument::Input, Argument::Output, int(width)?, int(height)?];
    let launch = Launch {
        source: &CUDA,
        kernel,
        grid: (blocks(width, 4 * THREADS.0)?, blocks(height, 2 * THREADS.1)?),
        block: THREADS,
        shared_bytes: 0,
        arguments: sizes.into_iter().chain(rest).collect(),
    };
    Some(CudaWork::Program(CudaProgram { scratch: Vec::new(), data, launches: vec![launch] }))
}

//! The GPU half of `resize`.

use super::across::FRACTION;
use super::plan::{Plan, Plans};
use super::taps::Taps;
use crate::Shape;
use crate::cuda::{Argument, CudaProgram, CudaSource, CudaWork, Launch, wide};
use crate::geometry::planes::{PlaneShape, planes};
use crate::geometry::{blocks, int};

static CUDA: CudaSource =
    CudaSource { name: "resize.cu", text: include_str!("../../../cuda/resize.cu") };

/// What stands around the image in a larger one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Size and layout of the image with its frame.
    pub(crate) outer: Shape,
    /// Columns before the image.
    pub(crate) left: usize,
    /// Rows above the image.
    pub(crate) top: usize,
    /// Samples of a pixel.
    pub(crate) color: [u8; 4],
}

/// Where samples lie: bytes of a batch's image, of a row; where the plane starts.
#[derive(Clone, Copy)]
struct Memory {
    buffer: Buffer,
    bytes: usize,
    start: usize,
    row: usize,
}

#[derive(Clone, Copy)]
enum Buffer {
    Input,
    Output,
    Scratch(usize),
}

/// Resizes the planes of an image; with a frame, to within it.
pub(crate) fn work(
    plans: &Plans,
    input: Shape,
    output: Shape,
    frame: Option<Frame>,
) -> Option<CudaWork> {
    let mut program = CudaProgram { scratch: Vec::new(), data: Vec::new(), launches: Vec::new() };
    if let Some(frame) = frame {
        program.launches.push(fill(frame)?);
    }
    let pairs = planes(input).into_iter().zip(planes(output));
    for (plan, (from, to)) in plans.iter().zip(pairs) {
        let read = Memory {
            buffer: Buffer::Input,
            bytes: input.bytes(),
            start: from.top * input.row_bytes(),
            row: input.row_bytes(),
        };
        let outer = frame.map_or(output, |frame| frame.outer);
        let row = outer.row_bytes();
        let (left, top) = frame.map_or((0, 0), |frame| (frame.left, frame.top));
        let write = Memory {
            buffer: Buffer::Output,
            bytes: outer.bytes(),
            start: (to.top + top) * row + left * to.channels,
            row,
        };
        let rest = frame.is_none() && to.samples() < row;
        plane(&mut program, plan, (from, read), (to, write), rest)?;
    }
    Some(CudaWork::Program(program))
}

fn fill(frame: Frame) -> Option<Launch> {
    let bytes = frame.outer.bytes();
    let arguments = vec![
        Argument::Output,
        int(bytes)?,
        int(frame.outer.format.channels())?,
        Argument::Int(u32::from_le_bytes(frame.color).cast_signed()),
    ];
    wide::of_bytes(&CUDA, "resize_fill", bytes, arguments)
}

/// Adds what makes a plane.
fn plane(
    program: &mut CudaProgram,
    plan: &Plan,
    from: (PlaneShape, Memory),
    to: (PlaneShape, Memory),
    rest: bool,
) -> Option<()> {
    let mut table = |bytes: Vec<u8>| {
        program.data.push(bytes);
        Argument::Data(program.data.len() - 1)
    };
    match plan {
        Plan::Copy => {
            let every = |side: usize| (0..side as u32).collect::<Vec<_>>();
            let own = vec![table(words(&every(to.0.width))), table(words(&every(to.0.height)))];
            program.launches.push(launch("resize_nearest", from, to, rest, own)?);
        }
        Plan::Nearest(nearest) => {
            let own = vec![table(words(&nearest.x)), table(words(&nearest.y))];
            program.launches.push(launch("resize_nearest", from, to, rest, own)?);
        }
        Plan::Blocks { across, down } => {
            let own = vec![int(*across)?, int(*down)?];
            program.launches.push(launch("resize_blocks", from, to, rest, own)?);
        }
        Plan::Linear(passes) => {
            let own = vec![table(bytes(&passes.across.taps)), table(bytes(&passes.down))];
            program.launches.push(launch("resize_linear", from, to, rest, own)?);
        }
        Plan::Convolve(passes) => {
            let (x, y) = (&passes.across.taps, &passes.down);
            let (across, down) = (table(bytes(x)), table(bytes(y)));
            let between = PlaneShape { width: to.0.width, ..from.0 };
            let buffer = Buffer::Scratch(program.scratch.len());
            // Two bytes a sum; four are read at once.
            let row = (2 * between.samples()).next_multiple_of(8);
            let memory = Memory { buffer, bytes: row * between.height, start: 0, row };
            program.scratch.push(memory.bytes);
            let own = vec![across, int(x.count)?, int(passes.across.shift as usize)?];
            let first = launch("resize_across", from, (between, memory), false, own)?;
            let own = vec![down, int(y.count)?, int((y.bits + FRACTION) as usize)?];
            let samples =
                |plane: PlaneShape| PlaneShape { width: plane.samples(), channels: 1, ..plane };
            let (between, to) = ((samples(between), memory), (samples(to.0), to.1));
            let second = launch("resize_down", between, to, rest, own)?;
            program.launches.extend([first, second]);
        }
    }
    Some(())
}

/// A block makes eight rows of 128 pixels.
fn launch(
    kernel: &'static str,
    (from, read): (PlaneShape, Memory),
    (to, write): (PlaneShape, Memory),
    rest: bool,
    own: Vec<Argument>,
) -> Option<Launch> {
    let mut arguments = vec![
        read.buffer.into(),
        write.buffer.into(),
        int(read.bytes)?,
        int(write.bytes)?,
        int(read.start)?,
        int(read.row)?,
        int(from.width)?,
        int(from.height)?,
        int(to.channels)?,
        int(write.start)?,
        int(write.row)?,
        int(to.width)?,
        int(to.height)?,
        Argument::Int(rest.into()),
    ];
    arguments.extend(own);
    Some(Launch {
        source: &CUDA,
        kernel,
        grid: (blocks(to.width, 4 * 32)?, blocks(to.height, 8)?),
        block: (32, 8),
        // Of two bytes a sample, at most.
        shared_bytes: u32::try_from(8 * 4 * 32 * to.channels * 2).ok()?,
        arguments,
    })
}

impl From<Buffer> for Argument {
    fn from(buffer: Buffer) -> Self {
        match buffer {
            Buffer::Input => Self::Input,
            Buffer::Output => Self::Output,
            Buffer::Scratch(index) => Self::Scratch(index),
        }
    }
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// As the kernels read it: what threads beside each other read lies together.
fn bytes(taps: &Taps) -> Vec<u8> {
    let first = taps.first.iter().flat_map(|number| number.to_le_bytes());
    let of_tap = |tap| taps.weights.iter().skip(tap).step_by(taps.count);
    let weights = (0..taps.count).flat_map(of_tap).flat_map(|weight| weight.to_le_bytes());
    first.chain(weights).collect()
}

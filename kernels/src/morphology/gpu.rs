//! The GPU half of the operations.

use super::element::{Element, Shape};
use super::pass::Pass;
use super::{Extreme, Kind, Morphology, Outside};
use crate::border::Border;
use crate::cuda::{Argument, CudaProgram, CudaSource, Launch, wide};

static CUDA: CudaSource =
    CudaSource { name: "morphology.cu", text: include_str!("../../cuda/morphology.cu") };

/// Pixels of a tile, across and down.
const TILE: (usize, usize) = (32, 16);
/// Positions along a line, and lines, that a block works on.
const LINE: (usize, usize) = (128, 16);

/// Scratch buffers for images between the steps.
const BETWEEN: [usize; 2] = [0, 1];
/// Scratch buffers for the two images of a difference.
const RESULTS: [usize; 2] = [2, 3];
/// The scratch buffer between columns and rows.
const COLUMNS: usize = 4;

struct Program {
    shape: crate::Shape,
    launches: Vec<Launch>,
}

/// The operation as kernels; `None` if the image is larger than they can count.
pub(super) fn program(morphology: &Morphology, shape: crate::Shape) -> Option<CudaProgram> {
    let mut program = Program { shape, launches: Vec::new() };
    let [result, other] = RESULTS.map(Argument::Scratch);
    let steps = morphology.kind.steps();
    match morphology.kind {
        Kind::Gradient => {
            program.repeat(morphology, steps, &result)?;
            program.repeat(morphology, &[Extreme::Erode], &other)?;
            program.subtract(result, other)?;
        }
        Kind::TopHat => {
            program.repeat(morphology, steps, &result)?;
            program.subtract(Argument::Input, result)?;
        }
        Kind::BlackHat => {
            program.repeat(morphology, steps, &result)?;
            program.subtract(result, Argument::Input)?;
        }
        _ => program.repeat(morphology, steps, &Argument::Output)?,
    }
    let element = morphology.element;
    let widths = (0..=element.radius).map(|at| element.half_width(at) as u8);
    let frames = program.number_frames();
    let scratch = vec![shape.bytes(); frames];
    Some(CudaProgram { scratch, data: vec![widths.collect()], launches: program.launches })
}

fn int(value: usize) -> Option<Argument> {
    i32::try_from(value).ok().map(Argument::Int)
}

fn blocks(length: usize, tile: usize) -> Option<u32> {
    u32::try_from(length.div_ceil(tile)).ok()
}

impl Program {
    /// Launches those steps, each as many times as it is repeated, from the input to `to`.
    fn repeat(&mut self, morphology: &Morphology, steps: &[Extreme], to: &Argument) -> Option<()> {
        // A rectangle is repeated by being larger.
        let times = match morphology.element.shape {
            Shape::Rect => 1,
            _ => morphology.iterations,
        };
        let all = steps.iter().flat_map(|step| std::iter::repeat_n(*step, times));
        let mut from = Argument::Input;
        let mut between = BETWEEN.into_iter().cycle();
        let count = times * steps.len();
        for (at, extreme) in all.enumerate() {
            let next =
                if at + 1 == count { to.clone() } else { between.next().map(Argument::Scratch)? };
            self.pass(&morphology.pass(extreme), from, next.clone())?;
            from = next;
        }
        Some(())
    }

    fn pass(&mut self, pass: &Pass, from: Argument, to: Argument) -> Option<()> {
        if pass.element.shape == Shape::Rect {
            self.line(pass, true, from, Argument::Scratch(COLUMNS))?;
            return self.line(pass, false, Argument::Scratch(COLUMNS), to);
        }
        let (size, channels) = (self.shape.size, self.shape.format.channels());
        let Element { radius, .. } = pass.element;
        let tile = (TILE.0 + 2 * radius) * (TILE.1 + 2 * radius) * channels;
        // Twice, for extremes of more and more neighbours; and the result.
        let shared = 2 * tile.next_multiple_of(4) + TILE.0 * TILE.1 * channels;
        let mut arguments = vec![from, to, Argument::Data(0)];
        arguments.extend(self.common(pass)?);
        self.launches.push(Launch {
            source: &CUDA,
            kernel: "morphology_element",
            grid: (blocks(size.width(), TILE.0)?, blocks(size.height(), TILE.1)?),
            block: (32, 8),
            shared_bytes: u32::try_from(shared).ok()?,
            arguments,
        });
        Some(())
    }

    /// The extreme of columns, or of rows.
    fn line(&mut self, pass: &Pass, columns: bool, from: Argument, to: Argument) -> Option<()> {
        let (size, channels) = (self.shape.size, self.shape.format.channels());
        let (along, lines, across) = match columns {
            true => (size.height(), size.width() * channels, LINE.1),
            // Lines of whole pixels.
            false => (size.width(), size.height(), LINE.1 / channels),
        };
        let mut arguments = vec![from, to];
        arguments.extend(self.common(pass)?);
        arguments.push(Argument::Int(columns.into()));
        let tile = 2 * (LINE.0 + 2 * pass.element.radius) * LINE.1;
        self.launches.push(Launch {
            source: &CUDA,
            kernel: "morphology_line",
            grid: (blocks(along, LINE.0)?, blocks(lines, across)?),
            block: (16, 16),
            shared_bytes: u32::try_from(tile).ok()?,
            arguments,
        });
        Some(())
    }

    /// The arguments that both kinds of kernels take.
    fn common(&self, pass: &Pass) -> Option<[Argument; 7]> {
        let border = match pass.outside {
            Outside::Ignore => Border::Constant,
            Outside::Border(border) => border,
        };
        Some([
            int(self.shape.size.width())?,
            int(self.shape.size.height())?,
            int(self.shape.format.channels())?,
            int(pass.element.radius)?,
            Argument::Int(border.code()),
            Argument::Int(pass.outside.sample(pass.extreme).into()),
            Argument::Int((pass.extreme == Extreme::Dilate).into()),
        ])
    }

    fn subtract(&mut self, from: Argument, what: Argument) -> Option<()> {
        let bytes = self.shape.bytes();
        let arguments = vec![from, what, Argument::Output, int(bytes)?];
        self.launches.push(wide::of_bytes(&CUDA, "morphology_subtract", bytes, arguments)?);
        Some(())
    }

    /// Numbers the frames that are used without gaps; how many.
    fn number_frames(&mut self) -> usize {
        let mut used = Vec::new();
        for argument in self.launches.iter_mut().flat_map(|launch| &mut launch.arguments) {
            if let Argument::Scratch(frame) = argument {
                let number = used.iter().position(|known| known == frame).unwrap_or_else(|| {
                    used.push(*frame);
                    used.len() - 1
                });
                *frame = number;
            }
        }
        used.len()
    }
}

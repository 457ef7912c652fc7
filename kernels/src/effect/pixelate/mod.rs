//! `pixelate`: blocks of one colour each.

mod cpu;
#[cfg(test)]
mod tests;

pub(crate) use cpu::spread;

use std::ops::Range;
use std::sync::Arc;

use super::CUDA;
use super::blocks::{Blocks, LONGEST};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |parameters: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        let side = usize::try_from(parameters.integer("block_size")?).unwrap_or(1);
        Ok(Arc::new(Pixelate { side }))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "pixelate",
    name: "Pixelate",
    description: "Divides the image into square blocks and fills each with its mean colour; \
                  transparency is averaged like a colour.",
    family: Family::Effect,
    parameters: &[ParameterDefinition {
        id: "block_size",
        name: "Block size",
        description: "Width and height of a block, in pixels. Blocks start at the top left corner; \
                      those at the right and bottom edges may be cut off. 1 changes nothing.",
        kind: ParameterKind::Integer { min: 1, max: LONGEST as i64, step: 1, default: 8 },
    }],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "If the size is a multiple of the block, OpenCV's resize down with INTER_AREA and back \
            with INTER_NEAREST, within 1 level: OpenCV multiplies by a rounded 1 / area, while the \
            division here is exact. Otherwise OpenCV's blocks have fractional sizes; here they are \
            whole, and the last ones are cut off.",
};

#[derive(Debug)]
struct Pixelate {
    side: usize,
}

impl Operation for Pixelate {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        if self.side == 1 { CpuWork::Nothing } else { CpuWork::Rows(self) }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        /// Pixels across that a block of threads is to have at least.
        const WIDE: usize = 64;
        let (blocks, channels) = (Blocks::new(self.side, input), input.format.channels());
        // Several small blocks are done together.
        let together = WIDE.div_ceil(self.side);
        let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
        let launch = Launch {
            source: &CUDA,
            kernel: "effect_pixelate",
            grid: (
                u32::try_from(blocks.across().div_ceil(together)).ok()?,
                u32::try_from(blocks.down()).ok()?,
            ),
            block: (64, 4),
            shared_bytes: u32::try_from(together * channels * size_of::<u32>()).ok()?,
            arguments: vec![
                Argument::Input,
                Argument::Output,
                int(input.size.width())?,
                int(input.size.height())?,
                int(channels)?,
                int(self.side)?,
                int(together)?,
            ],
        };
        let (scratch, data) = (Vec::new(), Vec::new());
        Some(CudaWork::Program(CudaProgram { scratch, data, launches: vec![launch] }))
    }
}

impl Rows for Pixelate {
    fn reach(&self) -> Reach {
        Reach::Near(self.side - 1)
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        cpu::render(&Blocks::new(self.side, input.shape()), cpu, input, rows, output);
    }
}

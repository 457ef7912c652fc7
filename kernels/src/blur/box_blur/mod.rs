//! `box_blur`: the mean of a square.

mod cpu;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::gpu::{self, CUDA};
use crate::border::{self, Border};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let side = usize::try_from(parameters.integer("kernel_size")?).unwrap_or(1);
    let border = Border::of(parameters.text("border_mode")?);
    Ok(Arc::new(BoxBlur(Rectangle { across: side, down: side, border })))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "box_blur",
    name: "Box blur",
    description: "Replaces each pixel by the mean of the square around it; transparency is \
                  blurred like a colour.",
    family: Family::Blur,
    parameters: &[
        ParameterDefinition {
            id: "kernel_size",
            name: "Kernel size",
            description: "Width and height of the square, in pixels; odd. 1 changes nothing.",
            kind: ParameterKind::Integer { min: 1, max: 255, step: 2, default: 5 },
        },
        border::PARAMETER,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's blur and boxFilter, bit for bit, with each of their borders; OpenCV does not \
            offer wrap here. Sums are updated as the square slides, so the time hardly depends on \
            the kernel size.",
};

/// The means of rectangles with odd sides, up to 255 by 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) across: usize,
    pub(super) down: usize,
    pub(super) border: Border,
}

impl Rectangle {
    pub(super) fn cpu<'a>(&self, rows: &'a dyn Rows) -> CpuWork<'a> {
        if self.across * self.down == 1 { CpuWork::Nothing } else { CpuWork::Rows(rows) }
    }

    /// How much work it is, compared with a square of 5 by 5 pixels.
    pub(super) fn effort(&self) -> f64 {
        // Narrow ones are summed up anew for each sample, others slide.
        if self.across <= 15 { 0.4 + 0.12 * self.across as f64 } else { 3.0 }
    }

    pub(super) fn reach(&self) -> Reach {
        match self.border {
            Border::Wrap => Reach::Anywhere,
            _ => Reach::Near(self.down / 2),
        }
    }

    pub(super) fn render(
        self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
    ) {
        cpu::render(cpu, self, input, rows, output);
    }

    /// What a sum is multiplied by.
    fn inverse(&self) -> f32 {
        (1.0 / (self.across * self.down) as f64) as f32
    }

    /// Column sums into memory, then the means of rows of them.
    pub(super) fn cuda(&self, input: Shape) -> Option<CudaWork> {
        /// Rows that a thread slides down, pixels that one slides along, pixels of a block.
        const DOWN: usize = 32;
        const ALONG: usize = 8;
        const PIXELS: usize = 256;
        let (channels, row) = (input.format.channels(), input.row_bytes());
        let (width, height) = (input.size.width(), input.size.height());
        let int = gpu::int;
        let columns = Launch {
            source: &CUDA,
            kernel: "blur_box_columns",
            grid: (gpu::blocks(row, 128)?, gpu::blocks(height, DOWN)?),
            block: (128, 1),
            shared_bytes: 0,
            arguments: vec![
                Argument::Input,
                Argument::Scratch(0),
                int(row)?,
                int(height)?,
                int(self.down / 2)?,
                Argument::Int(self.border.code()),
                int(DOWN)?,
            ],
        };
        let segment = (PIXELS + self.across - 1) * channels * 2;
        let rows = Launch {
            source: &CUDA,
            kernel: "blur_box_rows",
            grid: (gpu::blocks(width, PIXELS)?, gpu::blocks(height, 1)?),
            block: (u32::try_from(PIXELS / ALONG * channels).ok()?, 1),
            shared_bytes: u32::try_from(segment).ok()?,
            arguments: vec![
                Argument::Scratch(0),
                Argument::Output,
                int(width)?,
                int(height)?,
                int(channels)?,
                int(self.across / 2)?,
                Argument::Int(self.border.code()),
                Argument::Float(self.inverse()),
                int(PIXELS)?,
            ],
        };
        Some(CudaWork::Program(CudaProgram {
            scratch: vec![input.bytes() * 2],
            data: Vec::new(),
            launches: vec![columns, rows],
        }))
    }
}

#[derive(Debug)]
struct BoxBlur(Rectangle);

impl Operation for BoxBlur {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        self.0.cpu(self)
    }

    fn effort(&self, _: Shape) -> f64 {
        self.0.effort()
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        self.0.cuda(input)
    }
}

impl Rows for BoxBlur {
    fn reach(&self) -> Reach {
        self.0.reach()
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        self.0.render(cpu, input, rows, output);
    }
}

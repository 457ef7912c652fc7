//! `median`: the median of a square.

mod counts;
mod histogram;
mod network;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::gpu::{self, RANK};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let side = usize::try_from(parameters.integer("kernel_size")?).unwrap_or(1);
    Ok(Arc::new(Median { radius: side / 2 }))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "median",
    name: "Median",
    description: "Replaces each sample by the median of the square around it: removes specks and \
                  keeps edges. Transparency is treated like a colour.",
    family: Family::Blur,
    parameters: &[ParameterDefinition {
        id: "kernel_size",
        name: "Kernel size",
        description: "Width and height of the square, in pixels; odd. 1 changes nothing.",
        kind: ParameterKind::Integer { min: 1, max: 255, step: 2, default: 3 },
    }],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's medianBlur, bit for bit; the outermost pixel is repeated beyond the edge. \
            Squares up to 5x5 use sorting networks. Larger ones use sliding histograms (Perreault \
            and Hebert, Median Filtering in Constant Time, 2007), so that on the CPU the time \
            hardly depends on the kernel size; on a GPU it grows with the width of the square.",
};

#[derive(Debug)]
struct Median {
    radius: usize,
}

impl Operation for Median {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        if self.radius == 0 { CpuWork::Nothing } else { CpuWork::Rows(self) }
    }

    fn effort(&self, _: Shape) -> f64 {
        // Networks sort small squares; the time for larger ones does not depend on their size.
        match self.radius {
            0 | 1 => 1.0,
            2 => 3.0,
            _ => 100.0,
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (row, height) = (input.row_bytes(), input.size.height());
        let (width, channels) = (input.size.width(), input.format.channels());
        let mut arguments = vec![
            Argument::Input,
            Argument::Output,
            gpu::int(width)?,
            gpu::int(height)?,
            gpu::int(channels)?,
        ];
        let launch = if self.radius <= 2 {
            /// Pixels of a tile, across and down; one block of threads makes one tile.
            const TILE: (usize, usize) = (32, 16);
            let tile = (TILE.0 + 2 * self.radius) * (TILE.1 + 2 * self.radius) * channels;
            Launch {
                source: &RANK,
                kernel: if self.radius == 1 { "blur_rank_median_3" } else { "blur_rank_median_5" },
                grid: (gpu::blocks(width, TILE.0)?, gpu::blocks(height, TILE.1)?),
                block: (32, 8),
                shared_bytes: u32::try_from(tile).ok()?,
                arguments,
            }
        } else {
            /// Rows that a thread slides down.
            const DOWN: usize = 32;
            arguments.extend([gpu::int(self.radius)?, gpu::int(DOWN)?]);
            Launch {
                source: &RANK,
                kernel: "blur_rank_median",
                grid: (gpu::blocks(row, 32)?, gpu::blocks(height, DOWN)?),
                block: (32, 1),
                // A histogram of 256 numbers of 16 bits for each thread.
                shared_bytes: 32 * 256 * 2,
                arguments,
            }
        };
        Some(CudaWork::Program(CudaProgram {
            scratch: Vec::new(),
            data: Vec::new(),
            launches: vec![launch],
        }))
    }
}

impl Rows for Median {
    fn reach(&self) -> Reach {
        Reach::Near(self.radius)
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        match self.radius {
            1 => network::three(cpu, input, rows, output),
            2 => network::five(cpu, input, rows, output),
            radius => histogram::render(cpu, radius, input, rows, output),
        }
    }
}

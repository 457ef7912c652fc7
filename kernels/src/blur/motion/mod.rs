//! `motion_blur`: the mean along a line.

mod cpu;
mod kernel;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::box_blur::Rectangle;
use super::gpu::{self, CUDA};
use crate::border::{self, Border};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
use kernel::Tap;
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let length = usize::try_from(parameters.integer("length")?).unwrap_or(1);
    let angle = parameters.number("angle")?;
    Ok(Arc::new(MotionBlur::new(length, angle, Border::of(parameters.text("border_mode")?))))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "motion_blur",
    name: "Motion blur",
    description: "Replaces each pixel by the mean along a line through it, as if the camera had \
                  moved; transparency is blurred like a colour.",
    family: Family::Blur,
    parameters: &[
        ParameterDefinition {
            id: "length",
            name: "Length",
            description: "Length of the line, in pixels; odd. 1 changes nothing.",
            kind: ParameterKind::Integer { min: 1, max: 101, step: 2, default: 15 },
        },
        ParameterDefinition {
            id: "angle",
            name: "Angle",
            description: "Direction of the line, in degrees counter-clockwise; 0 is horizontal, 90 \
                          vertical.",
            kind: ParameterKind::Number { min: -360.0, max: 360.0, step: 1.0, default: 0.0 },
        },
        border::PARAMETER,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's filter2D, within 1 level, with a kernel that has one point for each pixel of \
            the line's length: one pixel apart, centred, each distributed bilinearly over the four \
            pixels around it. Weights are integers of 15 fractional bits; OpenCV does not offer \
            wrap here. Horizontal and vertical lines are OpenCV's blur, bit for bit.",
};

/// Pixels of the line that are not in one row or column.
#[derive(Debug)]
struct Sparse {
    taps: Vec<Tap>,
    /// How far they lie beside and above.
    radius: (usize, usize),
    border: Border,
}

#[derive(Debug)]
enum MotionBlur {
    Straight(Rectangle),
    Slanted(Sparse),
}

impl MotionBlur {
    fn new(length: usize, angle: f64, border: Border) -> Self {
        if length == 1 || angle % 180.0 == 0.0 {
            return Self::Straight(Rectangle { across: length, down: 1, border });
        }
        if angle % 90.0 == 0.0 {
            return Self::Straight(Rectangle { across: 1, down: length, border });
        }
        let taps = kernel::line(length, angle);
        let most = |of: fn(&Tap) -> i16| taps.iter().map(of).map(i16::unsigned_abs).max();
        let beside = usize::from(most(|tap| tap.across).unwrap_or(0));
        let above = usize::from(most(|tap| tap.down).unwrap_or(0));
        Self::Slanted(Sparse { taps, radius: (beside, above), border })
    }
}

impl Sparse {
    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (row, height) = (input.row_bytes(), input.size.height());
        let launch = Launch {
            source: &CUDA,
            kernel: "blur_sparse",
            grid: (gpu::blocks(row, 128)?, gpu::blocks(height, 2)?),
            block: (128, 2),
            shared_bytes: 0,
            arguments: vec![
                Argument::Input,
                Argument::Output,
                gpu::int(input.size.width())?,
                gpu::int(height)?,
                gpu::int(input.format.channels())?,
                gpu::int(self.taps.len())?,
                Argument::Int(self.border.code()),
                Argument::Data(0),
            ],
        };
        let bytes = |tap: &Tap| [tap.across, tap.down, tap.weight, 0].map(i16::to_le_bytes);
        let data = vec![self.taps.iter().flat_map(bytes).flatten().collect()];
        Some(CudaWork::Program(CudaProgram { scratch: Vec::new(), data, launches: vec![launch] }))
    }
}

impl Operation for MotionBlur {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        match self {
            Self::Straight(rectangle) => rectangle.cpu(self),
            Self::Slanted(_) => CpuWork::Rows(self),
        }
    }

    fn effort(&self, _: Shape) -> f64 {
        match self {
            // The default is a row of 15 pixels.
            Self::Straight(rectangle) => rectangle.effort() / 2.2,
            Self::Slanted(sparse) => 0.5 * sparse.taps.len() as f64,
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        match self {
            Self::Straight(rectangle) => rectangle.cuda(input),
            Self::Slanted(sparse) => sparse.cuda(input),
        }
    }
}

impl Rows for MotionBlur {
    fn reach(&self) -> Reach {
        match self {
            Self::Straight(rectangle) => rectangle.reach(),
            Self::Slanted(Sparse { border: Border::Wrap, .. }) => Reach::Anywhere,
            Self::Slanted(Sparse { radius, .. }) => Reach::Near(radius.1),
        }
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        match self {
            Self::Straight(rectangle) => rectangle.render(cpu, input, rows, output),
            Self::Slanted(sparse) => cpu::render(cpu, sparse, input, rows, output),
        }
    }
}

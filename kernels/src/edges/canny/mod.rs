//! `canny`: thin edges, one pixel wide.

mod cpu;
mod gpu;
mod gradient;
#[cfg(test)]
mod tests;
mod thin;
mod trace;

use std::sync::Arc;

use super::kernels::Kernels;
use crate::cuda::CudaWork;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Image, Operation, ParameterDefinition,
    ParameterError, ParameterKind, Parameters, PixelFormat, Refusal, ScratchBytes, Shape, Whole,
    WorkError,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

/// Steeper than the high threshold: an edge.
const STRONG: u8 = 255;
/// Steeper than the low threshold: an edge if it is connected with a strong one.
const WEAK: u8 = 127;

/// The greatest threshold: OpenCV cuts off there.
const MAX_THRESHOLD: f64 = 32767.0;

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "canny",
    name: "Canny",
    description: "Finds edges and draws them one pixel wide, white on black, as a grey image. An \
                  edge starts where brightness changes by more than the high threshold and \
                  continues while it changes by more than the low one.",
    family: Family::Edges,
    parameters: &[
        ParameterDefinition {
            id: "low",
            name: "Low threshold",
            description: "How steep an edge has to be to continue; at most the high threshold.",
            kind: ParameterKind::Number { min: 0.0, max: MAX_THRESHOLD, step: 10.0, default: 50.0 },
        },
        ParameterDefinition {
            id: "high",
            name: "High threshold",
            description: "How steep an edge has to be to start, in units of the Sobel derivatives, \
                          which grow with the aperture.",
            kind: ParameterKind::Number {
                min: 0.0,
                max: MAX_THRESHOLD,
                step: 10.0,
                default: 150.0,
            },
        },
        ParameterDefinition {
            id: "aperture",
            name: "Aperture",
            description: "Kernel size of the Sobel derivatives, in pixels: 3, 5 or 7.",
            kind: ParameterKind::Integer { min: 3, max: 7, step: 2, default: 3 },
        },
        ParameterDefinition {
            id: "l2_gradient",
            name: "Exact steepness",
            description: "Whether steepness is the root of the sum of the squares of the two \
                          derivatives, instead of the sum of their absolute values.",
            kind: ParameterKind::Boolean { default: false },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's Canny, bit for bit; as in OpenCV, the steepest of several colours counts. \
            Alpha is ignored. OpenCV swaps thresholds that are the wrong way round; here they are \
            refused. J. Canny, A Computational Approach to Edge Detection, 1986. On a GPU, edges \
            are followed by joining neighbours into trees (union-find).",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let (low, high) = (parameters.number("low")?, parameters.number("high")?);
    if low > high {
        return Err(ParameterError::new(
            "low",
            format!("low must be at most high, {low} is more than {high}"),
            vec![format!("0..={high}")],
        ));
    }
    let aperture = u8::try_from(parameters.integer("aperture")?).unwrap_or(3);
    let squared = parameters.boolean("l2_gradient")?;
    let threshold = |given: f64| {
        // As OpenCV, derivatives of seven taps are divided by 16.
        let given = if aperture == 7 { given / 16.0 } else { given };
        (if squared { given * given } else { given }).floor() as i32
    };
    let thresholds = (threshold(low), threshold(high));
    Ok(Arc::new(Canny { kernels: Kernels::Sobel(aperture), squared, thresholds }))
}

#[derive(Debug)]
struct Canny {
    kernels: Kernels,
    /// Whether steepness is x² + y² instead of |x| + |y|.
    squared: bool,
    thresholds: (i32, i32),
}

impl Operation for Canny {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        Ok(input.with_format(PixelFormat::Gray8))
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Whole(self)
    }

    fn scratch(&self, input: Shape, _: Shape) -> ScratchBytes {
        // The map, with a column between its rows, and the stack.
        let map = (input.size.width() + 1) * input.size.height();
        let scratch = ScratchBytes::keeping(map + cpu::STACK_BYTES, input, input);
        ScratchBytes { thread: 2 * scratch.thread + cpu::band_scratch(input), ..scratch }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        gpu::program(self, input).map(CudaWork::Program)
    }
}

impl Whole for Canny {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        if self.squared {
            return cpu::edges(cpu, input, self.kernels, self.thresholds);
        }
        // No sum is greater than what 16 bits hold.
        let narrow = |threshold: i32| i16::try_from(threshold).unwrap_or(i16::MAX);
        let (low, high) = self.thresholds;
        cpu::edges(cpu, input, self.kernels, (narrow(low), narrow(high)))
    }
}

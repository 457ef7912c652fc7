//! `vignette`: darkens the image towards its corners.

mod cpu;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;
use std::sync::Arc;

use super::CUDA;
use crate::cuda::{Argument, CudaProgram, CudaWork, wide};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |parameters: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        let (radius, softness) = (parameters.number("radius")?, parameters.number("softness")?);
        let (start, end) = (radius * radius, (radius + softness) * (radius + softness));
        Ok(Arc::new(Vignette {
            start: start as f32,
            slope: (1.0 / (end - start)) as f32,
            strength: parameters.number("strength")? as f32,
        }))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "vignette",
    name: "Vignette",
    description: "Darkens the image towards its corners, like an old lens. Transparency is kept.",
    family: Family::Effect,
    parameters: &[
        ParameterDefinition {
            id: "strength",
            name: "Strength",
            description: "How much light is lost in the darkest places: 0 changes nothing, 1 makes \
                          them black.",
            kind: ParameterKind::Number { min: 0.0, max: 1.0, step: 0.05, default: 0.5 },
        },
        ParameterDefinition {
            id: "radius",
            name: "Radius",
            description: "Where the darkening begins, as a fraction of the distance from the \
                          centre to a corner: 0 is the centre, 1 a corner.",
            kind: ParameterKind::Number { min: 0.0, max: 1.0, step: 0.05, default: 0.4 },
        },
        ParameterDefinition {
            id: "softness",
            name: "Softness",
            description: "Width of the transition to the darkest level, as a fraction of the \
                          distance from the centre to a corner.",
            kind: ParameterKind::Number { min: 0.01, max: 2.0, step: 0.05, default: 0.6 },
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV has no vignette; the result is that of its multiply with a mask. The mask is 1 \
            - strength × s² × (3 - 2 s), where s goes from 0 to 1 while the square of the distance \
            goes from radius² to (radius + softness)². Distances are measured in pixels and \
            divided by half the diagonal.",
};

#[derive(Debug)]
struct Vignette {
    /// The square of the distance at which it begins.
    start: f32,
    /// One over how much greater that square is where it is darkest.
    slope: f32,
    strength: f32,
}

impl Operation for Vignette {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        if self.strength == 0.0 { CpuWork::Nothing } else { CpuWork::Rows(self) }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
        let arguments = vec![
            Argument::Input,
            Argument::Output,
            int(input.size.width())?,
            int(input.size.height())?,
            int(input.format.channels())?,
            Argument::Float(self.start),
            Argument::Float(self.slope),
            Argument::Float(self.strength),
            Argument::Float(unit(input)),
        ];
        let launch = wide::of_bytes(&CUDA, "effect_vignette", input.bytes(), arguments)?;
        let (scratch, data) = (Vec::new(), Vec::new());
        Some(CudaWork::Program(CudaProgram { scratch, data, launches: vec![launch] }))
    }
}

/// What makes the square of a distance, in half pixels, that over half the diagonal.
fn unit(shape: Shape) -> f32 {
    let (width, height) = (shape.size.width() as f32, shape.size.height() as f32);
    1.0 / (width * width + height * height)
}

impl Rows for Vignette {
    fn reach(&self) -> Reach {
        Reach::Near(0)
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        cpu::render(self, cpu, input, rows, output);
    }
}

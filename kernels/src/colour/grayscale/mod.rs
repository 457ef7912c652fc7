//! `grayscale`: colours to shades of grey.

mod cpu;
#[cfg(test)]
mod tests;
mod weights;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::Arc;

use crate::cuda::{CudaPointwise, CudaWork};
use crate::{
    CpuWork, Entry, Family, FilterDefinition, Level, Operation, ParameterDefinition,
    ParameterError, ParameterKind, Parameters, PixelFormat, Pointwise, Refusal, Shape,
};
use weights::Rule;

/// In the catalogue.
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |parameters: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        Ok(Arc::new(Grayscale { rule: Rule::of(parameters.text("algorithm")?) }))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "grayscale",
    name: "Grayscale",
    description: "Turns colours into shades of grey. RGB becomes one channel; RGBA keeps its four, \
                  and its transparency.",
    family: Family::Colour,
    parameters: &[ParameterDefinition {
        id: "algorithm",
        name: "Algorithm",
        description: "How bright red, green and blue count.",
        kind: ParameterKind::Select { options: &weights::NAMES, default: "bt601" },
    }],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "bt601 is OpenCV's cvtColor with COLOR_RGB2GRAY, bit for bit.",
};

#[derive(Debug)]
struct Grayscale {
    rule: Rule,
}

impl Operation for Grayscale {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        Ok(match input.format {
            PixelFormat::Rgb8 => input.with_format(PixelFormat::Gray8),
            _ => input,
        })
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        match input.format {
            PixelFormat::Gray8 => CpuWork::Nothing,
            _ => CpuWork::Pointwise(self),
        }
    }

    fn cuda(&self, _: Shape) -> Option<CudaWork> {
        let constants = self.rule.weights().map(i32::from).to_vec();
        Some(CudaWork::Pointwise(CudaPointwise { function: "grayscale", constants, table: None }))
    }
}

impl Pointwise for Grayscale {
    fn pixels(&self, level: Level, input: PixelFormat, from: &[u8], to: &mut [u8]) {
        cpu::pixels(level, self.rule, input, from, to);
    }
}

/// The usual grey of RGB pixels, for conversions.
pub(crate) fn bt601(level: Level, from: &[u8], to: &mut [u8]) {
    cpu::pixels(level, Rule::of("bt601"), PixelFormat::Rgb8, from, to);
}

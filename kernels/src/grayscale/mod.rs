//! `grayscale`: colours to shades of grey.

mod cpu;
#[cfg(test)]
mod tests;
mod weights;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::Arc;

use crate::cuda::{Argument, CudaSource, Launch};
use crate::simd::Level;
use crate::{
    Entry, FilterDefinition, Image, ImageError, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Pool, Size,
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
    parameters: &[ParameterDefinition {
        id: "algorithm",
        name: "Algorithm",
        description: "How bright red, green and blue count.",
        kind: ParameterKind::Select { options: &weights::NAMES, default: "bt601" },
    }],
    formats: &PixelFormat::ALL,
    cuda: true,
    tolerance: 0,
};

static CUDA: CudaSource =
    CudaSource { name: "grayscale.cu", text: include_str!("../../cuda/grayscale.cu") };

#[derive(Debug)]
struct Grayscale {
    rule: Rule,
}

impl Operation for Grayscale {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output_format(&self, input: PixelFormat) -> PixelFormat {
        match input {
            PixelFormat::Rgb8 => PixelFormat::Gray8,
            other => other,
        }
    }

    fn run_cpu(&self, input: &Image, pool: &Pool) -> Result<Image, ImageError> {
        cpu::run(Level::best(), self.rule, input, pool)
    }

    fn cuda(&self, size: Size, input: PixelFormat) -> Option<Launch> {
        let kernel = match input {
            PixelFormat::Gray8 => "grayscale_gray",
            PixelFormat::Rgb8 => "grayscale_rgb",
            PixelFormat::Rgba8 => "grayscale_rgba",
        };
        let [red, green, blue] = self.rule.weights().map(i32::from);
        // A thread does four pixels.
        let quads = size.pixels().div_ceil(4);
        Some(Launch {
            source: &CUDA,
            kernel,
            grid: (u32::try_from(quads.div_ceil(256)).ok()?, 1),
            block: (256, 1),
            shared_bytes: 0,
            arguments: vec![
                Argument::Input,
                Argument::Output,
                Argument::Int(i32::try_from(size.pixels()).ok()?),
                Argument::Int(red),
                Argument::Int(green),
                Argument::Int(blue),
            ],
        })
    }
}

/// The usual grey of an RGB image, for conversions.
pub(crate) fn bt601(input: &Image, pool: &Pool) -> Result<Image, ImageError> {
    cpu::run(Level::best(), Rule::of("bt601"), input, pool)
}

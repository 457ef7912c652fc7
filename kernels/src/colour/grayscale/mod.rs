//! `grayscale`: converts colours to shades of grey.

mod cpu;
#[cfg(test)]
mod tests;
mod weights;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::Arc;

use super::spaces::Space;
use super::spaces::ycbcr::{BT601_LIMITED, BT601_LIMITED_GRAY};
use crate::convert::{gpu, planar::Planar};
use crate::cuda::{CudaPointwise, CudaWork};
use crate::simd::Level;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Image, Operation, ParameterDefinition,
    ParameterError, ParameterKind, Parameters, PixelFormat, Pointwise, Refusal, Shape, Whole,
    WorkError,
};
use weights::Rule;
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |parameters: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        Ok(Arc::new(Grayscale { rule: Rule::of(parameters.text("algorithm")?) }))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "grayscale",
    name: "Grayscale",
    description: "Converts colours to shades of grey. RGB, NV12 and I420 become one channel; RGBA \
                  keeps its four channels and its transparency.",
    family: Family::Colour,
    parameters: &[ParameterDefinition {
        id: "algorithm",
        name: "Algorithm",
        description: "How brightness is computed from red, green and blue.",
        kind: ParameterKind::Select { options: &weights::NAMES, default: "bt601" },
    }],
    formats: &PixelFormat::ALL,
    cuda: true,
    tolerance: 0,
    notes: "bt601 is OpenCV's cvtColor with COLOR_RGB2GRAY, bit for bit. For NV12 and I420 it is \
            the luma, expanded from limited to full range, without reading the chroma: within 1 \
            level of converting the colours first, except for colours outside of RGB. OpenCV's \
            COLOR_YUV2GRAY leaves the luma in limited range.",
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
            PixelFormat::Rgba8 => input,
            _ => input.with_format(PixelFormat::Gray8),
        })
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        match input.format {
            PixelFormat::Gray8 => CpuWork::Nothing,
            PixelFormat::Rgb8 | PixelFormat::Rgba8 => CpuWork::Pointwise(self),
            PixelFormat::Nv12 | PixelFormat::I420 => CpuWork::Whole(self),
        }
    }

    fn effort(&self, input: Shape) -> f64 {
        if input.format.is_planar() { 3.0 } else { 1.0 }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let weights = self.rule.weights().map(i32::from);
        if input.format.is_planar() {
            return match self.rule == Rule::of("bt601") {
                true => gpu::gray(input, &BT601_LIMITED),
                false => {
                    let (from, to) = (&BT601_LIMITED, Space::Gray);
                    gpu::from_planar(input, from, to, from, Some(weights))
                }
            };
        }
        let constants = weights.to_vec();
        Some(CudaWork::Pointwise(CudaPointwise { function: "grayscale", constants, table: None }))
    }
}

impl Pointwise for Grayscale {
    fn pixels(&self, level: Level, input: PixelFormat, from: &[u8], to: &mut [u8]) {
        cpu::pixels(level, self.rule, input, from, to);
    }
}

/// From a planar layout.
impl Whole for Grayscale {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        let planar = Planar::of(input);
        if self.rule == Rule::of("bt601") {
            return Ok(planar.gray(cpu, &BT601_LIMITED_GRAY)?);
        }
        let (size, level) = (input.size(), cpu.level());
        let mut buffer = cpu.take(size.pixels());
        cpu.bands(&mut buffer, size.width(), |rows, band| {
            let mut colours = cpu.take(3 * size.width());
            for (y, to) in rows.zip(band.chunks_exact_mut(size.width())) {
                planar.rgb(level, &BT601_LIMITED, y..y + 1, &mut colours);
                cpu::pixels(level, self.rule, PixelFormat::Rgb8, &colours, to);
            }
        });
        Ok(Image::packed(size, PixelFormat::Gray8, buffer)?)
    }
}

/// The usual grey of RGB pixels, for conversions.
pub(crate) fn bt601(level: Level, from: &[u8], to: &mut [u8]) {
    cpu::pixels(level, Rule::of("bt601"), PixelFormat::Rgb8, from, to);
}

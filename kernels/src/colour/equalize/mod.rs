//! `equalize`: makes all levels of brightness about equally frequent.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::luma::{self, Histogram};
use super::tones;
use crate::cpu::look_up;
use crate::cuda::{Argument, CudaProgram, CudaWork, wide};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Image, Operation, ParameterError, Parameters,
    PixelFormat, Shape, Whole, WorkError,
};
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |_: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        Ok(Arc::new(Equalize))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "equalize",
    name: "Equalise",
    description: "Spreads brightness so that all levels are about equally frequent. In colour \
                  images only the luma changes.",
    family: Family::Colour,
    parameters: &[],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's equalizeHist, bit for bit. Colours are equalised on Y between COLOR_RGB2YCrCb \
            and COLOR_YCrCb2RGB, bit for bit, so that hues are kept. Alpha is kept.",
};

#[derive(Debug)]
struct Equalize;

impl Operation for Equalize {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Whole(self)
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (samples, channels) = tones::counts(input)?;
        let sizes = || [Argument::Int(samples), Argument::Int(channels)];
        let histogram = || [Argument::Scratch(0)];
        let blocks = wide::blocks_of_pixels(input.size.pixels(), 4)?;
        let list = |kernel, blocks, shared, arguments| {
            tones::launch(kernel, (blocks, 1), (256, 1), shared, arguments)
        };
        let launches = vec![
            list("tones_clear", 1, 0, histogram().to_vec()),
            list(
                "tones_histogram",
                blocks.min(256),
                1024,
                [Argument::Input].into_iter().chain(histogram()).chain(sizes()).collect(),
            ),
            list(
                "tones_equalize",
                1,
                1092,
                [Argument::Scratch(0), Argument::Int(samples)].to_vec(),
            ),
            list(
                "tones_apply",
                blocks,
                256,
                [Argument::Input, Argument::Output]
                    .into_iter()
                    .chain(histogram())
                    .chain(sizes())
                    .collect(),
            ),
        ];
        Some(CudaWork::Program(CudaProgram { scratch: vec![1024], data: Vec::new(), launches }))
    }
}

/// What each level becomes.
fn list(histogram: &Histogram) -> [u8; 256] {
    let total: u32 = histogram.iter().sum();
    let first = histogram.iter().position(|count| *count > 0).unwrap_or(0);
    let darkest = histogram.get(first).copied().unwrap_or(0);
    // The same floats as OpenCV's.
    let scale = 255.0 / (total - darkest) as f32;
    let mut sum = 0;
    let mut list = [0; 256];
    for ((level, to), count) in list.iter_mut().enumerate().zip(histogram) {
        sum += if level > first { *count } else { 0 };
        let flat = darkest == total;
        *to = if flat { level as u8 } else { (sum as f32 * scale).round_ties_even() as u8 };
    }
    list
}

impl Whole for Equalize {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        let list = list(&luma::histogram(cpu, input)?);
        let (format, level, row_bytes) = (input.format(), cpu.level(), input.row_bytes());
        let mut buffer = cpu.take(row_bytes * input.size().height());
        cpu.bands(&mut buffer, row_bytes, |rows, band| {
            for (y, to) in rows.zip(band.chunks_exact_mut(row_bytes)) {
                if format == PixelFormat::Gray8 {
                    look_up(level, &list, input.row(y), to);
                    continue;
                }
                luma::replace(level, format, input.row(y), to, |_, luma| {
                    let before = *luma;
                    look_up(level, &list, &before, luma);
                });
            }
        });
        Ok(Image::packed(input.size(), format, buffer)?)
    }
}

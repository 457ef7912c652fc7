//! `white_balance`: scales colours so that the average is grey.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{gpu, statistics};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Image, Operation, ParameterDefinition,
    ParameterError, ParameterKind, Parameters, PixelFormat, Shape, Table, Whole, Window, WorkError,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "white_balance",
    name: "White balance",
    description: "Removes a tint: scales red, green and blue so that the average of the image is \
                  grey (the grey-world assumption). Transparency is kept.",
    family: Family::Colour,
    parameters: &[ParameterDefinition {
        id: "strength",
        name: "Strength",
        description: "Strength of the correction, from 0 (no change) to 1 (full correction), in \
                      steps of 1/256.",
        kind: ParameterKind::Number { min: 0.0, max: 1.0, step: 0.05, default: 1.0 },
    }],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "Like OpenCV's xphoto GrayworldWB with a saturation threshold of 1, within 1 level: \
            each colour is multiplied by the mean of all colours over its own mean, here in exact \
            fractions and rounded to nearest. Grey images are not changed.",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let strength = (parameters.number("strength")? * 256.0).round() as u16;
    Ok(Arc::new(WhiteBalance { strength }))
}

#[derive(Debug)]
struct WhiteBalance {
    /// The strength in 1/256.
    strength: u16,
}

impl WhiteBalance {
    /// For those sums of red, green and blue.
    fn table(&self, sums: [u64; 3]) -> Table {
        let total: u64 = sums.iter().sum();
        let (part, rest) = (u64::from(self.strength), 256 - u64::from(self.strength));
        Table::of_colours(sums.map(|sum| {
            let mut list = [0; 256];
            for (sample, to) in (0..=255).zip(&mut list) {
                // sample × (rest + part × (total / 3) / sum) / 256, rounded to nearest.
                let scaled = sample * (3 * rest * sum + part * total);
                let exact = (scaled + 384 * sum).checked_div(768 * sum);
                *to = exact.unwrap_or(sample).min(255) as u8;
            }
            list
        }))
    }
}

impl Operation for WhiteBalance {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        if input.format == PixelFormat::Gray8 || self.strength == 0 {
            CpuWork::Nothing
        } else {
            CpuWork::Whole(self)
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (pixels, channels) = (input.size.pixels(), input.format.channels());
        let strength = if channels == 1 { 0 } else { self.strength };
        let pixels = Argument::Int(i32::try_from(pixels).ok()?);
        let channels = i32::try_from(channels).ok()?;
        let blocks = gpu::statistics_blocks(input);
        let launch = |kernel, blocks, shared_bytes, arguments| Launch {
            source: &gpu::STATISTICS,
            kernel,
            grid: (blocks, 1),
            block: (256, 1),
            shared_bytes,
            arguments,
        };
        let sum = launch(
            "colour_statistics_sums",
            blocks,
            256 * 3 * 4,
            vec![Argument::Input, Argument::Scratch(0), pixels, Argument::Int(channels)],
        );
        let balance = launch(
            "colour_statistics_balance",
            1,
            0,
            vec![
                Argument::Scratch(0),
                Argument::Scratch(1),
                Argument::Int(blocks.cast_signed()),
                Argument::Int(strength.into()),
            ],
        );
        Some(CudaWork::Program(CudaProgram {
            scratch: vec![blocks as usize * 3 * 4, 768],
            data: Vec::new(),
            launches: vec![sum, balance, gpu::apply_table(input, 1)?],
        }))
    }
}

impl Whole for WhiteBalance {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        let table = self.table(statistics::colour_sums(cpu, input)?);
        Ok(statistics::apply(cpu, &table, &Window::all(input), input.shape())?)
    }
}

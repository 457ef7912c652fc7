//! `clahe`: brightness equalised tile by tile, with limited contrast.

mod interpolate;
#[cfg(test)]
mod tests;
mod tiles;

use std::sync::Arc;

use super::{luma, tones};
use crate::cuda::{Argument, CudaProgram, CudaWork, wide};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Image, Operation, ParameterDefinition,
    ParameterError, ParameterKind, Parameters, PixelFormat, ScratchBytes, Shape, Whole, WorkError,
};
use interpolate::Rows;
use tiles::Tiles;
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let tiles = |id| parameters.integer(id).map(|tiles| usize::try_from(tiles).unwrap_or(1).max(1));
    Ok(Arc::new(Clahe {
        clip_limit: parameters.number("clip_limit")?,
        tiles: (tiles("tiles_x")?, tiles("tiles_y")?),
    }))
}

const TILES: ParameterKind = ParameterKind::Integer { min: 1, max: 64, step: 1, default: 8 };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "clahe",
    name: "Adaptive equalisation",
    description: "Contrast limited adaptive histogram equalisation (CLAHE): spreads brightness \
                  separately in each part of the image. In colour images only the luma changes.",
    family: Family::Colour,
    parameters: &[
        ParameterDefinition {
            id: "clip_limit",
            name: "Clip limit",
            description: "Limit on how often a level may occur in a tile, as a multiple of the \
                          average. Higher limits give more contrast and more noise. 0 sets no \
                          limit.",
            kind: ParameterKind::Number { min: 0.0, max: 256.0, step: 0.5, default: 2.0 },
        },
        ParameterDefinition {
            id: "tiles_x",
            name: "Tiles across",
            description: "Number of tiles that the width is divided into.",
            kind: TILES,
        },
        ParameterDefinition {
            id: "tiles_y",
            name: "Tiles down",
            description: "Number of tiles that the height is divided into.",
            kind: TILES,
        },
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's createCLAHE and apply, bit for bit. Colours are equalised on Y between \
            COLOR_RGB2YCrCb and COLOR_YCrCb2RGB, bit for bit, so that hues are kept; using L of \
            Lab would take several times as long and look much the same. Alpha is kept. Algorithm: \
            K. Zuiderveld, Contrast Limited Adaptive Histogram Equalization, Graphics Gems IV, \
            1994.",
};

#[derive(Debug)]
struct Clahe {
    clip_limit: f64,
    tiles: (usize, usize),
}

impl Operation for Clahe {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Whole(self)
    }

    fn scratch(&self, input: Shape, _: Shape) -> ScratchBytes {
        // Luma, and the lists.
        let lists = 256 * self.tiles.0 * self.tiles.1;
        ScratchBytes::keeping(input.size.pixels() + lists, input, input)
    }

    fn effort(&self, input: Shape) -> f64 {
        // The list of each tile counts as much as some of its pixels.
        let lists = 256 * self.tiles.0 * self.tiles.1;
        1.0 + 2.0 * lists as f64 / input.size.pixels() as f64
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let tiles = Tiles::new(input.size, self.tiles, self.clip_limit);
        let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
        let (width, height) = (input.size.width(), input.size.height());
        let (_, channels) = tones::counts(input)?;
        let count = |value: usize| u32::try_from(value).ok();
        let numbers = [
            int(width)?,
            int(height)?,
            Argument::Int(channels),
            int(tiles.across)?,
            int(tiles.down)?,
            int(tiles.width)?,
            int(tiles.height)?,
        ];
        let mut luts = vec![Argument::Input, Argument::Scratch(0)];
        luts.extend(numbers.clone());
        luts.push(Argument::Int(i32::try_from(tiles.limit).ok()?));
        let mut apply = vec![Argument::Input, Argument::Output, Argument::Scratch(0)];
        apply.extend(numbers);
        let blocks = wide::blocks_of_pixels(input.size.pixels(), 4)?;
        let launches = vec![
            tones::launch(
                "tones_clahe_tiles",
                (count(tiles.across)?, count(tiles.down)?),
                (256, 1),
                1092,
                luts,
            ),
            tones::launch("tones_clahe_apply", (blocks, 1), (256, 1), 0, apply),
        ];
        let scratch = vec![256 * tiles.across * tiles.down];
        Some(CudaWork::Program(CudaProgram { scratch, data: Vec::new(), launches }))
    }
}

impl Whole for Clahe {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        let (size, format, level) = (input.size(), input.format(), cpu.level());
        let tiles = Tiles::new(size, self.tiles, self.clip_limit);
        let (width, row_bytes) = (size.width(), input.row_bytes());
        let gray = format == PixelFormat::Gray8;
        // Luma on its own; a grey image is that already.
        let mut plane = cpu.take(if gray { 0 } else { size.pixels() });
        cpu.bands(&mut plane, width, |rows, band| {
            for (y, to) in rows.zip(band.chunks_exact_mut(width)) {
                luma::of(level, format, input.row(y), to);
            }
        });
        cpu.go_on()?;
        let row = |y: usize| match gray {
            true => input.row(y),
            false => plane.get(y * width..(y + 1) * width).unwrap_or_default(),
        };
        let luts = tiles.luts(cpu, size, row);
        cpu.go_on()?;
        let mut buffer = cpu.take(row_bytes * size.height());
        cpu.bands(&mut buffer, row_bytes, |rows, band| {
            let mut interpolated = Rows::new(cpu, &tiles, &luts, width);
            let mut result = cpu.take(if gray { 0 } else { width });
            for (y, to) in rows.zip(band.chunks_exact_mut(row_bytes)) {
                if gray {
                    interpolated.render(level, y, row(y), to);
                    continue;
                }
                interpolated.render(level, y, row(y), &mut result);
                luma::replace(level, format, input.row(y), to, |at, luma| {
                    let from = result.get(at * luma.len()..).unwrap_or_default();
                    luma.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                });
            }
        });
        Ok(Image::packed(size, format, buffer)?)
    }
}

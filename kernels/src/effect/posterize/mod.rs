//! `posterize`: reduces each colour to a few levels.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::cpu::Table;
use crate::cuda::{CudaPointwise, CudaWork};
use crate::simd::Level;
use crate::{
    CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Pointwise, Shape,
};
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |parameters: &Parameters| -> Result<Arc<dyn Operation>, ParameterError> {
        // The definition allows 2 to 256.
        let levels = u32::try_from(parameters.integer("levels")?).unwrap_or(256).clamp(2, 256);
        Ok(Arc::new(Posterize { table: Table::new(|value| nearest(value, levels)), levels }))
    },
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "posterize",
    name: "Posterize",
    description: "Reduces each colour to a few evenly spaced levels, including black and white. \
                  Transparency is kept.",
    family: Family::Effect,
    parameters: &[ParameterDefinition {
        id: "levels",
        name: "Levels",
        description: "Number of levels that each colour keeps; 256 changes nothing.",
        kind: ParameterKind::Integer { min: 2, max: 256, step: 1, default: 4 },
    }],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's LUT with a table of 256 values, bit for bit: each value becomes the nearest \
            of the levels i × 255 / (levels - 1), which are rounded to nearest. Pillow's posterize \
            drops low bits instead, which darkens the image.",
};

/// The level nearest to that value; halves go up.
fn nearest(value: u8, levels: u32) -> u8 {
    let steps = levels - 1;
    let index = (u32::from(value) * steps * 2 + 255) / 510;
    // At most 255: the index is at most the number of steps.
    ((index * 510 + steps) / (2 * steps)) as u8
}

#[derive(Debug)]
struct Posterize {
    table: Table,
    levels: u32,
}

impl Operation for Posterize {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        if self.levels == 256 { CpuWork::Nothing } else { CpuWork::Pointwise(self) }
    }

    fn cuda(&self, _: Shape) -> Option<CudaWork> {
        let table = Some(self.table.lists().concat());
        let work = CudaPointwise { function: "table", constants: Vec::new(), table };
        Some(CudaWork::Pointwise(work))
    }
}

impl Pointwise for Posterize {
    fn table(&self) -> Option<&Table> {
        Some(&self.table)
    }

    fn pixels(&self, level: Level, input: PixelFormat, from: &[u8], to: &mut [u8]) {
        self.table.pixels(level, input, from, to);
    }
}

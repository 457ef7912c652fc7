//! The operation of filters that look each sample up in a table.

use crate::cuda::{CudaPointwise, CudaWork};
use crate::simd::Level;
use crate::{CpuWork, FilterDefinition, Operation, PixelFormat, Pointwise, Refusal, Shape, Table};

/// A filter that is a table, prepared.
#[derive(Debug)]
pub(super) struct Tabled {
    definition: &'static FilterDefinition,
    table: Table,
    /// The parameter that gives each colour a list of its own, if there is one: not for grey.
    lists_of_colours: Option<&'static str>,
}

impl Tabled {
    /// An operation with the same list for all colours.
    pub(super) fn new(definition: &'static FilterDefinition, each: impl FnMut(u8) -> u8) -> Self {
        Self { definition, table: Table::new(each), lists_of_colours: None }
    }

    /// An operation with that list for all colours.
    pub(super) fn of_grey(definition: &'static FilterDefinition, list: [u8; 256]) -> Self {
        Self { definition, table: Table::of_colours([list; 3]), lists_of_colours: None }
    }

    /// A list for each colour, which that parameter asks for.
    pub(super) fn of_colours(
        definition: &'static FilterDefinition,
        lists: [[u8; 256]; 3],
        parameter: &'static str,
    ) -> Self {
        let table = Table::of_colours(lists);
        Self { definition, table, lists_of_colours: Some(parameter) }
    }
}

/// The work of a table on a GPU.
pub(super) fn cuda(table: &Table) -> CudaWork {
    let lists = table.lists().as_flattened().to_vec();
    CudaWork::Pointwise(CudaPointwise {
        function: "table",
        constants: Vec::new(),
        table: Some(lists),
    })
}

impl Operation for Tabled {
    fn definition(&self) -> &'static FilterDefinition {
        self.definition
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        match self.lists_of_colours {
            Some(parameter) if input.format == PixelFormat::Gray8 => Err(Refusal {
                parameter: Some(parameter),
                message: "a grey image takes one list, not three".to_owned(),
                allowed: vec!["256 numbers".to_owned()],
            }),
            _ => Ok(input),
        }
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        if self.table.is_identity() { CpuWork::Nothing } else { CpuWork::Pointwise(self) }
    }

    fn cuda(&self, _: Shape) -> Option<CudaWork> {
        Some(cuda(&self.table))
    }
}

impl Pointwise for Tabled {
    fn table(&self) -> Option<&Table> {
        Some(&self.table)
    }

    fn pixels(&self, level: Level, input: PixelFormat, from: &[u8], to: &mut [u8]) {
        self.table.pixels(level, input, from, to);
    }
}

//! `warp_affine`: moves, rotates, scales and shears the image.

use std::ops::Range;
use std::sync::Arc;

use super::{BORDER, COLOR, FILTER, HEIGHT, Map, Sampling, WIDTH};
use crate::cuda::CudaWork;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Refusal, Rows, Shape, Window,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

/// The largest absolute value of a number of a matrix.
pub(super) const NUMBER: f64 = 1_000_000.0;

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let map = Map::affine(parameters.numbers("matrix")?).ok_or_else(|| singular("matrix", 6))?;
    let (size, sampling) = (super::size(parameters)?, Sampling::of(parameters)?);
    Ok(Arc::new(Warp { definition: &DEFINITION, map, size, sampling }))
}

/// The error for a matrix that cannot be inverted.
pub(super) fn singular(parameter: &str, numbers: usize) -> ParameterError {
    let message = format!("{parameter} is singular: it maps the image to a line or a point");
    let allowed = vec![format!("{numbers} numbers of a matrix that can be inverted")];
    ParameterError::new(parameter, message, allowed)
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "warp_affine",
    name: "Affine warp",
    description: "Moves, rotates, scales and shears the image with a matrix of two rows.",
    family: Family::Geometry,
    parameters: &[
        ParameterDefinition {
            id: "matrix",
            name: "Matrix",
            description: "Six numbers a b c d e f: the pixel at x, y goes to a·x + b·y + c, \
                          d·x + e·y + f.",
            kind: ParameterKind::Numbers {
                min_items: 6,
                max_items: 6,
                group: 1,
                min: -NUMBER,
                max: NUMBER,
                default: &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            },
        },
        WIDTH,
        HEIGHT,
        FILTER,
        BORDER,
        COLOR,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's warpAffine without WARP_INVERSE_MAP, bit for bit: positions in 1/32 of a \
            pixel, weights from its tables. Alpha is treated as a fourth channel.",
};

/// An image through a matrix.
#[derive(Debug)]
pub(super) struct Warp {
    pub(super) definition: &'static FilterDefinition,
    pub(super) map: Map,
    pub(super) size: [u32; 2],
    pub(super) sampling: Sampling,
}

impl Operation for Warp {
    fn definition(&self) -> &'static FilterDefinition {
        self.definition
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        super::output(self.size, input)
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        let same_size = self.output(input) == Ok(input);
        let identity = match self.map {
            Map::Affine(matrix) => matrix == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            Map::Perspective(matrix) => matrix == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        };
        if same_size && identity { CpuWork::Nothing } else { CpuWork::Rows(self) }
    }

    fn effort(&self, _: Shape) -> f64 {
        let division = if matches!(self.map, Map::Perspective(_)) { 1.5 } else { 1.0 };
        division * self.sampling.effort()
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        super::cuda(&self.map, &self.sampling, input, self.output(input).ok()?.size)
    }
}

impl Rows for Warp {
    fn reach(&self) -> Reach {
        Reach::Anywhere
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        if let Ok(shape) = self.output(input.shape()) {
            super::render(cpu, &self.map, &self.sampling, shape.size, input, rows, output);
        }
    }
}

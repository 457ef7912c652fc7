//! `sobel` and `scharr`: first differences.

use std::ops::Range;
use std::sync::Arc;

use super::derivative::Derivative;
use super::kernels::Kernels;
use super::passes::Combine;
use crate::border::{self, Border};
use crate::cuda::{Argument, CudaProgram, CudaWork};
use crate::{
    Cpu, CpuWork, Cut, CutRows, Entry, Family, FilterDefinition, Operation, ParameterDefinition,
    ParameterError, ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
pub(crate) const SOBEL: Entry = Entry {
    definition: &SOBEL_DEFINITION,
    build: |parameters| {
        let taps = u8::try_from(parameters.integer("kernel_size")?).unwrap_or(3);
        gradient(&SOBEL_DEFINITION, Kernels::Sobel(taps), parameters)
    },
};
pub(crate) const SCHARR: Entry = Entry {
    definition: &SCHARR_DEFINITION,
    build: |parameters| gradient(&SCHARR_DEFINITION, Kernels::Scharr, parameters),
};

const DIRECTION: ParameterDefinition = ParameterDefinition {
    id: "direction",
    name: "Direction",
    description: "The axis along which brightness is compared: x finds vertical edges, y \
                  horizontal ones, and magnitude both.",
    kind: ParameterKind::Select { options: &["x", "y", "magnitude"], default: "magnitude" },
};

const NORM: ParameterDefinition = ParameterDefinition {
    id: "norm",
    name: "Norm",
    description: "How magnitude combines the two axes: l1 is the sum of their absolute values and \
                  takes less time; l2 is the root of the sum of their squares. x and y ignore it.",
    kind: ParameterKind::Select { options: &["l1", "l2"], default: "l2" },
};

/// What the derivatives are multiplied by.
pub(super) const SCALE: ParameterDefinition = ParameterDefinition {
    id: "scale",
    name: "Scale",
    description: "Factor that the result is multiplied by before it is clamped to 255.",
    kind: ParameterKind::Number { min: 0.001, max: 100.0, step: 0.1, default: 1.0 },
};

static SOBEL_DEFINITION: FilterDefinition = FilterDefinition {
    id: "sobel",
    name: "Sobel",
    description: "Shows how steeply brightness changes, in each colour. Transparency is kept.",
    family: Family::Edges,
    parameters: &[
        DIRECTION,
        NORM,
        ParameterDefinition {
            id: "kernel_size",
            name: "Kernel size",
            description: "Width and height of the neighbourhood, in pixels; odd. 1 means 3 along \
                          the axis, without smoothing across it.",
            kind: ParameterKind::Integer { min: 1, max: 7, step: 2, default: 3 },
        },
        SCALE,
        border::PARAMETER,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "x and y are OpenCV's Sobel to 16 bits followed by convertScaleAbs, bit for bit; a \
            kernel size of 7 is not clamped to 16 bits in between. magnitude is |x| + |y| (l1) or \
            the root of x² + y² (l2, OpenCV's magnitude), times scale, rounded to nearest.",
};

static SCHARR_DEFINITION: FilterDefinition = FilterDefinition {
    id: "scharr",
    name: "Scharr",
    description: "Shows how steeply brightness changes, equally well in all directions, in each \
                  colour. Transparency is kept.",
    family: Family::Edges,
    parameters: &[DIRECTION, NORM, SCALE, border::PARAMETER],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "x and y are OpenCV's Scharr to 16 bits followed by convertScaleAbs, bit for bit. \
            magnitude is |x| + |y| (l1) or the root of x² + y² (l2, OpenCV's magnitude), times \
            scale, rounded to nearest.",
};

fn gradient(
    definition: &'static FilterDefinition,
    kernels: Kernels,
    parameters: &Parameters,
) -> Result<Arc<dyn Operation>, ParameterError> {
    let combine = match (parameters.text("direction")?, parameters.text("norm")?) {
        ("x", _) => Combine::X,
        ("y", _) => Combine::Y,
        (_, "l1") => Combine::Sum,
        _ => Combine::Root,
    };
    let scale = parameters.number("scale")? as f32;
    let border = Border::of(parameters.text("border_mode")?);
    let derivative = Derivative { kernels, combine, scale, border };
    Ok(Arc::new(Edges { definition, derivative }))
}

/// One derivative of the input, as it is.
#[derive(Debug)]
pub(super) struct Edges {
    pub(super) definition: &'static FilterDefinition,
    pub(super) derivative: Derivative,
}

impl Operation for Edges {
    fn definition(&self) -> &'static FilterDefinition {
        self.definition
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Rows(self)
    }

    fn effort(&self, _: Shape) -> f64 {
        // Both directions and their root.
        let root = self.derivative.combine == Combine::Root;
        if root || matches!(self.derivative.combine, Combine::Total) { 1.0 } else { 0.5 }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let launch = self.derivative.launch(input, Argument::Input, Argument::Input)?;
        Some(CudaWork::Program(CudaProgram {
            scratch: Vec::new(),
            data: vec![self.derivative.data()],
            launches: vec![launch],
        }))
    }
}

impl Rows for Edges {
    fn reach(&self) -> Reach {
        self.derivative.reach()
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        self.derivative.render(cpu, input, rows, output);
    }

    fn cuts(&self) -> Option<&dyn CutRows> {
        // Without the root it takes about half as long; the others are cheap as they are.
        (self.derivative.combine == Combine::Root).then_some(self)
    }
}

impl CutRows for Edges {
    fn render_cut(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
        cut: Cut,
    ) {
        self.derivative.render_cut(cpu, input, rows, output, cut);
    }
}

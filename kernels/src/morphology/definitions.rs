//! The definitions of the filters.

use std::sync::Arc;

use super::element::{self, Element, Shape};
use super::{Extreme, Kind, Morphology, Outside};
use crate::border::Border;
use crate::cuda::CudaWork;
use crate::{
    CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, ScratchBytes,
};

/// Nothing beyond the edge, or one of the usual borders.
const BORDERS: [&str; 7] =
    ["ignore", "clamp", "replicate", "reflect", "reflect_101", "wrap", "constant"];

static PARAMETERS: [ParameterDefinition; 4] = [
    ParameterDefinition {
        id: "shape",
        name: "Shape",
        description: "Shape of the neighbourhood of a pixel.",
        kind: ParameterKind::Select { options: &element::SHAPES, default: "rect" },
    },
    ParameterDefinition {
        id: "kernel_size",
        name: "Kernel size",
        description: "Width and height of the neighbourhood, in pixels; odd. 1 means only the \
                      pixel itself.",
        kind: ParameterKind::Integer { min: 1, max: element::MAX_SIZE as i64, step: 2, default: 3 },
    },
    ParameterDefinition {
        id: "iterations",
        name: "Iterations",
        description: "How many times each step is done.",
        kind: ParameterKind::Integer {
            min: 1,
            max: element::MAX_ITERATIONS as i64,
            step: 1,
            default: 1,
        },
    },
    ParameterDefinition {
        id: "border_mode",
        name: "Border",
        description: "Which pixels are used beyond the edge: none (ignore), the outermost pixel \
                      (clamp, replicate), the image mirrored at its edge (reflect) or at its \
                      outermost pixel (reflect_101), the opposite side (wrap), or zeros (constant).",
        kind: ParameterKind::Select { options: &BORDERS, default: "ignore" },
    },
];

macro_rules! filters {
    ($($index:ident $kind:ident $id:literal $name:literal $description:literal)*) => {
        pub(super) const ENTRIES: [Entry; 7] = [$(Entry {
            definition: &$index,
            build: |parameters: &Parameters| build(&$index, Kind::$kind, parameters),
        }),*];
        $(static $index: FilterDefinition = FilterDefinition {
            id: $id,
            name: $name,
            description: $description,
            family: Family::Morphology,
            parameters: &PARAMETERS,
            formats: &PixelFormat::INTERLEAVED,
            cuda: true,
            tolerance: 0,
            notes: "OpenCV's morphologyEx with getStructuringElement, bit for bit; as in OpenCV, \
                    alpha is treated like the other channels. OpenCV does not offer wrap here, and \
                    its default constant border is called ignore. Neighbouring rows share their \
                    work on columns (after van Herk 1992, Gil and Werman 1993), so a larger \
                    rectangle or cross costs little more; the cost of an ellipse grows with its \
                    height.",
        };)*
    };
}
filters! {
    ERODE Erode "erode" "Erode"
        "Replaces each sample by the darkest one around it, channel by channel: bright shapes \
         shrink."
    DILATE Dilate "dilate" "Dilate"
        "Replaces each sample by the brightest one around it, channel by channel: bright shapes \
         grow."
    OPEN Open "open" "Open"
        "Erodes, then dilates: bright specks vanish, and other shapes keep their size."
    CLOSE Close "close" "Close"
        "Dilates, then erodes: dark specks and gaps vanish, and other shapes keep their size."
    GRADIENT Gradient "gradient" "Morphological gradient"
        "The dilated image minus the eroded image: shows the outlines of shapes."
    TOP_HAT TopHat "top_hat" "Top hat"
        "The image minus the opened image: shows bright details that are smaller than the \
         neighbourhood."
    BLACK_HAT BlackHat "black_hat" "Black hat"
        "The closed image minus the image: shows dark details that are smaller than the \
         neighbourhood."
}

fn build(
    definition: &'static FilterDefinition,
    kind: Kind,
    parameters: &Parameters,
) -> Result<Arc<dyn Operation>, ParameterError> {
    let natural = |id| Ok(usize::try_from(parameters.integer(id)?).unwrap_or(1));
    let shape = Shape::of(parameters.text("shape")?);
    let outside = match parameters.text("border_mode")? {
        "ignore" => Outside::Ignore,
        name => Outside::Border(Border::of(name)),
    };
    let element = Element { shape, radius: natural("kernel_size")? / 2 };
    let iterations = natural("iterations")?;
    Ok(Arc::new(Morphology { definition, kind, element, outside, iterations }))
}

impl Operation for Morphology {
    fn definition(&self) -> &'static FilterDefinition {
        self.definition
    }

    fn cpu(&self, _: crate::Shape) -> CpuWork<'_> {
        if self.changes_nothing() {
            CpuWork::Nothing
        } else if self.streams() {
            CpuWork::Rows(self)
        } else {
            CpuWork::Whole(self)
        }
    }

    fn scratch(&self, input: crate::Shape, _: crate::Shape) -> ScratchBytes {
        let reach = self.pass(Extreme::Erode).element.radius * self.kind.steps().len();
        let rows = ScratchBytes::keeping(0, input, input).thread;
        let row_bytes = input.row_bytes() + 8 * reach + 128;
        ScratchBytes {
            // Passes alternate between two images; gradients keep a third.
            once: if self.streams() { 0 } else { 2 * input.bytes() },
            thread: rows + 6 * reach * row_bytes,
        }
    }

    fn effort(&self, _: crate::Shape) -> f64 {
        // Columns are shared by neighbouring rows, so only ellipses grow with their area.
        let radius = self.pass(Extreme::Erode).element.radius as f64;
        match self.element.shape {
            element::Shape::Rect => 0.9 + 0.1 * radius,
            element::Shape::Cross => self.iterations as f64 * (0.9 + 0.1 * radius),
            element::Shape::Ellipse => {
                self.iterations as f64 * (0.9 + 0.1 * radius + radius * radius / 20.0)
            }
        }
    }

    fn cuda(&self, input: crate::Shape) -> Option<CudaWork> {
        super::gpu::program(self, input).map(CudaWork::Program)
    }
}

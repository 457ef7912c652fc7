//! `normalize_to_tensor`: makes an image the input of a model.

mod cpu;
mod gpu;
mod half;
mod numbers;
mod source;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::Arc;

use super::mapping::{Fit, Mapping};
use crate::cuda::CudaWork;
use crate::geometry::resize::{Filter, Prepared, scratch};
use crate::geometry::{MAX_SIDE, samples_of};
use crate::{
    Cpu, CpuWork, Element, Entry, Family, FilterDefinition, Image, Operation, ParameterDefinition,
    ParameterError, ParameterKind, Parameters, PixelFormat, Refusal, ScratchBytes, Shape, Size,
    Tensor, TensorShape, ToTensor, WorkError,
};
use numbers::Numbers;
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

/// The factor that makes white 1.
const ONE_OVER_255: f64 = 1.0 / 255.0;

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "normalize_to_tensor",
    name: "Normalize to tensor",
    description: "Makes the input tensor of a model: the image fitted to a size, with each sample \
                  as (sample · scale − mean) / std.",
    family: Family::Tensor,
    parameters: &[
        side("width", "Width", "Width of the tensor in pixels; 0 means the width of the input."),
        side(
            "height",
            "Height",
            "Height of the tensor in pixels; 0 means the height of the input.",
        ),
        ParameterDefinition {
            id: "fit",
            name: "Fit",
            description: "How the image is fitted to that size: by changing its aspect ratio \
                          (stretch), by adding bars (letterbox), or by cropping to its centre \
                          (center_crop).",
            kind: ParameterKind::Select {
                options: &["stretch", "letterbox", "center_crop"],
                default: "stretch",
            },
        },
        ParameterDefinition {
            id: "color",
            name: "Colour of bars",
            description: "Colour of the bars of a letterboxed image, normalised like its samples; \
                          grey images use its brightness.",
            kind: ParameterKind::Color { default: "#727272" },
        },
        ParameterDefinition {
            id: "filter",
            name: "Filter",
            description: "How values between pixels are interpolated: from four pixels (bilinear) \
                          or from the nearest one.",
            kind: ParameterKind::Select { options: &["bilinear", "nearest"], default: "bilinear" },
        },
        ParameterDefinition {
            id: "scale",
            name: "Scale",
            description: "Factor that samples, from 0 to 255, are multiplied by first.",
            kind: ParameterKind::Number {
                min: -1000.0,
                max: 1000.0,
                step: 0.001,
                default: ONE_OVER_255,
            },
        },
        ParameterDefinition {
            id: "mean",
            name: "Mean",
            description: "Subtracted after scaling: one number, or one each for red, green and \
                          blue, whatever the channel order.",
            kind: channels(-100_000.0, &[0.0]),
        },
        ParameterDefinition {
            id: "std",
            name: "Standard deviation",
            description: "Divisor applied last: one number, or one each for red, green and blue, \
                          whatever the channel order.",
            kind: channels(0.000_001, &[1.0]),
        },
        ParameterDefinition {
            id: "layout",
            name: "Layout",
            description: "Order of the axes: one plane for each channel (nchw), or the channels of \
                          a pixel together (nhwc).",
            kind: ParameterKind::Select { options: &["nchw", "nhwc"], default: "nchw" },
        },
        ParameterDefinition {
            id: "element",
            name: "Element",
            description: "Type of the numbers: single precision (f32), half precision (f16), or \
                          the unchanged samples (u8), which do not allow scale, mean or std.",
            kind: ParameterKind::Select { options: &["f32", "f16", "u8"], default: "f32" },
        },
        ParameterDefinition {
            id: "channel_order",
            name: "Channel order",
            description: "Which channel comes first: red (rgb) or blue (bgr).",
            kind: ParameterKind::Select { options: &["rgb", "bgr"], default: "rgb" },
        },
    ],
    formats: &PixelFormat::ALL,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's dnn.blobFromImage with a standard deviation for each channel, within 0.00001 \
            of the numbers' range: a sample is multiplied by scale / std, then -mean / std is \
            added, both in single precision. Sizes and samples are those of the filters resize and \
            letterbox. RGBA loses its alpha; grey images have one channel. NV12 and I420 are \
            converted to RGB first, a few rows at a time.",
};

const fn side(
    id: &'static str,
    name: &'static str,
    description: &'static str,
) -> ParameterDefinition {
    let kind = ParameterKind::Integer { min: 0, max: MAX_SIDE as i64, step: 1, default: 0 };
    ParameterDefinition { id, name, description, kind }
}

const fn channels(min: f64, default: &'static [f64]) -> ParameterKind {
    ParameterKind::Numbers { min_items: 1, max_items: 3, group: 1, min, max: 100_000.0, default }
}

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let (scale, mean, deviation) =
        (parameters.number("scale")?, three(parameters, "mean")?, three(parameters, "std")?);
    let element = match parameters.text("element")? {
        "u8" => Element::U8,
        "f16" => Element::F16,
        _ => Element::F32,
    };
    let neutral = [
        // As it is when it is not given.
        ("scale", scale == ONE_OVER_255 || scale == 1.0, "1"),
        ("mean", mean.0 == [0.0; 3], "0"),
        ("std", deviation.0 == [1.0; 3], "1"),
    ];
    if let Some((id, _, allowed)) = neutral.iter().find(|(_, neutral, _)| !neutral)
        && element == Element::U8
    {
        let message = format!("element u8 keeps samples as they are: {id} does not apply to it");
        return Err(ParameterError::new(id, message, vec![(*allowed).to_owned()]));
    }
    let side = |id| parameters.integer(id).map(|side| u32::try_from(side).unwrap_or(0));
    Ok(Arc::new(Normalize {
        size: [side("width")?, side("height")?],
        fit: match parameters.text("fit")? {
            "letterbox" => Fit::Letterbox,
            "center_crop" => Fit::CenterCrop,
            _ => Fit::Stretch,
        },
        color: parameters.color("color")?,
        filter: Filter::of(parameters.text("filter")?),
        numbers: Numbers::new(element, scale, mean.0, deviation.0),
        only_colours: [("mean", mean.1), ("std", deviation.1)]
            .into_iter()
            .find_map(|(id, three)| three.then_some(id)),
        planar: parameters.text("layout")? == "nchw",
        blue_first: parameters.text("channel_order")? == "bgr",
        prepared: Prepared::default(),
    }))
}

/// Three numbers, and whether three were given.
fn three(parameters: &Parameters, id: &str) -> Result<([f64; 3], bool), ParameterError> {
    match *parameters.numbers(id)? {
        [one] => Ok(([one; 3], false)),
        [red, green, blue] => Ok(([red, green, blue], true)),
        _ => {
            let message = format!("{id} must be 1 number or 3, not 2");
            Err(ParameterError::new(id, message, vec!["1 number".into(), "3 numbers".into()]))
        }
    }
}

#[derive(Debug)]
struct Normalize {
    size: [u32; 2],
    fit: Fit,
    color: [u8; 4],
    filter: Filter,
    numbers: Numbers,
    /// The parameter that has a number for each colour, if one has.
    only_colours: Option<&'static str>,
    planar: bool,
    blue_first: bool,
    prepared: Prepared,
}

impl Normalize {
    /// Width and height of the tensor.
    fn outer(&self, input: Size) -> Option<Size> {
        let [width, height] = self.size;
        let side = |given: u32, of_input: usize| match given {
            0 => u32::try_from(of_input).ok(),
            given => Some(given),
        };
        Size::new(side(width, input.width())?, side(height, input.height())?)
    }

    fn mapping(&self, input: Size) -> Option<Mapping> {
        Mapping::new(self.fit, input, self.outer(input)?)
    }

    /// The shape that is resized, with interleaved pixels.
    fn pixels(input: Shape) -> Shape {
        if input.format.is_planar() { input.with_format(PixelFormat::Rgb8) } else { input }
    }

    fn channels(input: Shape) -> usize {
        Self::pixels(input).format.channels().min(3)
    }

    /// The samples of the bars.
    fn bars(&self, input: Shape) -> [u8; 3] {
        let [red, green, blue, _] = samples_of(self.color, Self::channels(input));
        [red, green, blue]
    }
}

impl Operation for Normalize {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        if let Some(id) = self.only_colours
            && Self::channels(input) == 1
        {
            return Err(Refusal {
                parameter: Some(id),
                message: format!("{id} has 3 numbers, but a grey image has 1 channel"),
                allowed: vec!["1 number".to_owned()],
            });
        }
        if self.mapping(input.size).is_none() {
            return Err(Refusal {
                parameter: Some("width"),
                message: "an image that fills that size is too large".to_owned(),
                allowed: Vec::new(),
            });
        }
        Ok(input)
    }

    fn tensor(&self, input: Shape) -> Option<TensorShape> {
        let outer = self.outer(input.size)?;
        let (channels, width, height) = (Self::channels(input), outer.width(), outer.height());
        let (dimensions, layout) = match self.planar {
            true => ([1, channels, height, width], "nchw"),
            false => ([1, height, width, channels], "nhwc"),
        };
        Some(TensorShape::new(self.numbers.element, &dimensions, layout))
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Tensor(self)
    }

    fn scratch(&self, input: Shape, _: Shape) -> ScratchBytes {
        let Some(mapping) = self.mapping(input.size) else { return ScratchBytes::default() };
        let pixels = Self::pixels(input);
        let inner = Shape::new(mapping.inner(), pixels.format);
        let scratch = scratch(pixels, inner);
        // Stripes of the resized image, and for planar layouts of what they are read from.
        let stripe = (64 << 10) + 8 * inner.row_bytes();
        let rows = (16 * (1 + pixels.size.height().div_ceil(inner.size.height())) + 8)
            .min(pixels.size.height());
        let read =
            if input.format.is_planar() { rows * pixels.row_bytes() + (512 << 10) } else { 0 };
        ScratchBytes { thread: scratch.thread + stripe + read, ..scratch }
    }

    fn effort(&self, input: Shape) -> f64 {
        let Some(mapping) = self.mapping(input.size) else { return 1.0 };
        let planar = if input.format.is_planar() { 2.0 } else { 1.0 };
        planar * if mapping.inner() == input.size { 1.0 } else { 6.0 }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        self.program(input).map(CudaWork::Program)
    }
}

impl ToTensor for Normalize {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Tensor, WorkError> {
        Ok(self.make(cpu, input)?)
    }
}

//! `color_convert`: converts between colour spaces and layouts.

mod cpu;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::spaces::Space;
use super::spaces::ycbcr::Matrix;
use crate::convert::gpu;
use crate::cuda::{CudaPointwise, CudaWork};
use crate::{
    CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Refusal, Shape, Table,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let (range, matrix) = (parameters.text("range")?, parameters.text("matrix")?);
    let planar = Matrix::of(matrix, range == "full");
    Ok(Arc::new(ColorConvert {
        from: parameters.text("from")?,
        to: parameters.text("to")?,
        gray: planar.gray(),
        planar,
        interleaved: Matrix::of(matrix, range != "limited"),
    }))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "color_convert",
    name: "Convert colours",
    description: "Converts pixels from one colour space or layout to another. Alpha is kept where \
                  the result has an alpha channel.",
    family: Family::Colour,
    parameters: &[
        ParameterDefinition {
            id: "from",
            name: "From",
            description: "Colour space of the input. auto follows the layout: rgb for three or \
                          four channels, gray for one channel, or nv12 or i420. Three or four \
                          channels may also hold bgr, hsv (hue 0 to 179), hsv_full (hue 0 to 255), \
                          lab or ycbcr (in the order Y, Cb, Cr).",
            kind: ParameterKind::Select {
                options: &[
                    "auto", "rgb", "bgr", "gray", "hsv", "hsv_full", "lab", "ycbcr", "nv12", "i420",
                ],
                default: "auto",
            },
        },
        ParameterDefinition {
            id: "to",
            name: "To",
            description: "Colour space of the result. Later steps treat hsv, lab and ycbcr samples \
                          as colours, so convert them back first.",
            kind: ParameterKind::Select {
                options: &["rgb", "bgr", "gray", "hsv", "hsv_full", "lab", "ycbcr", "nv12", "i420"],
                default: "rgb",
            },
        },
        ParameterDefinition {
            id: "range",
            name: "Range",
            description: "Range of luma and chroma samples: full (0 to 255) or limited (luma 16 to \
                          235, chroma 16 to 240). auto means limited for nv12 and i420 and full \
                          for ycbcr.",
            kind: ParameterKind::Select { options: &["auto", "full", "limited"], default: "auto" },
        },
        ParameterDefinition {
            id: "matrix",
            name: "Matrix",
            description: "Weights of red, green and blue in the luma of ycbcr, nv12 and i420: \
                          those of BT.601 (most cameras) or of BT.709 (HD video).",
            kind: ParameterKind::Select { options: &["bt601", "bt709"], default: "bt601" },
        },
    ],
    formats: &PixelFormat::ALL,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's cvtColor for 8-bit images, bit for bit where OpenCV has the conversion (from \
            hsv within 1 level): HSV, HSV_FULL, Lab, full-range BT.601 YCrCb (here in the order Y, \
            Cb, Cr), and limited-range BT.601 NV12 and I420, whose chroma is taken from the upper \
            left of every two by two pixels. NV12 to grey expands the limited range, where OpenCV \
            copies the luma. Odd sizes round the chroma size up.",
};

#[derive(Debug)]
struct ColorConvert {
    from: &'static str,
    to: &'static str,
    /// Of NV12 and I420.
    planar: Matrix,
    /// From their luma to grey.
    gray: Table,
    /// The matrix of interleaved YCbCr.
    interleaved: Matrix,
}

/// What a conversion is between, for a layout.
#[derive(Clone, Copy, Debug)]
enum Way {
    Interleaved(Space, Space),
    FromPlanar(Space),
    ToPlanar(Space, PixelFormat),
    Planar(PixelFormat),
}

fn planar(name: &str) -> Option<PixelFormat> {
    match name {
        "nv12" => Some(PixelFormat::Nv12),
        "i420" => Some(PixelFormat::I420),
        _ => None,
    }
}

impl ColorConvert {
    /// What `from` may be for such a layout; the first is what `auto` means.
    fn allowed(format: PixelFormat) -> &'static [&'static str] {
        match format {
            PixelFormat::Gray8 => &["gray"],
            PixelFormat::Rgb8 | PixelFormat::Rgba8 => {
                &["rgb", "bgr", "hsv", "hsv_full", "lab", "ycbcr"]
            }
            PixelFormat::Nv12 => &["nv12"],
            PixelFormat::I420 => &["i420"],
        }
    }

    /// `None` if `from` is not what such a layout can hold.
    fn way(&self, format: PixelFormat) -> Option<Way> {
        let allowed = Self::allowed(format);
        let from = match self.from {
            "auto" => allowed.first()?,
            given => allowed.iter().find(|name| **name == given)?,
        };
        Some(match (Space::of(from), planar(self.to)) {
            (Some(from), Some(to)) => Way::ToPlanar(from, to),
            (Some(from), None) => Way::Interleaved(from, Space::of(self.to)?),
            (None, Some(to)) => Way::Planar(to),
            (None, None) => Way::FromPlanar(Space::of(self.to)?),
        })
    }
}

impl Operation for ColorConvert {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        let Some(way) = self.way(input.format) else {
            let mut allowed = vec!["auto".to_owned()];
            allowed.extend(Self::allowed(input.format).iter().map(ToString::to_string));
            return Err(Refusal {
                parameter: Some("from"),
                message: format!(
                    "pixels in the layout {:?} cannot be read as {}",
                    input.format, self.from
                ),
                allowed,
            });
        };
        Ok(input.with_format(match way {
            Way::ToPlanar(_, format) | Way::Planar(format) => format,
            Way::Interleaved(_, Space::Gray) | Way::FromPlanar(Space::Gray) => PixelFormat::Gray8,
            Way::Interleaved(..) if input.format == PixelFormat::Rgba8 => PixelFormat::Rgba8,
            Way::Interleaved(..) | Way::FromPlanar(_) => PixelFormat::Rgb8,
        }))
    }

    fn cpu(&self, input: Shape) -> CpuWork<'_> {
        match self.way(input.format) {
            Some(Way::Interleaved(from, to)) if from == to => CpuWork::Nothing,
            Some(Way::Planar(to)) if input.format == to => CpuWork::Nothing,
            Some(Way::Interleaved(..)) => CpuWork::Pointwise(self),
            _ => CpuWork::Whole(self),
        }
    }

    fn effort(&self, input: Shape) -> f64 {
        let of = |space: Space| -> f64 {
            match space {
                Space::Lab => 40.0,
                Space::Hsv | Space::HsvFull | Space::YCbCr => 4.0,
                Space::Rgb | Space::Bgr | Space::Gray => 1.0,
            }
        };
        match self.way(input.format) {
            Some(Way::Interleaved(from, to)) => of(from).max(of(to)),
            Some(Way::FromPlanar(to)) => of(to),
            Some(Way::ToPlanar(from, _)) => of(from),
            Some(Way::Planar(_)) | None => 0.5,
        }
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        match self.way(input.format)? {
            Way::Interleaved(from, to) => {
                let table = gpu::tables(from).or_else(|| gpu::tables(to));
                let constants = [from.code(), to.code()].into_iter();
                let constants = constants.chain(gpu::matrix_numbers(&self.interleaved)).collect();
                let function = "color_convert";
                Some(CudaWork::Pointwise(CudaPointwise { function, constants, table }))
            }
            Way::FromPlanar(Space::Gray) => gpu::gray(input, &self.planar),
            Way::FromPlanar(to) => {
                gpu::from_planar(input, &self.planar, to, &self.interleaved, None)
            }
            Way::ToPlanar(from, format) => {
                gpu::to_planar(input, from, &self.interleaved, format, &self.planar)
            }
            Way::Planar(format) => gpu::rearrange(input, format),
        }
    }
}

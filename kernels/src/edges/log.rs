//! `log`: the Laplacian of a Gaussian.

use std::ops::Range;
use std::sync::Arc;

use super::derivative::{BLOCK, CUDA, Derivative, TILE, grid, int};
use super::laplacian;
use super::sobel::SCALE;
use crate::blur::gaussian::{Gaussian, KERNEL_SIZE, SIGMA};
use crate::border::{self, Border};
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Image, Operation, ParameterDefinition,
    ParameterError, Parameters, PixelFormat, Reach, Rows, ScratchBytes, Shape, Whole, Window,
    WorkError,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "log",
    name: "Laplacian of Gaussian",
    description: "Shows the second derivative of brightness after a Gaussian blur, which removes \
                  noise, in each colour. Transparency is kept.",
    family: Family::Edges,
    parameters: &[
        KERNEL_SIZE,
        SIGMA,
        ParameterDefinition { id: "laplacian_size", name: "Laplacian size", ..laplacian::TAPS },
        SCALE,
        border::PARAMETER,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's GaussianBlur, Laplacian to 16 bits and convertScaleAbs, bit for bit; a \
            Laplacian size of 7 is not clamped to 16 bits in between.",
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    let laplacian = laplacian::derivative(parameters, "laplacian_size")?;
    Ok(Arc::new(Log { gaussian: Gaussian::of(parameters)?, laplacian }))
}

/// Blurred rows that are made at a time: few enough to stay in the cache.
const STRIP: usize = 32;

#[derive(Debug)]
struct Log {
    gaussian: Gaussian,
    laplacian: Derivative,
}

impl Operation for Log {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        match self.gaussian.border() {
            // Rows at one edge need blurred rows of the other.
            Border::Wrap => CpuWork::Whole(self),
            _ => CpuWork::Rows(self),
        }
    }

    fn scratch(&self, input: Shape, _: Shape) -> ScratchBytes {
        let reach = self.gaussian.radius() + self.laplacian.kernels.radius();
        let between = match self.cpu(input) {
            CpuWork::Whole(_) => input.bytes(),
            _ => 0,
        };
        let strip = (STRIP + 4 * reach) * input.row_bytes();
        let scratch = ScratchBytes::keeping(between, input, input);
        ScratchBytes { thread: scratch.thread + strip, ..scratch }
    }

    fn effort(&self, _: Shape) -> f64 {
        0.75 + 0.25 * self.gaussian.effort()
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (radius, channels) = (self.gaussian.radius(), input.format.channels());
        let (across, down) = (TILE.0 + 2 * radius, TILE.1 + 2 * radius);
        let tile = (across * down * channels).next_multiple_of(4);
        let blur = Launch {
            source: &CUDA,
            kernel: "edges_gaussian",
            grid: grid(input)?,
            block: BLOCK,
            shared_bytes: u32::try_from(tile + TILE.0 * down * channels * 2).ok()?,
            arguments: vec![
                Argument::Input,
                Argument::Scratch(0),
                int(input.size.width())?,
                int(input.size.height())?,
                int(channels)?,
                int(radius)?,
                Argument::Int(self.gaussian.border().code()),
                Argument::Data(1),
            ],
        };
        let weights = self.gaussian.weights().iter().flat_map(|weight| weight.to_le_bytes());
        let laplacian = self.laplacian.launch(input, Argument::Scratch(0), Argument::Input)?;
        Some(CudaWork::Program(CudaProgram {
            scratch: vec![input.bytes()],
            data: vec![self.laplacian.data(), weights.collect()],
            launches: vec![blur, laplacian],
        }))
    }
}

impl Rows for Log {
    fn reach(&self) -> Reach {
        Reach::Near(self.gaussian.radius() + self.laplacian.kernels.radius())
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        let (row_bytes, height) = (input.shape().row_bytes(), input.height());
        let radius = self.laplacian.kernels.radius();
        let most = (STRIP.min(rows.len()) + 2 * radius) * row_bytes;
        let mut blurred = cpu.take(most);
        // What the buffer has.
        let mut there = rows.start..rows.start;
        let strips = cpu.watched(output.chunks_mut(STRIP * row_bytes), STRIP * row_bytes);
        for (strip, output) in strips.enumerate() {
            let first = rows.start + strip * STRIP;
            let strip = first..first + output.len() / row_bytes;
            let needed = strip.start.saturating_sub(radius)..(strip.end + radius).min(height);
            // The last rows of the strip before are the first of this one.
            let kept = needed.start.max(there.start)..there.end.max(needed.start);
            let from = (kept.start - there.start.min(kept.start)) * row_bytes;
            blurred.copy_within(from..from + kept.len() * row_bytes, 0);
            let new = needed.start + kept.len()..needed.end;
            let room = kept.len() * row_bytes..needed.len() * row_bytes;
            self.gaussian.render(cpu, input, new, blurred.get_mut(room).unwrap_or_default());
            let all = blurred.get(..needed.len() * row_bytes).unwrap_or_default();
            let window = Window::part(input.shape(), needed.clone(), all);
            self.laplacian.samples(cpu, &window, input, strip, output);
            there = needed;
        }
    }
}

impl Whole for Log {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        let (shape, row_bytes) = (input.shape(), input.row_bytes());
        let window = Window::all(input);
        let mut blurred = cpu.take(shape.bytes());
        cpu.bands(&mut blurred, row_bytes, |rows, band| {
            self.gaussian.render(cpu, &window, rows, band);
        });
        cpu.go_on()?;
        let between = Window::part(shape, 0..shape.size.height(), &blurred);
        let mut output = cpu.take(shape.bytes());
        cpu.bands(&mut output, row_bytes, |rows, band| {
            self.laplacian.samples(cpu, &between, &window, rows, band);
        });
        Ok(Image::packed(shape.size, shape.format, output)?)
    }
}

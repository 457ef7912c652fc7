//! What a filter is made of: an [`Operation`] is a filter with its parameters set.
//!
//! `docs/how-to/add-a-filter.md` walks through one.

use std::fmt::Debug;
use std::ops::Range;

pub use crate::cpu::{Cpu, Cut, Table, Window};
use crate::cuda::CudaWork;
pub use crate::simd::Level;
use crate::{FilterDefinition, Image, ImageError, PixelFormat, Shape, Tensor, TensorShape};

/// What one step of a chain does, on every processor that can do it.
///
/// Implementations give the same result on each, within the tolerance of the definition.
pub trait Operation: Send + Sync + Debug {
    /// The filter that this is.
    fn definition(&self) -> &'static FilterDefinition;

    /// Size and layout of the result for such an input.
    ///
    /// # Errors
    /// If it cannot be done with an input of that size, and which parameter is to blame.
    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        Ok(input)
    }

    /// What tensor it makes of such an input, if it makes one: filters of [`Family::Tensor`] do.
    /// Its output is then the input, and it is the last step of a chain.
    ///
    /// [`Family::Tensor`]: crate::Family::Tensor
    fn tensor(&self, input: Shape) -> Option<TensorShape> {
        let _ = input;
        None
    }

    /// How to do it on the CPU, for an input of a shape that [`Operation::output`] took.
    fn cpu(&self, input: Shape) -> CpuWork<'_>;

    /// How to do it on a GPU, for an input of a shape that [`Operation::output`] took; `None` if
    /// it cannot.
    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let _ = input;
        None
    }
}

/// The kinds of work that an operation is on the CPU. What it depends on decides what it can be
/// joined with: neighbouring steps of the first two kinds run together, band by band, so that
/// what lies between them never leaves the cache.
#[derive(Clone, Copy, Debug)]
pub enum CpuWork<'a> {
    /// It returns its input as it is.
    Nothing,
    /// Each pixel depends on the same pixel of the input only, wherever it lies.
    Pointwise(&'a dyn Pointwise),
    /// Each row depends on some rows of the input.
    Rows(&'a dyn Rows),
    /// It needs several passes over the image.
    Whole(&'a dyn Whole),
    /// It makes a tensor, and leaves the image as it is.
    Tensor(&'a dyn ToTensor),
}

/// From pixels to as many pixels.
pub trait Pointwise: Debug + Sync {
    /// What becomes of each sample, if that depends on nothing but the sample. Neighbouring
    /// tables become one.
    fn table(&self) -> Option<&Table> {
        None
    }

    /// Does some pixels. Both slices hold the same number of them, in the layout of the input and
    /// in that of the result. Not called if there is a table.
    fn pixels(&self, level: Level, input: PixelFormat, from: &[u8], to: &mut [u8]);

    /// The same. Those bytes are needed soon: one that computes for long asks memory for them
    /// meanwhile.
    fn pixels_asking(
        &self,
        level: Level,
        input: PixelFormat,
        from: &[u8],
        to: &mut [u8],
        soon: [&[u8]; 2],
    ) {
        let _ = soon;
        self.pixels(level, input, from, to);
    }
}

/// From some rows to some rows.
pub trait Rows: Debug + Sync {
    /// Which rows of the input a row of the result depends on.
    fn reach(&self) -> Reach;

    /// Makes those rows of the result, without padding, on the calling thread. The window has at
    /// least the rows within reach of them.
    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]);

    /// If it is less work when only a [`Cut`] of each colour is asked for: how.
    fn cuts(&self) -> Option<&dyn CutRows> {
        None
    }
}

/// Rows with a threshold after them, in one.
pub trait CutRows: Debug + Sync {
    /// As [`Rows::render`], with that cut of each colour; transparency is not cut.
    fn render_cut(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
        cut: Cut,
    );
}

/// Which rows of the input a row of the result depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On as many above and below the same height. Rows beyond the edge of the image are made up
    /// from rows within the same distance: clamped or mirrored, not from the other side. The
    /// result is as high and wide as the input.
    Near(usize),
    /// On any. The result may have another size.
    Anywhere,
}

/// From image to image.
pub trait Whole: Debug + Sync {
    /// Does it; on other threads too, where [`Cpu::bands`] gives them.
    ///
    /// # Errors
    /// If the result is not an image, which is a bug of the operation.
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, ImageError>;
}

/// From image to tensor.
pub trait ToTensor: Debug + Sync {
    /// Does it; on other threads too, where [`Cpu::bands`] gives them.
    ///
    /// # Errors
    /// If the result is not the tensor that [`Operation::tensor`] said, which is a bug of the
    /// operation.
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Tensor, ImageError>;
}

/// Why an operation does not take an image of that size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The parameter that does not fit the image, if it is one.
    pub parameter: Option<&'static str>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What would have been right.
    pub allowed: Vec<String>,
}

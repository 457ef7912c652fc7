//! What a filter is made of: an [`Operation`] is a filter with its parameters set.
//!
//! `docs/how-to/add-a-filter.md` walks through one.

use std::fmt::Debug;
use std::ops::Range;

pub use crate::cpu::{Cpu, Cut, Table, Window};
use crate::cuda::CudaWork;
pub use crate::simd::Level;
use crate::{Family, FilterDefinition, Image, ImageError, PixelFormat, Shape, Tensor, TensorShape};

/// A filter with its parameters set: what one step of a chain does, on every processor that can do
/// it.
///
/// All implementations of an operation give the same result, within the tolerance of its
/// definition.
pub trait Operation: Send + Sync + Debug {
    /// The filter that this operation belongs to.
    fn definition(&self) -> &'static FilterDefinition;

    /// The size and layout of the result for an input of that shape.
    ///
    /// # Errors
    /// If the operation cannot handle an input of that size. The error names the parameter to
    /// blame.
    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        Ok(input)
    }

    /// The tensor that the operation makes of an input of that shape. Only filters of
    /// [`Family::Tensor`] make one; their image is the unchanged input, and they are the last step
    /// of a chain.
    ///
    /// [`Family::Tensor`]: crate::Family::Tensor
    fn tensor(&self, input: Shape) -> Option<TensorShape> {
        let _ = input;
        None
    }

    /// The work on the CPU, for an input of a shape that [`Operation::output`] accepts.
    fn cpu(&self, input: Shape) -> CpuWork<'_>;

    /// How much work the parameters ask for, for each byte that is read or written, compared with the
    /// defaults of the filter.
    fn effort(&self, input: Shape) -> f64 {
        let _ = input;
        1.0
    }

    /// The memory that the work on the CPU takes beside its input and its result, which has the
    /// shape `output`: rather too much than too little. The default knows rows that depend on rows nearby, and work on several
    /// passes that keeps nothing between them.
    fn scratch(&self, input: Shape, output: Shape) -> ScratchBytes {
        ScratchBytes::usual(self.cpu(input), self.definition().family, input, output)
    }

    /// The work on a GPU, for an input of a shape that [`Operation::output`] accepts; `None` if the
    /// operation does not run there.
    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let _ = input;
        None
    }
}

/// Bytes of memory that work on the CPU takes beside its input and its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScratchBytes {
    /// For the whole image.
    pub once: usize,
    /// On each thread.
    pub thread: usize,
}

impl ScratchBytes {
    /// For work that keeps that many bytes for the whole image between its passes.
    pub(crate) fn keeping(once: usize, input: Shape, output: Shape) -> Self {
        Self { once, thread: Self::of_rows(0, input, output) }
    }

    /// For rows of single-precision numbers, as many as a neighbourhood is high, and for some dozen
    /// more.
    fn of_rows(reach: usize, input: Shape, output: Shape) -> usize {
        /// For lists of counts and the like.
        const LISTS: usize = 1 << 20;
        let row = input.row_bytes().max(output.row_bytes()) + 8 * reach + 192;
        (4 * (2 * reach + 1) + 64) * row + LISTS
    }

    fn usual(work: CpuWork<'_>, family: Family, input: Shape, output: Shape) -> Self {
        /// The farthest that any filter reaches whose neighbourhood goes on at the opposite side.
        const FARTHEST: usize = 640;
        let reach = match work {
            CpuWork::Nothing => return Self::default(),
            CpuWork::Pointwise(_) | CpuWork::Whole(_) | CpuWork::Tensor(_) => 0,
            CpuWork::Rows(_) if family == Family::Geometry => 0,
            CpuWork::Rows(rows) => match rows.reach() {
                Reach::Near(reach) => reach,
                Reach::Anywhere => FARTHEST,
            },
        };
        Self { once: 0, thread: Self::of_rows(reach.min(FARTHEST), input, output) }
    }
}

/// The kinds of work that an operation can be on the CPU. What its result depends on decides what
/// it can be combined with: neighbouring steps that are `Nothing`, `Pointwise` or `Rows` of limited
/// reach run together, band by band, so that the pixels between them never leave the cache.
#[derive(Clone, Copy, Debug)]
pub enum CpuWork<'a> {
    /// The result is the input.
    Nothing,
    /// Each pixel depends only on the same pixel of the input, regardless of its position.
    Pointwise(&'a dyn Pointwise),
    /// Each row depends on some rows of the input.
    Rows(&'a dyn Rows),
    /// The operation needs several passes over the image.
    Whole(&'a dyn Whole),
    /// The operation makes a tensor and leaves the image unchanged.
    Tensor(&'a dyn ToTensor),
}

/// Work that turns each pixel into one pixel.
pub trait Pointwise: Debug + Sync {
    /// The table that describes this work, if each sample depends on nothing but the same sample.
    /// Neighbouring tables are merged into one.
    fn table(&self) -> Option<&Table> {
        None
    }

    /// Processes some pixels. Both slices hold the same number of them, in the layout of the input
    /// and of the result. Not called if there is a table.
    fn pixels(&self, level: Level, input: PixelFormat, from: &[u8], to: &mut [u8]);

    /// Like [`Pointwise::pixels`], with the bytes that are needed `soon`: work that computes for
    /// long may prefetch them.
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

/// Work that makes rows from rows.
pub trait Rows: Debug + Sync {
    /// The rows of the input that a row of the result depends on.
    fn reach(&self) -> Reach;

    /// Makes rows `rows` of the result, without padding, on the calling thread. The window has at
    /// least the rows that they depend on.
    ///
    /// What takes long goes over [`Cpu::watched`] rows, and may leave the rest unwritten when these
    /// end: then nobody looks at the result.
    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]);

    /// A faster way for results that are only compared with a threshold, a [`Cut`] of each colour;
    /// `None` if there is none.
    fn cuts(&self) -> Option<&dyn CutRows> {
        None
    }
}

/// Rows and the threshold after them, done in one.
pub trait CutRows: Debug + Sync {
    /// Like [`Rows::render`], with `cut` applied to each colour; transparency is not cut.
    fn render_cut(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
        cut: Cut,
    );
}

/// The rows of the input that a row of the result depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The rows up to this distance above and below. Rows beyond the edge of the image are derived
    /// from rows within the same distance, by clamping or mirroring, not from the opposite side.
    /// The result has the size of the input.
    Near(usize),
    /// Any row. The result may have another size.
    Anywhere,
}

/// Work that makes an image from an image.
pub trait Whole: Debug + Sync {
    /// Makes the result, also on the threads that [`Cpu::bands`] offers.
    ///
    /// # Errors
    /// If it was interrupted, or if the result is not a valid image, which is a bug of the operation.
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError>;
}

/// Work that makes a tensor from an image.
pub trait ToTensor: Debug + Sync {
    /// Makes the tensor, also on the threads that [`Cpu::bands`] offers.
    ///
    /// # Errors
    /// If it was interrupted, or if the result is not the tensor that [`Operation::tensor`]
    /// announced, which is a bug of the operation.
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Tensor, WorkError>;
}

/// Why work on the CPU made nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// Its interrupt was set.
    #[error("the work was interrupted")]
    Interrupted,
    /// What it made is not valid, which is a bug of the operation.
    #[error(transparent)]
    Invalid(#[from] ImageError),
}

/// Why an operation does not accept an image of that size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The parameter that does not fit the image, if it is due to one.
    pub parameter: Option<&'static str>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What is allowed instead.
    pub allowed: Vec<String>,
}

//! Differences of images on a GPU: each image of a batch against the one before it.

use super::Difference;
use crate::cuda::{Argument, CudaPlan, CudaProgram, CudaSource, Launch, wide};
use crate::{Element, PixelFormat, Shape, TensorShape};

static CUDA: CudaSource =
    CudaSource { name: "difference.cu", text: include_str!("../../cuda/difference.cu") };

/// The numbers that a block computes: the sum, the count above the threshold, and the maximum.
const NUMBERS: usize = 3;
/// The largest number of blocks: enough to keep a GPU busy, and few enough samples in each for its
/// sum not to overflow.
const MOST_BLOCKS: u32 = 256;

/// The plan that compares each image of a batch with the one before it. [`Difference::read`] reads
/// what it makes. `None` if the images have more samples than kernels can count.
#[must_use]
pub fn difference_plan(shape: Shape, threshold: u8) -> Option<CudaPlan> {
    let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
    let (width, stride) = match shape.format {
        PixelFormat::Nv12 => (shape.size.width(), shape.row_bytes()),
        // Nothing lies between their samples.
        _ => (shape.row_bytes(), shape.row_bytes()),
    };
    let arguments = vec![
        Argument::Input,
        Argument::Output,
        int(shape.bytes())?,
        int(stride * shape.size.height())?,
        int(width)?,
        int(stride)?,
        Argument::Int(threshold.into()),
    ];
    let launch = wide::of_bytes(&CUDA, "difference_parts", shape.bytes(), arguments)?;
    let blocks = launch.grid.0.min(MOST_BLOCKS);
    let shared_bytes = wide::THREADS * NUMBERS as u32 * 4;
    let launches = vec![Launch { grid: (blocks, 1), shared_bytes, ..launch }];
    let program = CudaProgram { scratch: Vec::new(), data: Vec::new(), launches };
    let parts = TensorShape::new(Element::U32, &[blocks as usize, NUMBERS], "bn");
    Some(CudaPlan::of_tensor(program, shape, parts))
}

impl Difference {
    /// The difference that the bytes describe which the plan made for images of that shape.
    #[must_use]
    pub fn read(shape: Shape, parts: &[u8]) -> Self {
        let mut total = Self { samples: shape.samples(), sum: 0, max: 0, over: 0 };
        let (numbers, _) = parts.as_chunks::<4>();
        for [sum, over, most] in numbers.as_chunks::<NUMBERS>().0 {
            let [sum, over, most] = [sum, over, most].map(|bytes| u32::from_le_bytes(*bytes));
            total.sum += u64::from(sum);
            total.over += u64::from(over);
            total.max = total.max.max(u8::try_from(most).unwrap_or(u8::MAX));
        }
        total
    }
}

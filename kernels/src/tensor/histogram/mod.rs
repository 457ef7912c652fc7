//! `histogram`: counts how often each value occurs.

mod cpu;

use std::sync::Arc;

use super::CUDA;
use crate::cuda::{Argument, CudaProgram, CudaWork, Launch};
use crate::geometry::{blocks, int};
use crate::{
    Cpu, CpuWork, Element, Entry, Family, FilterDefinition, Image, Operation, ParameterError,
    Parameters, PixelFormat, Shape, Tensor, TensorShape, ToTensor, WorkError,
};
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

fn build(_: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    Ok(Arc::new(Histogram))
}

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "histogram",
    name: "Histogram",
    description: "Counts how often each value occurs in each channel: makes a tensor of channels \
                  by 256 whole numbers. The image stays the same.",
    family: Family::Tensor,
    parameters: &[],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's calcHist with 256 bins for each channel, exactly, as 32-bit integers. Alpha \
            is treated as a fourth channel.",
};

#[derive(Debug)]
struct Histogram;

impl Operation for Histogram {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn tensor(&self, input: Shape) -> Option<TensorShape> {
        Some(TensorShape::new(Element::U32, &[input.format.channels(), 256], "cv"))
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Tensor(self)
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (channels, pixels) = (input.format.channels(), input.size.pixels());
        /// Pixels of a thread, at least: each block adds its counts to those of all.
        const EACH: usize = 32;
        /// Enough to keep a GPU busy.
        const MOST_BLOCKS: u32 = 1024;
        let bins = channels * 256;
        let clear = Launch {
            source: &CUDA,
            kernel: "tensor_clear",
            grid: (blocks(bins, 256)?, 1),
            block: (256, 1),
            shared_bytes: 0,
            arguments: vec![Argument::Output, int(bins)?],
        };
        let count = Launch {
            source: &CUDA,
            kernel: "tensor_histogram",
            grid: (blocks(pixels, 256 * EACH)?.min(MOST_BLOCKS), 1),
            block: (256, 1),
            shared_bytes: u32::try_from(4 * bins).ok()?,
            arguments: vec![Argument::Input, Argument::Output, int(pixels)?, int(channels)?],
        };
        let launches = vec![clear, count];
        Some(CudaWork::Program(CudaProgram { scratch: Vec::new(), data: Vec::new(), launches }))
    }
}

impl ToTensor for Histogram {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Tensor, WorkError> {
        Ok(cpu::count(cpu, input)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Pool;
    use crate::simd::Level;
    use crate::test_images::any_image;

    proptest! {
        #[test]
        fn every_sample_is_counted_once(image in any_image(60)) {
            let channels = image.format().channels();
            let mut expected = vec![0_u32; 256 * channels];
            for row in image.rows() {
                for (at, sample) in row.iter().enumerate() {
                    expected[at % channels * 256 + usize::from(*sample)] += 1;
                }
            }
            let expected: Vec<u8> = expected.into_iter().flat_map(u32::to_le_bytes).collect();
            for level in Level::all() {
                let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
                let tensor = Histogram.run(&cpu, &image).unwrap();
                let shape = Histogram.tensor(image.shape());
                prop_assert_eq!(Some(tensor.shape()), shape.as_ref());
                prop_assert_eq!(tensor.data(), &expected[..]);
            }
        }
    }
}

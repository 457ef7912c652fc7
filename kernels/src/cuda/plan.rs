//! Plans a chain for a GPU: the kernels, and the memory that they work on.

use super::fuse::{self, Part};
use super::stage::Stage;
use super::{CudaProgram, CudaWork};
use crate::chain::{Step, Steps};
use crate::{BackendError, Chain, CpuWork, Planned, Shape, TensorShape};

/// The stages of a chain on a GPU, for an input of one shape.
#[derive(Clone, Debug, PartialEq)]
pub struct CudaPlan {
    /// The shape of the image that is uploaded.
    pub input: Shape,
    /// The shape of the image that is downloaded.
    pub output: Shape,
    /// The shape of the tensor that is downloaded too, if the last stage makes one.
    pub tensor: Option<TensorShape>,
    /// The stages, in order. Each works on the result of the one before. Empty if the chain changes
    /// nothing.
    pub stages: Vec<Stage>,
}

impl CudaPlan {
    /// Plans a chain for an input of that shape.
    ///
    /// # Errors
    /// If a step does not accept what the step before it makes, or does not run on a GPU.
    pub fn new(chain: &Chain, input: Shape) -> Result<Self, BackendError> {
        Self::of_steps(&chain.plan(input)?, input)
    }

    /// What a chain that was planned already is on a GPU.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] if a step does not run on a GPU.
    pub fn of(planned: &Planned) -> Result<Self, BackendError> {
        let mut steps = Steps::new();
        planned.steps_into(&mut steps);
        Self::of_steps(&steps, planned.input())
    }

    fn of_steps(steps: &[Step<'_>], input: Shape) -> Result<Self, BackendError> {
        let mut plan = Self { input, output: input, tensor: None, stages: Vec::new() };
        let mut run = Vec::<Part>::new();
        for step in steps {
            let id = step.operation.definition().id;
            if matches!(step.operation.cpu(step.input), CpuWork::Nothing) {
                continue;
            }
            let work = step.operation.cuda(step.input).ok_or(BackendError::Unsupported { id })?;
            match work {
                CudaWork::Pointwise(work) => {
                    run.push(Part { work, output: step.output, step: step.index });
                }
                CudaWork::Program(program) => {
                    plan.fuse(&mut run)?;
                    plan.stages.push(Stage::of(program, step.index, step.input, step.output));
                    plan.output = step.output;
                    plan.tensor = step.operation.tensor(step.input);
                    if let (Some(tensor), Some(last)) = (&plan.tensor, plan.stages.last_mut()) {
                        last.output_bytes = tensor.bytes();
                    }
                }
            }
        }
        plan.fuse(&mut run)?;
        Ok(plan)
    }

    /// A plan of one stage that is not a step of a chain: it makes a tensor and leaves the image
    /// unchanged.
    pub(crate) fn of_tensor(program: CudaProgram, input: Shape, tensor: TensorShape) -> Self {
        let mut stage = Stage::of(program, 0, input, input);
        stage.steps.clear();
        stage.output_bytes = tensor.bytes();
        Self { input, output: input, tensor: Some(tensor), stages: vec![stage] }
    }

    /// Makes kernels of the pointwise steps in `run`.
    fn fuse(&mut self, run: &mut Vec<Part>) -> Result<(), BackendError> {
        while !run.is_empty() {
            let rest = run.split_off(fuse::length(run));
            let parts = std::mem::replace(run, rest);
            let functions: Vec<_> = parts.iter().map(|part| part.work.function).collect();
            let stage = fuse::fuse(parts, self.output).ok_or_else(|| {
                BackendError::Internal(format!("no kernel can do {functions:?} on this image"))
            })?;
            self.output = stage.output;
            self.stages.push(stage);
        }
        Ok(())
    }

    /// Whether the image that goes in comes out unchanged, so that it need not be downloaded.
    pub(super) fn keeps_image(&self) -> bool {
        self.stages.len() <= usize::from(self.tensor.is_some())
    }

    /// The memory that the plan needs for a batch of that many images.
    #[must_use]
    pub(super) fn layout(&self, images: usize) -> Layout {
        let outputs = self.stages.iter().map(|stage| spaced(images, stage.output_bytes));
        let image = outputs.fold(spaced(images, self.input.bytes()), usize::max);
        let mut scratch = Vec::<usize>::new();
        for stage in &self.stages {
            let missing = stage.scratch.len().saturating_sub(scratch.len());
            scratch.extend(std::iter::repeat_n(0, missing));
            for (bytes, one) in scratch.iter_mut().zip(&stage.scratch) {
                *bytes = (*bytes).max(spaced(images, *one));
            }
        }
        Layout { image, scratch }
    }
}

/// The sizes of the buffers of a plan, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The size of each of the two image buffers, which swap after every stage.
    pub(super) image: usize,
    /// The size of each scratch buffer; stages use them one after the other.
    pub(super) scratch: Vec<usize>,
}

impl Layout {
    /// The size of all buffers together.
    pub(super) fn bytes(&self) -> usize {
        self.scratch.iter().fold(self.image.saturating_mul(2), |sum, one| sum.saturating_add(*one))
    }
}

/// Bytes from one image of a batch to the next, as `BATCH` in `common.cuh` has it.
pub(super) const fn spacing(bytes: usize) -> usize {
    bytes.next_multiple_of(256)
}

/// Bytes of a batch of images.
pub(super) const fn spaced(images: usize, bytes: usize) -> usize {
    spacing(bytes).saturating_mul(images)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Catalog, PixelFormat, Size};

    fn plan(steps: &[(&str, &[(&str, &str)])], format: PixelFormat) -> CudaPlan {
        let given: Vec<BTreeMap<String, String>> = (steps.iter())
            .map(|(_, given)| {
                given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
            })
            .collect();
        let steps = steps.iter().zip(&given).map(|((id, _), given)| (*id, given));
        let chain = Chain::parse(&Catalog::standard(), steps).unwrap();
        CudaPlan::new(&chain, Shape::new(Size::new(50, 40).unwrap(), format)).unwrap()
    }

    #[test]
    fn pointwise_steps_become_one_stage_and_others_one_each() {
        let plan = plan(&[("blur", &[]), ("grayscale", &[]), ("blur", &[])], PixelFormat::Rgb8);
        let steps: Vec<_> = plan.stages.iter().map(|stage| stage.steps.clone()).collect();
        assert_eq!(steps, [[0], [1], [2]]);
        assert_eq!(plan.output.format, PixelFormat::Gray8);
        for (before, after) in plan.stages.iter().zip(plan.stages.iter().skip(1)) {
            assert_eq!(before.output, after.input);
        }
        let layout = plan.layout(3);
        assert_eq!(layout, Layout { image: 3 * 6144, scratch: vec![] });
        assert_eq!(layout.bytes(), 6 * 6144);
    }

    #[test]
    fn steps_that_change_nothing_are_left_out() {
        let blur: (&str, &[(&str, &str)]) = ("blur", &[("kernel_size", "1")]);
        let plan = plan(&[blur, ("grayscale", &[])], PixelFormat::Gray8);
        assert!(plan.stages.is_empty());
        assert_eq!(plan.output, plan.input);
    }

    #[test]
    fn planar_layouts_are_converted_on_the_device() {
        let plan = plan(&[("blur", &[])], PixelFormat::Nv12);
        assert_eq!(plan.input.format, PixelFormat::Nv12);
        assert_eq!(plan.stages[0].output.format, PixelFormat::Rgb8);
        assert_eq!((plan.stages.len(), plan.output.format), (2, PixelFormat::Rgb8));
        // Both are the first step of the chain: its time is that of both.
        assert_eq!((&plan.stages[0].steps, &plan.stages[1].steps), (&vec![0], &vec![0]));
    }

    #[test]
    fn scratch_is_shared_by_stages() {
        let mut plan = plan(&[("blur", &[]), ("blur", &[])], PixelFormat::Gray8);
        plan.stages[0].scratch = vec![100];
        plan.stages[1].scratch = vec![10, 300];
        assert_eq!(plan.layout(2).scratch, [512, 1024]);
    }
}

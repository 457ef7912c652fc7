//! A chain with its plan, to be kept with a request.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::{Chain, MAX_STEPS, Step, Steps, prior};
use crate::{BackendError, CpuWork, Image, Shape, TensorShape, convert, cpu};

/// A chain, planned once for inputs of one shape.
///
/// The plan says which shape every step makes, and it is what estimates, limits and backends start
/// from: none of them has to ask the operations again. A clone shares the plan.
#[derive(Clone, Debug)]
pub struct Planned {
    chain: Chain,
    input: Shape,
    steps: Arc<[PlannedStep]>,
    tensor: Option<TensorShape>,
}

/// A [`Step`] without its operation, so that it can be kept beside the chain.
#[derive(Clone, Copy, Debug)]
struct PlannedStep {
    /// Whether it converts a planar image for the step of the chain at `index`, or is that step.
    converts: bool,
    index: usize,
    input: Shape,
    output: Shape,
}

impl Planned {
    /// Plans a chain for inputs of that shape.
    ///
    /// # Errors
    /// [`BackendError::Format`] or [`BackendError::Refused`] if a step does not accept what the step
    /// before it makes.
    pub fn new(chain: Chain, input: Shape) -> Result<Self, BackendError> {
        let mut plan = Steps::new();
        chain.plan_into(&mut plan, input)?;
        let following = plan.iter().skip(1).map(|step| Some(step.index)).chain([None]);
        let steps = (plan.iter().zip(following))
            .map(|(&Step { index, input, output, .. }, following)| {
                // A conversion has the index of the step that needs it, which follows.
                PlannedStep { converts: following == Some(index), index, input, output }
            })
            .collect();
        let tensor = plan.last().and_then(|step| step.operation.tensor(step.input));
        drop(plan);
        Ok(Self { chain, input, steps, tensor })
    }

    /// The chain that was planned.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The shape of the images that it was planned for.
    #[must_use]
    pub const fn input(&self) -> Shape {
        self.input
    }

    /// The shape of the image that the chain makes.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.steps.last().map_or(self.input, |step| step.output)
    }

    /// The shape of the tensor that the chain makes beside the image, if it makes one.
    #[must_use]
    pub const fn tensor(&self) -> Option<&TensorShape> {
        self.tensor.as_ref()
    }

    /// The shapes of all images that are made on the way, in order.
    pub fn results(&self) -> impl Iterator<Item = Shape> {
        self.steps.iter().map(|step| step.output)
    }

    /// How much work each step of the chain is, conversions included: one number for each step. It
    /// is the bytes that the step reads and writes, times the effort that its parameters ask for.
    #[must_use]
    pub fn step_work(&self) -> ArrayVec<f64, MAX_STEPS> {
        let mut all: ArrayVec<f64, MAX_STEPS> = self.chain.ids().map(|_| 0.0).collect();
        self.each_work(|index, _, work| {
            if let Some(sum) = all.get_mut(index) {
                *sum += work;
            }
        });
        all
    }

    /// How long a run may be expected to take on one thread of a CPU before anything was measured:
    /// rather too short than too long, so that what is refused for it would not have been done.
    #[must_use]
    pub fn prior_cpu(&self) -> Duration {
        let mut nanoseconds = 0.0;
        self.each_work(|_, id, work| nanoseconds += work * prior::nanoseconds(id));
        Duration::from_nanos(nanoseconds as u64)
    }

    fn each_work(&self, mut visit: impl FnMut(usize, &'static str, f64)) {
        let mut steps = Steps::new();
        self.steps_into(&mut steps);
        for step in &steps {
            if matches!(step.work(), CpuWork::Nothing) {
                visit(step.index, step.operation.definition().id, 0.0);
                continue;
            }
            let tensor = step.operation.tensor(step.input).map_or(0, |tensor| tensor.bytes());
            let made = if tensor > 0 { tensor } else { step.output.bytes() };
            let effort = step.operation.effort(step.input);
            let work = (step.input.bytes() + made) as f64 * effort;
            visit(step.index, step.operation.definition().id, work);
        }
    }

    /// The most bytes that a run takes at a time on a CPU with one thread, its input included:
    /// pixels and scratch memory, rather too many than too few. What a pool keeps free is not among
    /// them.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes_on(1)
    }

    /// Like [`Planned::peak_bytes`], with so many threads of a [`WorkerPool`](crate::WorkerPool).
    #[must_use]
    pub fn peak_bytes_on(&self, threads: usize) -> usize {
        let mut steps = Steps::new();
        self.steps_into(&mut steps);
        // Whoever asked for the run may still hold the input.
        let tensor = self.tensor.as_ref().map_or(0, TensorShape::bytes);
        self.input.bytes() + tensor + cpu::peak_bytes(&steps, threads)
    }

    /// Checks that an image has the shape that the chain was planned for.
    pub(crate) fn check(&self, image: &Image) -> Result<(), BackendError> {
        if image.shape() == self.input {
            return Ok(());
        }
        let (is, must) = (image.shape(), self.input);
        Err(BackendError::Internal(format!("the image is {is:?}, but the plan is for {must:?}")))
    }

    /// Appends the steps to `steps`; no operation is asked for anything.
    pub(crate) fn steps_into<'a>(&'a self, steps: &mut Steps<'a>) {
        for &PlannedStep { converts, index, input, output } in self.steps.iter() {
            if converts {
                steps.push(Step { operation: &convert::TO_RGB, index, input, output });
            } else if let Some(operation) = self.chain.operations().get(index) {
                steps.push(Step { operation: operation.as_ref(), index, input, output });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        Backend as _, Catalog, CpuBackend, Interrupt, PixelFormat, Pool, Size, test_images,
    };

    fn chain(ids: &[&str]) -> Chain {
        let none = BTreeMap::new();
        Chain::parse(&Catalog::standard(), ids.iter().map(|id| (*id, &none))).unwrap()
    }

    #[test]
    fn a_plan_has_the_steps_of_its_chain_and_the_conversions_before_them() {
        let chain = chain(&["grayscale", "blur", "normalize_to_tensor"]);
        for format in PixelFormat::ALL {
            let input = Shape::new(Size::new(20, 10).unwrap(), format);
            let planned = Planned::new(chain.clone(), input).unwrap();
            let (mut kept, made) = (Steps::new(), chain.plan(input).unwrap());
            planned.steps_into(&mut kept);
            assert_eq!(kept.len(), made.len(), "{format:?}");
            for (kept, made) in kept.iter().zip(&made) {
                assert_eq!(kept.operation.definition().id, made.operation.definition().id);
                let of = |step: &Step<'_>| (step.index, step.input, step.output);
                assert_eq!(of(kept), of(made));
            }
            assert_eq!(planned.output(), chain.output(input).unwrap());
            assert_eq!(planned.tensor().cloned(), chain.tensor(input).unwrap());
            assert_eq!(planned.results().last(), Some(planned.output()));
        }
    }

    #[test]
    fn work_of_a_conversion_is_that_of_the_step_that_needs_it() {
        let input = Shape::new(Size::new(20, 10).unwrap(), PixelFormat::Nv12);
        let planned = Planned::new(chain(&["blur", "grayscale"]), input).unwrap();
        let (nv12, rgb, gray) = (300, 600, 200);
        let converted = input.with_format(PixelFormat::Rgb8);
        let effort = |at: usize| planned.chain().operations()[at].effort(converted);
        let conversion = f64::from(nv12 + rgb);
        let is = [conversion + f64::from(rgb + rgb) * effort(0), f64::from(rgb + gray) * effort(1)];
        assert_eq!(planned.step_work().as_slice(), is);
    }

    #[test]
    fn a_planned_chain_runs_as_the_chain_does_and_on_images_of_its_shape_only() {
        let chain = chain(&["blur", "invert"]);
        let image = test_images::filled(PixelFormat::Rgb8, 9, 7, 30);
        let mut backend = CpuBackend::new(Pool::new(0));
        let planned = Planned::new(chain.clone(), image.shape()).unwrap();
        let output = backend.run_planned(&planned, image.clone(), &Interrupt::never()).unwrap();
        assert_eq!(output.image, backend.run(&chain, image).unwrap().image);
        let other = test_images::filled(PixelFormat::Rgb8, 7, 9, 30);
        let error = backend.run_planned(&planned, other, &Interrupt::never()).unwrap_err();
        assert!(matches!(error, BackendError::Internal(_)), "{error}");
    }
}

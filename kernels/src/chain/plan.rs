//! The plan of a chain: the shape of image that each step is given, and the conversions that
//! planar layouts need. Every backend starts from it.

use arrayvec::ArrayVec;

use super::{Chain, MAX_STEPS};
use crate::{BackendError, CpuWork, Operation, PixelFormat, Shape, convert};

/// An operation, with the shape of its input and of its result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) operation: &'a dyn Operation,
    /// The step of the chain that the time is charged to.
    pub(crate) index: usize,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
}

impl<'a> Step<'a> {
    /// The work that this step is on the CPU.
    pub(crate) fn work(&self) -> CpuWork<'a> {
        self.operation.cpu(self.input)
    }
}

/// The steps of a plan, in order. There may be a conversion before every step of the chain, hence
/// the factor of two.
pub(crate) type Steps<'a> = ArrayVec<Step<'a>, { 2 * MAX_STEPS }>;

impl Chain {
    /// Plans the chain for an input of that shape.
    ///
    /// # Errors
    /// If a step does not accept what the step before it makes.
    pub(crate) fn plan(&self, input: Shape) -> Result<Steps<'_>, BackendError> {
        let mut steps = Steps::new();
        self.plan_into(&mut steps, input)?;
        Ok(steps)
    }

    /// Appends the plan to `steps`: moving a list of 6 KB takes longer than planning.
    ///
    /// # Errors
    /// If a step does not accept what the step before it makes.
    pub(crate) fn plan_into<'a>(
        &'a self,
        steps: &mut Steps<'a>,
        input: Shape,
    ) -> Result<(), BackendError> {
        let mut shape = input;
        for (index, operation) in self.operations().iter().enumerate() {
            let definition = operation.definition();
            if !definition.formats.contains(&shape.format) {
                // What a planar layout is converted to must be accepted, too.
                let rgb = definition.formats.contains(&PixelFormat::Rgb8);
                if !shape.format.is_planar() || !rgb {
                    return Err(BackendError::Format { id: definition.id, format: shape.format });
                }
                let output = shape.with_format(PixelFormat::Rgb8);
                steps.push(Step { operation: &convert::TO_RGB, index, input: shape, output });
                shape = output;
            }
            let output = operation
                .output(shape)
                .map_err(|refusal| BackendError::Refused { step: index, refusal })?;
            steps.push(Step { operation: operation.as_ref(), index, input: shape, output });
            shape = output;
        }
        Ok(())
    }
}

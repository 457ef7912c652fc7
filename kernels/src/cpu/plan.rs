//! Which shape each step of a chain works on, and which steps run together.

use arrayvec::ArrayVec;

use crate::chain::MAX_STEPS;
use crate::{BackendError, Chain, CpuWork, Operation, Shape, convert};

/// A step, with what it is given. Conversions of planar layouts come in between, so there may be
/// twice as many as the chain has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) operation: &'a dyn Operation,
    /// The step of the chain whose time this is.
    pub(crate) index: usize,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
}

impl<'a> Step<'a> {
    pub(super) fn work(&self) -> CpuWork<'a> {
        self.operation.cpu(self.input)
    }
}

/// All steps, in order.
pub(crate) type Steps<'a> = ArrayVec<Step<'a>, { 2 * MAX_STEPS }>;

/// Checks that each step takes what the one before makes.
pub(crate) fn steps(chain: &Chain, input: Shape) -> Result<Steps<'_>, BackendError> {
    let mut steps = Steps::new();
    fill(&mut steps, chain, input)?;
    Ok(steps)
}

/// The same, where the list lies: to move its 6 KB takes longer than to make it.
pub(super) fn fill<'a>(
    steps: &mut Steps<'a>,
    chain: &'a Chain,
    input: Shape,
) -> Result<(), BackendError> {
    let mut shape = input;
    for (index, operation) in chain.operations().iter().enumerate() {
        let definition = operation.definition();
        if !definition.formats.contains(&shape.format) {
            if !shape.format.is_planar() {
                return Err(BackendError::Format { id: definition.id, format: shape.format });
            }
            let output = shape.with_format(crate::PixelFormat::Rgb8);
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

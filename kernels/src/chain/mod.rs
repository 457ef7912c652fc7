//! Chains of operations.

mod plan;
mod planned;
mod prior;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{
    BackendError, Catalog, Family, Operation, ParameterError, Parameters, Shape, TensorShape,
};

pub(crate) use plan::{Step, Steps};
pub use planned::Planned;

/// The largest number of steps of a chain.
pub const MAX_STEPS: usize = 64;

/// A list of checked operations, which run in that order.
///
/// Two chains from the same [`Catalog`] are equal if they have the same filters with the same
/// values, whether given or default. A clone shares its operations.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    operations: Arc<[Arc<dyn Operation>]>,
    /// The parameters that each operation was built from.
    parameters: Arc<[Parameters]>,
}

impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        self.ids().eq(other.ids()) && self.parameters == other.parameters
    }
}

/// An error in one step of a request: which step, why, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {step}: {message}")]
pub struct ChainError {
    /// The index of the step, counted from 0.
    pub step: usize,
    /// The parameter that is wrong; `None` if the error concerns the whole step.
    pub parameter: Option<String>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What is allowed instead.
    pub allowed: Vec<String>,
}

impl Chain {
    /// Checks the filter and the parameters of every step.
    ///
    /// # Errors
    /// On the first step that is wrong.
    pub fn parse<'a>(
        catalog: &Catalog,
        steps: impl IntoIterator<Item = (&'a str, &'a BTreeMap<String, String>)>,
    ) -> Result<Self, ChainError> {
        let built: Vec<(Arc<dyn Operation>, Parameters)> = (steps.into_iter().enumerate())
            .map(|(step, (id, given))| {
                if step >= MAX_STEPS {
                    return Err(ChainError {
                        step,
                        parameter: None,
                        message: format!("a chain has at most {MAX_STEPS} steps"),
                        allowed: vec![format!("0..={MAX_STEPS}")],
                    });
                }
                let entry = catalog.get(id).ok_or_else(|| ChainError {
                    step,
                    parameter: None,
                    message: format!("there is no filter {id:?}"),
                    allowed: catalog.definitions().map(|known| known.id.to_owned()).collect(),
                })?;
                let built = Parameters::parse(entry.definition, given)
                    .and_then(|parameters| Ok(((entry.build)(&parameters)?, parameters)));
                built.map_err(|error| ChainError::at(step, error))
            })
            .collect::<Result<_, _>>()?;
        let (operations, parameters): (Vec<_>, Vec<_>) = built.into_iter().unzip();
        let makes_tensor =
            |operation: &Arc<dyn Operation>| operation.definition().family == Family::Tensor;
        if let Some(step) = operations.iter().position(makes_tensor)
            && step + 1 < operations.len()
        {
            let id = operations.get(step).map_or("", |operation| operation.definition().id);
            return Err(ChainError {
                step,
                parameter: None,
                message: format!("{id} makes a tensor, so it must be the last step"),
                allowed: vec![format!("{id} as the last step")],
            });
        }
        Ok(Self { operations: operations.into(), parameters: parameters.into() })
    }

    /// Whether the chain has no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// The ids of the filters, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.operations.iter().map(|operation| operation.definition().id)
    }

    /// The operations, in order.
    #[must_use]
    pub fn operations(&self) -> &[Arc<dyn Operation>] {
        &self.operations
    }

    /// Whether the last step makes a tensor.
    #[must_use]
    pub fn makes_tensor(&self) -> bool {
        self.operations.last().is_some_and(|last| last.definition().family == Family::Tensor)
    }

    /// Whether every step also runs on a GPU.
    #[must_use]
    pub fn runs_on_cuda(&self) -> bool {
        self.operations.iter().all(|operation| operation.definition().cuda)
    }

    /// The tensor that the chain makes of an input of that shape; `None` if it makes only an image.
    ///
    /// # Errors
    /// If a step does not accept what the step before it makes.
    pub fn tensor(&self, input: Shape) -> Result<Option<TensorShape>, BackendError> {
        let steps = self.plan(input)?;
        Ok(steps.last().and_then(|step| step.operation.tensor(step.input)))
    }

    /// The size and layout of the resulting image for an input of that shape.
    ///
    /// # Errors
    /// If a step does not accept what the step before it makes.
    pub fn output(&self, input: Shape) -> Result<Shape, BackendError> {
        let steps = self.plan(input)?;
        Ok(steps.last().map_or(input, |step| step.output))
    }
}

impl ChainError {
    fn at(step: usize, error: ParameterError) -> Self {
        let ParameterError { parameter, message, allowed } = error;
        Self { step, parameter: Some(parameter), message, allowed }
    }
}

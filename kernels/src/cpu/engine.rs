//! Runs the steps of a chain, several of them together where that is possible.

use std::time::Duration;

use super::{Cpu, stream};
use crate::backend::StepTimes;
use crate::chain::{Step, Steps};
use crate::clock::Stopwatch;
use crate::{BackendError, Chain, CpuWork, Image, Output};

/// Runs a chain on one image.
pub(crate) fn run(cpu: &Cpu, chain: &Chain, input: Image) -> Result<Output, BackendError> {
    let mut steps = Steps::new();
    chain.plan_into(&mut steps, input.shape())?;
    let _frame = cpu.workers.as_deref().map(|workers| workers.enter());
    let mut times: StepTimes = (0..chain.len()).map(|_| Duration::ZERO).collect();
    let mut image = input;
    let mut tensor = None;
    let mut rest = steps.as_slice();
    while let [first, ..] = rest {
        let together = stream::length(rest);
        let watch = Stopwatch::start();
        match first.work() {
            CpuWork::Whole(whole) => {
                image = whole.run(cpu, &image).map_err(|error| bug(first, &error.to_string()))?;
                stream::charge(&mut times, first.index, watch.elapsed());
            }
            CpuWork::Tensor(work) => {
                let made = work.run(cpu, &image).map_err(|error| bug(first, &error.to_string()))?;
                tensor = Some(made);
                stream::charge(&mut times, first.index, watch.elapsed());
            }
            CpuWork::Nothing | CpuWork::Pointwise(_) | CpuWork::Rows(_) => {
                let (steps, _) = rest.split_at(together);
                image = stream::run(cpu, steps, &image, &mut times)
                    .map_err(|error| bug(first, &error.to_string()))?;
            }
        }
        rest = rest.get(together..).unwrap_or_default();
    }
    Ok(Output { image, tensor, steps: times })
}

fn bug(step: &Step<'_>, message: &str) -> BackendError {
    BackendError::Internal(format!("{}: {message}", step.operation.definition().id))
}

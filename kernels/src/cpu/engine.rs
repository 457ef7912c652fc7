//! Runs the steps of a chain, several of them together where that is possible.

use std::time::Duration;

use super::{Cpu, stream};
use crate::backend::StepTimes;
use crate::chain::{Step, Steps};
use crate::clock::Stopwatch;
use crate::{BackendError, Chain, CpuWork, Image, Output, Planned, WorkError};

/// Plans a chain for one image, and runs it.
pub(crate) fn run(cpu: &Cpu, chain: &Chain, input: Image) -> Result<Output, BackendError> {
    let mut steps = Steps::new();
    chain.plan_into(&mut steps, input.shape())?;
    run_steps(cpu, &steps, chain.len(), input)
}

/// Runs a chain that was planned for images of that shape.
pub(crate) fn run_planned(
    cpu: &Cpu,
    planned: &Planned,
    input: Image,
) -> Result<Output, BackendError> {
    planned.check(&input)?;
    let mut steps = Steps::new();
    planned.steps_into(&mut steps);
    run_steps(cpu, &steps, planned.chain().len(), input)
}

/// Runs the steps of a chain of `length` operations.
fn run_steps(
    cpu: &Cpu,
    steps: &[Step<'_>],
    length: usize,
    input: Image,
) -> Result<Output, BackendError> {
    let _frame = cpu.workers.as_deref().map(|workers| workers.enter());
    let mut times: StepTimes = (0..length).map(|_| Duration::ZERO).collect();
    let mut image = input;
    let mut tensor = None;
    let mut rest = steps;
    while let [first, ..] = rest {
        stop_if_interrupted(cpu)?;
        let together = stream::length(rest);
        let watch = Stopwatch::start();
        match first.work() {
            CpuWork::Whole(whole) => {
                image = whole.run(cpu, &image).map_err(|error| failed(first, error))?;
                stream::charge(&mut times, first.index, watch.elapsed());
            }
            CpuWork::Tensor(work) => {
                let made = work.run(cpu, &image).map_err(|error| failed(first, error))?;
                tensor = Some(made);
                stream::charge(&mut times, first.index, watch.elapsed());
            }
            CpuWork::Nothing | CpuWork::Pointwise(_) | CpuWork::Rows(_) => {
                let (steps, _) = rest.split_at(together);
                image = stream::run(cpu, steps, &image, &mut times)
                    .map_err(|error| failed(first, error.into()))?;
            }
        }
        rest = rest.get(together..).unwrap_or_default();
    }
    // Bands that were not begun have no pixels.
    stop_if_interrupted(cpu)?;
    Ok(Output { image, tensor, steps: times })
}

/// The most bytes that these steps take at a time beside the input of the first.
pub(crate) fn peak_bytes(steps: &[Step<'_>], threads: usize) -> usize {
    let (mut most, mut before, mut rest) = (0, 0, steps);
    while !rest.is_empty() {
        let (together, later) = rest.split_at(stream::length(rest).min(rest.len()));
        let result = together.last().map_or(0, |last| match last.work() {
            CpuWork::Tensor(_) => 0,
            _ => last.output.bytes(),
        });
        most = most.max(before + result + stream::scratch(together, threads.max(1)));
        (before, rest) = (result, later);
    }
    most
}

fn stop_if_interrupted(cpu: &Cpu) -> Result<(), BackendError> {
    if cpu.is_interrupted() { Err(BackendError::Interrupted) } else { Ok(()) }
}

fn failed(step: &Step<'_>, error: WorkError) -> BackendError {
    match error {
        WorkError::Interrupted => BackendError::Interrupted,
        WorkError::Invalid(error) => {
            BackendError::Internal(format!("{}: {error}", step.operation.definition().id))
        }
    }
}

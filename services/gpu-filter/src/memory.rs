//! How much memory the work on a request takes, from what its header states.

use ocelli_kernels::Planned;
use ocelli_messages::Payload;

use crate::{output::Output, plan::Plan};

/// The most bytes that a response holds besides its result.
const REPORT: usize = 64 << 10;

/// The bytes that the work on a request takes besides its message: the decoded image, what the
/// steps make and need meanwhile, and the result, which exists once more in the response.
/// `max_result` is the largest response that the broker takes.
pub(crate) fn needed(plan: &Plan, max_result: usize) -> usize {
    let input = plan.payload.shape().bytes();
    let decoded = match &plan.payload {
        Payload::Raw(_) => input,
        Payload::Encoded(_) => input.saturating_mul(2),
    };
    let Some(planned) = &plan.planned else { return decoded + REPORT };
    let largest = planned.results().map(|result| result.bytes()).max().unwrap_or(0);
    let running = input.saturating_add(largest.saturating_mul(2));
    let result = result(plan, planned).min(max_result);
    let writing = planned.output().bytes().saturating_add(result.saturating_mul(2));
    decoded.max(running).max(writing).saturating_add(REPORT)
}

/// The most bytes that the result has.
fn result(plan: &Plan, planned: &Planned) -> usize {
    match (planned.tensor(), plan.output) {
        (Some(tensor), _) => tensor.bytes(),
        (None, Output::Raw(_)) => planned.output().bytes().saturating_mul(3),
        // Noise does not get smaller, and formats add a little.
        (None, Output::Encoded(..)) => planned.output().bytes().saturating_mul(5) / 4,
    }
}

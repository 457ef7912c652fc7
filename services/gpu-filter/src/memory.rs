//! How much memory the work on a request takes, from what its header states.

use ocelli_kernels::{
    Planned, Shape,
    codec::{decode_bytes, encode_bytes},
};
use ocelli_messages::Payload;

use crate::{output::Output, plan::Plan};

/// What a response holds besides its result, in bytes.
const REPORT: usize = 64 << 10;

/// What a machine can do with a request, as far as its memory depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The threads that may work on one frame.
    pub(crate) threads: usize,
    /// The largest response that the broker takes, in bytes.
    pub(crate) max_result: usize,
}

/// The most bytes that the work on a request takes besides its message: first to decode its image,
/// then to run its steps, at last to write the result, which exists once more in the response.
pub(crate) fn needed(plan: &Plan, bounds: Bounds) -> usize {
    let decoding = match &plan.payload {
        Payload::Raw(raw) => raw.shape.bytes(),
        Payload::Encoded(file) => decode_bytes(&file.header, file.data.len()),
    };
    // A chain that does not fit the image is refused once that is decoded.
    let Some(planned) = &plan.planned else { return decoding + REPORT };
    let running = planned.peak_bytes_on(bounds.threads);
    let writing = planned.output().bytes() + writing(plan, planned, bounds.max_result);
    decoding.max(running).max(writing).saturating_add(REPORT)
}

fn writing(plan: &Plan, planned: &Planned, max_result: usize) -> usize {
    let made = planned.output();
    match (planned.tensor(), plan.output) {
        (Some(tensor), _) => 2 * tensor.bytes(),
        // It may be converted to another layout, and is then copied into the response.
        (None, Output::Raw(_)) => 2 * largest_layout(made),
        (None, Output::Encoded(codec, _)) => {
            let in_response = max_result.min(largest_layout(made));
            encode_bytes(made, codec, max_result) + in_response
        }
    }
}

/// The bytes of the image in RGBA, the largest layout.
fn largest_layout(shape: Shape) -> usize {
    shape.size.pixels().saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_jobs;

    const BOUNDS: Bounds = Bounds { threads: 1, max_result: 16 << 20 };

    #[test]
    fn more_pixels_need_more_memory_and_a_file_needs_more_than_pixels() {
        let raw = needed(&test_jobs::plan("blur"), BOUNDS);
        let file = needed(&test_jobs::file_plan("blur"), BOUNDS);
        // 8 × 8 grey pixels and their blur.
        assert!(raw >= 2 * 64 + REPORT, "{raw}");
        assert!(file > raw, "{file} {raw}");
    }

    #[test]
    fn without_a_plan_it_is_what_decoding_takes() {
        let plan = Plan { planned: None, ..test_jobs::plan("blur") };
        assert_eq!(needed(&plan, BOUNDS), 64 + REPORT);
    }
}

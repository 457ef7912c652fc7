//! The processing times of a frame, for its answer and for metrics.

use std::{collections::HashMap, time::Duration};

use metrics::{Counter, Histogram};
use ocelli_actors::metrics::{counter, histogram};
use ocelli_kernels::{Accelerator, Chain, StepTimes};
use ocelli_messages::v1;

use crate::metrics::Metric;

/// The processing times of a frame.
pub(crate) struct Times {
    pub(crate) queue: Duration,
    pub(crate) decode: Duration,
    pub(crate) steps: StepTimes,
    pub(crate) encode: Duration,
}

impl Times {
    /// The times of the whole request.
    pub(crate) fn total(&self) -> v1::Timing {
        v1::Timing {
            queue_ns: ns(self.queue),
            decode_ns: ns(self.decode),
            compute_ns: ns(self.steps.iter().sum()),
            encode_ns: ns(self.encode),
        }
    }

    /// The times of each step of the chain.
    pub(crate) fn report(&self, chain: &Chain, on: Accelerator) -> Vec<v1::StepReport> {
        let backend = match on {
            Accelerator::Cpu => v1::Accelerator::Cpu,
            Accelerator::Cuda => v1::Accelerator::Cuda,
        };
        let last = self.steps.len().saturating_sub(1);
        (chain.ids().zip(&self.steps).enumerate())
            .map(|(index, (id, compute))| {
                let (first, last) = (index == 0, index == last);
                let timing = v1::Timing {
                    queue_ns: if first { ns(self.queue) } else { 0 },
                    decode_ns: if first { ns(self.decode) } else { 0 },
                    compute_ns: ns(*compute),
                    encode_ns: if last { ns(self.encode) } else { 0 },
                };
                v1::StepReport { id: id.into(), backend: backend.into(), timing: Some(timing) }
            })
            .collect()
    }
}

/// A duration in nanoseconds, as the wire states it.
pub(crate) fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The metrics of a worker.
pub(crate) struct Meters {
    on: Accelerator,
    stages: [Histogram; 3],
    filters: HashMap<&'static str, Histogram>,
    /// The counters of batches and of the frames in them; only for a GPU.
    batches: Option<[Counter; 2]>,
}

impl Meters {
    pub(crate) fn new(on: Accelerator) -> Self {
        let stages =
            ["queue", "decode", "encode"].map(|stage| histogram(Metric::StageSeconds, &[stage]));
        let batches = (on == Accelerator::Cuda).then(|| {
            [Metric::GpuBatches, Metric::GpuBatchFrames].map(|metric| counter(metric, &[]))
        });
        Self { on, stages, filters: HashMap::new(), batches }
    }

    pub(crate) fn batch(&self, frames: usize) {
        if let Some([batches, all]) = &self.batches {
            batches.increment(1);
            all.increment(frames as u64);
        }
    }

    pub(crate) fn frame(&mut self, chain: &Chain, times: &Times) {
        for (stage, took) in self.stages.iter().zip([times.queue, times.decode, times.encode]) {
            stage.record(took);
        }
        let on = self.on.name();
        for (id, took) in chain.ids().zip(&times.steps) {
            let filter = || histogram(Metric::FrameSeconds, &[on, id]);
            self.filters.entry(id).or_insert_with(filter).record(*took);
        }
    }
}

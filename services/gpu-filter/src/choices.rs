//! Counts where requests went, and why.

use metrics::Counter;
use ocelli_actors::metrics::counter;
use ocelli_kernels::Accelerator;

use crate::metrics::Metric;

/// Why a request went to a device: the label of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// It asked for it.
    Request,
    /// It is expected to be done sooner there.
    Cost,
    /// It does not run on the other.
    Only,
    /// The other is down.
    Fallback,
}

impl By {
    const ALL: [Self; 4] = [Self::Request, Self::Cost, Self::Only, Self::Fallback];

    const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Cost => "cost",
            Self::Only => "only",
            Self::Fallback => "fallback",
        }
    }
}

/// The name of a processor, in metrics and traces.
pub(crate) const fn name(accelerator: Accelerator) -> &'static str {
    match accelerator {
        Accelerator::Cpu => "cpu",
        Accelerator::Cuda => "cuda",
    }
}

/// A counter for each device and reason.
#[derive(Clone, Debug)]
pub(crate) struct Choices(Vec<(Accelerator, By, Counter)>);

impl Choices {
    pub(crate) fn new() -> Self {
        let each = [Accelerator::Cpu, Accelerator::Cuda].into_iter().flat_map(|accelerator| {
            By::ALL.map(|by| {
                let labels = [name(accelerator), by.name()];
                (accelerator, by, counter(Metric::DeviceChoices, &labels))
            })
        });
        // A CPU is never missing, and everything runs there.
        let possible = |(accelerator, by, _): &(Accelerator, By, Counter)| {
            *accelerator == Accelerator::Cpu || matches!(by, By::Request | By::Cost)
        };
        Self(each.filter(possible).collect())
    }

    pub(crate) fn count(&self, accelerator: Accelerator, by: By) {
        let mut counters = self.0.iter();
        let one = counters.find(|(a, b, _)| (*a, *b) == (accelerator, by));
        if let Some((_, _, counter)) = one {
            counter.increment(1);
        }
    }
}

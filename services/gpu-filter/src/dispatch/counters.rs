//! Counts the devices that requests were given to, and the reasons.

use metrics::Counter;
use ocelli_actors::metrics::counter;
use ocelli_kernels::Accelerator;

use crate::metrics::Metric;

/// The reason why a request was given to a device, which is a label of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The request asked for the device.
    Request,
    /// The device is expected to finish first.
    Cost,
    /// The request cannot run on the other device.
    Only,
    /// The other device is down.
    Fallback,
}

impl Reason {
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

/// A counter for each device and reason.
#[derive(Clone, Debug)]
pub(crate) struct ChoiceCounters(Vec<(Accelerator, Reason, Counter)>);

impl ChoiceCounters {
    pub(crate) fn new() -> Self {
        let each = [Accelerator::Cpu, Accelerator::Cuda].into_iter().flat_map(|accelerator| {
            Reason::ALL.map(|reason| {
                let labels = [accelerator.name(), reason.name()];
                (accelerator, reason, counter(Metric::DeviceChoices, &labels))
            })
        });
        // The CPU is always available, and everything runs there.
        let possible = |(accelerator, reason, _): &(Accelerator, Reason, Counter)| {
            *accelerator == Accelerator::Cpu || matches!(reason, Reason::Request | Reason::Cost)
        };
        Self(each.filter(possible).collect())
    }

    pub(crate) fn count(&self, accelerator: Accelerator, reason: Reason) {
        let mut counters = self.0.iter();
        let one = counters.find(|(a, b, _)| (*a, *b) == (accelerator, reason));
        if let Some((_, _, counter)) = one {
            counter.increment(1);
        }
    }
}

//! Finds the device that is expected to finish a request first, from its cost and the backlog.
//!
//! A request counts in the backlog of a device until it is answered, with the time that it was
//! expected to take when it was assigned. The progress of the current request is not considered, so
//! a wait is overestimated by half a request on average.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use ocelli_kernels::{Accelerator, Planned};
use ocelli_messages::Payload;

use super::{
    Costs, FileWork,
    estimate::{Backlog, Estimate, Load},
};
use crate::{output::Output, plan::Plan};

/// The costs and the backlogs of a CPU and a GPU.
#[derive(Clone, Debug)]
pub(crate) struct Balance {
    costs: Arc<Costs>,
    cpu: Outstanding,
    gpu: Outstanding,
}

/// How long a request is expected to keep a worker busy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    steps: Option<Estimate>,
    /// What the steps take on the CPU, as far as that is known without measurements.
    prior: Duration,
    /// The time to read and write files, which takes place on the CPU whatever device runs the
    /// chain.
    files: Duration,
}

impl Expected {
    /// How long the request is expected to keep a worker of that device busy; less than it will if
    /// too little was measured.
    pub(crate) fn on(&self, accelerator: Accelerator) -> Duration {
        let measured = self.steps.and_then(|steps| steps.on(accelerator));
        let unmeasured = match accelerator {
            Accelerator::Cpu => self.prior,
            Accelerator::Cuda => Duration::ZERO,
        };
        measured.unwrap_or(unmeasured) + self.files
    }
}

impl Balance {
    /// The balance between `cpu_workers` CPU workers and one GPU worker. All of them record their
    /// measurements in `costs`.
    pub(crate) fn new(costs: Arc<Costs>, cpu_workers: usize) -> Self {
        Self { costs, cpu: Outstanding::new(cpu_workers), gpu: Outstanding::new(1) }
    }

    /// How long a request is expected to take. For a request without a plan nothing is known, but
    /// every device will refuse it anyway.
    pub(crate) fn expect(&self, plan: &Plan) -> Expected {
        let Some(planned) = &plan.planned else {
            return Expected { steps: None, prior: Duration::ZERO, files: Duration::ZERO };
        };
        let steps = Some(self.costs.estimate(planned));
        Expected { steps, prior: planned.prior_cpu(), files: self.files(plan, planned) }
    }

    fn files(&self, plan: &Plan, planned: &Planned) -> Duration {
        let mut files = Duration::ZERO;
        if let Payload::Encoded(file) = &plan.payload {
            let pixels = planned.input().bytes();
            files += self.costs.file(file.header.codec, FileWork::Decode, pixels);
        }
        if let (Output::Encoded(codec, _), None) = (plan.output, planned.tensor()) {
            files += self.costs.file(codec, FileWork::Encode, planned.output().bytes());
        }
        files
    }

    /// Chooses the device for a request that can run on either.
    pub(crate) fn choose(&self, expected: &Expected) -> Accelerator {
        let load = Load { cpu: self.cpu.backlog(), cuda: self.gpu.backlog() };
        let steps = expected.steps.as_ref();
        steps.map_or(Accelerator::Cpu, |steps| self.costs.choose(steps, &load))
    }

    /// Adds a request to the backlog of a device until the returned value is dropped.
    pub(crate) fn add(&self, expected: &Expected, on: Accelerator) -> Pending {
        match on {
            Accelerator::Cpu => self.cpu.add(expected.on(on)),
            Accelerator::Cuda => self.gpu.add(expected.on(on)),
        }
    }
}

/// The requests that were assigned to a device and are not answered yet.
#[derive(Clone, Debug)]
struct Outstanding {
    sums: Arc<Sums>,
    workers: usize,
}

#[derive(Debug, Default)]
struct Sums {
    requests: AtomicUsize,
    nanoseconds: AtomicU64,
}

/// A request in the backlog of a device, which leaves it when this is dropped.
#[derive(Debug)]
pub(crate) struct Pending {
    sums: Arc<Sums>,
    nanoseconds: u64,
}

impl Outstanding {
    fn new(workers: usize) -> Self {
        Self { sums: Arc::default(), workers }
    }

    fn add(&self, expected: Duration) -> Pending {
        let nanoseconds = u64::try_from(expected.as_nanos()).unwrap_or(u64::MAX);
        self.sums.requests.fetch_add(1, Ordering::Relaxed);
        self.sums.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        Pending { sums: Arc::clone(&self.sums), nanoseconds }
    }

    fn backlog(&self) -> Backlog {
        let requests = self.sums.requests.load(Ordering::Relaxed);
        let all = Duration::from_nanos(self.sums.nanoseconds.load(Ordering::Relaxed));
        Backlog { requests, wait: wait(requests, all, self.workers) }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.sums.requests.fetch_sub(1, Ordering::Relaxed);
        self.sums.nanoseconds.fetch_sub(self.nanoseconds, Ordering::Relaxed);
    }
}

/// How long a request waits for one of `workers` workers behind `requests` others that take `all`
/// together.
fn wait(requests: usize, all: Duration, workers: usize) -> Duration {
    if requests < workers {
        return Duration::ZERO;
    }
    all / u32::try_from(workers.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use ocelli_kernels::codec::Codec;

    use super::*;
    use crate::test_jobs::{self, plan};

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn nobody_waits_while_a_worker_is_free() {
        assert_eq!(wait(0, Duration::ZERO, 1), Duration::ZERO);
        assert_eq!(wait(1, 8 * MS, 1), 8 * MS);
        assert_eq!(wait(3, 12 * MS, 4), Duration::ZERO);
        assert_eq!(wait(4, 12 * MS, 4), 3 * MS);
    }

    #[test]
    fn a_request_counts_until_it_is_answered() {
        let outstanding = Outstanding::new(1);
        let pending = [outstanding.add(2 * MS), outstanding.add(3 * MS)];
        assert_eq!(outstanding.backlog(), Backlog { requests: 2, wait: 5 * MS });
        drop(pending);
        assert_eq!(outstanding.backlog(), Backlog::default());
    }

    /// A balance whose CPU takes 8 ms for a blur of a small image, and whose GPU takes 1 ms.
    fn balance() -> Balance {
        let costs = Arc::new(Costs::default());
        test_jobs::measured(&costs, &plan("blur"), 8 * MS, MS);
        Balance::new(costs, 2)
    }

    #[test]
    fn the_faster_device_is_taken_until_its_queue_is_too_long() {
        let (balance, plan) = (balance(), plan("blur"));
        let mut pending = Vec::new();
        let chosen: Vec<_> = (0..12)
            .map(|_| {
                let expected = balance.expect(&plan);
                let on = balance.choose(&expected);
                pending.push(balance.add(&expected, on));
                on
            })
            .collect();
        // Behind seven requests the wait is 7 ms, so an idle CPU worker is done as soon, and so is
        // a second one.
        let cuda = chosen.iter().position(|on| *on == Accelerator::Cpu);
        assert_eq!(cuda, Some(7), "{chosen:?}");
        assert_eq!(chosen[8], Accelerator::Cpu, "{chosen:?}");
        assert_eq!(chosen[9..], [Accelerator::Cuda; 3], "both CPU workers are busy");
        drop(pending);
        assert_eq!(balance.choose(&balance.expect(&plan)), Accelerator::Cuda);
    }

    #[test]
    fn files_take_time_too() {
        let balance = balance();
        let plan = test_jobs::file_plan("blur");
        let pixels = plan.payload.shape().bytes();
        let cuda = Accelerator::Cuda;
        let before = balance.expect(&plan).on(cuda);
        balance.costs.record_file(Codec::Png, FileWork::Decode, pixels, 5 * MS);
        balance.costs.record_file(Codec::Png, FileWork::Encode, pixels, 6 * MS);
        assert_eq!(balance.expect(&plan).on(cuda) - before, 11 * MS);
        let pending = balance.add(&balance.expect(&plan), cuda);
        assert!(balance.gpu.backlog().wait >= 11 * MS);
        drop(pending);
        assert_eq!(balance.gpu.backlog().wait, Duration::ZERO);
    }

    #[test]
    fn a_request_that_cannot_be_planned_goes_to_the_cpu() {
        let plan = Plan { planned: None, ..plan("blur") };
        let balance = balance();
        assert_eq!(balance.choose(&balance.expect(&plan)), Accelerator::Cpu);
    }
}

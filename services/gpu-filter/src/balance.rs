//! Which device a request is expected to be done on sooner: what it takes there, and what is before
//! it.
//!
//! A request counts from when it is given to a device until it is answered, with the time that it
//! was expected to take then. That of one in hand is not counted down, so a wait is rather
//! overestimated, by half a request's time on average.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use ocelli_kernels::{Accelerator, Ahead, Choice, Costs, FileWork, Load, Shape, codec::Codec};
use ocelli_messages::Payload;

use crate::{output::Output, plan::Plan};

/// What is known of a CPU and a GPU that take requests.
#[derive(Clone, Debug)]
pub(crate) struct Balance {
    /// Noted by the workers of both.
    costs: Arc<Costs>,
    cpu: Backlog,
    gpu: Backlog,
}

impl Balance {
    /// For so many CPU workers, and one for the GPU.
    pub(crate) fn new(costs: Arc<Costs>, cpu_workers: usize) -> Self {
        Self { costs, cpu: Backlog::new(cpu_workers), gpu: Backlog::new(1) }
    }

    /// Where a request should go that may go to either; the CPU if it cannot be told what it is,
    /// since then it will be refused anywhere.
    pub(crate) fn choose(&self, plan: &Plan, input: Option<Shape>) -> Accelerator {
        let load = Load { cpu: self.cpu.ahead(), cuda: self.gpu.ahead() };
        let choice = input.and_then(|input| self.costs.choose(&plan.chain, input, &load).ok());
        choice.map_or(Accelerator::Cpu, |Choice { accelerator, .. }| accelerator)
    }

    /// Counts a request that goes there, until what is returned is dropped.
    pub(crate) fn add(&self, plan: &Plan, input: Option<Shape>, on: Accelerator) -> Share {
        let expected = input.map_or(Duration::ZERO, |input| self.expected(plan, input, on));
        match on {
            Accelerator::Cpu => self.cpu.add(expected),
            Accelerator::Cuda => self.gpu.add(expected),
        }
    }

    /// How long a worker will be busy with it: files are read and written by the same thread.
    fn expected(&self, plan: &Plan, input: Shape, on: Accelerator) -> Duration {
        let Ok(estimate) = self.costs.estimate(&plan.chain, input) else { return Duration::ZERO };
        let mut expected = estimate.on(on).unwrap_or_default();
        if let Payload::Encoded(file) = &plan.payload
            && let Some(codec) = Codec::sniff(&file.data)
        {
            expected += self.costs.file(codec, FileWork::Read, input.bytes());
        }
        if let Output::Encoded(codec, _) = plan.output
            && !plan.chain.makes_tensor()
            && let Ok(made) = plan.chain.output(input)
        {
            expected += self.costs.file(codec, FileWork::Write, made.bytes());
        }
        expected
    }
}

/// Requests that were given to a device and are not answered.
#[derive(Clone, Debug)]
struct Backlog {
    sums: Arc<Sums>,
    workers: usize,
}

#[derive(Debug, Default)]
struct Sums {
    requests: AtomicUsize,
    nanoseconds: AtomicU64,
}

/// One of them, as long as it is not dropped.
#[derive(Debug)]
pub(crate) struct Share {
    sums: Arc<Sums>,
    nanoseconds: u64,
}

impl Backlog {
    fn new(workers: usize) -> Self {
        Self { sums: Arc::default(), workers }
    }

    fn add(&self, expected: Duration) -> Share {
        let nanoseconds = u64::try_from(expected.as_nanos()).unwrap_or(u64::MAX);
        self.sums.requests.fetch_add(1, Ordering::Relaxed);
        self.sums.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        Share { sums: Arc::clone(&self.sums), nanoseconds }
    }

    fn ahead(&self) -> Ahead {
        let requests = self.sums.requests.load(Ordering::Relaxed);
        let all = Duration::from_nanos(self.sums.nanoseconds.load(Ordering::Relaxed));
        Ahead { frames: requests, wait: wait(requests, all, self.workers) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.sums.requests.fetch_sub(1, Ordering::Relaxed);
        self.sums.nanoseconds.fetch_sub(self.nanoseconds, Ordering::Relaxed);
    }
}

/// How long a request waits for a worker if so many requests that take so long in all are before
/// it.
fn wait(requests: usize, all: Duration, workers: usize) -> Duration {
    if requests < workers {
        return Duration::ZERO;
    }
    all / u32::try_from(workers.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
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
        let backlog = Backlog::new(1);
        let shares = [backlog.add(2 * MS), backlog.add(3 * MS)];
        assert_eq!(backlog.ahead(), Ahead { frames: 2, wait: 5 * MS });
        drop(shares);
        assert_eq!(backlog.ahead(), Ahead::default());
    }

    /// A CPU that takes 8 ms for a blur of a small image, and a GPU that takes 1 ms.
    fn balance() -> Balance {
        let costs = Arc::new(Costs::default());
        test_jobs::measured(&costs, &plan("blur"), 8 * MS, MS);
        Balance::new(costs, 2)
    }

    #[test]
    fn the_faster_device_is_taken_until_its_queue_is_too_long() {
        let (balance, plan) = (balance(), plan("blur"));
        let input = plan.input();
        let mut shares = Vec::new();
        let chosen: Vec<_> = (0..12)
            .map(|_| {
                let on = balance.choose(&plan, input);
                shares.push(balance.add(&plan, input, on));
                on
            })
            .collect();
        // Seven wait 7 ms there; then an idle CPU worker is as soon done, and so is a second.
        let cuda = chosen.iter().position(|on| *on == Accelerator::Cpu);
        assert_eq!(cuda, Some(7), "{chosen:?}");
        assert_eq!(chosen[8], Accelerator::Cpu, "{chosen:?}");
        assert_eq!(chosen[9..], [Accelerator::Cuda; 3], "both CPU workers are busy");
        drop(shares);
        assert_eq!(balance.choose(&plan, input), Accelerator::Cuda);
    }

    #[test]
    fn files_take_time_too() {
        let balance = balance();
        let plan = test_jobs::file_plan("blur");
        let input = plan.input().unwrap();
        let before = balance.expected(&plan, input, Accelerator::Cuda);
        balance.costs.record_file(Codec::Png, FileWork::Read, input.bytes(), 5 * MS);
        balance.costs.record_file(Codec::Png, FileWork::Write, input.bytes(), 6 * MS);
        assert_eq!(balance.expected(&plan, input, Accelerator::Cuda) - before, 11 * MS);
        let share = balance.add(&plan, Some(input), Accelerator::Cuda);
        assert!(balance.gpu.ahead().wait >= 11 * MS);
        drop(share);
        assert_eq!(balance.gpu.ahead().wait, Duration::ZERO);
    }

    #[test]
    fn what_cannot_be_told_goes_to_the_cpu() {
        assert_eq!(balance().choose(&plan("blur"), None), Accelerator::Cpu);
    }
}

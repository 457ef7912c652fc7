//! Estimates the time of a request on each device, and which device finishes first.

use std::time::Duration;

use ocelli_kernels::Accelerator;

/// With fewer measurements a device counts as unknown, because the first ones are taken with cold
/// caches and idle clocks.
pub(super) const MIN_SAMPLES: u32 = 4;

/// A device that is expected to take at least this many times as long as the other is not tried
/// again.
const HOPELESS_RATIO: f64 = 4.0;

/// The work that a device has to finish before a new request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    /// The number of requests that were assigned to it and are not answered yet.
    pub(super) requests: usize,
    /// How long a new request is expected to wait for them.
    pub(super) wait: Duration,
}

/// The backlog of each device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) cpu: Backlog,
    pub(super) cuda: Backlog,
}

/// How long a request is expected to take on each device, without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Estimate {
    /// The time on the CPU; `None` if there are too few measurements.
    pub(super) cpu: Option<Duration>,
    /// The time on the GPU, copies included; `None` if there are too few measurements.
    pub(super) cuda: Option<Duration>,
}

impl Estimate {
    /// The device that is expected to finish first, waiting included. An unknown device is chosen
    /// until it is known, the GPU first, and each for no more requests than that needs.
    pub(super) fn faster(&self, load: &Load) -> Accelerator {
        let to_learn = |backlog: &Backlog| (backlog.requests as u64) < u64::from(MIN_SAMPLES);
        match (self.cpu, self.cuda) {
            (Some(cpu), Some(cuda)) if cuda + load.cuda.wait < cpu + load.cpu.wait => {
                Accelerator::Cuda
            }
            (Some(_), Some(_)) => Accelerator::Cpu,
            (_, None) if to_learn(&load.cuda) => Accelerator::Cuda,
            (None, Some(_)) if !to_learn(&load.cpu) => Accelerator::Cuda,
            _ => Accelerator::Cpu,
        }
    }

    /// The estimate for one of the devices.
    pub(super) const fn on(&self, accelerator: Accelerator) -> Option<Duration> {
        match accelerator {
            Accelerator::Cpu => self.cpu,
            Accelerator::Cuda => self.cuda,
        }
    }

    /// Whether the two estimates are close enough for the slower device to be measured again.
    pub(super) fn slower_is_worth_a_try(&self) -> bool {
        match (self.cpu, self.cuda) {
            (Some(cpu), Some(cuda)) => {
                let (least, most) = (cpu.min(cuda), cpu.max(cuda));
                most.as_secs_f64() < HOPELESS_RATIO * least.as_secs_f64()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_tried_with_a_few_frames_at_a_time() {
        let ms = Duration::from_millis;
        let busy = Backlog { requests: MIN_SAMPLES as usize, wait: Duration::ZERO };
        let (cpu, cuda) = (Accelerator::Cpu, Accelerator::Cuda);
        for (known_cpu, known_cuda, cpu_busy, cuda_busy, must) in [
            (None, None, false, false, cuda),
            (None, None, false, true, cpu),
            (None, None, true, true, cpu),
            (Some(ms(1)), None, true, false, cuda),
            (Some(ms(1)), None, true, true, cpu),
            (None, Some(ms(1)), false, true, cpu),
            (None, Some(ms(1)), true, true, cuda),
        ] {
            let of = |is_busy| if is_busy { busy } else { Backlog::default() };
            let load = Load { cpu: of(cpu_busy), cuda: of(cuda_busy) };
            let estimate = Estimate { cpu: known_cpu, cuda: known_cuda };
            assert_eq!(estimate.faster(&load), must, "{estimate:?} {load:?}");
        }
    }

    #[test]
    fn waiting_counts() {
        let ms = Duration::from_millis;
        let estimate = Estimate { cpu: Some(ms(5)), cuda: Some(ms(1)) };
        let backlog = |wait| Backlog { requests: 9, wait: ms(wait) };
        let faster = |cpu, cuda| estimate.faster(&Load { cpu: backlog(cpu), cuda: backlog(cuda) });
        assert_eq!(faster(0, 3), Accelerator::Cuda);
        assert_eq!(faster(0, 4), Accelerator::Cpu);
        assert_eq!(faster(2, 4), Accelerator::Cuda);
    }
}

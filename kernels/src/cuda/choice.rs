//! Of two processors the one that is expected to be done sooner.

use std::time::Duration;

use crate::Accelerator;

/// Fewer measurements say nothing: the first find cold caches and idle clocks.
pub(super) const ENOUGH: u32 = 4;
/// One that is expected to take so many times as long is not looked at again.
const TOO_SLOW: f64 = 4.0;

/// What a processor has to do before a frame that comes now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Frames that were given to it and are not done.
    pub frames: usize,
    /// When it is expected to be done with them.
    pub wait: Duration,
}

/// What each processor has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// The CPU.
    pub cpu: Ahead,
    /// The GPU.
    pub cuda: Ahead,
}

/// Where a frame should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// There.
    pub accelerator: Accelerator,
    /// How long it is expected to take there, without waiting; `None` if too little was measured.
    pub expected: Option<Duration>,
}

/// What is expected of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// On the CPU; `None` if too little was measured.
    pub cpu: Option<Duration>,
    /// On the GPU, copies included; `None` if too little was measured.
    pub cuda: Option<Duration>,
}

impl Estimate {
    /// The one that is expected to be done sooner, waiting included. If that is not known of one,
    /// that one, so that it becomes known: first the GPU, and with no more frames than that takes.
    #[must_use]
    pub fn sooner(&self, load: &Load) -> Accelerator {
        let to_learn = |ahead: &Ahead| (ahead.frames as u64) < u64::from(ENOUGH);
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

    /// What is expected of one of them.
    #[must_use]
    pub const fn on(&self, accelerator: Accelerator) -> Option<Duration> {
        match accelerator {
            Accelerator::Cpu => self.cpu,
            Accelerator::Cuda => self.cuda,
        }
    }

    /// Whether both are close enough for the slower one to be looked at again.
    pub(super) fn slower_is_worth_a_try(&self) -> bool {
        match (self.cpu, self.cuda) {
            (Some(cpu), Some(cuda)) => {
                let (least, most) = (cpu.min(cuda), cpu.max(cuda));
                most.as_secs_f64() < TOO_SLOW * least.as_secs_f64()
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
        let busy = Ahead { frames: ENOUGH as usize, wait: Duration::ZERO };
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
            let of = |is_busy| if is_busy { busy } else { Ahead::default() };
            let load = Load { cpu: of(cpu_busy), cuda: of(cuda_busy) };
            let estimate = Estimate { cpu: known_cpu, cuda: known_cuda };
            assert_eq!(estimate.sooner(&load), must, "{estimate:?} {load:?}");
        }
    }

    #[test]
    fn waiting_counts() {
        let ms = Duration::from_millis;
        let estimate = Estimate { cpu: Some(ms(5)), cuda: Some(ms(1)) };
        let ahead = |wait| Ahead { frames: 9, wait: ms(wait) };
        let sooner = |cpu, cuda| estimate.sooner(&Load { cpu: ahead(cpu), cuda: ahead(cuda) });
        assert_eq!(sooner(0, 3), Accelerator::Cuda);
        assert_eq!(sooner(0, 4), Accelerator::Cpu);
        assert_eq!(sooner(2, 4), Accelerator::Cuda);
    }
}

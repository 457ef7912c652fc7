//! The measured costs of requests on each device.
//!
//! For each filter and device, the time of a step is modelled as a fixed part plus a part that
//! grows with the work of the step: the bytes that it reads and writes, times the effort that its
//! parameters ask for. A GPU has another such time for each request, for copies,
//! launches and waiting.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ocelli_kernels::{Accelerator, Output, Planned, codec::Codec};

use super::{
    estimate::{Estimate, Load, MIN_SAMPLES},
    line::Line,
};

/// One in this many choices takes the slower device, so that its measurements stay current.
const EXPLORE_EVERY: u64 = 64;

/// The measurements of all workers.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Nanoseconds by the work of a step.
    steps: HashMap<(Accelerator, &'static str), Line>,
    /// The time of a request on the GPU besides its steps.
    transfer: Line,
    files: HashMap<(Codec, FileWork), Line>,
    choices: u64,
}

/// Work on an image file, which always runs on the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FileWork {
    Decode,
    Encode,
}

impl Costs {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records how long each step of a request took, and the whole request.
    pub(crate) fn record(
        &self,
        accelerator: Accelerator,
        planned: &Planned,
        output: &Output,
        whole: Duration,
    ) {
        let work = planned.step_work();
        let mut known = self.lock();
        for ((id, work), took) in planned.chain().ids().zip(work).zip(&output.steps) {
            let line = known.steps.entry((accelerator, id)).or_default();
            line.add(work, nanoseconds(*took));
        }
        if accelerator == Accelerator::Cuda {
            let copies = whole.saturating_sub(output.steps.iter().sum());
            known.transfer.add(transferred(planned), nanoseconds(copies));
        }
    }

    /// How long a request with the given plan is expected to take on each device.
    pub(super) fn estimate(&self, planned: &Planned) -> Estimate {
        let work = planned.step_work();
        let known = self.lock();
        let steps = |accelerator| -> Option<f64> {
            let each = planned.chain().ids().zip(&work).map(|(id, work)| {
                let line = known.steps.get(&(accelerator, id))?;
                (line.count() >= MIN_SAMPLES).then(|| line.at(*work))
            });
            each.sum()
        };
        let transfer = (known.transfer.count() >= MIN_SAMPLES)
            .then(|| known.transfer.at(transferred(planned)));
        Estimate {
            cpu: steps(Accelerator::Cpu).map(duration),
            cuda: steps(Accelerator::Cuda).zip(transfer).map(|(a, b)| duration(a + b)),
        }
    }

    /// Chooses the device for a request with the given estimate. Occasionally that is the slower
    /// device, to measure it again.
    pub(super) fn choose(&self, estimate: &Estimate, load: &Load) -> Accelerator {
        let mut known = self.lock();
        known.choices += 1;
        let explore =
            known.choices.is_multiple_of(EXPLORE_EVERY) && estimate.slower_is_worth_a_try();
        match (estimate.faster(load), explore) {
            (faster, false) => faster,
            (Accelerator::Cpu, true) => Accelerator::Cuda,
            (Accelerator::Cuda, true) => Accelerator::Cpu,
        }
    }

    /// Records how long it took to decode or encode a file whose image has `pixels` bytes.
    pub(crate) fn record_file(&self, codec: Codec, work: FileWork, pixels: usize, took: Duration) {
        let mut known = self.lock();
        let line = known.files.entry((codec, work)).or_default();
        line.add(pixels as f64, nanoseconds(took));
    }

    /// How long it is expected to take to decode or encode a file; zero if nothing has been
    /// measured yet.
    pub(crate) fn file(&self, codec: Codec, work: FileWork, pixels: usize) -> Duration {
        let known = self.lock();
        let line = known.files.get(&(codec, work));
        line.map_or(Duration::ZERO, |line| duration(line.at(pixels as f64)))
    }
}

/// The bytes that are copied to the GPU and back.
fn transferred(planned: &Planned) -> f64 {
    (planned.input().bytes() + planned.output().bytes()) as f64
}

fn nanoseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e9
}

fn duration(nanoseconds: f64) -> Duration {
    Duration::from_nanos(nanoseconds.max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use ocelli_kernels::{Image, PixelFormat, Shape, Size, StepTimes};

    use super::*;
    use crate::test_jobs::chain;

    fn planned(side: u32) -> Planned {
        let input = Shape::new(Size::new(side, side).unwrap(), PixelFormat::Rgb8);
        Planned::new(chain(&["blur", "grayscale"]), input).unwrap()
    }

    /// Records measurements of a CPU with 1 ns a byte, or of a GPU with 0.01 ns a byte, a link with
    /// 0.1 ns a byte, and 50 µs for each request.
    fn measure(costs: &Costs, accelerator: Accelerator, side: u32) {
        let planned = planned(side);
        let per_byte = if accelerator == Accelerator::Cpu { 1.0 } else { 0.01 };
        let step = |work| Duration::from_nanos((work * per_byte) as u64);
        let steps: StepTimes = planned.step_work().into_iter().map(step).collect();
        let made = planned.output();
        let mut whole: Duration = steps.iter().sum();
        if accelerator == Accelerator::Cuda {
            whole += Duration::from_nanos(50_000 + transferred(&planned) as u64 / 10);
        }
        let data = bytes::Bytes::from(vec![0; made.bytes()]);
        let image = Image::new(made.size, made.format, made.row_bytes(), data).unwrap();
        costs.record(accelerator, &planned, &Output { image, tensor: None, steps }, whole);
    }

    fn measured() -> Costs {
        let costs = Costs::default();
        for side in [32, 64, 128, 256] {
            measure(&costs, Accelerator::Cpu, side);
            measure(&costs, Accelerator::Cuda, side);
        }
        costs
    }

    fn choose(costs: &Costs, side: u32) -> Accelerator {
        costs.choose(&costs.estimate(&planned(side)), &Load::default())
    }

    #[test]
    fn small_images_stay_on_the_cpu_and_large_ones_go_to_the_gpu() {
        let costs = measured();
        let idle = Load::default();
        let faster = |side| costs.estimate(&planned(side)).faster(&idle);
        // The GPU saves 0.99 ns for each of 10 bytes a pixel, and costs 0.1 ns for each of 4 bytes
        // a pixel plus 50 µs, so it is faster from 5263 pixels on.
        for side in [16, 64, 70] {
            assert_eq!(faster(side), Accelerator::Cpu, "{side}");
        }
        for side in [75, 96, 2000] {
            assert_eq!(faster(side), Accelerator::Cuda, "{side}");
        }
        let cuda = costs.estimate(&planned(1000)).cuda.unwrap();
        assert!((540..560).contains(&cuda.as_micros()), "{cuda:?}");
    }

    #[test]
    fn what_is_not_known_is_tried_first() {
        let costs = Costs::default();
        for _ in 0..MIN_SAMPLES {
            assert_eq!(choose(&costs, 64), Accelerator::Cuda);
            measure(&costs, Accelerator::Cuda, 64);
        }
        for _ in 0..MIN_SAMPLES {
            assert_eq!(choose(&costs, 64), Accelerator::Cpu);
            measure(&costs, Accelerator::Cpu, 64);
        }
        let estimate = costs.estimate(&planned(64));
        assert_eq!(choose(&costs, 64), estimate.faster(&Load::default()));
    }

    #[test]
    fn files_are_expected_to_take_what_they_took() {
        let costs = Costs::default();
        assert_eq!(costs.file(Codec::Png, FileWork::Decode, 1000), Duration::ZERO);
        for bytes in [1000, 2000, 3000] {
            let took = Duration::from_nanos(500 + 2 * bytes as u64);
            costs.record_file(Codec::Png, FileWork::Decode, bytes, took);
        }
        let is = costs.file(Codec::Png, FileWork::Decode, 10_000).as_nanos();
        assert!((20_490..=20_510).contains(&is), "{is}");
        assert_eq!(costs.file(Codec::Png, FileWork::Encode, 1000), Duration::ZERO);
        assert_eq!(costs.file(Codec::Jpeg, FileWork::Decode, 1000), Duration::ZERO);
    }

    #[test]
    fn the_slower_device_is_tried_again_unless_it_is_hopeless() {
        let costs = measured();
        let on_cuda = |side| {
            let all = (0..2 * EXPLORE_EVERY).map(|_| choose(&costs, side));
            all.filter(|chosen| *chosen == Accelerator::Cuda).count()
        };
        // Close to the size at which both are equal.
        assert_eq!(on_cuda(64), 2);
        assert_eq!(on_cuda(8), 0);
    }
}

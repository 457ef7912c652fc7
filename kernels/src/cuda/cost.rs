//! Which processor is expected to be done sooner: by what was measured, nothing is assumed.
//!
//! The time of a step is taken as a fixed part and one that grows with the bytes that it reads and
//! writes, for each filter and processor; its parameters are not looked at, so an estimate is that
//! of the usual ones. On a GPU there is a further such time for each frame: copies, launches,
//! waiting. What a frame waits for the ones before it is the caller's to say: [`Load`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::choice::{Choice, ENOUGH, Estimate, Load};
use super::line::Line;
use crate::clock::Stopwatch;
use crate::codec::Codec;
use crate::{Accelerator, Backend, BackendError, Chain, Image, Output, PixelFormat, Shape, Size};

/// Of so many decisions one goes to the slower processor, so that what is known of it stays true.
const REFRESH: u64 = 64;

/// What frames have cost so far, on both processors; shared by those that run them.
#[derive(Debug, Default)]
pub struct Costs {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Nanoseconds against bytes.
    steps: HashMap<(Accelerator, &'static str), Line>,
    /// What a frame takes on the GPU beside its steps.
    transfer: Line,
    files: HashMap<(Codec, FileWork), Line>,
    decisions: u64,
}

/// What is done with the file of an image, on the CPU whatever runs the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileWork {
    /// From file to pixels.
    Read,
    /// From pixels to file.
    Write,
}

impl Costs {
    /// Notes what a frame took: each of its steps, and all.
    pub fn record(
        &self,
        accelerator: Accelerator,
        chain: &Chain,
        input: Shape,
        output: &Output,
        whole: Duration,
    ) {
        let Ok(bytes) = step_bytes(chain, input) else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for ((id, bytes), took) in chain.ids().zip(&bytes).zip(&output.steps) {
            known.steps.entry((accelerator, id)).or_default().add(*bytes, nanoseconds(*took));
        }
        if accelerator == Accelerator::Cuda {
            let copies = whole.saturating_sub(output.steps.iter().sum());
            let bytes = (input.bytes() + output.image.shape().bytes()) as f64;
            known.transfer.add(bytes, nanoseconds(copies));
        }
    }

    /// What is expected of such a frame.
    ///
    /// # Errors
    /// If the chain does not take it.
    pub fn estimate(&self, chain: &Chain, input: Shape) -> Result<Estimate, BackendError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.estimate(chain, input)
    }

    /// Where such a frame should go. Now and then that is the slower one, to look again.
    ///
    /// # Errors
    /// If the chain does not take it.
    pub fn choose(&self, chain: &Chain, input: Shape, load: &Load) -> Result<Choice, BackendError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let estimate = known.estimate(chain, input)?;
        known.decisions += 1;
        let again = known.decisions.is_multiple_of(REFRESH) && estimate.slower_is_worth_a_try();
        let accelerator = match (estimate.sooner(load), again) {
            (sooner, false) => sooner,
            (Accelerator::Cpu, true) => Accelerator::Cuda,
            (Accelerator::Cuda, true) => Accelerator::Cpu,
        };
        Ok(Choice { accelerator, expected: estimate.on(accelerator) })
    }

    /// Notes how long the file of an image took that has so many bytes of pixels.
    pub fn record_file(&self, codec: Codec, work: FileWork, pixels: usize, took: Duration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let line = known.files.entry((codec, work)).or_default();
        line.add(pixels as f64, nanoseconds(took));
    }

    /// How long such a file is expected to take; nothing, as long as nothing was measured.
    #[must_use]
    pub fn file(&self, codec: Codec, work: FileWork, pixels: usize) -> Duration {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let line = known.files.get(&(codec, work));
        line.map_or(Duration::ZERO, |line| duration(line.at(pixels as f64)))
    }

    /// The smallest square, by its side, from which on the GPU is expected to be faster; `None` if
    /// it never is up to 16384, or too little was measured.
    #[must_use]
    pub fn crossover(&self, chain: &Chain, format: PixelFormat) -> Option<u32> {
        let sides = (4..=14).flat_map(|power| [1 << power, (1 << power) + (1 << (power - 1))]);
        let faster = |side: u32| {
            let size = Size::new(side, side)?;
            let estimate = self.estimate(chain, Shape::new(size, format)).ok()?;
            Some(estimate.cuda? < estimate.cpu?)
        };
        let mut from = None;
        for side in sides.filter(|side| *side <= 16384) {
            from = if faster(side)? { from.or(Some(side)) } else { None };
        }
        from
    }
}

impl Known {
    fn estimate(&self, chain: &Chain, input: Shape) -> Result<Estimate, BackendError> {
        let bytes = step_bytes(chain, input)?;
        let steps = |accelerator| -> Option<f64> {
            let each = chain.ids().zip(&bytes).map(|(id, bytes)| {
                let line = self.steps.get(&(accelerator, id))?;
                (line.count() >= ENOUGH).then(|| line.at(*bytes))
            });
            each.sum()
        };
        let whole = (input.bytes() + chain.output(input)?.bytes()) as f64;
        let transfer = (self.transfer.count() >= ENOUGH).then(|| self.transfer.at(whole));
        Ok(Estimate {
            cpu: steps(Accelerator::Cpu).map(duration),
            cuda: steps(Accelerator::Cuda).zip(transfer).map(|(a, b)| duration(a + b)),
        })
    }
}

/// Bytes that each step of a chain reads and writes.
fn step_bytes(chain: &Chain, input: Shape) -> Result<Vec<f64>, BackendError> {
    let mut bytes = vec![0.0; chain.len()];
    for step in &chain.plan(input)? {
        if let Some(bytes) = bytes.get_mut(step.index) {
            *bytes += (step.input.bytes() + step.output.bytes()) as f64;
        }
    }
    Ok(bytes)
}

fn nanoseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e9
}

fn duration(nanoseconds: f64) -> Duration {
    Duration::from_nanos(nanoseconds.max(0.0) as u64)
}

/// A backend whose costs are noted.
#[derive(Debug)]
pub struct Measured<B> {
    backend: B,
    costs: Arc<Costs>,
}

impl<B: Backend> Measured<B> {
    /// That backend; what it takes goes there.
    pub const fn new(backend: B, costs: Arc<Costs>) -> Self {
        Self { backend, costs }
    }
}

impl<B: Backend> Backend for Measured<B> {
    fn accelerator(&self) -> Accelerator {
        self.backend.accelerator()
    }

    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError> {
        let (shape, prepared, watch) = (input.shape(), self.preparing(), Stopwatch::start());
        let output = self.backend.run(chain, input)?;
        let whole = self.without_preparing(watch.elapsed(), prepared);
        self.costs.record(self.accelerator(), chain, shape, &output, whole);
        Ok(output)
    }

    fn run_batch(
        &mut self,
        chain: &Chain,
        inputs: Vec<Image>,
    ) -> Vec<Result<Output, BackendError>> {
        let (Some(first), images) = (inputs.first(), inputs.len()) else { return Vec::new() };
        let (shape, prepared, watch) = (first.shape(), self.preparing(), Stopwatch::start());
        let results = self.backend.run_batch(chain, inputs);
        let whole = self.without_preparing(watch.elapsed(), prepared);
        let each = whole / u32::try_from(images).unwrap_or(u32::MAX);
        for output in results.iter().flatten() {
            self.costs.record(self.accelerator(), chain, shape, output, each);
        }
        results
    }

    fn preparing(&self) -> Duration {
        self.backend.preparing()
    }
}

impl<B: Backend> Measured<B> {
    /// To compile a kernel takes far longer than to run it: with that in its first frames a GPU
    /// would look too slow to be tried again.
    fn without_preparing(&self, took: Duration, before: Duration) -> Duration {
        took.saturating_sub(self.preparing().saturating_sub(before))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Catalog, CpuBackend, Pool, StepTimes, test_images};

    fn chain() -> Chain {
        let none = BTreeMap::new();
        Chain::parse(&Catalog::standard(), [("blur", &none), ("grayscale", &none)]).unwrap()
    }

    fn shape(side: u32) -> Shape {
        Shape::new(Size::new(side, side).unwrap(), PixelFormat::Rgb8)
    }

    /// A machine with a CPU of 1 ns a byte, and a GPU of 0.01 ns a byte, a link of 0.1 ns a byte
    /// and 50 µs for each frame.
    fn measure(costs: &Costs, accelerator: Accelerator, side: u32) {
        let (chain, input) = (chain(), shape(side));
        let bytes = step_bytes(&chain, input).unwrap();
        let per_byte = if accelerator == Accelerator::Cpu { 1.0 } else { 0.01 };
        let steps: StepTimes =
            bytes.iter().map(|bytes| Duration::from_nanos((bytes * per_byte) as u64)).collect();
        let size = input.size;
        let made = chain.output(input).unwrap();
        let mut whole: Duration = steps.iter().sum();
        if accelerator == Accelerator::Cuda {
            whole += Duration::from_nanos(50_000 + (input.bytes() + made.bytes()) as u64 / 10);
        }
        let data = bytes::Bytes::from(vec![0; made.bytes()]);
        let image = Image::new(size, made.format, made.row_bytes(), data).unwrap();
        costs.record(accelerator, &chain, input, &Output { image, tensor: None, steps }, whole);
    }

    fn measured() -> Costs {
        let costs = Costs::default();
        for side in [32, 64, 128, 256] {
            measure(&costs, Accelerator::Cpu, side);
            measure(&costs, Accelerator::Cuda, side);
        }
        costs
    }

    #[test]
    fn small_frames_stay_on_the_cpu_and_large_ones_go_to_the_gpu() {
        let costs = measured();
        let idle = Load::default();
        let sooner = |side| costs.estimate(&chain(), shape(side)).unwrap().sooner(&idle);
        assert_eq!(sooner(16), Accelerator::Cpu);
        assert_eq!(sooner(2000), Accelerator::Cuda);
        // 10 bytes a pixel at 0.99 ns gained, 4 at 0.1 ns and 50 µs lost: from 5263 pixels on.
        let crossover = costs.crossover(&chain(), PixelFormat::Rgb8).unwrap();
        assert!((64..=96).contains(&crossover), "{crossover}");
        let cuda = costs.estimate(&chain(), shape(1000)).unwrap().cuda.unwrap();
        assert!((540..560).contains(&cuda.as_micros()), "{cuda:?}");
    }

    #[test]
    fn what_is_not_known_is_tried_first() {
        let costs = Costs::default();
        let choose = || costs.choose(&chain(), shape(64), &Load::default()).unwrap().accelerator;
        assert_eq!(costs.crossover(&chain(), PixelFormat::Rgb8), None);
        for _ in 0..ENOUGH {
            assert_eq!(choose(), Accelerator::Cuda);
            measure(&costs, Accelerator::Cuda, 64);
        }
        for _ in 0..ENOUGH {
            assert_eq!(choose(), Accelerator::Cpu);
            measure(&costs, Accelerator::Cpu, 64);
        }
        let estimate = costs.estimate(&chain(), shape(64)).unwrap();
        assert_eq!(choose(), estimate.sooner(&Load::default()));
    }

    #[test]
    fn files_are_expected_to_take_what_they_took() {
        let costs = Costs::default();
        assert_eq!(costs.file(Codec::Png, FileWork::Read, 1000), Duration::ZERO);
        for bytes in [1000, 2000, 3000] {
            let took = Duration::from_nanos(500 + 2 * bytes as u64);
            costs.record_file(Codec::Png, FileWork::Read, bytes, took);
        }
        let is = costs.file(Codec::Png, FileWork::Read, 10_000).as_nanos();
        assert!((20_490..=20_510).contains(&is), "{is}");
        assert_eq!(costs.file(Codec::Png, FileWork::Write, 1000), Duration::ZERO);
        assert_eq!(costs.file(Codec::Jpeg, FileWork::Read, 1000), Duration::ZERO);
    }

    #[test]
    fn the_slower_one_is_looked_at_again_unless_it_is_hopeless() {
        let costs = measured();
        let of = |side| {
            let choose = || costs.choose(&chain(), shape(side), &Load::default()).unwrap();
            let all = (0..2 * REFRESH).map(|_| choose().accelerator);
            all.filter(|chosen| *chosen == Accelerator::Cuda).count()
        };
        // Close to where both are equal.
        assert_eq!(of(64), 2);
        assert_eq!(of(8), 0);
    }

    #[test]
    fn a_measured_backend_notes_what_it_does() {
        let costs = Arc::new(Costs::default());
        let mut backend = Measured::new(CpuBackend::new(Pool::new(0)), Arc::clone(&costs));
        let image = test_images::filled(PixelFormat::Rgb8, 40, 30, 7);
        for _ in 0..ENOUGH {
            backend.run(&chain(), image.clone()).unwrap();
        }
        let estimate = costs.estimate(&chain(), image.shape()).unwrap();
        assert!(estimate.cpu.unwrap() > Duration::ZERO);
        assert_eq!(estimate.cuda, None);
    }
    /// A GPU that takes 20 ms for any batch, and 50 ms for the first, because a kernel is compiled.
    #[derive(Debug, Default)]
    struct Compiles {
        compiled: Duration,
        batches: Vec<usize>,
    }

    fn spin(milliseconds: u64) -> Duration {
        let watch = Stopwatch::start();
        while watch.elapsed() < Duration::from_millis(milliseconds) {
            std::hint::spin_loop();
        }
        watch.elapsed()
    }

    impl Backend for Compiles {
        fn accelerator(&self) -> Accelerator {
            Accelerator::Cuda
        }

        fn run(&mut self, chain: &Chain, image: Image) -> Result<Output, BackendError> {
            self.run_batch(chain, vec![image]).remove(0)
        }

        fn run_batch(
            &mut self,
            chain: &Chain,
            images: Vec<Image>,
        ) -> Vec<Result<Output, BackendError>> {
            self.batches.push(images.len());
            if self.compiled.is_zero() {
                self.compiled = spin(50);
            }
            spin(20);
            let mut cpu = CpuBackend::new(Pool::new(0));
            images.into_iter().map(|image| cpu.run(chain, image)).collect()
        }

        fn preparing(&self) -> Duration {
            self.compiled
        }
    }

    #[test]
    fn a_batch_is_measured_by_its_images_and_without_what_is_done_once() {
        let costs = Arc::new(Costs::default());
        let mut backend = Measured::new(Compiles::default(), Arc::clone(&costs));
        let image = test_images::filled(PixelFormat::Rgb8, 40, 30, 7);
        assert_eq!(backend.run_batch(&chain(), Vec::new()).len(), 0);
        let results = backend.run_batch(&chain(), vec![image.clone(); ENOUGH as usize]);
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(backend.backend.batches, [ENOUGH as usize]);
        let cuda = costs.estimate(&chain(), image.shape()).unwrap().cuda.unwrap();
        // A fourth of 20 ms; of 70 ms it would be more, and so would be the whole.
        assert!((5..15).contains(&cuda.as_millis()), "{cuda:?}");
    }
}

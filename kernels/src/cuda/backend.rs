//! Runs chains on a GPU: one upload, all steps, one download. Several batches overlap.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cudarc::driver::CudaContext;

use super::compile::KernelCompiler;
use super::devices::{count, guard};
use super::lane::Lane;
use super::memory::Constants;
use super::plan::CudaPlan;
use super::program::Programs;
use super::schedule::{Schedule, Ticket};
use super::{CudaError, disk};
use crate::analysis::{Difference, difference_plan};
use crate::{
    Accelerator, Backend, BackendError, Chain, Image, Interrupt, Output, Planned, Pool, StepTimes,
};

/// The largest number of images in a batch, however small they are.
const MOST_IMAGES: usize = 64;

/// How a GPU is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaOptions {
    /// The folder that compiled kernels are cached in; `None` disables the cache.
    pub kernel_folder: Option<PathBuf>,
    /// The number of batches in flight at a time, so that copies overlap with computing.
    pub lanes: usize,
    /// The device memory in bytes that a batch may use; larger batches are split.
    pub batch_bytes: usize,
    /// The device memory in bytes for constants of operations that were used before.
    pub constant_bytes: usize,
    /// A batch that takes longer than this means that the device is lost.
    pub patience: Duration,
}

impl Default for CudaOptions {
    fn default() -> Self {
        Self {
            kernel_folder: disk::default_folder(|name| std::env::var_os(name)),
            lanes: 3,
            batch_bytes: 1 << 30,
            constant_bytes: 64 << 20,
            patience: Duration::from_secs(10),
        }
    }
}

/// The time that a batch took on the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchTimes {
    /// Time to copy images from host to device.
    pub upload: Duration,
    /// Time of all kernels.
    pub compute: Duration,
    /// Time to copy results from device to host.
    pub download: Duration,
}

/// Runs chains on one GPU. It belongs to one thread at a time.
///
/// Device memory is kept between runs, and grows to what the largest batch needed. After an error
/// that the device cannot recover from, every run fails at once with [`BackendError::DeviceLost`].
#[derive(Debug)]
pub struct CudaBackend {
    device: Option<Device>,
    pool: Pool,
    options: CudaOptions,
    lost: BackendError,
}

#[derive(Debug)]
struct Device {
    context: Arc<CudaContext>,
    programs: Programs,
    constants: Constants,
    lanes: Vec<Lane>,
    schedule: Schedule,
}

impl Device {
    fn open(ordinal: usize, options: &CudaOptions) -> Result<Self, CudaError> {
        let context = CudaContext::new(ordinal)?;
        order_by_streams(&context);
        context.set_blocking_synchronize()?;
        let (major, minor) = context.compute_capability()?;
        let number = |part: i32| u32::try_from(part).unwrap_or(0);
        let compiler =
            KernelCompiler::new((number(major), number(minor)), options.kernel_folder.clone())?;
        let lanes: Vec<Lane> =
            (0..options.lanes.max(1)).map(|_| Lane::new(&context)).collect::<Result<_, _>>()?;
        Ok(Self {
            programs: Programs::new(Arc::clone(&context), compiler),
            constants: Constants::new(options.constant_bytes, options.patience),
            schedule: Schedule::new(lanes.len()),
            lanes,
            context,
        })
    }
}

/// Turns off the driver's own synchronisation: each lane uses its own memory on its own stream, and
/// constants are uploaded before another stream sees them, so events around each access would only
/// cost time.
#[allow(unsafe_code, reason = "the bookkeeping is ours")]
fn order_by_streams(context: &CudaContext) {
    // SAFETY: buffers are used and freed on the stream that allocated them; what lanes share is
    // complete before it is shared, and held until all that use it are done.
    unsafe { context.disable_event_tracking() };
}

impl CudaBackend {
    /// Opens GPU `ordinal`, counted from 0. Results are placed in memory from `pool`.
    ///
    /// # Errors
    /// If the driver, the kernel compiler or the device is missing or does not work.
    pub fn open(ordinal: usize, pool: Pool) -> Result<Self, CudaError> {
        Self::open_with(ordinal, pool, CudaOptions::default())
    }

    /// Like [`CudaBackend::open`], with explicit options.
    ///
    /// # Errors
    /// Those of [`CudaBackend::open`].
    pub fn open_with(ordinal: usize, pool: Pool, options: CudaOptions) -> Result<Self, CudaError> {
        let count = count()?;
        if ordinal >= count {
            return Err(CudaError::NoDevice { ordinal, count });
        }
        let device = guard(|| Device::open(ordinal, &options))?;
        let lost = BackendError::DeviceLost("it failed before".to_owned());
        Ok(Self { device: Some(device), pool, options, lost })
    }

    /// The number of batches that can be submitted now, in addition to those in flight.
    #[must_use]
    pub fn free_lanes(&self) -> usize {
        self.device.as_ref().map_or(0, |device| device.schedule.free())
    }

    /// The largest number of images in one batch of that plan.
    fn most_images(&self, plan: &CudaPlan) -> usize {
        let one = plan.layout(1).bytes();
        (self.options.batch_bytes / one.max(1)).clamp(1, MOST_IMAGES)
    }

    /// Starts a batch: images of one shape, with one launch of each kernel for all of them.
    /// [`CudaBackend::complete`] returns the results for the ticket.
    ///
    /// # Errors
    /// [`BackendError::DeviceBusy`] if all lanes are taken or memory is short. It is also an error
    /// if the images have different shapes; otherwise the errors are those of [`Backend::run`].
    pub fn submit(&mut self, chain: &Chain, images: Vec<Image>) -> Result<Ticket, BackendError> {
        let Some(shape) = images.first().map(Image::shape) else {
            return Err(BackendError::Internal("the batch is empty".to_owned()));
        };
        if images.iter().any(|image| image.shape() != shape) {
            return Err(BackendError::Internal("the images of a batch differ".to_owned()));
        }
        self.submit_plan(CudaPlan::new(chain, shape)?, images, chain.len(), &[])
    }

    /// Starts a batch of a plan for a chain of that many steps. It stops between two launches if all
    /// interrupts are set, and there are some.
    fn submit_plan(
        &mut self,
        plan: CudaPlan,
        images: Vec<Image>,
        steps: usize,
        interrupts: &[Interrupt],
    ) -> Result<Ticket, BackendError> {
        let device = self.device.as_mut().ok_or_else(|| self.lost.clone())?;
        let Some((index, ticket)) = device.schedule.take() else {
            return Err(BackendError::DeviceBusy("all lanes are taken".to_owned()));
        };
        let patience = self.options.patience;
        let result = guard(|| {
            let Device { lanes, programs, constants, .. } = device;
            let lane = lanes.get_mut(index).ok_or_else(|| CudaError::Bug("no lane".to_owned()))?;
            let submitted = lane.submit(plan, images, steps, interrupts, programs, constants);
            submitted.or_else(|error| {
                // Part of it may be under way.
                lane.settle(patience)?;
                constants.clear();
                Err(error)
            })
        });
        if result.is_err() {
            device.schedule.finish(ticket);
        }
        self.judge(result).map(|()| ticket)
    }

    /// Measures how much each of these frames of one shape differs from the frame before it. There
    /// is one result less than there are frames, in order.
    ///
    /// # Errors
    /// Those of [`CudaBackend::submit`].
    pub fn differences(
        &mut self,
        frames: &[Image],
        threshold: u8,
    ) -> Result<Vec<Difference>, BackendError> {
        let mut differences = Vec::with_capacity(frames.len().saturating_sub(1));
        let Some(shape) = frames.first().map(Image::shape) else { return Ok(differences) };
        if frames.iter().any(|frame| frame.shape() != shape) {
            return Err(BackendError::Internal("the frames differ in shape".to_owned()));
        }
        let plan = difference_plan(shape, threshold)
            .ok_or_else(|| BackendError::Internal(format!("no kernel can compare {shape:?}")))?;
        let most = self.options.batch_bytes / plan.layout(1).bytes().max(1);
        let mut left = frames;
        while left.len() > 1 {
            let batch = left.get(..most.clamp(2, MOST_IMAGES)).unwrap_or(left);
            let ticket = self.submit_plan(plan.clone(), batch.to_vec(), 0, &[])?;
            let (outputs, _) = self.complete(ticket)?;
            let tensors = outputs.iter().skip(1).filter_map(|output| output.tensor.as_ref());
            differences.extend(tensors.map(|parts| Difference::read(shape, parts.data())));
            // The last one is what the next one is compared with.
            left = left.get(batch.len() - 1..).unwrap_or_default();
        }
        Ok(differences)
    }

    /// Waits for a batch, and returns its results in order and the time that it took.
    ///
    /// # Errors
    /// Those of [`Backend::run`], and if there is no such batch.
    pub fn complete(&mut self, ticket: Ticket) -> Result<(Vec<Output>, BatchTimes), BackendError> {
        let device = self.device.as_mut().ok_or_else(|| self.lost.clone())?;
        let lane = device.schedule.lane(ticket).and_then(|index| device.lanes.get_mut(index));
        let Some(lane) = lane else {
            return Err(BackendError::Internal(format!("there is no batch {ticket:?}")));
        };
        let result = guard(|| {
            device.context.bind_to_thread()?;
            let outputs = lane.complete(self.options.patience, &self.pool)?;
            // What failed where nobody could be told is this batch's fault, not the next one's.
            device.context.check_err()?;
            Ok(outputs)
        });
        device.schedule.finish(ticket);
        self.judge(result)
    }

    /// Marks the device as lost after an error that it cannot recover from, so that it is not used
    /// again.
    fn judge<T>(&mut self, result: Result<T, CudaError>) -> Result<T, BackendError> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => BackendError::from(error),
        };
        if let BackendError::DeviceLost(_) = error {
            self.lost = error.clone();
            // To free what it may still use could take for ever.
            std::mem::forget(self.device.take());
        }
        Err(error)
    }

    /// Adds the results of a batch of that many images.
    fn collect(
        &mut self,
        batch: Option<(Ticket, usize)>,
        results: &mut Vec<Result<Output, BackendError>>,
    ) {
        let Some((ticket, images)) = batch else { return };
        match self.complete(ticket) {
            Ok((outputs, _)) => results.extend(outputs.into_iter().map(Ok)),
            Err(error) => results.extend((0..images).map(|_| Err(error.clone()))),
        }
    }

    /// Adds the results of a batch that failed. If memory was short, the batch is tried again in
    /// halves, with nothing else in flight.
    fn retry(
        &mut self,
        (plan, steps): (&CudaPlan, usize),
        (images, interrupts): (&[Image], &[Interrupt]),
        error: BackendError,
        results: &mut Vec<Result<Output, BackendError>>,
    ) {
        if !matches!(error, BackendError::DeviceBusy(_)) || images.len() < 2 {
            return results.extend(images.iter().map(|_| Err(error.clone())));
        }
        let half = images.len().div_ceil(2);
        for (half, interrupts) in images.chunks(half).zip(interrupts.chunks(half)) {
            match self.submit_plan(plan.clone(), half.to_vec(), steps, interrupts) {
                Ok(ticket) => self.collect(Some((ticket, half.len())), results),
                Err(error) => self.retry((plan, steps), (half, interrupts), error, results),
            }
        }
    }
}

/// The times of a plan that does nothing, so that its input is its result; `None` for any other
/// plan.
fn unchanged(plan: &CudaPlan, steps: usize) -> Option<StepTimes> {
    plan.stages.is_empty().then(|| (0..steps).map(|_| Duration::ZERO).collect())
}

impl Backend for CudaBackend {
    fn accelerator(&self) -> Accelerator {
        Accelerator::Cuda
    }

    fn run_planned(
        &mut self,
        planned: &Planned,
        input: Image,
        interrupt: &Interrupt,
    ) -> Result<Output, BackendError> {
        if self.device.is_none() {
            return Err(self.lost.clone());
        }
        planned.check(&input)?;
        let (plan, steps) = (CudaPlan::of(planned)?, planned.chain().len());
        if let Some(steps) = unchanged(&plan, steps) {
            return Ok(Output { image: input, tensor: None, steps });
        }
        let ticket = self.submit_plan(plan, vec![input], steps, std::slice::from_ref(interrupt))?;
        let (mut outputs, _) = self.complete(ticket)?;
        if interrupt.is_set() {
            return Err(BackendError::Interrupted);
        }
        outputs.pop().ok_or_else(|| BackendError::Internal("a batch without result".to_owned()))
    }

    /// Uses as few batches as memory allows, and submits one while another is computed.
    fn run_batch(
        &mut self,
        planned: &Planned,
        images: Vec<Image>,
        interrupts: &[Interrupt],
    ) -> Vec<Result<Output, BackendError>> {
        let mut interrupts = interrupts.to_vec();
        interrupts.resize(images.len(), Interrupt::never());
        let checked = images.iter().try_for_each(|image| planned.check(image));
        let (plan, steps) = match checked.and_then(|()| CudaPlan::of(planned)) {
            Ok(plan) => (plan, planned.chain().len()),
            Err(error) => return images.iter().map(|_| Err(error.clone())).collect(),
        };
        if let Some(nothing) = unchanged(&plan, steps) {
            let same = |image| Ok(Output { image, tensor: None, steps: nothing.clone() });
            return images.into_iter().map(same).collect();
        }
        let most = self.most_images(&plan);
        let mut results = Vec::with_capacity(images.len());
        let mut waiting = VecDeque::new();
        for (batch, interrupts) in images.chunks(most).zip(interrupts.chunks(most)) {
            if self.free_lanes() == 0 {
                self.collect(waiting.pop_front(), &mut results);
            }
            match self.submit_plan(plan.clone(), batch.to_vec(), steps, interrupts) {
                Ok(ticket) => waiting.push_back((ticket, batch.len())),
                Err(error) => {
                    while let Some(before) = waiting.pop_front() {
                        self.collect(Some(before), &mut results);
                    }
                    self.retry((&plan, steps), (batch, interrupts), error, &mut results);
                }
            }
        }
        for before in waiting {
            self.collect(Some(before), &mut results);
        }
        for (result, interrupt) in results.iter_mut().zip(&interrupts) {
            if result.is_ok() && interrupt.is_set() {
                *result = Err(BackendError::Interrupted);
            }
        }
        results
    }

    fn preparing(&self) -> Duration {
        self.device
            .as_ref()
            .map_or(Duration::ZERO, |device| device.lanes.iter().map(Lane::preparing).sum())
    }
}

//! A lane: a stream of the device with memory of its own, which runs one batch at a time.

use std::sync::Arc;
use std::time::Duration;

use cudarc::driver::{
    CudaContext, CudaEvent, CudaFunction, CudaSlice, CudaStream, DevicePtr as _, LaunchConfig,
    PushKernelArg, sys::CUevent_flags,
};

use super::arguments::{Addresses, Value, resolve};
use super::memory::{Buffer, Constants, Pinned};
use super::plan::{CudaPlan, spaced, spacing};
use super::program::Programs;
use super::stage::{PlannedLaunch, Stage};
use super::wait::wait;
use super::{BatchTimes, CudaError};
use crate::chain::MAX_STEPS;
use crate::clock::Stopwatch;
use crate::{Image, Interrupt, Output, Pool, StepTimes, Tensor};

#[derive(Debug)]
pub(super) struct Lane {
    stream: Arc<CudaStream>,
    upload: Pinned,
    download: Pinned,
    /// The input and the output of a stage, which swap after every stage.
    images: [Buffer; 2],
    scratch: Vec<Buffer>,
    /// Events before the upload, after it, after each stage, and after the download.
    events: Vec<CudaEvent>,
    flight: Option<Flight>,
    preparing: Duration,
}

/// The batch that is in flight.
#[derive(Debug)]
struct Flight {
    plan: CudaPlan,
    /// The images that were uploaded: a chain that changes nothing returns them.
    inputs: Vec<Image>,
    steps: usize,
    /// Kernels and constants that must not be freed before the batch is done.
    _held: (Vec<CudaFunction>, Vec<Arc<CudaSlice<u8>>>),
}

impl Flight {
    /// The bytes of one image and of one tensor that are downloaded.
    fn downloads(&self) -> (usize, usize) {
        downloads(&self.plan)
    }
}

fn downloads(plan: &CudaPlan) -> (usize, usize) {
    let image = if plan.keeps_image() { 0 } else { plan.output.bytes() };
    (image, plan.tensor.as_ref().map_or(0, crate::TensorShape::bytes))
}

impl Lane {
    pub(super) fn new(context: &Arc<CudaContext>) -> Result<Self, CudaError> {
        let stream = context.new_stream()?;
        Ok(Self {
            upload: Pinned::for_upload(context)?,
            download: Pinned::for_download(context)?,
            images: [Buffer::new(&stream)?, Buffer::new(&stream)?],
            scratch: Vec::new(),
            events: Vec::new(),
            flight: None,
            preparing: Duration::ZERO,
            stream,
        })
    }

    /// Starts a batch of images of the shape of the plan's input.
    pub(super) fn submit(
        &mut self,
        plan: CudaPlan,
        inputs: Vec<Image>,
        steps: usize,
        interrupts: &[Interrupt],
        programs: &mut Programs,
        constants: &mut Constants,
    ) -> Result<(), CudaError> {
        let images = inputs.len();
        // All that may fail for want of memory, and all that takes long, first.
        let watch = Stopwatch::start();
        let mut functions = Vec::new();
        for launch in plan.stages.iter().flat_map(|stage| &stage.launches) {
            functions.push(programs.kernel(launch)?);
        }
        let mut held = Vec::new();
        for data in plan.stages.iter().flat_map(|stage| &stage.data) {
            held.push(constants.get(&self.stream, data)?);
        }
        self.reserve(&plan, images)?;
        self.preparing += watch.elapsed();
        self.start(&plan, &inputs)?;
        self.compute(&plan, (images, interrupts), &functions, &held)?;
        self.fetch(&plan, images)?;
        self.flight = Some(Flight { plan, inputs, steps, _held: (functions, held) });
        Ok(())
    }

    /// The time spent so far on compiling, on constants and on memory.
    pub(super) const fn preparing(&self) -> Duration {
        self.preparing
    }

    fn reserve(&mut self, plan: &CudaPlan, images: usize) -> Result<(), CudaError> {
        let layout = plan.layout(images);
        for buffer in &mut self.images {
            buffer.reserve(&self.stream, layout.image)?;
        }
        while self.scratch.len() < layout.scratch.len() {
            self.scratch.push(Buffer::new(&self.stream)?);
        }
        for (buffer, bytes) in self.scratch.iter_mut().zip(layout.scratch) {
            buffer.reserve(&self.stream, bytes)?;
        }
        self.upload.reserve(spaced(images, plan.input.bytes()))?;
        let (image, tensor) = downloads(plan);
        self.download.reserve(spaced(images, image) + spaced(images, tensor))?;
        while self.events.len() < plan.stages.len() + 3 {
            let context = self.stream.context();
            self.events.push(context.new_event(Some(CUevent_flags::CU_EVENT_DEFAULT))?);
        }
        Ok(())
    }

    fn start(&mut self, plan: &CudaPlan, inputs: &[Image]) -> Result<(), CudaError> {
        let spacing = spacing(plan.input.bytes());
        let all = spacing * inputs.len();
        let bytes = self.upload.bytes_mut(all)?;
        for (image, to) in inputs.iter().zip(bytes.chunks_exact_mut(spacing)) {
            image.pack(to);
        }
        self.mark(0)?;
        let [front, _] = &mut self.images;
        self.stream.memcpy_htod(&*self.upload.bytes_mut(all)?, front.slice_mut())?;
        self.mark(1)
    }

    fn compute(
        &mut self,
        plan: &CudaPlan,
        (images, interrupts): (usize, &[Interrupt]),
        functions: &[CudaFunction],
        data: &[Arc<CudaSlice<u8>>],
    ) -> Result<(), CudaError> {
        let scratch: Vec<u64> =
            self.scratch.iter().map(|buffer| buffer.address(&self.stream)).collect();
        let data: Vec<u64> = data.iter().map(|data| data.device_ptr(&self.stream).0).collect();
        let (mut functions, mut data) = (functions.iter(), data.as_slice());
        for (at, stage) in plan.stages.iter().enumerate() {
            let (own, rest) = data.split_at_checked(stage.data.len()).unwrap_or_default();
            data = rest;
            let [front, back] = &self.images;
            let (input, output) = (front.address(&self.stream), back.address(&self.stream));
            let at_device = Addresses { input, output, scratch: &scratch, data: own };
            for (launch, function) in stage.launches.iter().zip(functions.by_ref()) {
                if all_set(interrupts) {
                    return Err(CudaError::Interrupted);
                }
                let values = resolve(&launch.arguments, at_device)?;
                run(&self.stream, function, launch, images, &values)?;
            }
            if !makes_tensor(plan, stage) {
                self.images.swap(0, 1);
            }
            self.mark(at + 2)?;
        }
        Ok(())
    }

    /// Starts the download: the image is in the first buffer, a tensor in the second.
    fn fetch(&mut self, plan: &CudaPlan, images: usize) -> Result<(), CudaError> {
        let (image, tensor) = downloads(plan);
        let (image, tensor) = (spaced(images, image), spaced(images, tensor));
        let bytes = self.download.bytes_mut(image + tensor)?;
        let (to_image, to_tensor) = bytes.split_at_mut_checked(image).unwrap_or_default();
        let [front, back] = &self.images;
        for (buffer, to) in [(front, to_image), (back, to_tensor)] {
            if let Some(from) = buffer.slice().try_slice(..to.len()).filter(|_| !to.is_empty()) {
                self.stream.memcpy_dtoh(&from, to)?;
            }
        }
        self.mark(plan.stages.len() + 2)
    }

    fn mark(&self, event: usize) -> Result<(), CudaError> {
        Ok(self.event(event)?.record(&self.stream)?)
    }

    fn event(&self, event: usize) -> Result<&CudaEvent, CudaError> {
        self.events.get(event).ok_or_else(|| CudaError::Bug(format!("there is no event {event}")))
    }

    /// Waits for the batch in flight.
    pub(super) fn complete(
        &mut self,
        patience: Duration,
        pool: &Pool,
    ) -> Result<(Vec<Output>, BatchTimes), CudaError> {
        let nothing = || CudaError::Bug("no batch is in progress".to_owned());
        let stages = self.flight.as_ref().ok_or_else(nothing)?.plan.stages.len();
        let last = self.event(stages + 2)?;
        wait(patience, || Ok(last.try_is_complete()?))?;
        let flight = self.flight.take().ok_or_else(nothing)?;
        let between = |from: usize| -> Result<Duration, CudaError> {
            let milliseconds = self.event(from)?.elapsed_ms(self.event(from + 1)?)?.max(0.0);
            Ok(Duration::try_from_secs_f32(milliseconds / 1000.0).unwrap_or_default())
        };
        let mut steps: StepTimes =
            (0..flight.steps.min(MAX_STEPS)).map(|_| Duration::ZERO).collect();
        let mut times = BatchTimes {
            upload: between(0)?,
            compute: Duration::ZERO,
            download: between(stages + 1)?,
        };
        let images = u32::try_from(flight.inputs.len()).unwrap_or(u32::MAX).max(1);
        for (at, stage) in flight.plan.stages.iter().enumerate() {
            let took = between(at + 1)?;
            times.compute += took;
            let parts = u32::try_from(stage.steps.len()).unwrap_or(u32::MAX).max(1);
            for step in &stage.steps {
                if let Some(time) = steps.get_mut(*step) {
                    *time += took / images / parts;
                }
            }
        }
        let outputs = self.outputs(flight, &steps, pool)?;
        Ok((outputs, times))
    }

    fn outputs(
        &mut self,
        flight: Flight,
        steps: &StepTimes,
        pool: &Pool,
    ) -> Result<Vec<Output>, CudaError> {
        let (image, tensor) = flight.downloads();
        let count = flight.inputs.len();
        let bytes = self.download.bytes_mut(spaced(count, image) + spaced(count, tensor))?;
        let (images, tensors) = bytes.split_at_checked(spaced(count, image)).unwrap_or_default();
        let bug = |error: crate::ImageError| CudaError::Bug(error.to_string());
        let copy = |all: &[u8], at: usize, len: usize| {
            let mut buffer = pool.take(len);
            let start = at * spacing(len);
            buffer.copy_from_slice(all.get(start..start + len)?);
            Some(buffer)
        };
        let short = || CudaError::Bug("too little was downloaded".to_owned());
        let output = flight.plan.output;
        let one = |(at, input): (usize, Image)| {
            let result = if flight.plan.keeps_image() {
                input
            } else {
                let buffer = copy(images, at, image).ok_or_else(short)?;
                Image::packed(output.size, output.format, buffer).map_err(bug)?
            };
            let made = flight.plan.tensor.clone().map(|shape| {
                let buffer = copy(tensors, at, tensor).ok_or_else(short)?;
                Tensor::pooled(shape, buffer).map_err(bug)
            });
            Ok(Output { image: result, tensor: made.transpose()?, steps: steps.clone() })
        };
        flight.inputs.into_iter().enumerate().map(one).collect()
    }

    /// Waits until the device has finished with a batch that could not be submitted completely.
    pub(super) fn settle(&mut self, patience: Duration) -> Result<(), CudaError> {
        self.flight = None;
        let event = self.stream.record_event(None)?;
        wait(patience, || Ok(event.try_is_complete()?))
    }
}

/// Whether nobody waits for any result of a batch. One without interrupts goes on.
fn all_set(interrupts: &[Interrupt]) -> bool {
    !interrupts.is_empty() && interrupts.iter().all(Interrupt::is_set)
}

/// Whether this stage leaves the image where it is.
fn makes_tensor(plan: &CudaPlan, stage: &Stage) -> bool {
    plan.tensor.is_some() && plan.stages.last().is_some_and(|last| std::ptr::eq(last, stage))
}

#[allow(unsafe_code, reason = "nothing checks a kernel's parameters")]
fn run(
    stream: &CudaStream,
    function: &CudaFunction,
    launch: &PlannedLaunch,
    images: usize,
    values: &[Value],
) -> Result<(), CudaError> {
    let mut builder = stream.launch_builder(function);
    for value in values {
        match value {
            Value::Pointer(address) => builder.arg(address),
            Value::Int(value) => builder.arg(value),
            Value::Float(value) => builder.arg(value),
            Value::Ints(values) => builder.arg(&**values),
        };
    }
    let images = u32::try_from(images).map_err(|error| CudaError::Bug(error.to_string()))?;
    let config = LaunchConfig {
        grid_dim: (launch.grid.0, launch.grid.1, images),
        block_dim: (launch.block.0, launch.block.1, 1),
        shared_mem_bytes: launch.shared_bytes,
    };
    // SAFETY: a plan names the parameters of its own kernels, which tests run with exactly these
    // under a memory checker; the buffers have the sizes that the plan's layout says.
    unsafe { builder.launch(config) }?;
    Ok(())
}

//! Runs chains on a GPU: upload once, all steps, download once.

use std::sync::Arc;
use std::time::Duration;

use cudarc::driver::{
    CudaContext, CudaEvent, CudaFunction, CudaSlice, CudaStream, LaunchConfig, PushKernelArg,
    sys::CUevent_flags,
};

use super::devices::{count, guard};
use super::program::Programs;
use super::{Argument, CudaError, CudaWork, Launch};
use crate::{Accelerator, Backend, BackendError, Chain, Image, Output, Pool, Shape, StepTimes};

/// One GPU. It belongs to one thread at a time.
///
/// Device memory is kept between runs, and grows to what the largest image needed. After an error
/// that the device does not recover from every run fails at once with
/// [`BackendError::DeviceLost`].
///
/// Not yet run on a GPU.
#[derive(Debug)]
pub struct CudaBackend {
    stream: Arc<CudaStream>,
    programs: Programs,
    /// Input and output of the next step; they change places after each.
    buffers: [CudaSlice<u8>; 2],
    pool: Pool,
    lost: Option<BackendError>,
}

impl CudaBackend {
    /// Opens the GPU of that number, from 0; results come in memory of that pool.
    ///
    /// # Errors
    /// If the driver, the kernel compiler or the device is not there or does not work.
    pub fn open(ordinal: usize, pool: Pool) -> Result<Self, CudaError> {
        let count = count()?;
        if ordinal >= count {
            return Err(CudaError::NoDevice { ordinal, count });
        }
        guard(|| {
            let context = CudaContext::new(ordinal)?;
            let stream = context.default_stream();
            let buffers = [allocate(&stream, 1)?, allocate(&stream, 1)?];
            Ok(Self { stream, programs: Programs::new(context), buffers, pool, lost: None })
        })
    }

    fn run_steps(&mut self, chain: &Chain, input: &Image) -> Result<Output, BackendError> {
        let steps = crate::cpu::steps(chain, input.shape())?;
        let mut launches = Vec::with_capacity(chain.len());
        let mut output = input.shape();
        let mut bytes = output.bytes();
        for step in &steps {
            let id = step.operation.definition().id;
            match step.operation.cuda(step.input) {
                Some(CudaWork::Program(program)) => launches.extend(program.launches),
                _ => return Err(BackendError::Unsupported { id }),
            }
            output = step.output;
            bytes = bytes.max(output.bytes());
        }
        Ok(self.execute(&launches, input, output, bytes)?)
    }

    fn execute(
        &mut self,
        launches: &[Launch],
        input: &Image,
        output: Shape,
        bytes: usize,
    ) -> Result<Output, CudaError> {
        self.reserve(bytes)?;
        self.upload(input)?;
        let mut marks = vec![self.mark()?];
        for launch in launches {
            let function = self.programs.kernel(launch.source, launch.kernel)?;
            let [front, back] = &mut self.buffers;
            submit(&self.stream, &function, launch, front, back)?;
            self.buffers.swap(0, 1);
            marks.push(self.mark()?);
        }
        let mut buffer = self.pool.take(output.bytes());
        let [front, _] = &self.buffers;
        self.stream.memcpy_dtoh(&front.slice(..buffer.len()), &mut *buffer)?;
        self.stream.synchronize()?;
        let steps = marks.iter().zip(marks.iter().skip(1)).map(|(from, to)| between(from, to));
        let steps = steps.collect::<Result<_, _>>()?;
        let image = Image::packed(output.size, output.format, buffer)
            .map_err(|error| CudaError::BrokenDriver(error.to_string()))?;
        Ok(Output { image, steps })
    }

    /// Sees to it that both buffers hold that many bytes.
    fn reserve(&mut self, bytes: usize) -> Result<(), CudaError> {
        for buffer in &mut self.buffers {
            if buffer.len() < bytes {
                // The old one first: both together may be more than there is.
                *buffer = allocate(&self.stream, 1)?;
                *buffer = allocate(&self.stream, bytes)?;
            }
        }
        Ok(())
    }

    fn upload(&mut self, input: &Image) -> Result<(), CudaError> {
        let [front, _] = &mut self.buffers;
        if input.is_packed() {
            self.stream.memcpy_htod(input.data(), front)?;
        } else {
            let packed = input.to_packed(&self.pool);
            self.stream.memcpy_htod(packed.data(), front)?;
            // The copy above may still be reading.
            self.stream.synchronize()?;
        }
        Ok(())
    }

    fn mark(&self) -> Result<CudaEvent, CudaError> {
        Ok(self.stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT))?)
    }
}

impl Backend for CudaBackend {
    fn accelerator(&self) -> Accelerator {
        Accelerator::Cuda
    }

    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        if chain.is_empty() {
            return Ok(Output { image: input, steps: StepTimes::new() });
        }
        let result = self.run_steps(chain, &input);
        if let Err(error @ BackendError::DeviceLost(_)) = &result {
            self.lost = Some(error.clone());
        }
        result
    }
}

fn between(from: &CudaEvent, to: &CudaEvent) -> Result<Duration, CudaError> {
    let milliseconds = from.elapsed_ms(to)?.max(0.0);
    Ok(Duration::try_from_secs_f32(milliseconds / 1000.0).unwrap_or_default())
}

#[allow(unsafe_code, reason = "clearing the memory first would be wasted")]
fn allocate(stream: &Arc<CudaStream>, bytes: usize) -> Result<CudaSlice<u8>, CudaError> {
    // SAFETY: any bits are a valid u8, and kernels read only what was uploaded or written.
    Ok(unsafe { stream.alloc::<u8>(bytes) }?)
}

#[allow(unsafe_code, reason = "nothing checks a kernel's parameters")]
fn submit(
    stream: &Arc<CudaStream>,
    function: &CudaFunction,
    launch: &Launch,
    input: &CudaSlice<u8>,
    output: &mut CudaSlice<u8>,
) -> Result<(), CudaError> {
    let mut builder = stream.launch_builder(function);
    let mut output = Some(output);
    for argument in &launch.arguments {
        match argument {
            Argument::Input => builder.arg(input),
            Argument::Int(value) => builder.arg(value),
            Argument::Float(value) => builder.arg(value),
            Argument::Scratch(_) | Argument::Data(_) => {
                return Err(CudaError::BrokenDriver("not yet".to_owned()));
            }
            Argument::Output => match output.take() {
                Some(output) => builder.arg(output),
                None => return Err(CudaError::BrokenDriver("two outputs".to_owned())),
            },
        };
    }
    let config = LaunchConfig {
        grid_dim: (launch.grid.0, launch.grid.1, 1),
        block_dim: (launch.block.0, launch.block.1, 1),
        shared_mem_bytes: launch.shared_bytes,
    };
    // SAFETY: an operation's launch names the parameters of its own kernel, which tests run with
    // exactly these under a memory checker; both buffers hold a packed image of the size given.
    unsafe { builder.launch(config) }?;
    Ok(())
}

//! The devices of this worker, and which of them a request goes to.

use std::time::Duration;

use ocelli_actors::{
    actor_ref::ActorRef,
    device::{DeviceActor, DeviceQueue},
};
use ocelli_messages::{ErrorKind, Failure, v1};

use crate::worker::{FilterWorker, Job};

/// What is suggested to callers when a device's queue is full: about one large photograph's time.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The GPU: its queue, and whether its worker is up.
#[derive(Clone, Debug)]
pub(crate) struct Gpu {
    pub(crate) queue: DeviceQueue<Job>,
    pub(crate) worker: ActorRef<DeviceActor<FilterWorker>>,
}

/// Where jobs go.
#[derive(Clone, Debug)]
pub(crate) struct Devices {
    /// Shared by all CPU workers.
    pub(crate) cpu: DeviceQueue<Job>,
    pub(crate) gpu: Option<Gpu>,
}

impl Devices {
    /// What this worker can run on.
    pub(crate) fn accelerators(&self) -> Vec<v1::Accelerator> {
        let gpu = self.gpu.as_ref().map(|_| v1::Accelerator::Cuda);
        [v1::Accelerator::Cpu].into_iter().chain(gpu).collect()
    }

    /// Puts a job into the queue of the device that it asks for, or that suits it.
    pub(crate) fn submit(&self, job: Job) -> Result<(), Failure> {
        let queue = self.choose(&job)?;
        let bytes = match &job.plan.payload {
            ocelli_messages::Payload::Raw(raw) => raw.data.len(),
            ocelli_messages::Payload::Encoded(file) => file.data.len(),
        };
        queue
            .submit(job, bytes)
            .map_err(|_| Failure::overloaded("the queue of the device is full", RETRY_AFTER))
    }

    fn choose(&self, job: &Job) -> Result<&DeviceQueue<Job>, Failure> {
        let chain = &job.plan.chain;
        match (job.plan.accelerator, &self.gpu) {
            (v1::Accelerator::Cuda, None) => {
                let message = "this worker has no CUDA device";
                Err(Failure::new(ErrorKind::Unsupported, message)
                    .at("pipeline.accelerator")
                    .allow(["AUTO", "CPU"]))
            }
            (v1::Accelerator::Cuda, Some(gpu)) if !gpu.worker.is_up() => {
                Err(Failure::new(ErrorKind::DeviceLost, "the CUDA device is down")
                    .at("pipeline.accelerator")
                    .retry_after(Duration::from_secs(1)))
            }
            (v1::Accelerator::Cuda, Some(gpu)) => Ok(&gpu.queue),
            (v1::Accelerator::Auto | v1::Accelerator::Unspecified, Some(gpu))
                if gpu.worker.is_up() && !chain.is_empty() && chain.runs_on_cuda() =>
            {
                Ok(&gpu.queue)
            }
            _ => Ok(&self.cpu),
        }
    }
}

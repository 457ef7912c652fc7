//! The devices of this worker, and which of them a request goes to.

use std::time::Duration;

use ocelli_actors::{
    actor_ref::ActorRef,
    breaker::{Breaker, BreakerPermit},
    device::{DeviceActor, DeviceQueue},
};
use ocelli_messages::{ErrorKind, Failure, Payload, v1};
use tokio::time::Instant;

use crate::{
    plan::Plan,
    worker::{FilterWorker, Job},
};

/// What is suggested to callers when a device's queue is full: about one large photograph's time.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// And when the GPU is gone: a new process may have it again.
const LOST_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The GPU: its queue, whether its worker is up, and whether it does its work.
#[derive(Clone, Debug)]
pub(crate) struct Gpu {
    pub(crate) queue: DeviceQueue<Job>,
    pub(crate) worker: ActorRef<DeviceActor<FilterWorker>>,
    pub(crate) breaker: Breaker,
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

    /// Puts a job into the queue of the device that it asks for, or that suits it. The permit, where
    /// the device has a breaker, wants to hear how it went.
    pub(crate) fn submit(&self, job: Job) -> Result<Option<BreakerPermit>, Failure> {
        let (queue, permit) = self.choose(&job.plan)?;
        let bytes = match &job.plan.payload {
            Payload::Raw(raw) => raw.data.len(),
            Payload::Encoded(file) => file.data.len(),
        };
        match queue.submit(job, bytes) {
            Ok(()) => Ok(permit),
            Err(_) => Err(Failure::overloaded("the queue of the device is full", RETRY_AFTER)),
        }
    }

    fn choose(&self, plan: &Plan) -> Result<(&DeviceQueue<Job>, Option<BreakerPermit>), Failure> {
        match (plan.accelerator, &self.gpu) {
            (v1::Accelerator::Cuda, None) => {
                let message = "this worker has no CUDA device";
                Err(Failure::new(ErrorKind::Unsupported, message)
                    .at("pipeline.accelerator")
                    .allow(["AUTO", "CPU"]))
            }
            (v1::Accelerator::Cuda, Some(gpu)) => {
                gpu.admit().map(|permit| (&gpu.queue, Some(permit)))
            }
            (v1::Accelerator::Auto | v1::Accelerator::Unspecified, Some(gpu))
                if !plan.chain.is_empty() && plan.chain.runs_on_cuda() =>
            {
                // Without the GPU the CPU gives the same result.
                Ok(gpu.admit().map_or((&self.cpu, None), |permit| (&gpu.queue, Some(permit))))
            }
            _ => Ok((&self.cpu, None)),
        }
    }
}

impl Gpu {
    /// Leave to use it now.
    fn admit(&self) -> Result<BreakerPermit, Failure> {
        let down = |retry_in| {
            Failure::new(ErrorKind::DeviceLost, "the CUDA device is down")
                .at("pipeline.accelerator")
                .retry_after(retry_in)
        };
        if !self.worker.is_up() {
            return Err(down(LOST_RETRY_AFTER));
        }
        self.breaker.try_acquire(Instant::now()).map_err(|rejected| down(rejected.retry_in))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use ocelli_actors::{
        breaker::{BreakerPolicy, Verdict},
        device::MakeWorker,
        supervisor::{ChildSpec, Supervisor, SupervisorHandle, SupervisorSpec},
        tree::ActorTree,
    };
    use ocelli_kernels::{Catalog, CpuBackend, Pool, codec::DecodeLimits};
    use ocelli_messages::Limits;
    use tokio::{sync::oneshot, task::LocalSet};

    use super::*;

    fn job(accelerator: v1::Accelerator) -> Job {
        let filter = v1::FilterStep { id: "blur".into(), parameters: BTreeMap::new() };
        let raw = v1::RawImage {
            width: 1,
            height: 1,
            format: v1::PixelFormat::Gray8.into(),
            data: vec![0].into(),
            ..Default::default()
        };
        let request = v1::ProcessRequest {
            frame: Some(v1::Frame {
                payload: Some(v1::frame::Payload::Raw(raw)),
                ..Default::default()
            }),
            pipeline: Some(v1::Pipeline {
                steps: vec![v1::Step { kind: Some(v1::step::Kind::Filter(filter)) }],
                accelerator: accelerator.into(),
                ..Default::default()
            }),
        };
        Job {
            plan: Plan::check(request, &Catalog::standard(), &Limits::default()).unwrap(),
            arrived: Instant::now(),
            deadline: ocelli_messages::Deadline::from_unix_ms(u64::MAX),
            span: tracing::Span::none(),
            reply: oneshot::channel().0,
        }
    }

    /// Devices whose GPU is a worker that takes from a queue nobody looks at, so that it can be seen
    /// where jobs went.
    async fn devices() -> (Devices, SupervisorHandle) {
        let queue = DeviceQueue::new(8, 1000);
        let make: MakeWorker<FilterWorker> = Arc::new(|| {
            let limits = DecodeLimits { max_side: 1, max_pixels: 1 };
            let backend = Box::new(CpuBackend::new(Pool::new(0)));
            Ok(FilterWorker::new(backend, Pool::new(0), limits, "w".into()))
        });
        let idle = DeviceQueue::new(1, 1);
        let (child, worker) = ChildSpec::actor("cuda-worker", move |child| {
            DeviceActor::new("cuda-worker", idle.clone(), Arc::clone(&make), child)
        });
        let root = SupervisorSpec::new("test").child(child);
        let supervisor = Supervisor::start(root, &ActorTree::new());
        supervisor.ready().await.unwrap();
        let breaker = Breaker::new("cuda", BreakerPolicy::default(), 1);
        let gpu = Some(Gpu { queue, worker, breaker });
        (Devices { cpu: DeviceQueue::new(8, 1000), gpu }, supervisor)
    }

    #[tokio::test]
    async fn auto_takes_the_gpu_and_the_cpu_while_its_breaker_is_open() {
        LocalSet::new()
            .run_until(async {
                let (devices, supervisor) = devices().await;
                let gpu = devices.gpu.clone().unwrap();
                let permit = devices.submit(job(v1::Accelerator::Auto)).unwrap().unwrap();
                assert_eq!((gpu.queue.len(), devices.cpu.len()), (1, 0));
                permit.record(Verdict::Trip);
                assert!(devices.submit(job(v1::Accelerator::Auto)).unwrap().is_none());
                assert_eq!((gpu.queue.len(), devices.cpu.len()), (1, 1));
                let refused = devices.submit(job(v1::Accelerator::Cuda)).unwrap_err();
                assert_eq!(refused.kind, ErrorKind::DeviceLost);
                assert!(refused.retry_after.is_some());
                supervisor.shutdown(std::time::Duration::from_secs(5)).await;
            })
            .await;
    }

    #[tokio::test]
    async fn a_gpu_whose_worker_is_gone_is_not_used() {
        LocalSet::new()
            .run_until(async {
                let (devices, supervisor) = devices().await;
                supervisor.shutdown(std::time::Duration::from_secs(5)).await;
                assert!(devices.submit(job(v1::Accelerator::Auto)).unwrap().is_none());
                assert_eq!(devices.cpu.len(), 1);
                let refused = devices.submit(job(v1::Accelerator::Cuda)).unwrap_err();
                assert_eq!(refused.kind, ErrorKind::DeviceLost);
            })
            .await;
    }
}

//! The devices of this worker, and the choice of the device for a request.

use std::time::Duration;

use ocelli_actors::{
    actor_ref::ActorRef,
    breaker::{Breaker, BreakerPermit},
    device::{DeviceActor, DeviceQueue, QueueFull},
};
use ocelli_kernels::Accelerator;
use ocelli_messages::{ErrorKind, Failure, v1};
use tokio::time::Instant;

use crate::{
    dispatch::{Balance, ChoiceCounters, Expected, Reason},
    plan::Plan,
    worker::{FilterWorker, Job},
};

/// The wait that is suggested to callers when the queue of a device is full: about the time of one
/// large photograph.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The wait that is suggested when the GPU is lost, because a new process may be able to use it.
const LOST_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The GPU: its queue, its worker, and the breaker that protects it.
#[derive(Clone, Debug)]
pub(crate) struct Gpu {
    pub(crate) queue: DeviceQueue<Job>,
    pub(crate) worker: ActorRef<DeviceActor<FilterWorker>>,
    pub(crate) breaker: Breaker,
    /// The costs and the backlogs of the GPU and the CPU.
    pub(crate) balance: Balance,
    pub(crate) choices: ChoiceCounters,
}

/// The queues that jobs are put into.
#[derive(Clone, Debug)]
pub(crate) struct Devices {
    /// The queue that all CPU workers share.
    pub(crate) cpu: DeviceQueue<Job>,
    pub(crate) gpu: Option<Gpu>,
}

impl Devices {
    /// The accelerators that this worker has.
    pub(crate) fn accelerators(&self) -> Vec<v1::Accelerator> {
        let gpu = self.gpu.as_ref().map(|_| v1::Accelerator::Cuda);
        [v1::Accelerator::Cpu].into_iter().chain(gpu).collect()
    }

    /// Puts a job into the queue of the device that it asks for, or that is expected to finish it
    /// first. If the device has a breaker, its permit is returned, and the outcome of the job must
    /// be recorded in it.
    pub(crate) fn submit(&self, mut job: Job) -> Result<Option<BreakerPermit>, Failure> {
        let bytes = job.plan.payload.bytes();
        let (queue, permit, on) = match &self.gpu {
            None => (self.only_cpu(&job.plan)?, None, Accelerator::Cpu),
            Some(gpu) => {
                let expected = gpu.balance.expect(&job.plan);
                let (permit, reason) = gpu.choose(&job.plan, &expected)?;
                let (queue, on) = match &permit {
                    Some(_) => (&gpu.queue, Accelerator::Cuda),
                    None => (&self.cpu, Accelerator::Cpu),
                };
                job.pending = Some(gpu.balance.add(&expected, on));
                gpu.choices.count(on, reason);
                (queue, permit, on)
            }
        };
        job.span.record("ocelli.accelerator", on.name());
        match queue.submit(job, bytes) {
            Ok(()) => Ok(permit),
            // The worker has just ended.
            Err((QueueFull::Closed, _)) => Err(down(LOST_RETRY_AFTER)),
            Err(_) => Err(Failure::overloaded("the queue of the device is full", RETRY_AFTER)),
        }
    }

    fn only_cpu(&self, plan: &Plan) -> Result<&DeviceQueue<Job>, Failure> {
        match plan.accelerator {
            v1::Accelerator::Cuda => {
                let message = "this worker has no CUDA device";
                Err(Failure::new(ErrorKind::Unsupported, message)
                    .at("pipeline.accelerator")
                    .allow(["AUTO", "CPU"]))
            }
            _ => Ok(&self.cpu),
        }
    }
}

impl Gpu {
    /// Chooses between the GPU and the CPU. Returns a permit if the GPU is chosen, and the reason.
    fn choose(
        &self,
        plan: &Plan,
        expected: &Expected,
    ) -> Result<(Option<BreakerPermit>, Reason), Failure> {
        match plan.accelerator {
            v1::Accelerator::Cuda => Ok((Some(self.admit()?), Reason::Request)),
            v1::Accelerator::Cpu => Ok((None, Reason::Request)),
            _ if plan.chain.is_empty() || !plan.chain.runs_on_cuda() => Ok((None, Reason::Only)),
            _ => match self.balance.choose(expected) {
                Accelerator::Cpu => Ok((None, Reason::Cost)),
                // If the GPU is down, the CPU gives the same result.
                Accelerator::Cuda => Ok(match self.admit() {
                    Ok(permit) => (Some(permit), Reason::Cost),
                    Err(_) => (None, Reason::Fallback),
                }),
            },
        }
    }

    /// Asks the breaker for permission to use the GPU now.
    fn admit(&self) -> Result<BreakerPermit, Failure> {
        if !self.worker.is_up() {
            return Err(down(LOST_RETRY_AFTER));
        }
        self.breaker.try_acquire(Instant::now()).map_err(|rejected| down(rejected.retry_in))
    }
}

fn down(retry_in: Duration) -> Failure {
    Failure::new(ErrorKind::DeviceLost, "the CUDA device is down")
        .at("pipeline.accelerator")
        .retry_after(retry_in)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ocelli_actors::{
        breaker::{BreakerPolicy, Verdict},
        device::MakeWorker,
        supervisor::{ChildSpec, Supervisor, SupervisorHandle, SupervisorSpec},
        tree::ActorTree,
    };
    use ocelli_kernels::{CpuBackend, Limits, Pool};
    use tokio::task::LocalSet;

    use super::*;
    use crate::{dispatch::Costs, test_jobs};

    fn job(accelerator: v1::Accelerator) -> Job {
        job_of("blur", accelerator)
    }

    fn job_of(filter: &str, accelerator: v1::Accelerator) -> Job {
        let plan = test_jobs::plan(filter);
        test_jobs::job(Plan { accelerator, ..plan }).0
    }

    /// Devices whose GPU queue has no consumer, so that tests can see where jobs went.
    async fn devices() -> (Devices, SupervisorHandle) {
        devices_with(Arc::default()).await
    }

    async fn devices_with(costs: Arc<Costs>) -> (Devices, SupervisorHandle) {
        let queue = DeviceQueue::new(8, 1000);
        let make: MakeWorker<FilterWorker> = Arc::new(|| {
            let limits = Limits { max_side_px: 1, max_pixels: 1, ..Limits::default() };
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
        let (balance, choices) = (Balance::new(costs, 1), ChoiceCounters::new());
        let gpu = Some(Gpu { queue, worker, breaker, balance, choices });
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
                supervisor.shutdown(Duration::from_secs(5)).await;
            })
            .await;
    }

    #[tokio::test]
    async fn a_gpu_whose_worker_is_gone_is_not_used() {
        LocalSet::new()
            .run_until(async {
                let (devices, supervisor) = devices().await;
                supervisor.shutdown(Duration::from_secs(5)).await;
                assert!(devices.submit(job(v1::Accelerator::Auto)).unwrap().is_none());
                assert_eq!(devices.cpu.len(), 1);
                let refused = devices.submit(job(v1::Accelerator::Cuda)).unwrap_err();
                assert_eq!(refused.kind, ErrorKind::DeviceLost);
            })
            .await;
    }

    #[tokio::test]
    async fn auto_goes_where_it_is_sooner_done_and_others_where_they_ask() {
        LocalSet::new()
            .run_until(async {
                let ms = Duration::from_millis;
                let costs = Arc::new(Costs::default());
                test_jobs::measured(&costs, &test_jobs::plan("blur"), ms(4), ms(1));
                test_jobs::measured(&costs, &test_jobs::plan("invert"), ms(1), ms(9));
                let (devices, supervisor) = devices_with(costs).await;
                let gpu = devices.gpu.clone().unwrap();
                let submit = |filter, accelerator| {
                    drop(devices.submit(job_of(filter, accelerator)).unwrap());
                    (devices.cpu.len(), gpu.queue.len())
                };
                use v1::Accelerator::{Auto, Cpu, Cuda, Unspecified};
                assert_eq!(submit("blur", Auto), (0, 1));
                assert_eq!(submit("invert", Unspecified), (1, 1));
                assert_eq!(submit("blur", Cpu), (2, 1));
                assert_eq!(submit("invert", Cuda), (2, 2));
                // A blur would wait 10 ms for the GPU and 5 ms for the CPU.
                assert_eq!(submit("blur", Auto), (3, 2));
                supervisor.shutdown(Duration::from_secs(5)).await;
            })
            .await;
    }
}

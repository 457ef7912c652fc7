//! The devices of this worker, and the choice of the device for a request.

use std::time::Duration;

use ocelli_actors::{
    actor_ref::ActorRef,
    breaker::{Breaker, BreakerPermit},
    credits::Caller,
    device::{DeviceActor, DeviceQueue, JobSize, QueueFull},
    metrics::counter,
};
use ocelli_kernels::Accelerator;
use ocelli_messages::{ErrorKind, Failure, v1};
use tokio::time::Instant;

use crate::{
    dispatch::{Balance, ChoiceCounters, Expected, Reason},
    metrics::Metric,
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
    pub(crate) choices: ChoiceCounters,
}

/// The queues that jobs are put into.
#[derive(Clone, Debug)]
pub(crate) struct Devices {
    /// The queue that all CPU workers share.
    pub(crate) cpu: DeviceQueue<Job>,
    pub(crate) gpu: Option<Gpu>,
    /// The costs of requests, and the backlogs of the GPU and the CPU.
    pub(crate) balance: Balance,
}

impl Devices {
    /// The accelerators that this worker has.
    pub(crate) fn accelerators(&self) -> Vec<v1::Accelerator> {
        let gpu = self.gpu.as_ref().map(|_| v1::Accelerator::Cuda);
        [v1::Accelerator::Cpu].into_iter().chain(gpu).collect()
    }

    /// Puts a job into the queue of the device that it asks for, or that is expected to finish it
    /// first. If the device has a breaker, its permit is returned, and the outcome of the job must
    /// be recorded in it. `left` is the time until the job's deadline.
    pub(crate) fn submit(
        &self,
        mut job: Job,
        caller: &Caller,
        left: Duration,
    ) -> Result<Option<BreakerPermit>, Failure> {
        let expected = self.balance.expect(&job.plan);
        let (queue, permit, on) = match &self.gpu {
            None => (self.only_cpu(&job.plan)?, None, Accelerator::Cpu),
            Some(gpu) => {
                let (permit, reason) = gpu.choose(&job.plan, &self.balance, &expected)?;
                let (queue, on) = match &permit {
                    Some(_) => (&gpu.queue, Accelerator::Cuda),
                    None => (&self.cpu, Accelerator::Cpu),
                };
                job.pending = Some(self.balance.add(&expected, on));
                gpu.choices.count(on, reason);
                (queue, permit, on)
            }
        };
        let cost = expected.on(on);
        has_a_chance(cost, left)?;
        job.span.record("ocelli.accelerator", on.name());
        let size = JobSize { caller: caller.clone(), bytes: job.plan.payload.bytes(), cost };
        match queue.submit(job, size) {
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
        balance: &Balance,
        expected: &Expected,
    ) -> Result<(Option<BreakerPermit>, Reason), Failure> {
        match plan.accelerator {
            v1::Accelerator::Cuda => Ok((Some(self.admit()?), Reason::Request)),
            v1::Accelerator::Cpu => Ok((None, Reason::Request)),
            _ if plan.chain.is_empty() || !plan.chain.runs_on_cuda() => Ok((None, Reason::Only)),
            _ => match balance.choose(expected) {
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

/// Refuses work that would take more than twice the time that is left: it would only keep a worker
/// busy until its deadline. Estimates err, hence the factor.
fn has_a_chance(cost: Duration, left: Duration) -> Result<(), Failure> {
    if cost <= left * 2 {
        return Ok(());
    }
    counter(Metric::RefusedByCost, &[]).increment(1);
    let seconds = |time: Duration| time.as_secs_f64();
    Err(Failure::deadline(format!(
        "the work is expected to take {:.1} s, but the deadline is in {:.1} s; allow more time, or \
         ask for less",
        seconds(cost),
        seconds(left)
    )))
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

    fn submit(devices: &Devices, job: Job) -> Result<Option<BreakerPermit>, Failure> {
        devices.submit(job, &Caller::UNKNOWN, Duration::from_secs(60))
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
            Ok(FilterWorker::new(backend, Pool::new(0), limits, "w".into(), Arc::default()))
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
        let gpu = Some(Gpu { queue, worker, breaker, choices });
        (Devices { cpu: DeviceQueue::new(8, 1000), gpu, balance }, supervisor)
    }

    #[tokio::test]
    async fn auto_takes_the_gpu_and_the_cpu_while_its_breaker_is_open() {
        LocalSet::new()
            .run_until(async {
                let (devices, supervisor) = devices().await;
                let gpu = devices.gpu.clone().unwrap();
                let permit = submit(&devices, job(v1::Accelerator::Auto)).unwrap().unwrap();
                assert_eq!((gpu.queue.len(), devices.cpu.len()), (1, 0));
                permit.record(Verdict::Trip);
                assert!(submit(&devices, job(v1::Accelerator::Auto)).unwrap().is_none());
                assert_eq!((gpu.queue.len(), devices.cpu.len()), (1, 1));
                let refused = submit(&devices, job(v1::Accelerator::Cuda)).unwrap_err();
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
                assert!(submit(&devices, job(v1::Accelerator::Auto)).unwrap().is_none());
                assert_eq!(devices.cpu.len(), 1);
                let refused = submit(&devices, job(v1::Accelerator::Cuda)).unwrap_err();
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
                    drop(super::tests::submit(&devices, job_of(filter, accelerator)).unwrap());
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

    #[test]
    fn work_without_a_chance_is_refused_with_the_estimate() {
        let second = Duration::from_secs(1);
        assert!(has_a_chance(4 * second, 2 * second).is_ok());
        let refused = has_a_chance(52 * second, 2 * second).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::DeadlineExceeded);
        assert!(refused.message.contains("52.0 s"), "{refused}");
    }
}

//! Creates the actors of this service and connects them.
//!
//! ```text
//! gpu-filter ─┬─ devices ─┬─ cpu-worker-0 … n   one thread each ◀─┬─ queue ◀─┐
//!             │           ├─ cpu-worker-short   one thread      ◀─┘          │
//!             │           └─ cuda-worker        one thread      ◀─── queue ◀─┤
//!             ├─ requests     req.filter.process ─ Process ──────────────────┤
//!             │               req.filter.list    ─ List                      │
//!             └─ live         frame.in.* ────────── Live ────────────────────┘
//! ```

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ocelli_actors::{
    breaker::{Breaker, BreakerPolicy},
    broker::{Connection, EndpointSpec, LiveSpec, ServiceSpec},
    credits::{Budget, CreditLimits, CreditPool},
    device::{BatchLimits, DeviceActor, DeviceQueue, MakeWorker},
    supervisor::{ChildSpec, Restart, SupervisorSpec},
};
use ocelli_kernels::{Backend, Catalog, CpuBackend, Pool, Probe, WorkerPool};
use ocelli_kit::host::Clock;
use ocelli_messages::{ErrorKind, Failure, Limits, Named as _, Tenants, subjects, v1};

use crate::{
    BackendUse, Config, SERVICE,
    devices::{self, Devices},
    dispatch::{Balance, ChoiceCounters, Costs, Measured},
    gpu::Gpu,
    handlers::{List, Live, Process},
    quarantine::Quarantine,
    worker::FilterWorker,
};

/// A request that makes a filter panic must not stop the service for others, so its worker is
/// replaced at once, and a client can repeat the request many times before the process gives up.
const WORKER_RESTARTS: (usize, Duration) = (1_000, Duration::from_secs(60));
/// Other requests wait for the new worker, and what makes workers panic is refused after a few times.
const WORKER_BACKOFF: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(4));
/// What `cpu-worker-short` helps out with while all other workers are busy with longer requests.
const SHORT: Duration = Duration::from_millis(50);
/// The most bytes of a batch. A batch saves launches and waiting, by estimate about 0.1 ms for each
/// frame (see `docs/explanation/gpu.md` for the state of the GPU path). With large frames, the
/// first would wait longer for the others than that is worth: two of 1080p in RGB are batched, none
/// of 4K.
const BATCH_BYTES: usize = 16 << 20;

/// Everything that the service is created from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The section `gpu_filter` of the settings.
    pub config: Config,
    /// The limits on images and pipelines.
    pub limits: Limits,
    /// The memory that requests and frames may use.
    pub budget: Budget,
    /// The tenants whose requests are served.
    pub tenants: Tenants,
    /// The time limit for a request that states no deadline.
    pub request_timeout: Duration,
    /// The clock that deadlines are compared with.
    pub clock: Clock,
    /// The unique id of this instance.
    pub instance: String,
    /// The connection to the broker for requests.
    pub requests: Connection,
    /// The connection to the broker for live frames. It is separate, so that frames do not delay
    /// requests.
    pub frames: Connection,
    /// The filters that can be used.
    pub catalog: Arc<Catalog>,
    /// The features of this machine's processor and its CUDA devices.
    pub probe: Probe,
    /// How to open the GPU, if it is used.
    pub gpu: Gpu,
}

/// What is kept besides the credits, in bytes: the settings say so, but no more than a part of the
/// budget.
struct Shares {
    waiting: usize,
    live_waiting: usize,
    /// Unused memory for pixels.
    pool: usize,
}

impl Parts {
    fn shares(&self) -> Shares {
        let (config, budget) = (&self.config, self.budget.bytes());
        Shares {
            waiting: config.waiting_bytes.min(budget / 8),
            live_waiting: config.live_waiting_bytes.min(budget / 16),
            pool: config.pool_bytes.min(budget / 16),
        }
    }
}

/// The service as a supervisor of its actors.
///
/// # Errors
/// `unavailable` if the configuration requires a GPU and there is none, or if threads cannot be
/// started.
pub fn supervisor(parts: &Parts) -> Result<SupervisorSpec, Failure> {
    let gpu = has_gpu(parts)?;
    let pool = Pool::new(parts.shares().pool);
    let name: Arc<str> = format!("{SERVICE}-{}", parts.instance).into();
    let (workers, devices) = devices(parts, gpu, &pool, &name)?;
    let process = Process {
        catalog: Arc::clone(&parts.catalog),
        limits: parts.limits,
        devices: devices.clone(),
        quarantine: Quarantine::default(),
        requests: parts.requests.clone(),
        threads: parts.config.threads(),
        clock: parts.clock,
        pool,
        name,
    };
    let service = service(parts, process.clone(), devices.accelerators());
    let live = live(parts, process);
    Ok(SupervisorSpec::new(SERVICE)
        .child(ChildSpec::supervisor(workers))
        .child(service.child("requests", parts.requests.clone()))
        .child(live.child("live", parts.frames.clone())))
}

/// Decides whether a GPU is used.
fn has_gpu(parts: &Parts) -> Result<bool, Failure> {
    let there = match &parts.probe.cuda {
        Ok(devices) if devices.is_empty() => Err("there is no CUDA device"),
        Ok(_) => Ok(()),
        Err(reason) => Err(reason.as_str()),
    };
    match (parts.config.backend, there) {
        (BackendUse::Cpu, _) | (BackendUse::Auto, Err(_)) => Ok(false),
        (BackendUse::Auto | BackendUse::Cuda, Ok(())) => Ok(true),
        (BackendUse::Cuda, Err(reason)) => {
            Err(Failure::new(ErrorKind::Unavailable, reason.to_owned())
                .at("gpu_filter.backend")
                .allow(["auto", "cpu"]))
        }
    }
}

fn devices(
    parts: &Parts,
    gpu: bool,
    pool: &Pool,
    name: &Arc<str>,
) -> Result<(SupervisorSpec, Devices), Failure> {
    let config = &parts.config;
    // While fewer frames than cores are in progress, several threads share the work on one frame.
    let worker_pool = WorkerPool::new(config.threads()).map(Arc::new).map_err(|error| {
        Failure::new(
            ErrorKind::Unavailable,
            format!("cannot start the threads that process pixels: {error}"),
        )
    })?;
    let limits = parts.limits;
    // There is room for every request that holds a credit and for every live frame in progress.
    // Their credits limit their bytes.
    let queue = || DeviceQueue::new(config.credits + config.threads() * 2, usize::MAX);
    let cpu = queue();
    let costs = Arc::new(Costs::default());
    let balance = Balance::new(Arc::clone(&costs), config.threads());
    let (restarts, window) = WORKER_RESTARTS;
    let (base, cap) = WORKER_BACKOFF;
    let mut workers = SupervisorSpec::new("devices").intensity(restarts, window).backoff(base, cap);
    let numbered = (0..config.threads()).map(|index| (index.to_string(), cpu.clone()));
    for (which, queue) in numbered.chain([("short".to_owned(), cpu.helping_with(SHORT))]) {
        let (pool, name, worker_pool) = (pool.clone(), Arc::clone(name), Arc::clone(&worker_pool));
        let costs = Arc::clone(&costs);
        let make: MakeWorker<FilterWorker> = Arc::new(move || {
            let backend = CpuBackend::new(pool.clone()).with_workers(Arc::clone(&worker_pool));
            let backend = Measured::new(backend, Arc::clone(&costs));
            let (name, costs) = (Arc::clone(&name), Arc::clone(&costs));
            Ok(FilterWorker::new(Box::new(backend), pool.clone(), limits, name, costs))
        });
        // There is one name for each worker thread, and it is needed as long as the process lives.
        let thread: &'static str = String::leak(format!("cpu-worker-{which}"));
        let (child, _) = ChildSpec::actor(thread, move |child| {
            DeviceActor::new(thread, queue.clone(), Arc::clone(&make), child)
        });
        workers = workers.child(child.hung_after(Duration::from_millis(config.hang_ms)));
    }
    if !gpu {
        return Ok((workers, Devices { cpu, gpu: None, balance }));
    }
    let queue = queue();
    let (jobs, pool, name) = (queue.clone(), pool.clone(), Arc::clone(name));
    let device = parts.gpu.clone();
    let batch = BatchLimits { jobs: config.batch, bytes: BATCH_BYTES };
    let make: MakeWorker<FilterWorker> = Arc::new(move || {
        let backend: Box<dyn Backend> = Box::new(device.open(pool.clone())?);
        let backend = Measured::new(backend, Arc::clone(&costs));
        let (name, costs) = (Arc::clone(&name), Arc::clone(&costs));
        let worker = FilterWorker::new(Box::new(backend), pool.clone(), limits, name, costs);
        Ok(worker.in_batches(batch))
    });
    let (child, worker) = ChildSpec::actor("cuda-worker", move |child| {
        DeviceActor::new("cuda-worker", jobs.clone(), Arc::clone(&make), child)
    });
    // A worker that panicked is replaced. A lost GPU is not, and `auto` continues with the CPU.
    let workers = workers.child(child.restart(Restart::UnlessLost));
    let breaker = Breaker::new("cuda", BreakerPolicy::default(), rand::random());
    let gpu = devices::Gpu { queue, worker, breaker, choices: ChoiceCounters::new() };
    Ok((workers, Devices { cpu, gpu: Some(gpu), balance }))
}

fn service(parts: &Parts, process: Process, accelerators: Vec<v1::Accelerator>) -> ServiceSpec {
    let config = &parts.config;
    let backends: Vec<_> = accelerators.iter().map(|accelerator| accelerator.name()).collect();
    let metadata = BTreeMap::from([
        ("backends".to_owned(), backends.join(",")),
        ("cpu".to_owned(), parts.probe.cpu.to_owned()),
        ("tenants".to_owned(), parts.tenants.to_string()),
    ]);
    let patience = Duration::from_millis(config.patience_ms);
    let timeout = parts.request_timeout;
    let credits = |name, slots, bytes, waiting| {
        let limits = CreditLimits {
            slots,
            bytes,
            waiting_slots: waiting,
            waiting_bytes: parts.shares().waiting,
        };
        parts.budget.pool(limits, name)
    };
    let list = List { catalog: Arc::clone(&parts.catalog), accelerators };
    let bytes = if config.credit_bytes == 0 { usize::MAX } else { config.credit_bytes };
    let process_credits = credits("filter-process", config.credits, bytes, config.waiting);
    let list_credits = credits("filter-list", 64, 1024 * 1024, 1024);
    let endpoints = [
        EndpointSpec::new("filter-process", &subjects::FILTER_PROCESS, process, process_credits),
        EndpointSpec::new("filter-list", &subjects::FILTER_LIST, list, list_credits),
    ];
    let endpoints = endpoints.map(|endpoint| {
        endpoint.tenants(parts.tenants.clone()).patience(patience).timeout(timeout)
    });
    ServiceSpec {
        name: SERVICE,
        instance: parts.instance.clone(),
        version: env!("CARGO_PKG_VERSION"),
        description: "Filters images on CPU and CUDA workers",
        metadata,
        endpoints: endpoints.into(),
    }
}

fn live(parts: &Parts, process: Process) -> LiveSpec<Live> {
    let config = &parts.config;
    LiveSpec {
        service: SERVICE,
        frames_in: &subjects::FRAME_IN,
        frames_out: &subjects::FRAME_OUT,
        tenants: parts.tenants.clone(),
        handler: Arc::new(Live(process)),
        credits: live_credits(parts),
        // Two for each thread, so that the next one arrives while the first is computed.
        in_flight: config.threads() * 2,
        waiting: config.live_waiting,
        waiting_bytes: parts.shares().live_waiting,
        timeout: Duration::from_millis(config.live_timeout_ms),
    }
}

/// Live frames in progress are limited by count elsewhere, and here by the memory that they take.
fn live_credits(parts: &Parts) -> CreditPool {
    let slots = parts.config.threads() * 2;
    let limits =
        CreditLimits { slots, bytes: usize::MAX, waiting_slots: slots, waiting_bytes: usize::MAX };
    parts.budget.pool(limits, "live")
}

//! A service on a broker of its own, and a client.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub(crate) mod counts;
pub(crate) mod raw;

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_actors::{
    broker::Connection,
    credits::Budget,
    supervisor::{Supervisor, SupervisorHandle},
    tree::ActorTree,
};
use ocelli_gpu_filter::{Config, Parts, supervisor};
use ocelli_kernels::operation::{Cpu, CpuWork, Operation, Whole, WorkError};
use ocelli_kernels::{Catalog, Entry, Family, FilterDefinition, Image, PixelFormat, Shape, probe};
use ocelli_kit::host::Clock;
use ocelli_messages::{Failure, Limits, MessageContext, Tenant, Tenants, subjects, v1};
use ocelli_testkit::{
    Broker, PATIENCE, connect,
    frames::{grey_pixels, request},
    gpu::FakeGpu,
    patiently,
};
use prost::Message as _;

/// A running service and a client's connection to it.
pub(crate) struct Fixture {
    pub(crate) broker: Arc<Broker>,
    pub(crate) client: Connection,
    pub(crate) tree: ActorTree,
    pub(crate) service: SupervisorHandle,
    pub(crate) parts: Parts,
}

/// Runs a test against a service made from those parts.
pub(crate) fn with_service<F: Future<Output = ()>>(
    configure: impl FnOnce(&mut Parts),
    test: impl FnOnce(Fixture) -> F,
) {
    let system = actix_rt::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    });
    system.block_on(async {
        let broker = Arc::new(Broker::start().await.unwrap());
        let mut parts = parts(&broker.url()).await;
        configure(&mut parts);
        let tree = ActorTree::new();
        let service = Supervisor::start(supervisor(&parts).unwrap(), &tree);
        patiently("the service", service.ready()).await.unwrap().unwrap();
        let client = broker.connect().await.unwrap();
        test(Fixture {
            broker: Arc::clone(&broker),
            client,
            tree,
            service: service.clone(),
            parts,
        })
        .await;
        service.shutdown(Duration::from_secs(5)).await;
    });
}

/// The parts of a service on that broker, with two workers and filters for tests.
pub(crate) async fn parts(url: &str) -> Parts {
    Parts {
        config: Config { cpu_workers: 2, ..Config::default() },
        budget: Budget::new(1 << 30),
        limits: Limits::default(),
        tenants: Tenants::All,
        request_timeout: Duration::from_secs(10),
        clock: Clock::system(),
        instance: "test".into(),
        requests: connect(url).await.unwrap(),
        frames: connect(url).await.unwrap(),
        catalog: Arc::new(Catalog::standard().with(PANICS).with(SLEEPS)),
        probe: probe(),
        gpu: ocelli_gpu_filter::Gpu::default(),
    }
}

/// Gives the service a GPU.
pub(crate) fn with_gpu(parts: &mut Parts, gpu: &FakeGpu) {
    let gpu = gpu.clone();
    parts.probe.cuda = Ok(vec![FakeGpu::device()]);
    parts.gpu = ocelli_gpu_filter::Gpu::new(move |_| Ok(Box::new(gpu.clone())));
}

pub(crate) fn context(within: Duration) -> MessageContext {
    MessageContext::new(SystemTime::now(), within)
}

impl Fixture {
    pub(crate) async fn process(
        &self,
        request: &v1::ProcessRequest,
    ) -> Result<v1::ProcessResponse, Failure> {
        self.send(request.encode_to_vec().into(), &context(PATIENCE)).await
    }

    pub(crate) async fn send(
        &self,
        payload: Bytes,
        context: &MessageContext,
    ) -> Result<v1::ProcessResponse, Failure> {
        let subject = subjects::FILTER_PROCESS.of(&Tenant::default());
        let answer = self.client.request(&subject, context, payload).await?;
        Ok(v1::ProcessResponse::decode(answer).unwrap())
    }

    /// How many requests have arrived and are not answered yet.
    pub(crate) fn under_way(&self) -> u64 {
        fn find(node: &serde_json::Value) -> u64 {
            let own = node["observed"]["filter-process"]["credits_in_use"].as_u64();
            let children = node["children"].as_array().into_iter().flatten();
            own.unwrap_or(0) + children.map(find).sum::<u64>()
        }
        find(&self.tree.to_json())
    }

    /// How often a child of the service was restarted.
    pub(crate) fn restarts(&self, name: &str) -> u64 {
        fn find(node: &serde_json::Value, name: &str) -> u64 {
            let own = (node["name"] == name).then(|| node["restarts"].as_u64().unwrap());
            own.unwrap_or_else(|| {
                let children = node["children"].as_array().unwrap();
                children.iter().map(|child| find(child, name)).sum()
            })
        }
        find(&self.tree.to_json(), name)
    }
}

/// Live frames go in here and come out there.
pub(crate) const IN: &str = "ocelli.v1.default.frame.in.cam";
pub(crate) const OUT: &str = "ocelli.v1.default.frame.out.cam";

pub(crate) fn frame(sequence: u64, steps: Vec<v1::Step>) -> Bytes {
    let mut request = request(grey_pixels(1, 1, [5]), steps);
    let frame = request.frame.as_mut().unwrap();
    frame.sequence = sequence;
    request.encode_to_vec().into()
}

pub(crate) async fn results(service: &Fixture) -> async_nats::Subscriber {
    let results = service.client.client().subscribe(OUT).await.unwrap();
    service.client.barrier().await.unwrap();
    results
}

pub(crate) async fn next(results: &mut async_nats::Subscriber) -> v1::ProcessResponse {
    let message = patiently("a result", results.next()).await.unwrap().unwrap();
    assert!(message.headers.unwrap().get("Ocelli-Request-Id").is_some());
    v1::ProcessResponse::decode(message.payload).unwrap()
}

macro_rules! test_filter {
    ($entry:ident, $operation:ident, $id:literal, $run:expr) => {
        #[derive(Debug)]
        struct $operation;

        impl $operation {
            const DEFINITION: &FilterDefinition = &FilterDefinition {
                id: $id,
                name: $id,
                description: "for tests",
                family: Family::Effect,
                parameters: &[],
                formats: &PixelFormat::INTERLEAVED,
                cuda: false,
                tolerance: 0,
                notes: "",
            };
        }

        impl Operation for $operation {
            fn definition(&self) -> &'static FilterDefinition {
                Self::DEFINITION
            }

            fn cpu(&self, _: Shape) -> CpuWork<'_> {
                CpuWork::Whole(self)
            }
        }

        impl Whole for $operation {
            fn run(&self, _: &Cpu, input: &Image) -> Result<Image, WorkError> {
                let run: fn(&Image) -> Image = $run;
                Ok(run(input))
            }
        }

        const $entry: Entry =
            Entry { definition: $operation::DEFINITION, build: |_| Ok(Arc::new($operation)) };
    };
}

test_filter!(PANICS, Panics, "panics", |_| panic!("a bug in a filter"));
test_filter!(SLEEPS, Sleeps, "sleeps", |image| {
    #[allow(clippy::disallowed_methods, reason = "a device that is busy blocks its thread")]
    std::thread::sleep(Duration::from_millis(20));
    image.clone()
});

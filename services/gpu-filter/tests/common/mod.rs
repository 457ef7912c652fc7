//! A service on a broker of its own, and a client.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub(crate) mod counts;

use std::{
    collections::BTreeMap,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_actors::{
    broker::{Connection, ConnectionOptions},
    supervisor::{Supervisor, SupervisorHandle},
    tree::ActorTree,
};
use ocelli_gpu_filter::{Config, Parts, supervisor};
use ocelli_kernels::operation::{Cpu, CpuWork, Operation, Whole};
use ocelli_kernels::{
    Catalog, Entry, Family, FilterDefinition, Image, ImageError, PixelFormat, Shape, probe,
};
use ocelli_messages::{Failure, Limits, MessageContext, Tenant, Tenants, subjects, v1};
use ocelli_nats_server::NatsServer;
use prost::Message as _;

/// How long anything here may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running service and a client's connection to it.
pub(crate) struct Fixture {
    pub(crate) server: Arc<NatsServer>,
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
        let server = Arc::new(NatsServer::for_test().await.unwrap());
        let mut parts = Parts {
            config: Config { cpu_workers: 2, ..Config::default() },
            limits: Limits::default(),
            tenants: Tenants::All,
            request_timeout: Duration::from_secs(10),
            instance: "test".into(),
            requests: connect(&server).await,
            frames: connect(&server).await,
            catalog: Arc::new(Catalog::standard().with(PANICS).with(SLEEPS)),
            probe: probe(),
            gpu: ocelli_gpu_filter::Gpu::default(),
        };
        configure(&mut parts);
        let tree = ActorTree::new();
        let service = Supervisor::start(supervisor(&parts).unwrap(), &tree);
        tokio::time::timeout(PATIENCE, service.ready()).await.unwrap().unwrap();
        let client = connect(&server).await;
        test(Fixture {
            server: Arc::clone(&server),
            client,
            tree,
            service: service.clone(),
            parts,
        })
        .await;
        service.shutdown(Duration::from_secs(5)).await;
    });
}

pub(crate) async fn connect(server: &NatsServer) -> Connection {
    let connection = Connection::open(ConnectionOptions {
        url: server.url(),
        name: "test".into(),
        subscription_capacity: 1024,
    })
    .await
    .unwrap();
    tokio::time::timeout(PATIENCE, connection.up()).await.unwrap();
    connection
}

pub(crate) fn gray(width: u32, height: u32, data: &[u8]) -> v1::Frame {
    raw(width, height, v1::PixelFormat::Gray8, data)
}

pub(crate) fn raw(width: u32, height: u32, format: v1::PixelFormat, data: &[u8]) -> v1::Frame {
    let data = Bytes::copy_from_slice(data);
    let raw = v1::RawImage { width, height, stride: 0, format: format.into(), data };
    v1::Frame { payload: Some(v1::frame::Payload::Raw(raw)), ..Default::default() }
}

pub(crate) fn encoded(data: &[u8]) -> v1::Frame {
    let data = Bytes::copy_from_slice(data);
    let file = v1::EncodedImage { codec: 0, data };
    v1::Frame { payload: Some(v1::frame::Payload::Encoded(file)), ..Default::default() }
}

pub(crate) fn step(id: &str, parameters: &[(&str, &str)]) -> v1::Step {
    let parameters: BTreeMap<_, _> =
        parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    v1::Step { kind: Some(v1::step::Kind::Filter(v1::FilterStep { id: id.into(), parameters })) }
}

pub(crate) fn request(frame: v1::Frame, steps: Vec<v1::Step>) -> v1::ProcessRequest {
    let pipeline = v1::Pipeline { steps, ..Default::default() };
    v1::ProcessRequest { frame: Some(frame), pipeline: Some(pipeline) }
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
    let mut request = request(gray(1, 1, &[5]), steps);
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
    let message = tokio::time::timeout(PATIENCE, results.next()).await.unwrap().unwrap();
    assert!(message.headers.unwrap().get("Ocelli-Request-Id").is_some());
    v1::ProcessResponse::decode(message.payload).unwrap()
}

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
            fn run(&self, _: &Cpu, input: &Image) -> Result<Image, ImageError> {
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

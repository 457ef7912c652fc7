//! A client of the system, which sends requests over NATS.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use ocelli_actors::broker::{Connection, ConnectionOptions, Outgoing};
use ocelli_kit::{
    config::{BrokerConfig, Section as _, hide_credentials},
    host::LOGIN_ATTEMPTS,
};
use ocelli_messages::{
    ErrorKind, Failure, MessageContext, Named as _, Subject, Tenant, parse_filter, subjects, v1,
};
use prost::Message as _;
use tokio::time::Instant;

use crate::cli::Target;

/// The pause before a request is sent again that found no broker or no worker.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// How long the user waits before a note says what for. A broker that can be reached answers within
/// a few milliseconds, and one that restarts within a second.
const NOTE_AFTER: Duration = Duration::from_secs(1);

/// A client with one connection to the broker.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    connection: Connection,
    tenant: Tenant,
    timeout: Duration,
    /// Whether the user was told what the client waits for, which is said once.
    told: Arc<AtomicBool>,
}

impl Client {
    /// Connects to the broker, for which it waits as long as for an answer, because the broker may be
    /// restarting. Fails with `unavailable` if it cannot be reached.
    pub(crate) async fn connect(target: &Target) -> Result<Self, Failure> {
        let tenant = target
            .tenant
            .parse::<Tenant>()
            .map_err(|error| Failure::invalid("--tenant", error.to_string()))?;
        let url = BrokerConfig { url: target.nats.clone(), ..BrokerConfig::default() };
        if let Some(problem) = url.problems().into_iter().next() {
            return Err(Failure::invalid("--nats", problem.message).allow(problem.allowed));
        }
        let connection = Connection::open(ConnectionOptions {
            url: target.nats.clone(),
            name: "ocelli client".into(),
            subscription_capacity: 1024,
            outgoing: Outgoing::default(),
        })
        .await
        .map_err(|failure| failure.at("--nats"))?;
        let timeout = Duration::from_secs(target.timeout);
        let client = Self { connection, tenant, timeout, told: Arc::default() };
        let shown = hide_credentials(&target.nats);
        let missing = format!("no broker at {shown}; is `ocelli up` running?");
        let connection = &client.connection;
        let noted = async {
            tokio::time::sleep(NOTE_AFTER).await;
            client.note(&missing);
            std::future::pending().await
        };
        tokio::select! {
            () = connection.up() => {}
            failure = connection.login_refused(LOGIN_ATTEMPTS) => return Err(failure.at("--nats")),
            () = tokio::time::sleep(timeout) => {
                return Err(Failure::new(ErrorKind::Unavailable, missing).at("--nats"));
            }
            () = noted => {}
        }
        Ok(client)
    }

    /// Sends a frame through a pipeline, and returns the response.
    pub(crate) async fn process(
        &self,
        request: &v1::ProcessRequest,
    ) -> Result<v1::ProcessResponse, Failure> {
        let subject = subjects::FILTER_PROCESS.of(&self.tenant);
        let answer = self.ask(&subject, request.encode_to_vec().into()).await?;
        read(answer)
    }

    /// Lists the filters of the system.
    pub(crate) async fn filters(&self) -> Result<v1::ListFiltersResponse, Failure> {
        let request = v1::ListFiltersRequest::default();
        let subject = subjects::FILTER_LIST.of(&self.tenant);
        read(self.ask(&subject, request.encode_to_vec().into()).await?)
    }

    /// The size of the largest request that the broker accepts, in bytes.
    pub(crate) fn max_bytes(&self) -> usize {
        self.connection.max_payload()
    }

    /// Sends a request, and again if it found no broker or no worker, until its time is over. What
    /// the client asks for may be done twice without harm.
    async fn ask(&self, subject: &Subject, payload: Bytes) -> Result<Bytes, Failure> {
        let context = MessageContext::new(SystemTime::now(), self.timeout);
        let started = Instant::now();
        loop {
            let failure = match self.connection.request(subject, &context, payload.clone()).await {
                Err(failure) if failure.kind == ErrorKind::Unavailable => failure,
                answer => return answer,
            };
            if context.deadline.left(SystemTime::now()).is_none_or(|left| left <= RETRY_PAUSE) {
                return Err(failure);
            }
            if started.elapsed() >= NOTE_AFTER {
                self.note(&failure.message);
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Tells the user once what the client waits for.
    #[allow(clippy::print_stderr, reason = "notes go to stderr")]
    fn note(&self, what: &str) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let seconds = self.timeout.as_secs();
            eprintln!("ocelli: waiting for up to {seconds} s: {what}");
        }
    }
}

fn read<M: prost::Message + Default>(answer: Bytes) -> Result<M, Failure> {
    M::decode(answer)
        .map_err(|error| Failure::internal(format!("the answer cannot be read: {error}")))
}

/// Builds a pipeline from the command line.
pub(crate) fn pipeline(
    filters: &[String],
    codec: v1::ImageCodec,
    quality: u32,
    accelerator: v1::Accelerator,
) -> Result<v1::Pipeline, Failure> {
    let steps = filters
        .iter()
        .map(|text| {
            let filter = parse_filter(text).map_err(|failure| failure.at("--filter"))?;
            Ok(v1::Step { kind: Some(v1::step::Kind::Filter(filter)) })
        })
        .collect::<Result<_, Failure>>()?;
    let encoded = v1::EncodedOutput { codec: codec.into(), quality };
    Ok(v1::Pipeline {
        steps,
        output: Some(v1::OutputFormat { kind: Some(v1::output_format::Kind::Encoded(encoded)) }),
        accelerator: accelerator.into(),
    })
}

/// Wraps a file in a frame. Its codec is detected by the worker.
pub(crate) fn frame(file: Bytes) -> v1::Frame {
    let encoded = v1::EncodedImage { codec: v1::ImageCodec::Unspecified.into(), data: file };
    v1::Frame { payload: Some(v1::frame::Payload::Encoded(encoded)), ..Default::default() }
}

/// The codec with the given name or file extension.
pub(crate) fn codec_named(name: &str) -> Result<v1::ImageCodec, Failure> {
    v1::ImageCodec::named(&name.to_lowercase()).ok_or_else(|| {
        let message = format!("{name:?} is not an image format that can be written");
        Failure::new(ErrorKind::Unsupported, message).allow(v1::ImageCodec::names())
    })
}

/// The codec of a path's extension, or `None` if it has none or belongs to a tensor.
pub(crate) fn codec_of(path: &Path) -> Result<Option<v1::ImageCodec>, Failure> {
    match path.extension() {
        // This is the file of a tensor, which has no codec.
        Some(extension) if extension == "npy" => Ok(None),
        Some(extension) => codec_named(&extension.to_string_lossy()).map(Some),
        None => Ok(None),
    }
}

/// Runs the work of a client on a runtime of its own.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(work)
}

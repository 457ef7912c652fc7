//! The system's NATS interface, as a client in any language sees it.

use anyhow::{Context as _, Result, bail, ensure};
use async_nats::{Client, HeaderMap, Message, Subscriber};
use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_messages::{ErrorKind, StreamName, Tenant, header, subjects, v1};
use ocelli_testkit::patiently;
use prost::Message as _;

use crate::{
    outcome::{Outcome, Processed, Refusal},
    picture::Picture,
    reference::Filter,
};

/// Connects.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    let options = async_nats::ConnectOptions::new().request_timeout(None);
    Ok(patiently("a connection to NATS", options.connect(url)).await??)
}

/// `…req.filter.process`.
pub(crate) fn process_subject() -> String {
    subjects::FILTER_PROCESS.of(&Tenant::default()).to_string()
}

/// `…req.filter.list`.
pub(crate) fn list_subject() -> String {
    subjects::FILTER_LIST.of(&Tenant::default()).to_string()
}

/// Sends a request and awaits its reply.
pub(crate) async fn request(
    client: &Client,
    subject: String,
    headers: HeaderMap,
    payload: Bytes,
) -> Result<Message> {
    let request = async_nats::Request::new().headers(headers).payload(payload).timeout(None);
    let what = format!("a reply from {subject}");
    Ok(patiently(&what, client.send_request(subject, request)).await??)
}

/// The reply's body, or the refusal that it is.
pub(crate) fn read(message: &Message) -> Result<Result<Bytes, Refusal>> {
    let get = |name| message.headers.as_ref().and_then(|headers| headers.get(name));
    let id = get(header::REQUEST_ID).context("a reply without a request id")?.as_str();
    get(header::TRACEPARENT).context("a reply without a traceparent")?;
    let Some(code) = get(header::ERROR_CODE) else {
        return Ok(Ok(message.payload.clone()));
    };
    let error = v1::Error::decode(message.payload.clone())?;
    ensure!(error.request_id == id, "{id} in the header, {} in the error", error.request_id);
    let text = get(header::ERROR).context("no Nats-Service-Error")?;
    ensure!(!text.as_str().is_empty() && !error.message.is_empty(), "{error:?}");
    let refusal = Refusal { status: code.as_str().parse()?, ..refusal(error) };
    let kind = ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == refusal.kind);
    ensure!(kind.is_some_and(|kind| kind.http_status() == refusal.status), "{refusal:?}");
    Ok(Err(refusal))
}

fn refusal(error: v1::Error) -> Refusal {
    let kind = ErrorKind::from_wire(error.kind());
    Refusal {
        status: kind.http_status(),
        kind: kind.as_str().to_owned(),
        message: error.message,
        field: error.field,
        allowed: error.allowed,
        retry_after_ms: (error.retry_after_ms > 0).then_some(error.retry_after_ms),
        retry_after: None,
        request_id: error.request_id,
    }
}

/// Sends a picture to be processed and says what came of it.
pub(crate) async fn process(client: &Client, request_: &v1::ProcessRequest) -> Result<Outcome> {
    let payload = request_.encode_to_vec().into();
    let reply = request(client, process_subject(), HeaderMap::new(), payload).await?;
    match read(&reply)? {
        Ok(payload) => Ok(Ok(processed(v1::ProcessResponse::decode(payload)?)?)),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// What a response says.
pub(crate) fn processed(response: v1::ProcessResponse) -> Result<Processed> {
    let mut backends = Vec::new();
    for step in &response.steps {
        let backend = match step.backend() {
            v1::Accelerator::Cpu => "cpu",
            v1::Accelerator::Cuda => "cuda",
            other => bail!("a step ran on {other:?}"),
        };
        ensure!(step.timing.is_some(), "the step {} has no timing", step.id);
        backends.push(backend);
    }
    backends.sort_unstable();
    backends.dedup();
    ensure!(response.timing.is_some(), "no timing");
    let backend = if backends.is_empty() { "none".to_owned() } else { backends.join("+") };
    let frame = response.frame.context("no frame")?;
    let picture = picture(frame.payload.context("no payload")?)?;
    Ok(Processed { picture, backend, worker: response.worker })
}

fn picture(payload: v1::frame::Payload) -> Result<Picture> {
    match payload {
        v1::frame::Payload::Encoded(file) => Picture::from_file(&file.data),
        v1::frame::Payload::Raw(raw) => {
            let channels = match raw.format() {
                v1::PixelFormat::Gray8 => 1,
                v1::PixelFormat::Rgb8 => 3,
                v1::PixelFormat::Rgba8 => 4,
                other => bail!("unexpected pixel format {other:?}"),
            };
            let size = (raw.width as usize, raw.height as usize);
            let row = size.0 * channels;
            let stride = if raw.stride == 0 { row } else { raw.stride as usize };
            Picture::from_raw(size, stride, channels, &raw.data)
        }
        v1::frame::Payload::Blob(blob) => bail!("unexpected {blob:?}"),
        v1::frame::Payload::Tensor(tensor) => bail!("unexpected tensor of {:?}", tensor.shape),
    }
}

/// A picture as raw pixels in a frame.
pub(crate) fn raw_frame(picture: &Picture) -> Result<v1::Frame> {
    ensure!(picture.channels == 3, "only RGB pictures are sent");
    let raw = v1::RawImage {
        width: u32::try_from(picture.width)?,
        height: u32::try_from(picture.height)?,
        stride: 0,
        format: v1::PixelFormat::Rgb8.into(),
        data: picture.pixels.clone().into(),
    };
    Ok(v1::Frame { payload: Some(v1::frame::Payload::Raw(raw)), ..v1::Frame::default() })
}

/// A file in a frame.
pub(crate) fn file_frame(data: impl Into<Bytes>) -> v1::Frame {
    let file = v1::EncodedImage { data: data.into(), ..v1::EncodedImage::default() };
    v1::Frame { payload: Some(v1::frame::Payload::Encoded(file)), ..v1::Frame::default() }
}

/// Filters as a pipeline.
pub(crate) fn pipeline(filters: &[Filter], accelerator: v1::Accelerator) -> v1::Pipeline {
    let step = |filter: &Filter| {
        let parameters = filter.parameters.clone().into_iter().collect();
        let filter = v1::FilterStep { id: filter.id.clone(), parameters };
        v1::Step { kind: Some(v1::step::Kind::Filter(filter)) }
    };
    let steps = filters.iter().map(step).collect();
    v1::Pipeline { steps, output: None, accelerator: accelerator.into() }
}

/// Subscribes and waits until the server knows it: `flush` would not.
pub(crate) async fn subscribe(client: &Client, subject: String) -> Result<Subscriber> {
    let subscriber = client.subscribe(subject).await?;
    let inbox = client.new_inbox();
    let mut barrier = client.subscribe(inbox.clone()).await?;
    client.publish(inbox, Bytes::new()).await?;
    patiently("the barrier of a subscription", barrier.next()).await?.context("no barrier")?;
    Ok(subscriber)
}

/// `…frame.in.<stream>` and `…frame.out.<stream>`.
pub(crate) fn frame_subjects(stream: &StreamName) -> (String, String) {
    let tenant = Tenant::default();
    let inward = subjects::FRAME_IN.of(&tenant, stream).to_string();
    (inward, subjects::FRAME_OUT.of(&tenant, stream).to_string())
}

//! `POST /api/v1/process/image`: applies filters to an image and answers with the result.

use std::{
    rc::Rc,
    time::{Duration, SystemTime},
};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::header::CONTENT_LENGTH,
    web::{self, ReqData},
};
use bytes::Bytes;
use ocelli_actors::credits::{Caller, Credit};
use ocelli_messages::{
    EncodedFrame, ErrorKind, Failure, Limits, MessageContext, RawFrame, subjects, v1,
};
use prost::Message as _;
use tokio::time::Instant;

use crate::{
    answer::{answer, bounded},
    body::{self, Incoming},
    connection::Link,
    multipart,
    query::{ImageRequest, Parameters},
    reply,
    routes::routes,
    scope::Scope,
    shared::Shared,
    wire::{RequestWriter, WrittenRequest},
};

routes! {
    POST "/api/v1/process/image", "Applies filters to an image or to raw pixels" => image;
}

/// How much of the broker's limit on messages is kept for the pipeline and the headers, in bytes.
const MESSAGE_ROOM: usize = 64 * 1024;
/// How many bytes a form may have besides its image.
const FORM_ROOM: usize = 64 * 1024;
/// The names that the part with the image may have.
const IMAGE_PARTS: [&str; 2] = ["image", "file"];

async fn image(
    request: HttpRequest,
    scope: ReqData<Scope>,
    shared: web::Data<Shared>,
    payload: web::Payload,
) -> HttpResponse {
    answer(&scope, Box::pin(process(&request, &scope, &shared, payload))).await
}

async fn process(
    request: &HttpRequest,
    scope: &Scope,
    shared: &Shared,
    mut payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let parameters = Parameters::from_query(request.query_string())?;
    let Received { asked, written, credit } = match boundary(request)? {
        Some(boundary) => from_form(request, scope, shared, payload, parameters, &boundary).await?,
        None => from_body(request, scope, shared, &mut payload, &parameters).await?,
    };
    check(&asked, &written.image, &shared.limits)?;
    let context = context_of(scope, shared, &asked)?;
    let subject = subjects::FILTER_PROCESS.of(&scope.tenant);
    let WrittenRequest { message, image } = written;
    drop(image);
    let answer = shared.connection.request(&subject, &context, message).await?;
    // The request is gone, and the answer is here until the client has it. It keeps the buffer alive
    // that the NATS client read it into, which grows by doubling: up to twice its size.
    credit.resize(answer.len().saturating_mul(2))?;
    let response = v1::ProcessResponse::decode(answer)
        .map_err(|_| Failure::internal("the worker's response cannot be decoded"))?;
    reply::image(response, scope.arrived.elapsed(), credit)
}

/// A request whose body has arrived.
struct Received {
    asked: ImageRequest,
    written: WrittenRequest,
    /// Given back once the response is sent.
    credit: Credit,
}

/// Receives a body that is the image.
async fn from_body(
    request: &HttpRequest,
    scope: &Scope,
    shared: &Shared,
    payload: &mut web::Payload,
    parameters: &Parameters,
) -> Result<Received, Failure> {
    let asked = parameters.image_request(&shared.limits)?;
    let context = context_of(scope, shared, &asked)?;
    shared.need_broker()?;
    let most = max_image_bytes(shared, asked.raw.is_some());
    let length = content_length(request, most)?;
    let until = body_deadline(shared, &context);
    let credit = admit(scope, shared, until, length, most).await?;
    let link = link(request);
    let mut body = Incoming { payload, link, slowest: shared.slowest, until };
    let written = match length {
        Some(length) => {
            let mut writer = RequestWriter::new(&asked.pipeline, asked.raw.as_ref(), length);
            body.read(|bytes| writer.push(bytes).map_err(wrong_length)).await?;
            writer.finish().map_err(wrong_length)?
        }
        None => write(&asked, &body.collect(most).await?)?,
    };
    Ok(Received { asked, written, credit })
}

/// Receives a form with the image in one part, and maybe parameters in others.
async fn from_form(
    request: &HttpRequest,
    scope: &Scope,
    shared: &Shared,
    mut payload: web::Payload,
    mut parameters: Parameters,
    boundary: &str,
) -> Result<Received, Failure> {
    let context = bounded(scope, shared.request_timeout)?;
    shared.need_broker()?;
    // Only the form tells whether the image is raw; the limit that applies is checked below.
    let largest = max_image_bytes(shared, true).max(max_image_bytes(shared, false));
    let most = largest + FORM_ROOM;
    let length = content_length(request, most)?;
    let until = body_deadline(shared, &context);
    // The form and the message made from it are in memory at the same time.
    let credit = admit(scope, shared, until, length.map(|length| length * 2), most).await?;
    let (payload, link) = (&mut payload, link(request));
    let mut body = Incoming { payload, link, slowest: shared.slowest, until };
    let form = body.collect(most).await?;
    let mut image = None;
    for part in multipart::parse(boundary, form)? {
        if IMAGE_PARTS.contains(&part.name.as_str()) {
            if image.replace(part.data).is_some() {
                return Err(Failure::invalid("body", "the form has more than one image"));
            }
        } else {
            let value = String::from_utf8(part.data.into())
                .map_err(|_| Failure::invalid(part.name.clone(), "the value is not UTF-8 text"))?;
            parameters.add(&part.name, value).map_err(allow_image)?;
        }
    }
    let image = image.ok_or_else(|| {
        Failure::invalid("body", "the form has no part with an image").allow(IMAGE_PARTS)
    })?;
    let asked = parameters.image_request(&shared.limits)?;
    let most = max_image_bytes(shared, asked.raw.is_some());
    if image.len() > most {
        return Err(body::too_large(Some(image.len()), most));
    }
    let written = write(&asked, &image)?;
    Ok(Received { asked, written, credit })
}

/// Adds the names of the image's part to those that are allowed: a part with an unknown name may
/// have been meant as the image.
fn allow_image(mut failure: Failure) -> Failure {
    if !failure.allowed.is_empty() {
        failure.allowed.extend(IMAGE_PARTS.map(str::to_owned));
    }
    failure
}

fn write(asked: &ImageRequest, image: &[u8]) -> Result<WrittenRequest, Failure> {
    let mut writer = RequestWriter::new(&asked.pipeline, asked.raw.as_ref(), image.len());
    writer.push(image).map_err(wrong_length)?;
    writer.finish().map_err(wrong_length)
}

fn wrong_length(error: crate::wire::WrongLength) -> Failure {
    Failure::invalid("body", error.to_string())
}

/// Refuses what a worker would refuse, without asking one.
fn check(asked: &ImageRequest, image: &Bytes, limits: &Limits) -> Result<(), Failure> {
    let data = image.clone();
    match &asked.raw {
        Some(raw) => RawFrame::check(v1::RawImage { data, ..raw.clone() }, limits)
            .map(drop)
            .map_err(|failure| failure.within("frame.raw")),
        None => EncodedFrame::check(v1::EncodedImage { codec: 0, data }, limits)
            .map(drop)
            .map_err(|failure| failure.within("frame.encoded")),
    }
}

fn link(request: &HttpRequest) -> Option<&Link> {
    request.conn_data::<Rc<Link>>().map(|link| &**link)
}

/// The largest image that is accepted: as much as fits into a message, and for files also the
/// configured limit.
fn max_image_bytes(shared: &Shared, raw: bool) -> usize {
    let broker = shared.connection.max_payload().saturating_sub(MESSAGE_ROOM);
    if raw { broker } else { shared.limits.max_encoded_bytes.min(broker) }
}

/// The length that the client states, if it states one; actix has checked that it is a number.
///
/// # Errors
/// `too_large` if that is more than `most`.
fn content_length(request: &HttpRequest, most: usize) -> Result<Option<usize>, Failure> {
    let stated = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let Some(stated) = stated else {
        return Ok(None);
    };
    let length = stated.trim().parse().unwrap_or(usize::MAX);
    if length > most { Err(body::too_large(Some(length), most)) } else { Ok(Some(length)) }
}

/// Waits for a credit of `length` bytes. A body of unknown length takes as much as the longest one
/// does, twice: it is collected first and then copied into the message.
async fn admit(
    scope: &Scope,
    shared: &Shared,
    until: Instant,
    length: Option<usize>,
    most: usize,
) -> Result<Credit, Failure> {
    let bytes = length.unwrap_or(most * 2);
    let patience = until.min(Instant::now() + shared.patience);
    let caller = Caller::of(None, scope.context.caller.as_deref());
    shared.credits.acquire_before(&caller, bytes, patience).await.map_err(|shed| {
        let failure = Failure::from(shed);
        if failure.kind == ErrorKind::TooLarge { failure.at("body") } else { failure }
    })
}

/// The context of the message to the worker. The timeout counts from the arrival of the request:
/// the time that the client takes to send the body is part of it.
fn context_of(
    scope: &Scope,
    shared: &Shared,
    asked: &ImageRequest,
) -> Result<MessageContext, Failure> {
    let timeout = asked.timeout.unwrap_or(shared.request_timeout);
    bounded(scope, timeout.saturating_sub(scope.arrived.elapsed()))
}

/// When the whole body must have arrived: a long deadline is meant for the work, and not for a
/// client that sends slowly.
fn body_deadline(shared: &Shared, context: &MessageContext) -> Instant {
    let left = context.deadline.left(SystemTime::now()).unwrap_or(Duration::ZERO);
    Instant::now() + left.min(shared.request_timeout)
}

/// The boundary between the parts of a form; `None` if the body is not a form.
fn boundary(request: &HttpRequest) -> Result<Option<String>, Failure> {
    // A Content-Type that cannot be parsed does not announce a form, and only forms matter here.
    let Ok(Some(media_type)) = request.mime_type() else {
        return Ok(None);
    };
    if media_type.essence_str() != "multipart/form-data" {
        return Ok(None);
    }
    let boundary = media_type.get_param("boundary").map(|boundary| boundary.as_str().to_owned());
    boundary.map(Some).ok_or_else(|| {
        Failure::invalid("Content-Type", "multipart/form-data needs a boundary parameter")
    })
}

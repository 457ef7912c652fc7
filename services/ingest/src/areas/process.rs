//! `POST /api/v1/process/image`: an image in, the filtered image out.

use std::time::{Duration, SystemTime};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::header::CONTENT_LENGTH,
    web::{self, ReqData},
};
use bytes::Bytes;
use ocelli_actors::credits::Credit;
use ocelli_messages::{EncodedFrame, Failure, Limits, MessageContext, RawFrame, Subject, v1};
use prost::Message as _;
use tokio::time::Instant;

use crate::{
    answer::{answer, bounded, refuse},
    body, multipart,
    query::{Parameters, Wish},
    reply,
    routes::routes,
    scope::Scope,
    shared::Shared,
    wire::{RequestWriter, WrittenRequest},
};

routes! {
    POST "/api/v1/process/image", "Applies filters to an image or to raw pixels" => image;
}

/// Room for the pipeline and the headers within the broker's limit on messages.
const MESSAGE_ROOM: usize = 64 * 1024;
/// Room for what is not the image in a form.
const FORM_ROOM: usize = 64 * 1024;
/// The names of the part that is the image.
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
    let (wish, written, credit) = match boundary(request)? {
        Some(boundary) => from_form(request, scope, shared, payload, parameters, &boundary).await?,
        None => from_body(request, scope, shared, &mut payload, &parameters).await?,
    };
    check(&wish, &written.image, &shared.limits)?;
    let context = within(scope, shared, &wish)?;
    let subject = Subject::FilterProcess(scope.tenant.clone());
    let answer = shared.connection.request(&subject, &context, written.message).await?;
    let response = v1::ProcessResponse::decode(answer)
        .map_err(|_| Failure::internal("the worker's answer cannot be read"))?;
    reply::image(response, scope.arrived.elapsed(), credit)
}

type Arrived = (Wish, WrittenRequest, Credit);

/// The body is the image.
async fn from_body(
    request: &HttpRequest,
    scope: &Scope,
    shared: &Shared,
    payload: &mut web::Payload,
    parameters: &Parameters,
) -> Result<Arrived, Failure> {
    let wish = parameters.wish(&shared.limits)?;
    let context = within(scope, shared, &wish)?;
    shared.need_broker()?;
    let most = most(shared, wish.raw.is_some());
    let length = content_length(request, most)?;
    let until = until(shared, &context);
    let credit = admit(shared, until, length, most).await?;
    let written = match length {
        Some(length) => {
            let mut writer = RequestWriter::new(&wish.pipeline, wish.raw.as_ref(), length);
            let mut push = |bytes: &[u8]| writer.push(bytes).map_err(wrong_length);
            body::read(payload, until, &mut push).await?;
            writer.finish().map_err(wrong_length)?
        }
        None => write(&wish, &body::collect(payload, until, most).await?)?,
    };
    Ok((wish, written, credit))
}

/// The image is a part of a form, and so may be the parameters.
async fn from_form(
    request: &HttpRequest,
    scope: &Scope,
    shared: &Shared,
    mut payload: web::Payload,
    mut parameters: Parameters,
    boundary: &str,
) -> Result<Arrived, Failure> {
    let context = bounded(scope, shared.request_timeout)?;
    shared.need_broker()?;
    // Whether the image is raw, the form tells; its own limit is checked below.
    let most_of_all = most(shared, true).max(most(shared, false)) + FORM_ROOM;
    let length = content_length(request, most_of_all)?;
    let until = until(shared, &context);
    // The form and the message made from it are in memory at the same time.
    let credit = admit(shared, until, length.map(|length| length * 2), most_of_all).await?;
    let form = body::collect(&mut payload, until, most_of_all).await?;
    let mut image = None;
    for part in multipart::parse(boundary, form)? {
        if IMAGE_PARTS.contains(&part.name.as_str()) {
            if image.replace(part.data).is_some() {
                return Err(Failure::invalid("body", "the form has more than one image"));
            }
        } else {
            let value = String::from_utf8(part.data.into())
                .map_err(|_| Failure::invalid(part.name.clone(), "is no UTF-8 text"))?;
            parameters.add(&part.name, value).map_err(allow_image)?;
        }
    }
    let image = image.ok_or_else(|| {
        Failure::invalid("body", "the form has no image: no part is named so").allow(IMAGE_PARTS)
    })?;
    let wish = parameters.wish(&shared.limits)?;
    let most = most(shared, wish.raw.is_some());
    if image.len() > most {
        return Err(body::too_large(Some(image.len()), most));
    }
    let written = write(&wish, &image)?;
    Ok((wish, written, credit))
}

/// A part of unknown name may have been meant to be the image.
fn allow_image(mut failure: Failure) -> Failure {
    if !failure.allowed.is_empty() {
        failure.allowed.extend(IMAGE_PARTS.map(str::to_owned));
    }
    failure
}

fn write(wish: &Wish, image: &[u8]) -> Result<WrittenRequest, Failure> {
    let mut writer = RequestWriter::new(&wish.pipeline, wish.raw.as_ref(), image.len());
    writer.push(image).map_err(wrong_length)?;
    writer.finish().map_err(wrong_length)
}

fn wrong_length(error: crate::wire::WrongLength) -> Failure {
    Failure::invalid("body", error.to_string())
}

/// What would be refused by a worker is refused here, without a hop.
fn check(wish: &Wish, image: &Bytes, limits: &Limits) -> Result<(), Failure> {
    let data = image.clone();
    match &wish.raw {
        Some(raw) => RawFrame::check(v1::RawImage { data, ..raw.clone() }, limits)
            .map(drop)
            .map_err(|failure| failure.within("frame.raw")),
        None => EncodedFrame::check(v1::EncodedImage { codec: 0, data }, limits)
            .map(drop)
            .map_err(|failure| failure.within("frame.encoded")),
    }
}

/// The largest image that is taken: the limit on files, and what the broker takes.
fn most(shared: &Shared, raw: bool) -> usize {
    let broker = shared.connection.max_payload().saturating_sub(MESSAGE_ROOM);
    if raw { broker } else { shared.limits.max_encoded_bytes.min(broker) }
}

/// What the client states, if it does; actix has checked that it is a number.
fn content_length(request: &HttpRequest, most: usize) -> Result<Option<usize>, Failure> {
    let stated = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let Some(stated) = stated else {
        return Ok(None);
    };
    let length = stated.trim().parse().unwrap_or(usize::MAX);
    if length > most { Err(body::too_large(Some(length), most)) } else { Ok(Some(length)) }
}

/// A body of unknown length is paid for as if it were the longest, and its copy too.
async fn admit(
    shared: &Shared,
    until: Instant,
    length: Option<usize>,
    most: usize,
) -> Result<Credit, Failure> {
    let bytes = length.unwrap_or(most * 2);
    let patience = until.min(Instant::now() + shared.patience);
    shared.credits.acquire_before(bytes, patience).await.map_err(|shed| refuse(&shed))
}

fn within(scope: &Scope, shared: &Shared, wish: &Wish) -> Result<MessageContext, Failure> {
    // Counted from the arrival: the time to send the body is part of it.
    let timeout = wish.timeout.unwrap_or(shared.request_timeout);
    bounded(scope, timeout.saturating_sub(scope.arrived.elapsed()))
}

/// Until when the body must be here: a long deadline is for the work, not for a slow client.
fn until(shared: &Shared, context: &MessageContext) -> Instant {
    let left = context.deadline.left(SystemTime::now()).unwrap_or(Duration::ZERO);
    Instant::now() + left.min(shared.request_timeout)
}

/// The boundary, where the body is a form.
fn boundary(request: &HttpRequest) -> Result<Option<String>, Failure> {
    // What is no media type is no form, and only forms matter here.
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

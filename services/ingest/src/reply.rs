//! Turns a worker's response into an HTTP response, without copying the image.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    body::{BodySize, MessageBody},
    http::header::{CACHE_CONTROL, HeaderValue},
};
use bytes::Bytes;
use ocelli_actors::credits::Credit;
use ocelli_messages::{Failure, Named as _, sniff_codec, v1};

/// How many bytes the connection gets at a time. It copies them, so that is all that a client that
/// reads slowly costs besides the image.
const CHUNK: usize = 32 * 1024;

/// The response with the image, its description and its timing. The `credit` is given back when
/// the connection has got the last byte, because the image takes memory until then.
///
/// # Errors
/// The error that the worker's response carries, or `internal` if it has neither an error nor an
/// image.
pub(crate) fn image(
    response: v1::ProcessResponse,
    took: Duration,
    credit: Credit,
) -> Result<HttpResponse, Failure> {
    if let Some(error) = response.error {
        return Err(error.into());
    }
    let payload = response.frame.and_then(|frame| frame.payload);
    let timing = server_timing(response.timing.unwrap_or_default(), took);
    let mut reply = HttpResponse::Ok();
    reply
        .insert_header(("server-timing", timing))
        .insert_header(("ocelli-backend", backend(&response.steps)))
        .insert_header((CACHE_CONTROL, "no-store"));
    // A name that does not fit into a header is no reason to withhold the image.
    if let Ok(worker) = HeaderValue::from_str(&response.worker) {
        reply.insert_header(("ocelli-worker", worker));
    }
    let data = match payload {
        Some(v1::frame::Payload::Raw(image)) => {
            raw_headers(&mut reply, &image);
            image.data
        }
        Some(v1::frame::Payload::Encoded(file)) => {
            reply.content_type(media_type(&file)?);
            file.data
        }
        Some(v1::frame::Payload::Tensor(tensor)) => {
            let axes: Vec<_> = tensor.shape.iter().map(ToString::to_string).collect();
            reply
                .content_type("application/octet-stream")
                .insert_header(("ocelli-tensor-element", tensor.element().name()))
                .insert_header(("ocelli-tensor-shape", axes.join(",")))
                .insert_header(("ocelli-tensor-layout", tensor.layout));
            tensor.data
        }
        Some(v1::frame::Payload::Blob(_)) | None => {
            return Err(Failure::internal("the worker's response has no image"));
        }
    };
    Ok(reply.body(CreditedBody { data, _credit: credit }))
}

fn raw_headers(reply: &mut HttpResponseBuilder, image: &v1::RawImage) {
    let format = image.format().name();
    reply
        .content_type("application/octet-stream")
        .insert_header(("ocelli-width", image.width))
        .insert_header(("ocelli-height", image.height))
        .insert_header(("ocelli-stride", stride(image)))
        .insert_header(("ocelli-pixel-format", format));
}

/// The bytes from row to row. The message may have 0 for rows without padding; the header always
/// has the number.
fn stride(image: &v1::RawImage) -> u32 {
    let bytes_per_pixel = match image.format() {
        v1::PixelFormat::Rgb8 | v1::PixelFormat::Bgr8 => 3,
        v1::PixelFormat::Rgba8 => 4,
        _ => 1,
    };
    if image.stride == 0 { image.width.saturating_mul(bytes_per_pixel) } else { image.stride }
}

fn media_type(file: &v1::EncodedImage) -> Result<&'static str, Failure> {
    let codec = match file.codec() {
        v1::ImageCodec::Unspecified => sniff_codec(&file.data),
        stated => Some(stated),
    };
    match codec {
        Some(v1::ImageCodec::Png) => Ok("image/png"),
        Some(v1::ImageCodec::Jpeg) => Ok("image/jpeg"),
        Some(v1::ImageCodec::Webp) => Ok("image/webp"),
        Some(v1::ImageCodec::Unspecified) | None => {
            Err(Failure::internal("the worker's response has an image of unknown format"))
        }
    }
}

/// The accelerator that the steps ran on; a worker runs all steps of a request on the same one.
fn backend(steps: &[v1::StepReport]) -> &'static str {
    steps.first().map_or("none", |step| step.backend().name())
}

fn server_timing(timing: v1::Timing, took: Duration) -> String {
    let ms = |ns| Duration::from_nanos(ns).as_secs_f64() * 1e3;
    format!(
        "queue;dur={:.3}, decode;dur={:.3}, compute;dur={:.3}, encode;dur={:.3}, total;dur={:.3}",
        ms(timing.queue_ns),
        ms(timing.decode_ns),
        ms(timing.compute_ns),
        ms(timing.encode_ns),
        took.as_secs_f64() * 1e3,
    )
}

/// A body that keeps a credit until it is sent.
struct CreditedBody {
    data: Bytes,
    _credit: Credit,
}

impl MessageBody for CreditedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.data.len() as u64)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let data = &mut self.get_mut().data;
        let next = data.split_to(data.len().min(CHUNK));
        Poll::Ready((!next.is_empty()).then_some(Ok(next)))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::time::Instant;

    use ocelli_actors::credits::{Caller, CreditLimits, CreditPool};

    use super::*;

    fn pool() -> CreditPool {
        let limits = CreditLimits { slots: 1, bytes: 1, waiting_slots: 0, waiting_bytes: 0 };
        CreditPool::new(limits, "test")
    }

    fn answered(payload: v1::frame::Payload, pool: &CreditPool) -> Result<HttpResponse, Failure> {
        let frame = v1::Frame { payload: Some(payload), ..Default::default() };
        let step = v1::StepReport { backend: v1::Accelerator::Cuda.into(), ..Default::default() };
        let timing = v1::Timing { queue_ns: 100_000, decode_ns: 1_200_000, ..Default::default() };
        let response = v1::ProcessResponse {
            frame: Some(frame),
            steps: vec![step],
            timing: Some(timing),
            worker: "gpu-filter-1".into(),
            error: None,
        };
        let credit = pool
            .acquire_before(&Caller::UNKNOWN, 1, Instant::now())
            .now_or_never()
            .unwrap()
            .unwrap();
        image(response, Duration::from_millis(5), credit)
    }

    fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[actix_web::test]
    async fn pixels_are_described_and_hold_their_credit_until_they_are_sent() {
        let pool = pool();
        let data: Bytes = vec![7; 3 * 100_000].into();
        let raw = v1::RawImage {
            width: 100,
            height: 1_000,
            stride: 0,
            format: v1::PixelFormat::Rgb8.into(),
            data: data.clone(),
        };
        let response = answered(v1::frame::Payload::Raw(raw), &pool).unwrap();
        for (name, value) in [
            ("content-type", "application/octet-stream"),
            ("ocelli-width", "100"),
            ("ocelli-height", "1000"),
            ("ocelli-stride", "300"),
            ("ocelli-pixel-format", "rgb8"),
            ("ocelli-backend", "cuda"),
            ("ocelli-worker", "gpu-filter-1"),
            (
                "server-timing",
                "queue;dur=0.100, decode;dur=1.200, compute;dur=0.000, encode;dur=0.000, \
                 total;dur=5.000",
            ),
        ] {
            assert_eq!(header(&response, name), value, "{name}");
        }
        assert_eq!(pool.in_use(), 1);
        assert_eq!(actix_web::body::to_bytes(response.into_body()).await.unwrap(), data);
        assert_eq!(pool.in_use(), 0);
    }

    #[test]
    fn files_have_their_media_type_also_where_the_codec_is_not_stated() {
        let png = Bytes::from_static(b"\x89PNG\r\n\x1a\n...");
        for (codec, data, expected) in [
            (v1::ImageCodec::Webp, Bytes::from_static(b"x"), "image/webp"),
            (v1::ImageCodec::Jpeg, Bytes::from_static(b"x"), "image/jpeg"),
            (v1::ImageCodec::Unspecified, png, "image/png"),
        ] {
            let file = v1::EncodedImage { codec: codec.into(), data };
            let response = answered(v1::frame::Payload::Encoded(file), &pool()).unwrap();
            assert_eq!(header(&response, "content-type"), expected);
        }
    }

    #[test]
    fn an_answer_without_an_image_is_a_bug_and_gives_the_credit_back() {
        let pool = pool();
        let payload = v1::frame::Payload::Blob(v1::BlobRef::default());
        let failure = answered(payload, &pool).unwrap_err();
        assert_eq!(failure.kind, ocelli_messages::ErrorKind::Internal);
        assert_eq!(pool.in_use(), 0);
    }
}

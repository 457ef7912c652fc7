//! Requests that are wrong.

use anyhow::{Context as _, Result, bail, ensure};
use async_nats::HeaderMap;
use cucumber::{then, when};
use ocelli_kernels::codec::Codec;
use ocelli_messages::{header, v1};
use prost::Message as _;

use crate::{
    http::{self, Length},
    nats,
    picture::Picture,
    reference::Filter,
    world::World,
};

/// Unix milliseconds that passed long ago.
const PAST: &str = "1000";

/// The largest encoded image, bytes, by default.
const MAX_ENCODED: u64 = 10 * 1024 * 1024;

fn picture() -> Picture {
    Picture::colourful(64, 48)
}

/// A body by its name in the feature files.
fn body(name: &str) -> Result<Vec<u8>> {
    let cut = |codec| {
        let mut file = picture().to_file(codec)?;
        file.truncate(file.len() * 2 / 3);
        anyhow::Ok(file)
    };
    match name {
        "a picture" => picture().to_file(Codec::Png),
        "nothing" => Ok(Vec::new()),
        "a text" => Ok(b"This is not an image, whatever its name says.".to_vec()),
        "a truncated PNG" => cut(Codec::Png),
        "a truncated JPEG" => cut(Codec::Jpeg),
        "a PNG that claims 60000 by 60000 pixels" => {
            let mut file = picture().to_file(Codec::Png)?;
            let size = file.get_mut(16..24).context("a PNG without a header")?;
            size.copy_from_slice(&[60_000_u32.to_be_bytes(), 60_000_u32.to_be_bytes()].concat());
            Ok(file)
        }
        "100 raw bytes" => Ok(vec![7; 100]),
        "48 MB of raw pixels" => Ok(vec![7; 4000 * 4000 * 3]),
        other => bail!("no body is called {other:?}"),
    }
}

async fn post(
    world: &mut World,
    body: Vec<u8>,
    query: &str,
    headers: &[(&str, &str)],
) -> Result<()> {
    let base = world.http().await?;
    let answer = http::process(&base, &http::query(query), headers, body).await?;
    world.refusals = vec![answer.refusal()?];
    Ok(())
}

#[when(expr = "{string} is posted")]
async fn posted(world: &mut World, name: String) -> Result<()> {
    post(world, body(&name)?, "filter=grayscale", &[]).await
}

#[when(expr = "{string} is posted with {string}")]
async fn posted_with(world: &mut World, name: String, query: String) -> Result<()> {
    post(world, body(&name)?, &query, &[]).await
}

#[when("a picture is posted whose deadline has passed")]
async fn posted_late(world: &mut World) -> Result<()> {
    post(world, body("a picture")?, "filter=blur", &[("Ocelli-Deadline", PAST)]).await
}

#[when("a body is announced that is one byte over the limit")]
async fn announced(world: &mut World) -> Result<()> {
    let base = world.http().await?;
    let answer = http::send_unread(&base, Length::Stated(MAX_ENCODED + 1)).await?;
    world.refusals = vec![answer.refusal()?];
    Ok(())
}

#[when("a body without a stated length never ends")]
async fn endless(world: &mut World) -> Result<()> {
    let base = world.http().await?;
    let answer = http::send_unread(&base, Length::Chunked).await?;
    world.refusals = vec![answer.refusal()?];
    Ok(())
}

#[when(expr = "{string} is called with {string}")]
async fn called(world: &mut World, path: String, method: String) -> Result<()> {
    let url = format!("{}{path}", world.http().await?);
    let answer = http::send(method.parse()?, &url, &[], &[], "").await?;
    world.refusals = vec![answer.refusal()?];
    world.answers = vec![answer];
    Ok(())
}

#[then(expr = "the header {string} is {string}")]
fn header_is(world: &mut World, name: String, value: String) -> Result<()> {
    let answer = world.answers.last().context("no answer")?;
    let is = answer.header(&name.to_lowercase());
    ensure!(is == Some(&value), "{name}: {is:?}");
    Ok(())
}

/// A request by its name in the feature files.
fn request(name: &str) -> Result<v1::ProcessRequest> {
    let mut frame = nats::raw_frame(&picture())?;
    let filter = |text| anyhow::Ok(nats::pipeline(&[Filter::parse(text)?], v1::Accelerator::Auto));
    let mut pipeline = filter("blur")?;
    let output = |kind| Some(v1::OutputFormat { kind: Some(kind) });
    match name {
        "no frame" => return Ok(v1::ProcessRequest::default()),
        "a frame without an image" => frame.payload = None,
        "a truncated PNG" | "a text" => frame = nats::file_frame(body(name)?),
        "a PNG that claims 60000 by 60000 pixels" => frame = nats::file_frame(body(name)?),
        "too few raw bytes" => {
            if let Some(v1::frame::Payload::Raw(raw)) = &mut frame.payload {
                raw.data.truncate(100);
            }
        }
        "an unknown pixel format" => {
            if let Some(v1::frame::Payload::Raw(raw)) = &mut frame.payload {
                raw.format = 99;
            }
        }
        "an unknown input codec" => {
            let data = body("a picture")?.into();
            let file = v1::EncodedImage { codec: 99, data };
            frame.payload = Some(v1::frame::Payload::Encoded(file));
        }
        "an unknown output codec" => {
            let encoded = v1::EncodedOutput { codec: 99, quality: 0 };
            pipeline.output = output(v1::output_format::Kind::Encoded(encoded));
        }
        "an unknown output pixel format" => {
            let raw = v1::RawOutput { format: 99 };
            pipeline.output = output(v1::output_format::Kind::Raw(raw));
        }
        "an unknown accelerator" => pipeline.accelerator = 99,
        "a step of no kind" => pipeline.steps = vec![v1::Step { kind: None }],
        "33 steps" => {
            let step = pipeline.steps.first().cloned().context("no step")?;
            pipeline.steps = vec![step; 33];
        }
        other => {
            let text = other.strip_prefix("the filter ");
            pipeline = filter(text.with_context(|| format!("no request is called {other:?}"))?)?;
        }
    }
    Ok(v1::ProcessRequest { frame: Some(frame), pipeline: Some(pipeline) })
}

async fn ask(world: &mut World, headers: HeaderMap, payload: Vec<u8>) -> Result<()> {
    let client = world.client().await?;
    let subject = nats::process_subject();
    let reply = nats::request(&client, subject, headers, payload.into()).await?;
    world.refusals = vec![nats::read(&reply)?.err().context("it was not refused")?];
    Ok(())
}

fn deadline(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::DEADLINE, text);
    headers
}

#[when(expr = "a request with {string} is sent over NATS")]
async fn asked(world: &mut World, name: String) -> Result<()> {
    ask(world, HeaderMap::new(), request(&name)?.encode_to_vec()).await
}

#[when("bytes that are not protobuf are sent over NATS")]
async fn undecodable(world: &mut World) -> Result<()> {
    ask(world, HeaderMap::new(), b"\xff\xff\xff\xff not protobuf".to_vec()).await
}

#[when("a request whose deadline has passed is sent over NATS")]
async fn late(world: &mut World) -> Result<()> {
    ask(world, deadline(PAST), request("the filter blur")?.encode_to_vec()).await
}

#[when("a request with a deadline of \"soon\" is sent over NATS")]
async fn soon(world: &mut World) -> Result<()> {
    ask(world, deadline("soon"), request("the filter blur")?.encode_to_vec()).await
}

#[when("a message over the broker's limit is published")]
async fn over_payload(world: &mut World) -> Result<()> {
    let client = world.client().await?;
    let most = client.server_info().max_payload;
    let payload = vec![0_u8; most + 1].into();
    let sent = client.publish(nats::process_subject(), payload).await;
    let error = sent.err().context("the client sent it")?;
    ensure!(error.kind() == async_nats::PublishErrorKind::MaxPayloadExceeded, "{error}");
    Ok(())
}

#[then("the next request is answered")]
async fn next_request(world: &mut World) -> Result<()> {
    let outcome = nats::process(&world.client().await?, &request("the filter blur")?).await?;
    ensure!(outcome.is_ok(), "{outcome:?}");
    let base = world.http().await?;
    let query = http::query("filter=blur");
    let answer = http::process(&base, &query, &[], body("a picture")?).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}

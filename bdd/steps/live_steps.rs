//! Live frames: published in, published out.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use async_nats::{HeaderMap, Subscriber};
use cucumber::{given, then, when};
use futures::{FutureExt as _, StreamExt as _};
use ocelli_messages::{StreamName, v1};
use ocelli_testkit::{Look, look_until, patiently};
use prost::Message as _;

use crate::{metrics::Frames, nats, picture::Picture, reference::Filter, world::World};

/// The live frames of a scenario.
#[derive(Default)]
pub(crate) struct Live {
    inward: String,
    out: Option<Subscriber>,
    sent: u64,
    received: Vec<v1::ProcessResponse>,
}

impl Live {
    /// Takes the next response.
    async fn next(&mut self) -> Result<v1::ProcessResponse> {
        let out = self.out.as_mut().context("no subscription")?;
        let message = patiently("a live frame", out.next()).await?.context("unsubscribed")?;
        take(message)
    }

    /// Takes what has come by now.
    fn drain(&mut self) -> Result<()> {
        let Some(out) = self.out.as_mut() else { bail!("no subscription") };
        while let Some(message) = out.next().now_or_never() {
            self.received.push(take(message.context("unsubscribed")?)?);
        }
        Ok(())
    }
}

fn take(message: async_nats::Message) -> Result<v1::ProcessResponse> {
    let headers = message.headers.as_ref().context("a live frame without headers")?;
    for name in ["traceparent", "Ocelli-Request-Id"] {
        headers.get(name).with_context(|| format!("no {name} in {headers:?}"))?;
    }
    Ok(v1::ProcessResponse::decode(message.payload)?)
}

#[given(expr = "a subscriber to the live frames of {string}")]
async fn subscriber(world: &mut World, stream: String) -> Result<()> {
    let stream: StreamName = stream.parse()?;
    let (inward, outward) = nats::frame_subjects(&stream);
    world.live.out = Some(nats::subscribe(&world.client().await?, outward).await?);
    world.live.inward = inward;
    Ok(())
}

fn captured_at(sequence: u64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: 1_700_000_000 + sequence as i64, nanos: 40_000_000 }
}

/// Publishes a frame with the next sequence; the frame in the message has no stream, so that it
/// gets the subject's.
async fn publish(world: &mut World, frame: v1::Frame, filter: &str) -> Result<()> {
    world.live.sent += 1;
    let sequence = world.live.sent;
    let frame = v1::Frame { sequence, captured_at: Some(captured_at(sequence)), ..frame };
    let pipeline = nats::pipeline(&[Filter::parse(filter)?], v1::Accelerator::Auto);
    let request = v1::ProcessRequest { frame: Some(frame), pipeline: Some(pipeline) };
    let (client, subject) = (world.client().await?, world.live.inward.clone());
    client.publish_with_headers(subject, HeaderMap::new(), request.encode_to_vec().into()).await?;
    Ok(())
}

#[when(expr = "{int} frames are published, each after the answer to the one before")]
async fn one_by_one(world: &mut World, count: usize) -> Result<()> {
    for number in 0..count {
        let picture = Picture::colourful(64 + number, 48);
        publish(world, nats::raw_frame(&picture)?, "grayscale").await?;
        let response = world.live.next().await?;
        let result = nats::processed(response.clone())?;
        let expected = Filter::parse("grayscale")?.apply(&picture)?;
        ensure!(result.picture.difference(&expected)? <= 1, "frame {number} is another picture");
        world.live.received.push(response);
    }
    Ok(())
}

#[then("every frame came out in order with its stream, sequence and time of capture")]
fn in_order(world: &mut World) -> Result<()> {
    let stream = world.live.inward.rsplit('.').next().unwrap_or_default();
    ensure!(world.live.received.len() as u64 == world.live.sent, "not one for each");
    for (number, response) in (1_u64..).zip(&world.live.received) {
        let frame = response.frame.as_ref().context("no frame")?;
        ensure!(frame.sequence == number, "{} instead of {number}", frame.sequence);
        ensure!(frame.stream == stream, "{:?} instead of {stream:?}", frame.stream);
        ensure!(frame.captured_at == Some(captured_at(number)), "{:?}", frame.captured_at);
    }
    Ok(())
}

#[when(
    "a good frame, a damaged image, a good frame with an unknown filter and a good frame are published"
)]
async fn good_and_bad(world: &mut World) -> Result<()> {
    let good = || nats::raw_frame(&Picture::colourful(32, 24));
    let mut damaged = Picture::colourful(32, 24).to_file(ocelli_kernels::codec::Codec::Png)?;
    damaged.truncate(damaged.len() / 2);
    let frames = [
        (good()?, "blur"),
        (nats::file_frame(damaged), "blur"),
        (good()?, "sharpen"),
        (good()?, "blur"),
    ];
    for (frame, filter) in frames {
        publish(world, frame, filter).await?;
        let response = world.live.next().await?;
        world.live.received.push(response);
    }
    Ok(())
}

#[then(expr = "frame {int} came out as a picture")]
fn came_out(world: &mut World, sequence: u64) -> Result<()> {
    let response = answer_to(world, sequence)?;
    ensure!(response.error.is_none(), "{:?}", response.error);
    nats::processed(response.clone())?;
    Ok(())
}

#[then(expr = "frame {int} came out as the error {string} about {string}")]
fn came_out_wrong(world: &mut World, sequence: u64, kind: String, field: String) -> Result<()> {
    let response = answer_to(world, sequence)?;
    let error = response.error.as_ref().context("no error")?;
    let name = error.kind().as_str_name();
    ensure!(name == format!("ERROR_KIND_{}", kind.to_uppercase()), "{error:?}");
    ensure!(error.field == field && !error.request_id.is_empty(), "{error:?}");
    let frame = response.frame.as_ref().context("no frame")?;
    ensure!(frame.payload.is_none(), "an error with a picture");
    Ok(())
}

fn answer_to(world: &World, sequence: u64) -> Result<&v1::ProcessResponse> {
    let is = |response: &&v1::ProcessResponse| {
        response.frame.as_ref().is_some_and(|frame| frame.sequence == sequence)
    };
    let mut found = world.live.received.iter().filter(is);
    let one = found.next().with_context(|| format!("no answer to frame {sequence}"))?;
    ensure!(found.next().is_none(), "two answers to frame {sequence}");
    Ok(one)
}

#[when(expr = "{int} frames are published at once")]
async fn at_once(world: &mut World, count: usize) -> Result<()> {
    let frame = nats::raw_frame(&Picture::colourful(160, 120))?;
    for _ in 0..count {
        publish(world, frame.clone(), "blur:kernel_size=31,sigma=8,separable=false").await?;
    }
    Ok(())
}

#[when(expr = "{int} frames are published, at most {int} of them unanswered")]
async fn paced(world: &mut World, count: u64, window: u64) -> Result<()> {
    let frame = nats::raw_frame(&Picture::colourful(160, 120))?;
    for _ in 0..count {
        if world.live.sent - world.live.received.len() as u64 >= window {
            let response = world.live.next().await?;
            world.live.received.push(response);
        }
        publish(world, frame.clone(), "blur:kernel_size=15").await?;
    }
    while (world.live.received.len() as u64) < count {
        let response = world.live.next().await?;
        world.live.received.push(response);
    }
    Ok(())
}

#[then("every frame is counted as in, and in = out + dropped")]
async fn balanced(world: &mut World) -> Result<()> {
    let (admins, sent) = (world.admins().await?, world.live.sent);
    let look = async || {
        let frames = Frames::of(&admins).await?;
        let settled = frames.inward == sent && frames.outward + frames.dropped == sent;
        ensure!(frames.inward <= sent, "{frames:?}, but {sent} were sent");
        Ok(if settled { Look::Done(frames) } else { Look::NotYet(format!("{frames:?}")) })
    };
    let (frames, _) = look_until("in is what was sent, and in = out + dropped", look).await?;
    // What was counted as out has been published, so it is here or on its way.
    let live = &mut world.live;
    let look = async || {
        live.drain()?;
        let received = live.received.len() as u64;
        ensure!(received <= frames.outward, "{received} received, {frames:?}");
        Ok(if received == frames.outward { Look::Done(()) } else { Look::not_yet(received) })
    };
    look_until(&format!("{} frames are received", frames.outward), look).await?;
    let Frames { inward, outward, dropped } = frames;
    world.note(format!("in {inward} = out {outward} + dropped {dropped}"));
    Ok(())
}

#[then("no frame came out twice")]
fn not_twice(world: &mut World) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for response in &world.live.received {
        let sequence = response.frame.as_ref().context("no frame")?.sequence;
        ensure!((1..=world.live.sent).contains(&sequence), "a frame {sequence} was never sent");
        ensure!(seen.insert(sequence), "frame {sequence} came out twice");
    }
    Ok(())
}

#[then(expr = "each of {int} workers did a part of them")]
fn shared(world: &mut World, count: usize) -> Result<()> {
    let mut parts = BTreeMap::new();
    for response in &world.live.received {
        *parts.entry(response.worker.as_str()).or_insert(0_usize) += 1;
    }
    ensure!(parts.len() == count, "{parts:?}");
    // NATS deals at random: a worker with less than a tenth of its share is not dealt to.
    let least = world.live.received.len() / count / 10;
    ensure!(parts.values().all(|part| *part > least), "{parts:?}");
    let text = format!("{parts:?}");
    world.note(text);
    Ok(())
}

//! Promise 3: every request is answered, and every loss is counted.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use async_nats::HeaderMap;
use bytes::Bytes;
use cucumber::{then, when};
use futures::StreamExt as _;
use ocelli_messages::{StreamName, header, v1};
use ocelli_testkit::{Look, PATIENCE, frames, look_until, patiently};
use prost::Message as _;
use tokio::time::Instant;

use super::{figures::record, raw};
use crate::{
    metrics::{Frames, Metrics},
    nats, system,
    world::World,
};

/// As the managed broker's.
const MAX_PAYLOAD: usize = 16 << 20;

#[when(expr = "one NATS client sends {int} tiny requests at once")]
async fn burst(world: &mut World, count: u64) -> Result<()> {
    let url = world.ready().await?.nats.context("no broker")?;
    // With room for all answers: what is lost here would not be ours.
    let room = usize::try_from(count)? + 16;
    let options = async_nats::ConnectOptions::new().subscription_capacity(room);
    let client = patiently("a connection", options.connect(&url)).await??;
    let inbox = client.new_inbox();
    let mut answers = nats::subscribe(&client, format!("{inbox}.*")).await?;
    let request = frames::request(frames::grey(8, 8), vec![frames::step("blur", &[])]);
    let payload = Bytes::from(request.encode_to_vec());
    let since = Instant::now();
    for number in 0..count {
        let reply = format!("{inbox}.{number}");
        client.publish_with_reply(nats::process_subject(), reply, payload.clone()).await?;
    }
    client.flush().await?;
    let mut seen = HashMap::new();
    let all = async {
        while (seen.len() as u64) < count {
            let Some(answer) = answers.next().await else { break };
            let headers = answer.headers.as_ref();
            let refused = headers.is_some_and(|headers| headers.get(header::ERROR_CODE).is_some());
            *seen.entry(answer.subject.to_string()).or_insert((0_u64, refused)) = (1, refused);
        }
    };
    // What is missing then is said below, with its number.
    let _in_time = tokio::time::timeout(PATIENCE, all).await;
    let refused = seen.values().filter(|(_, refused)| *refused).count() as u64;
    world.attack.sent = count;
    world.attack.answered = (seen.len() as u64 - refused, refused);
    let took = since.elapsed().as_secs_f64();
    let text =
        format!("{} processed, {refused} refused in {took:.1} s", seen.len() as u64 - refused);
    record(&world.name, "answered of those sent", seen.len() as f64, "", Some(count as f64));
    world.note(text);
    Ok(())
}

#[then("each of them is processed or refused")]
fn each(world: &mut World) -> Result<()> {
    let (processed, refused) = world.attack.answered;
    let sent = world.attack.sent;
    ensure!(processed + refused == sent, "{processed} processed, {refused} refused of {sent}");
    ensure!(processed > 0, "nothing was processed");
    Ok(())
}

#[when(expr = "{int} live frames are published as fast as possible")]
async fn flood(world: &mut World, count: u64) -> Result<()> {
    let url = world.ready().await?.nats.context("no broker")?;
    let stream: StreamName = "flood".parse()?;
    let (inward, _) = nats::frame_subjects(&stream);
    let request = frames::request(frames::grey(8, 8), vec![frames::step("blur", &[])]);
    let payload = request.encode_to_vec();
    let head = format!("PUB {inward} {}\r\n", payload.len());
    let one = [head.as_bytes(), &payload, b"\r\n"].concat();
    let thousand = one.repeat(1000);
    let mut publisher = raw::Nats::connect(&url).await?;
    let since = Instant::now();
    for _ in 0..count / 1000 {
        publisher.write(&thousand).await?;
    }
    publisher.write(&one.repeat(usize::try_from(count % 1000)?)).await?;
    publisher.ping().await?;
    let rate = count as f64 / since.elapsed().as_secs_f64();
    world.attack.sent = count;
    record(&world.name, "live frames sent", rate, "1/s", None);
    Ok(())
}

#[then("every live frame is counted: in = sent, and out + dropped = in")]
async fn counted(world: &mut World) -> Result<()> {
    let (admins, sent) = (world.admins().await?, world.attack.sent);
    let look = async || {
        let frames = Frames::of(&admins).await?;
        let settled = frames.inward == sent && frames.outward + frames.dropped == sent;
        ensure!(frames.inward <= sent, "{frames:?}, but {sent} were sent");
        Ok(if settled { Look::Done(frames) } else { Look::NotYet(format!("{frames:?}")) })
    };
    let (Frames { inward, outward, dropped }, _) =
        look_until(&format!("{sent} frames are counted"), look).await?;
    record(&world.name, "counted of those sent", inward as f64, "", Some(sent as f64));
    world.note(format!("in {inward} = out {outward} + dropped {dropped}"));
    Ok(())
}

#[when(expr = "a request names a filter with {int} million letters")]
async fn long_name(world: &mut World, millions: usize) -> Result<()> {
    let client = world.client().await?;
    let name = "x".repeat(millions * 1_000_000);
    let request = frames::request(frames::grey(8, 8), vec![frames::step(&name, &[])]);
    let payload = request.encode_to_vec().into();
    let reply = nats::request(&client, nats::process_subject(), HeaderMap::new(), payload).await?;
    let refusal = nats::read(&reply)?.err().context("it was processed")?;
    ensure!(reply.payload.len() < 100_000, "an error of {} bytes", reply.payload.len());
    world.refusals = vec![refusal];
    Ok(())
}

/// Each is as large as the broker takes with its headers, or a little smaller.
#[when("frames whose answers are close to the broker's limit are sent with 8 KB of baggage")]
async fn near_the_limit(world: &mut World) -> Result<()> {
    let client = world.client().await?;
    let baggage = format!("k={}", "v".repeat(8000));
    let (mut processed, mut refused) = (0, 0);
    for below in [8_200, 8_300, 8_400, 8_500, 8_700, 9_000, 12_000, 70_000] {
        let rows = 8;
        let stride = (MAX_PAYLOAD - below) / rows;
        let raw = v1::RawImage {
            width: 16_384,
            height: u32::try_from(rows)?,
            stride: u32::try_from(stride)?,
            format: v1::PixelFormat::Gray8.into(),
            data: vec![5; stride * rows].into(),
        };
        let payload = Some(v1::frame::Payload::Raw(raw));
        let frame = v1::Frame { payload, ..v1::Frame::default() };
        let payload = Bytes::from(frames::request(frame, Vec::new()).encode_to_vec());
        let mut headers = HeaderMap::new();
        headers.insert(header::BAGGAGE, baggage.as_str());
        // The head of the broker's protocol counts too: what it refuses was not a request.
        if payload.len() + baggage.len() + 60 > MAX_PAYLOAD {
            continue;
        }
        let subject = nats::process_subject();
        let reply = nats::request(&client, subject, headers, payload).await;
        let reply = reply.with_context(|| format!("{below} bytes below the limit"))?;
        match nats::read(&reply)? {
            Ok(_) => processed += 1,
            Err(refusal) => {
                ensure!(refusal.kind == "too_large", "{refusal:?}");
                refused += 1;
            }
        }
    }
    world.note(format!("{processed} processed, {refused} too large"));
    world.attack.answered = (processed, refused);
    ensure!(processed + refused >= 5, "hardly any was a request");
    Ok(())
}

#[then("each gets its answer, or an error that says what is too large")]
fn near_answered(world: &mut World) -> Result<()> {
    let (processed, refused) = world.attack.answered;
    ensure!(processed > 0, "not even the smallest was processed ({refused} too large)");
    Ok(())
}

/// What the attacker sends: each is fine for the broker and not for a careless client.
fn malformed() -> Vec<Vec<u8>> {
    let with_headers = |subject: &[u8], line: &[u8]| {
        let headers = [b"NATS/1.0\r\n", line, b"\r\n\r\n"].concat();
        let sizes = format!(" _INBOX.attack {} {}\r\n", headers.len(), headers.len() + 2);
        [b"HPUB ", subject, sizes.as_bytes(), &headers, b"xy\r\n"].concat()
    };
    let subjects: [&[u8]; 3] =
        [b"ocelli.v1.default.req.filter.process", b"ocelli.v1.default.frame.in.x", b"$SRV.PING"];
    let mut messages = Vec::new();
    for subject in subjects {
        messages.push(with_headers(subject, b"Name: caf\xe9"));
        messages.push(with_headers(subject, b"a line without a colon"));
        messages.push([b"PUB ", subject, b" _INBOX.\xe9 2\r\nxy\r\n"].concat());
    }
    for subject in [
        &b"ocelli.v1.caf\xe9.req.filter.process"[..],
        b"ocelli.v1.default.frame.in.\xe9",
        b"ocelli.v1.caf\xe9.frame.in.x",
    ] {
        messages.push([b"PUB ", subject, b" 2\r\nxy\r\n"].concat());
    }
    messages
}

#[when(expr = "for {int} seconds {int} messages a second arrive that cannot be parsed")]
async fn unparseable(world: &mut World, seconds: u64, rate: u64) -> Result<()> {
    let url = world.ready().await?.nats.context("no broker")?;
    let messages = malformed();
    let mut attacker = raw::Nats::connect(&url).await?;
    world.attack.traffic.as_mut().context("no ordinary requests")?.attack_begins();
    world.attack.clients.spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / rate.max(1)));
        for message in messages.iter().cycle() {
            ticks.tick().await;
            attacker.write(message).await?;
        }
        Ok(())
    });
    world.attack.sent = seconds * rate;
    super::attack_for(world, Duration::from_secs(seconds)).await
}

#[then("those messages are counted")]
async fn malformed_counted(world: &mut World) -> Result<()> {
    let worker = world.own.workers.first().context("no worker")?;
    let admin = system::url(worker.ready().admin()?);
    let sent = world.attack.sent;
    let look = async || {
        let count = Metrics::of(&admin).await?.count("ocelli_broker_malformed_messages_total")?;
        // Some are only odd, the last ones were on their way, and one subject has no subscriber.
        Ok(if count >= sent / 2 { Look::Done(count) } else { Look::not_yet(count) })
    };
    let (count, _) = look_until("the malformed messages are counted", look).await?;
    record(&world.name, "malformed messages counted", count as f64, "", Some(sent as f64));
    world.note(format!("{count} of about {sent} malformed messages were counted"));
    Ok(())
}

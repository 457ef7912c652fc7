//! Who asked, and in which trace: what comes back with every answer.

use anyhow::{Context as _, Result, ensure};
use async_nats::HeaderMap;
use cucumber::{then, when};
use ocelli_kernels::codec::Codec;
use ocelli_messages::v1;
use prost::Message as _;

use crate::{http, nats, picture::Picture, reference::Filter, world::World};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

#[when(expr = "the filter {string} is asked for with the request id {string} in a trace")]
async fn ask(world: &mut World, filter: String, id: String) -> Result<()> {
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let picture = Picture::colourful(32, 24);
    let query = http::query(&format!("filter={filter}"));
    let headers = [("Ocelli-Request-Id", id.as_str()), ("traceparent", &parent)];
    let file = picture.to_file(Codec::Png)?;
    let answer = http::process(&world.http().await?, &query, &headers, file).await?;
    let over_http =
        ["ocelli-request-id", "traceparent"].map(|name| answer.header(name).map(str::to_owned));

    let request = v1::ProcessRequest {
        frame: Some(nats::raw_frame(&picture)?),
        pipeline: Some(nats::pipeline(&[Filter::parse(&filter)?], v1::Accelerator::Auto)),
    };
    let mut over = HeaderMap::new();
    headers.into_iter().for_each(|(name, value)| over.insert(name, value));
    let payload = request.encode_to_vec().into();
    let reply =
        nats::request(&world.client().await?, nats::process_subject(), over, payload).await?;
    let get = |name| reply.headers.as_ref()?.get(name).map(|value| value.to_string());
    let over_nats = ["Ocelli-Request-Id", "traceparent"].map(get);
    world.json = serde_json::json!([over_http, over_nats]);
    world.refusals = nats::read(&reply)?.err().into_iter().collect();
    if answer.status != 200 {
        world.refusals.push(answer.refusal()?);
    }
    Ok(())
}

#[then(expr = "both answers carry the request id {string} and continue the trace")]
fn carried(world: &mut World, id: String) -> Result<()> {
    for answer in world.json.as_array().context("no answers")? {
        let text = |at: usize| answer.get(at).and_then(|text| text.as_str());
        ensure!(text(0) == Some(&id), "{answer}");
        let parent = text(1).context("no traceparent")?;
        let parts: Vec<_> = parent.split('-').collect();
        ensure!(parts.get(1) == Some(&TRACE), "{parent} is another trace");
        ensure!(parts.get(2).is_some_and(|span| *span != SPAN), "{parent} is the caller's span");
    }
    ensure!(world.refusals.iter().all(|refusal| refusal.request_id == id), "{:?}", world.refusals);
    Ok(())
}

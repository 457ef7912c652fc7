//! Pictures through filters, over HTTP and over NATS.

use anyhow::{Context as _, Result, ensure};
use cucumber::{given, then, when};
use ocelli_kernels::codec::Codec;
use ocelli_messages::v1;

use crate::{
    golden, http, nats, outcome::Outcome, picture::Picture, reference::Filter, world::World,
};

/// What backends may differ from the reference, in levels of 255: one rounding.
const TOLERANCE: u8 = 1;

#[given(expr = "a colourful picture of {int} by {int} pixels")]
fn colourful(world: &mut World, width: usize, height: usize) {
    world.pictures.push(Picture::colourful(width, height));
}

#[when(expr = "it is processed on {string} without a filter")]
async fn without(world: &mut World, accelerator: String) -> Result<()> {
    process(world, accelerator, &[]).await
}

#[when(expr = "it is processed on {string} with {string}")]
async fn with(world: &mut World, accelerator: String, filter: String) -> Result<()> {
    process(world, accelerator, &[filter]).await
}

#[when(expr = "it is processed on {string} with {string} and then {string}")]
async fn with_two(
    world: &mut World,
    accelerator: String,
    first: String,
    second: String,
) -> Result<()> {
    process(world, accelerator, &[first, second]).await
}

/// Whether some worker runs on CUDA.
async fn has_cuda(world: &mut World) -> Result<bool> {
    let answer = http::get(&format!("{}/api/v1/filters", world.http().await?)).await?;
    let json = answer.json()?;
    let accelerators = json.get("accelerators").and_then(|list| list.as_array());
    Ok(accelerators.context("no accelerators")?.iter().any(|name| name == "cuda"))
}

/// Sends all pictures both ways.
pub(crate) async fn process(
    world: &mut World,
    accelerator: String,
    filters: &[String],
) -> Result<()> {
    let through_auto = accelerator == "cuda" && !has_cuda(world).await?;
    world.accelerator = if through_auto { "auto".to_owned() } else { accelerator };
    if through_auto {
        world.note("ran on cpu through auto: no worker has a CUDA device");
    }
    world.filters = filters.iter().map(|text| Filter::parse(text)).collect::<Result<_>>()?;
    for picture in world.pictures.clone() {
        let outcomes =
            (over_http(world, &picture, filters).await?, over_nats(world, &picture).await?);
        world.outcomes.push(outcomes);
    }
    Ok(())
}

/// As a PNG file, back as a PNG file.
async fn over_http(world: &mut World, picture: &Picture, filters: &[String]) -> Result<Outcome> {
    let mut query: http::Query =
        filters.iter().map(|filter| ("filter".to_owned(), filter.clone())).collect();
    query.push(("accelerator".to_owned(), world.accelerator.clone()));
    let body = picture.to_file(Codec::Png)?;
    http::process(&world.http().await?, &query, &[], body).await?.outcome()
}

/// As raw pixels, back as raw pixels.
async fn over_nats(world: &mut World, picture: &Picture) -> Result<Outcome> {
    let accelerator = match world.accelerator.as_str() {
        "cpu" => v1::Accelerator::Cpu,
        "cuda" => v1::Accelerator::Cuda,
        _ => v1::Accelerator::Auto,
    };
    let request = v1::ProcessRequest {
        frame: Some(nats::raw_frame(picture)?),
        pipeline: Some(nats::pipeline(&world.filters, accelerator)),
    };
    nats::process(&world.client().await?, &request).await
}

#[then("HTTP and NATS give the same pixels")]
fn same(world: &mut World) -> Result<()> {
    for (picture, http, nats) in world.processed()? {
        let difference = http.picture.difference(&nats.picture)?;
        let (width, height) = (picture.width, picture.height);
        ensure!(difference == 0, "{width}×{height}: they differ by up to {difference} levels");
    }
    Ok(())
}

#[then("the pixels are those of the picture")]
fn unchanged(world: &mut World) -> Result<()> {
    for (picture, http, _) in world.processed()? {
        let difference = http.picture.difference(picture)?;
        ensure!(difference == 0, "they differ by up to {difference} levels");
    }
    Ok(())
}

#[then("the pixels match the reference within 1 level")]
fn as_reference(world: &mut World) -> Result<()> {
    let filters = &world.filters;
    ensure!(!filters.is_empty(), "nothing to compare with");
    for (picture, http, _) in world.processed()? {
        let apply = |picture, filter: &Filter| filter.apply(&picture);
        let expected = filters.iter().try_fold(picture.clone(), apply)?;
        ensure!(expected.difference(picture).unwrap_or(u8::MAX) > 16, "the filter does too little");
        let difference = http.picture.difference(&expected)?;
        ensure!(difference <= TOLERANCE, "they differ by up to {difference} levels");
    }
    Ok(())
}

#[then("the pixels have the stored checksum")]
fn as_stored(world: &mut World) -> Result<()> {
    for (picture, http, _) in world.processed()? {
        let key = format!("{}, {}x{}", world.name, picture.width, picture.height);
        golden::check(&key, &http.picture.checksum())?;
    }
    Ok(())
}

#[then(expr = "the work was done on {string}")]
fn done_on(world: &mut World, backend: String) -> Result<()> {
    // Asked for through auto on a machine without a GPU: the note says so.
    let expected = if world.accelerator == "auto" && backend == "cuda" { "cpu" } else { &backend };
    for (_, http, nats) in world.processed()? {
        ensure!(http.backend == expected, "HTTP: {:?} instead of {expected:?}", http.backend);
        ensure!(nats.backend == expected, "NATS: {:?} instead of {expected:?}", nats.backend);
        ensure!(http.worker.starts_with("gpu-filter-"), "worker {:?}", http.worker);
        ensure!(nats.worker.starts_with("gpu-filter-"), "worker {:?}", nats.worker);
    }
    Ok(())
}

#[then("no device did any work")]
fn no_device(world: &mut World) -> Result<()> {
    for (_, http, nats) in world.processed()? {
        ensure!(http.backend == "none" && nats.backend == "none", "{http:?} {nats:?}");
    }
    Ok(())
}

#[when("an empty image is sent")]
async fn empty(world: &mut World) -> Result<()> {
    send(world, &[], Vec::new(), nats::file_frame(Vec::new())).await
}

#[when("raw pixels of 0 by 0 are sent")]
async fn zero(world: &mut World) -> Result<()> {
    let picture = Picture { width: 0, height: 0, ..Picture::colourful(4, 4) };
    let query = http::query("width=0&height=0&pixel_format=rgb8");
    let frame = nats::raw_frame(&picture)?;
    send(world, &query, picture.pixels, frame).await
}

async fn send(
    world: &mut World,
    query: &[(String, String)],
    body: Vec<u8>,
    frame: v1::Frame,
) -> Result<()> {
    let base = world.http().await?;
    let request = v1::ProcessRequest { frame: Some(frame), ..Default::default() };
    for outcome in [
        http::process(&base, query, &[], body).await?.outcome()?,
        nats::process(&world.client().await?, &request).await?,
    ] {
        world.refusals.push(outcome.err().context("it was not refused")?);
    }
    Ok(())
}

//! What filters of a family have in common, whatever their parameters.

use anyhow::{Context as _, Result, bail, ensure};
use async_nats::HeaderMap;
use cucumber::{gherkin::Step, then, when};
use ocelli_kernels::codec::Codec;
use ocelli_messages::v1;
use prost::Message as _;

use crate::{http, image_steps::process, nats, picture::Picture, reference::Filter, world::World};

#[when(expr = "it is processed on {string} through:")]
async fn through(world: &mut World, accelerator: String, step: &Step) -> Result<()> {
    let table = step.table.as_ref().context("no table")?;
    let filters: Vec<String> = table.rows.iter().filter_map(|row| row.first().cloned()).collect();
    process(world, accelerator, &filters).await
}

#[then(expr = "the result has {int} by {int} pixels")]
fn result_has(world: &mut World, width: usize, height: usize) -> Result<()> {
    for (_, http, _) in world.processed()? {
        let is = (http.picture.width, http.picture.height);
        ensure!(is == (width, height), "it has {is:?}");
    }
    Ok(())
}

#[then("the result is as large as the picture")]
fn as_large(world: &mut World) -> Result<()> {
    for (picture, http, _) in world.processed()? {
        let is = (http.picture.width, http.picture.height);
        ensure!(is == (picture.width, picture.height), "it has {is:?}");
    }
    Ok(())
}

#[then("every sample is black or white")]
fn black_or_white(world: &mut World) -> Result<()> {
    for (_, http, _) in world.processed()? {
        let samples = &http.picture.pixels;
        let other = samples.iter().find(|sample| !matches!(sample, 0 | 255));
        ensure!(other.is_none(), "there is a sample of {other:?}");
        ensure!(samples.contains(&0) && samples.contains(&255), "it is all the same");
    }
    Ok(())
}

#[then("the pixels differ from those of the picture")]
fn changed(world: &mut World) -> Result<()> {
    for (picture, http, _) in world.processed()? {
        ensure!(http.picture.pixels != picture.pixels, "nothing changed");
    }
    Ok(())
}

#[then(expr = "only the {int} by {int} pixels from {int}, {int} on differ from the picture")]
fn only_there(
    world: &mut World,
    width: usize,
    height: usize,
    left: usize,
    top: usize,
) -> Result<()> {
    for (picture, http, _) in world.processed()? {
        let after = &http.picture;
        ensure!(after.channels == picture.channels, "{} channels", after.channels);
        let mut changed = 0;
        for (at, (before, after)) in picture.pixels.iter().zip(&after.pixels).enumerate() {
            let pixel = at / picture.channels;
            let (x, y) = (pixel % picture.width, pixel / picture.width);
            let inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            ensure!(inside || before == after, "the pixel {x}, {y} changed, too");
            changed += usize::from(before != after);
        }
        ensure!(changed > width * height / 2, "hardly anything changed");
    }
    Ok(())
}

/// What both ways say of a tensor: element, shape, layout, bytes.
type Numbers = (String, String, String, Vec<u8>);

#[when(expr = "a picture of {int} by {int} pixels is turned into numbers with {string}")]
async fn numbers(world: &mut World, width: usize, height: usize, filter: String) -> Result<()> {
    let picture = Picture::colourful(width, height);
    let over_http = numbers_over_http(world, &picture, &filter).await?;
    let over_nats = numbers_over_nats(world, &picture, &filter).await?;
    ensure!(over_http == over_nats, "HTTP and NATS differ");
    world.numbers = over_http;
    Ok(())
}

async fn numbers_over_http(world: &mut World, picture: &Picture, filter: &str) -> Result<Numbers> {
    let query = [("filter".to_owned(), filter.to_owned())];
    let body = picture.to_file(Codec::Png)?;
    let answer = http::process(&world.http().await?, &query, &[], body).await?;
    ensure!(answer.status == 200, "{}: {:?}", answer.status, answer.body);
    let header = |name: &str| anyhow::Ok(answer.header(name).context(name.to_owned())?.to_owned());
    Ok((
        header("ocelli-tensor-element")?,
        header("ocelli-tensor-shape")?,
        header("ocelli-tensor-layout")?,
        answer.body.to_vec(),
    ))
}

async fn numbers_over_nats(world: &mut World, picture: &Picture, filter: &str) -> Result<Numbers> {
    let filters = [Filter::parse(filter)?];
    let request = v1::ProcessRequest {
        frame: Some(nats::raw_frame(picture)?),
        pipeline: Some(nats::pipeline(&filters, v1::Accelerator::Auto)),
    };
    let client = world.client().await?;
    let payload = request.encode_to_vec().into();
    let reply = nats::request(&client, nats::process_subject(), HeaderMap::new(), payload).await?;
    let payload = nats::read(&reply)?.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    let frame = v1::ProcessResponse::decode(payload)?.frame.context("no frame")?;
    let Some(v1::frame::Payload::Tensor(tensor)) = frame.payload else { bail!("no tensor") };
    let element = tensor.element().as_str_name().trim_start_matches("ELEMENT_TYPE_");
    let shape: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
    let layout = tensor.layout.clone();
    Ok((element.to_lowercase(), shape.join(","), layout, tensor.data.to_vec()))
}

#[then(expr = "they are {string} numbers of the shape {string} in the layout {string}")]
fn numbers_have(world: &mut World, element: String, shape: String, layout: String) -> Result<()> {
    let (is_element, is_shape, is_layout, data) = &world.numbers;
    ensure!(*is_element == element, "they are {is_element}");
    ensure!(*is_shape == shape, "the shape is {is_shape}");
    ensure!(*is_layout == layout, "the layout is {is_layout}");
    let bytes = match element.as_str() {
        "u8" => 1,
        "f16" => 2,
        _ => 4,
    };
    let axes = shape.split(',').map(str::parse::<usize>).collect::<Result<Vec<_>, _>>()?;
    let must = axes.iter().product::<usize>() * bytes;
    ensure!(data.len() == must, "{} bytes instead of {must}", data.len());
    Ok(())
}

#[then(expr = "they add up to {int}")]
fn add_up(world: &mut World, must: u32) -> Result<()> {
    let (element, .., data) = &world.numbers;
    ensure!(element == "u32", "they are {element}");
    let numbers = data.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number));
    let is: u32 = numbers.sum();
    ensure!(is == must, "they add up to {is}");
    Ok(())
}

#[then(expr = "the numbers lie between {float} and {float}")]
fn between(world: &mut World, least: f32, greatest: f32) -> Result<()> {
    let (element, .., data) = &world.numbers;
    ensure!(element == "f32", "they are {element}");
    let numbers = data.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number));
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for number in numbers {
        (low, high) = (low.min(number), high.max(number));
    }
    ensure!(low >= least && high <= greatest, "they lie between {low} and {high}");
    ensure!(high - low > (greatest - least) / 4.0, "they hardly differ: {low} to {high}");
    Ok(())
}

//! What the system says that it can do.

use anyhow::{Context as _, Result, ensure};
use async_nats::HeaderMap;
use bytes::Bytes;
use cucumber::{then, when};
use ocelli_messages::v1;
use prost::Message as _;
use serde_json::{Value, json};

use crate::{http, nats, outcome::Refusal, picture::Picture, reference::Filter, world::World};

#[when("the capabilities are asked for over HTTP")]
async fn capabilities(world: &mut World) -> Result<()> {
    read_filters(world, "").await
}

#[when(expr = "the filters that run on {string} are asked for over HTTP")]
async fn capabilities_on(world: &mut World, accelerator: String) -> Result<()> {
    read_filters(world, &format!("?accelerator={accelerator}")).await
}

async fn read_filters(world: &mut World, query: &str) -> Result<()> {
    let answer = http::get(&format!("{}/api/v1/filters{query}", world.http().await?)).await?;
    ensure!(answer.status == 200, "{answer:?}");
    world.json = answer.json()?;
    Ok(())
}

/// A list in a JSON object.
fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    value.get(name).and_then(Value::as_array).with_context(|| format!("no list {name}: {value}"))
}

/// A text in a JSON object.
fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    let text = value.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty()).with_context(|| format!("no text {name}: {value}"))
}

fn by_id<'a>(list: &'a [Value], id: &str) -> Result<&'a Value> {
    let found = list.iter().find(|one| one.get("id").is_some_and(|name| name == id));
    found.with_context(|| format!("no {id} in {list:?}"))
}

#[then("the answer names a version and at least the accelerator \"cpu\"")]
fn version(world: &mut World) -> Result<()> {
    let version = text(&world.json, "version")?;
    let numbers: Vec<_> = version.split(['.', '-', '+']).take(3).collect();
    let semver = numbers.len() == 3 && numbers.iter().all(|part| part.parse::<u32>().is_ok());
    ensure!(semver, "{version:?} is no version");
    let accelerators = list(&world.json, "accelerators")?;
    ensure!(accelerators.contains(&json!("cpu")), "{accelerators:?}");
    Ok(())
}

#[then(expr = "the filters include {string}")]
fn filters(world: &mut World, names: String) -> Result<()> {
    let filters = list(&world.json, "filters")?;
    let ids = filters.iter().map(|filter| text(filter, "id")).collect::<Result<Vec<_>>>()?;
    let missing: Vec<&str> = names.split(", ").filter(|name| !ids.contains(name)).collect();
    ensure!(missing.is_empty(), "no {missing:?} in {ids:?}");
    Ok(())
}

#[then("the answer has no filters")]
fn no_filters(world: &mut World) -> Result<()> {
    ensure!(list(&world.json, "filters")?.is_empty(), "{}", world.json);
    Ok(())
}

#[then("every filter describes itself")]
fn filters_describe(world: &mut World) -> Result<()> {
    for filter in list(&world.json, "filters")? {
        text(filter, "name")?;
        text(filter, "description")?;
        ensure!(!list(filter, "formats")?.is_empty(), "{filter}");
        ensure!(filter.get("tolerance").is_some_and(Value::is_u64), "{filter}");
        ensure!(!text(filter, "family")?.is_empty(), "{filter}");
        text(filter, "notes")?;
        list(filter, "parameters")?;
    }
    Ok(())
}

#[then("every parameter has a type, and a default that is allowed")]
fn parameters_describe(world: &mut World) -> Result<()> {
    for filter in list(&world.json, "filters")? {
        for parameter in list(filter, "parameters")? {
            text(parameter, "id")?;
            text(parameter, "name")?;
            text(parameter, "description")?;
            let default = parameter.get("default").with_context(|| parameter.to_string())?;
            let number = |name| parameter.get(name).and_then(Value::as_f64);
            let range = number("minimum").zip(number("maximum"));
            let in_range =
                |value: f64| range.is_some_and(|(min, max)| min <= value && value <= max);
            let fits = match text(parameter, "type")? {
                "select" => list(parameter, "options")?.contains(default),
                "integer" => default.as_i64().is_some_and(|value| in_range(value as f64)),
                "number" => default.as_f64().is_some_and(in_range),
                "boolean" => default.is_boolean(),
                "numbers" => {
                    let numbers = default.as_array().context("no list")?;
                    let count = |name| parameter.get(name).and_then(Value::as_u64);
                    let counts = count("min_items").zip(count("max_items"));
                    let many = numbers.len() as u64;
                    let in_count = counts.is_some_and(|(min, max)| min <= many && many <= max);
                    in_count && numbers.iter().all(|one| one.as_f64().is_some_and(in_range))
                }
                "color" => default.as_str().is_some_and(|color| color.starts_with('#')),
                "text" => default.is_string() && parameter.get("max_chars").is_some(),
                _ => false,
            };
            ensure!(fits, "{parameter}");
        }
    }
    Ok(())
}

#[then(expr = "{string} has the parameter {string} with the options {string}")]
fn has_options(
    world: &mut World,
    filter: String,
    parameter: String,
    options: String,
) -> Result<()> {
    let filter = by_id(list(&world.json, "filters")?, &filter)?;
    let parameter = by_id(list(filter, "parameters")?, &parameter)?;
    let expected: Vec<_> = options.split(", ").collect();
    ensure!(parameter.get("options") == Some(&json!(expected)), "{parameter}");
    Ok(())
}

#[then(expr = "{string} has the parameter {string} with the default {string}")]
fn has_default(
    world: &mut World,
    filter: String,
    parameter: String,
    default: String,
) -> Result<()> {
    let filter = by_id(list(&world.json, "filters")?, &filter)?;
    let parameter = by_id(list(filter, "parameters")?, &parameter)?;
    ensure!(text(parameter, "default")? == default, "{parameter}");
    Ok(())
}

#[then("every filter runs on an accelerator that the system has")]
fn accelerators(world: &mut World) -> Result<()> {
    let known = list(&world.json, "accelerators")?;
    for filter in list(&world.json, "filters")? {
        let runs = list(filter, "accelerators")?;
        ensure!(!runs.is_empty() && runs.iter().all(|name| known.contains(name)), "{filter}");
    }
    Ok(())
}

#[then(expr = "every filter runs on {string}")]
fn all_run_on(world: &mut World, accelerator: String) -> Result<()> {
    let filters = list(&world.json, "filters")?;
    ensure!(!filters.is_empty(), "no filters");
    for filter in filters {
        ensure!(list(filter, "accelerators")?.contains(&json!(accelerator)), "{filter}");
    }
    Ok(())
}

#[then("ListFilters over NATS says the same")]
async fn same_over_nats(world: &mut World) -> Result<()> {
    let client = world.client().await?;
    let payload = Bytes::from(v1::ListFiltersRequest::default().encode_to_vec());
    let reply = nats::request(&client, nats::list_subject(), HeaderMap::new(), payload).await?;
    let payload = nats::read(&reply)?.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    let nats = as_json(&v1::ListFiltersResponse::decode(payload)?)?;
    let http = &world.json;
    ensure!(*http == nats, "they differ\nHTTP: {http}\nNATS: {nats}");
    Ok(())
}

/// The end of an enum's name: `PIXEL_FORMAT_GRAY8` is `gray8`.
fn short(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase()
}

/// The message as the HTTP interface is documented to show it.
fn as_json(message: &v1::ListFiltersResponse) -> Result<Value> {
    let accelerator = |one: v1::Accelerator| short(one.as_str_name(), "ACCELERATOR_");
    let format = |one: v1::PixelFormat| short(one.as_str_name(), "PIXEL_FORMAT_");
    let filters = message.filters.iter().map(|filter| {
        let parameters = filter.parameters.iter().map(parameter).collect::<Result<Vec<_>>>()?;
        anyhow::Ok(json!({
            "id": filter.id, "name": filter.name, "description": filter.description,
            "formats": filter.formats().map(format).collect::<Vec<_>>(),
            "accelerators": filter.accelerators().map(accelerator).collect::<Vec<_>>(),
            "tolerance": filter.tolerance, "family": filter.family, "notes": filter.notes,
            "parameters": parameters,
        }))
    });
    Ok(json!({
        "accelerators": message.accelerators().map(accelerator).collect::<Vec<_>>(),
        "version": message.version,
        "filters": filters.collect::<Result<Vec<_>>>()?,
    }))
}

fn parameter(parameter: &v1::FilterParameter) -> Result<Value> {
    let kind = parameter.r#type();
    let text = &parameter.default_value;
    let default = match kind {
        v1::ParameterType::Integer => json!(text.parse::<i64>()?),
        v1::ParameterType::Number => json!(text.parse::<f64>()?),
        v1::ParameterType::Boolean => json!(text.parse::<bool>()?),
        v1::ParameterType::Numbers => {
            let numbers = text.split_whitespace().map(str::parse::<f64>);
            json!(numbers.collect::<std::result::Result<Vec<_>, _>>()?)
        }
        _ => json!(text),
    };
    let is_list = kind == v1::ParameterType::Numbers;
    let is_text = kind == v1::ParameterType::Text;
    let number = |value: f64| match kind {
        v1::ParameterType::Integer => json!(value as i64),
        _ => json!(value),
    };
    let fields = [
        ("id", Some(json!(parameter.id))),
        ("name", Some(json!(parameter.name))),
        ("description", Some(json!(parameter.description))),
        ("type", Some(json!(short(kind.as_str_name(), "PARAMETER_TYPE_")))),
        ("default", Some(default)),
        ("options", (!parameter.options.is_empty()).then(|| json!(parameter.options))),
        ("minimum", parameter.minimum.map(number)),
        ("maximum", parameter.maximum.map(number)),
        ("step", parameter.step.map(number)),
        ("min_items", is_list.then(|| json!(parameter.min_items))),
        ("max_items", is_list.then(|| json!(parameter.max_items))),
        ("items_step", is_list.then(|| json!(parameter.items_step))),
        ("max_chars", is_text.then(|| json!(parameter.max_items))),
    ];
    Ok(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

#[when(expr = "a picture is sent to be blurred on {string}")]
async fn blurred_on(world: &mut World, accelerator: String) -> Result<()> {
    let picture = Picture::colourful(64, 48);
    let wire =
        v1::Accelerator::from_str_name(&format!("ACCELERATOR_{}", accelerator.to_uppercase()));
    let wire = wire.with_context(|| accelerator.clone())?;
    let filters = [Filter::parse("blur")?];
    let request = v1::ProcessRequest {
        frame: Some(nats::raw_frame(&picture)?),
        pipeline: Some(nats::pipeline(&filters, wire)),
    };
    let query = http::query(&format!("filter=blur&accelerator={accelerator}"));
    let file = picture.to_file(ocelli_kernels::codec::Codec::Png)?;
    let over_http = http::process(&world.http().await?, &query, &[], file).await?.outcome()?;
    let over_nats = nats::process(&world.client().await?, &request).await?;
    world.refusals =
        [over_http, over_nats].into_iter().filter_map(Result::err).collect::<Vec<Refusal>>();
    ensure!(world.refusals.len() == 2, "not refused twice: {:?}", world.refusals);
    Ok(())
}

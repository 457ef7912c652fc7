//! Whether the system is well, and how it shows that.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use cucumber::{then, when};
use ocelli_messages::{Tenants, subjects};
use ocelli_testkit::{Look, look_until, patiently};
use serde_json::{Value, json};

use crate::{http, metrics::Metrics, world::World};

#[then(expr = "{string} of every process answers {int}")]
async fn all_answer(world: &mut World, path: String, status: u16) -> Result<()> {
    for admin in world.admins().await? {
        let answer = http::get(&format!("{admin}{path}")).await?;
        ensure!(answer.status == status, "{admin}{path}: {} {:?}", answer.status, answer.json());
        world.json = answer.json()?;
    }
    Ok(())
}

#[then(expr = "{string} of every process becomes {int}")]
async fn all_become(world: &mut World, path: String, status: u16) -> Result<()> {
    for admin in world.admins().await? {
        become_status(world, &format!("{admin}{path}"), status).await?;
    }
    Ok(())
}

#[then(expr = "{string} of the gateway becomes {int}")]
async fn gateway_becomes(world: &mut World, path: String, status: u16) -> Result<()> {
    let url = format!("{}{path}", world.http().await?);
    become_status(world, &url, status).await
}

async fn become_status(world: &mut World, url: &str, status: u16) -> Result<()> {
    let look = async || {
        let answer = http::get(url).await?;
        let text = || format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
        Ok(if answer.status == status { Look::Done(()) } else { Look::NotYet(text()) })
    };
    let ((), took) = look_until(&format!("{url} answers {status}"), look).await?;
    let path = url.rsplit('/').next().unwrap_or_default();
    world.note(format!("/{path} was {status} after {} ms", took.as_millis()));
    Ok(())
}

#[then(expr = "the readiness names the dependencies {string}")]
fn dependencies(world: &mut World, names: String) -> Result<()> {
    let known = world.json.get("dependencies").and_then(Value::as_object);
    let known = known.with_context(|| world.json.to_string())?;
    for name in names.split(", ") {
        let one = known.get(name).with_context(|| format!("no {name} in {known:?}"))?;
        let state = one.get("state").and_then(Value::as_str).unwrap_or_default();
        ensure!(["up", "degraded", "down"].contains(&state), "{name}: {one}");
        ensure!(one.get("required").is_some_and(Value::is_boolean), "{name}: {one}");
        ensure!(one.get("since_ms").is_some_and(Value::is_u64), "{name}: {one}");
        let required = one.get("required") == Some(&json!(true));
        ensure!(!required || state != "down", "ready, although {name} is down: {one}");
    }
    Ok(())
}

#[then(expr = "the metrics have {string}")]
async fn metrics(world: &mut World, names: String) -> Result<()> {
    let metrics = Metrics::of(&world.admin().await?).await?;
    for name in names.split(", ") {
        ensure!(metrics.sum(name)?.is_some(), "no {name}");
    }
    Ok(())
}

#[then(expr = "after one more request {string} has grown")]
async fn grows(world: &mut World, names: String) -> Result<()> {
    let admin = world.admin().await?;
    let before = Metrics::of(&admin).await?;
    let picture = crate::picture::Picture::colourful(16, 12);
    let file = picture.to_file(ocelli_kernels::codec::Codec::Png)?;
    let query = http::query("filter=blur");
    let answer = http::process(&world.http().await?, &query, &[], file).await?;
    ensure!(answer.status == 200, "{answer:?}");
    for name in names.split(", ") {
        let old = before.sum(name)?.unwrap_or(0.0);
        // The answer may be here before it is counted.
        let look = async || {
            let new = Metrics::of(&admin).await?.sum(name)?.unwrap_or(0.0);
            Ok(if new > old { Look::Done(()) } else { Look::not_yet(new) })
        };
        look_until(&format!("{name} is more than {old}"), look).await?;
    }
    Ok(())
}

#[when(expr = "the NATS service is asked for {string}")]
async fn service(world: &mut World, verb: String) -> Result<()> {
    let client = world.client().await?;
    let subject = format!("$SRV.{verb}.gpu-filter");
    let reply = patiently(&subject, client.request(subject.clone(), Bytes::new())).await??;
    world.json = serde_json::from_slice(&reply.payload)?;
    let kind = format!("io.nats.micro.v1.{}_response", verb.to_lowercase());
    ensure!(world.json.get("type") == Some(&json!(kind)), "{}", world.json);
    ensure!(world.json.get("name") == Some(&json!("gpu-filter")), "{}", world.json);
    for name in ["id", "version"] {
        ensure!(world.json.get(name).is_some_and(Value::is_string), "{}", world.json);
    }
    Ok(())
}

#[then("it says which backends it has")]
fn backends(world: &mut World) -> Result<()> {
    let backends = world.json.pointer("/metadata/backends").and_then(Value::as_str);
    let backends = backends.with_context(|| world.json.to_string())?;
    ensure!(backends.split(',').any(|name| name == "cpu"), "{backends}");
    Ok(())
}

fn endpoints(json: &Value) -> Result<&Vec<Value>> {
    json.get("endpoints").and_then(Value::as_array).with_context(|| json.to_string())
}

#[then("it names both endpoints with their subjects")]
fn endpoints_and_subjects(world: &mut World) -> Result<()> {
    let endpoints = endpoints(&world.json)?;
    // A worker serves every tenant, so its subjects have a wildcard in the place of a name.
    for kind in [&subjects::FILTER_PROCESS, &subjects::FILTER_LIST] {
        let subject = kind.patterns(&Tenants::All).join(",");
        let found = endpoints.iter().any(|one| one.get("subject") == Some(&json!(subject)));
        ensure!(found, "no {subject} in {endpoints:?}");
    }
    Ok(())
}

#[then("it counts requests and errors of both endpoints")]
fn counts(world: &mut World) -> Result<()> {
    let endpoints = endpoints(&world.json)?;
    ensure!(endpoints.len() >= 2, "{endpoints:?}");
    for endpoint in endpoints {
        for name in ["num_requests", "num_errors", "processing_time", "average_processing_time"] {
            ensure!(endpoint.get(name).is_some_and(Value::is_u64), "{name}: {endpoint}");
        }
    }
    Ok(())
}

#[then(expr = "the actor tree shows {string}")]
async fn actors(world: &mut World, names: String) -> Result<()> {
    let answer = http::get(&format!("{}/debug/actors", world.admin().await?)).await?;
    let tree = answer.json()?.to_string();
    for name in names.split(", ") {
        ensure!(tree.contains(&format!("\"{name}\"")), "no {name} in {tree}");
    }
    Ok(())
}

//! The service of `docs/how-to/add-a-service.md`, added to the program by one line, as a user and
//! an operator meet it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::path::PathBuf;

use ocelli_messages::{Failure, v1};
use ocelli_testkit::{System, command, patiently};
use prost::Message as _;
use tokio::process::Command;

use common::text;

/// The program with the additional service: `cargo build --all-targets` builds it.
fn program() -> Command {
    let programs = PathBuf::from(env!("CARGO_BIN_EXE_ocelli"));
    let example = programs.with_file_name("examples").join("shout");
    assert!(example.is_file(), "{} is missing: `make debug` builds it", example.display());
    command(example)
}

async fn output(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let output =
        program().args(arguments).envs(environment.iter().copied()).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_page_shows_the_service_that_is_tested_here() {
    let page = text("docs/how-to/add-a-service.md");
    let service = text("services/ocelli/examples/shout/service.rs");
    assert!(service.lines().count() <= 60, "the example has grown");
    assert!(page.contains(&format!("```rust\n{service}```\n")), "the page shows another service");
    let line = "    ServiceEntry::of::<service::Shout>(),\n";
    assert_eq!(text("services/ocelli/examples/shout/main.rs").matches("Shout").count(), 1);
    assert!(text("services/ocelli/examples/shout/main.rs").contains(line));
}

#[tokio::test]
async fn the_command_line_and_the_settings_know_it() {
    let (code, help) = output(&["run", "--help"], &[]).await;
    assert_eq!(code, Some(0), "{help}");
    assert!(help.contains("Returns texts in upper case"), "{help}");
    let (code, shown) = output(&["config", "show"], &[("OCELLI_SHOUT__MAX_CHARS", "7")]).await;
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("[shout]\nmax_chars = 7"), "{shown}");
    for (name, value, wanted) in [
        ("OCELLI_SHOUT__MAX_CHARS", "0", "shout.max_chars: must be from 1 to 100000, not 0"),
        ("OCELLI_SHOUT__MAX_CHARS", "many", "shout.max_chars"),
        ("OCELLI_SHOUT__MAX_CHRS", "1", "did you mean `OCELLI_SHOUT__MAX_CHARS`?"),
    ] {
        let (code, said) = output(&["config", "check"], &[(name, value)]).await;
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(wanted), "{said}");
    }
    let (code, said) = output(&["run", "whisper"], &[]).await;
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("[possible values: gpu-filter, ingest, shout]"), "{said}");
}

#[tokio::test]
async fn it_answers_refuses_and_is_seen() {
    let system = System::up(program()).await.unwrap();
    let admin = system.ready().admin().unwrap();
    let client = async_nats::connect(system.ready().nats().unwrap()).await.unwrap();

    let ask = async |tenant: &str, text: &str| {
        let subject = format!("ocelli.v1.{tenant}.req.text.shout");
        let request = text.to_owned().encode_to_vec();
        patiently("an answer", client.request(subject, request.into())).await.unwrap().unwrap()
    };
    for tenant in ["default", "acme"] {
        let answer = ask(tenant, "grüezi").await;
        assert_eq!(String::decode(answer.payload).unwrap(), "GRÜEZI");
    }
    let refusal = ask("default", &"x".repeat(1_001)).await;
    let failure = Failure::from(v1::Error::decode(refusal.payload).unwrap());
    assert_eq!((failure.field.as_str(), failure.kind.http_status()), ("value", 400));

    let info = client.request("$SRV.INFO.shout", "".into()).await.unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.payload).unwrap();
    assert_eq!(info["endpoints"][0]["subject"], "ocelli.v1.*.req.text.shout");
    // An error only means that another test of this process was first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{admin}{path}")).await.unwrap();
        answer.text().await.unwrap()
    };
    let metrics = get("/metrics").await;
    for sample in [
        "ocelli_requests_total{endpoint=\"shout\",code=\"ok\"} 2",
        "ocelli_requests_total{endpoint=\"shout\",code=\"invalid_argument\"} 1",
    ] {
        assert!(metrics.contains(sample), "{sample} is missing:\n{metrics}");
    }
    assert!(get("/debug/actors").await.contains("\"shout\""));
}

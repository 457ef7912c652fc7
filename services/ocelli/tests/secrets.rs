//! Passwords and tokens of URLs are shown nowhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{fs::File, process::Stdio};

use common::{get, ocelli};
use ocelli_nats_server::ServerOptions;
use ocelli_testkit::{Broker, patiently, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

/// What is searched for. Every secret contains it.
const CANARY: &str = "cAnArY";

fn clean(what: &str, text: &str) {
    let leak = text.lines().find(|line| line.contains(CANARY));
    assert_eq!(leak, None, "{what}");
}

async fn run(mut command: Command) -> (Option<i32>, String) {
    let output = patiently("its end", command.output()).await.unwrap().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test]
async fn no_command_shows_one_however_the_url_is_written() {
    let urls = [
        "nats://me:cAnArY/x@127.0.0.1:1",
        "nats://me:12/cAnArY@127.0.0.1:1",
        "nats://me:cAnArY#x@127.0.0.1:1",
        "nats://me:12#cAnArY@127.0.0.1:1",
        "nats://me:cAnArY?x@127.0.0.1:1",
        "nats://me?cAnArY@127.0.0.1:1",
        "nats://me:cAnArY@x@127.0.0.1:1",
        "nats://me:cAnArY%2F@127.0.0.1:1",
        "nats://cAnArY@127.0.0.1:1",
        "me:cAnArY@127.0.0.1:1",
        "http://me:cAnArY@127.0.0.1:1",
    ];
    let endpoints = [
        "http://me:cAnArY@127.0.0.1:1",
        "http://me:cAnArY/x@127.0.0.1:1",
        "http://127.0.0.1:1/v1/traces?token=cAnArY",
        "http://127.0.0.1:1?token=cAnArY@x",
        "http://127.0.0.1:1#cAnArY",
        "127.0.0.1:1?token=cAnArY",
        "me:cAnArY@127.0.0.1:1",
    ];
    let settings = urls.iter().map(|url| ("OCELLI_BROKER__URL", *url));
    let settings = settings.chain(endpoints.map(|url| ("OCELLI_TELEMETRY__OTLP_ENDPOINT", url)));
    for (name, value) in settings {
        for arguments in [&["config", "show"][..], &["config", "check"], &["doctor"]] {
            let mut command = ocelli();
            command.args(arguments).env(name, value);
            let (_, text) = run(command).await;
            assert!(!text.is_empty(), "{arguments:?}");
            clean(&format!("{arguments:?} with {name}={value}"), &text);
        }
    }
    for url in urls {
        for arguments in [&["filters"][..], &["process", "/dev/null", "-o", "unwritten.png"]] {
            let mut command = ocelli();
            command.args(arguments).args(["--timeout", "1", "--nats", url]);
            let (code, text) = run(command).await;
            assert!(matches!(code, Some(64 | 69)), "{arguments:?} {url}: {code:?} {text}");
            clean(&format!("{arguments:?} --nats {url}"), &text);
        }
    }
}

/// Starts a worker with secrets that are right, and returns all that it logs and shows. It is
/// stopped before it returns.
async fn everything_of_a_worker(url: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut child = ocelli()
        .args(["run", "gpu-filter", "--admin", "127.0.0.1:0"])
        .env("OCELLI_BROKER__URL", url)
        .env("OCELLI_TELEMETRY__LOG_FILTER", "trace")
        .env("OCELLI_TELEMETRY__OTLP_ENDPOINT", "http://me:cAnArY@127.0.0.1:1/?token=cAnArY")
        .env("OCELLI_TELEMETRY__SAMPLE_RATIO", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let read = || std::fs::read_to_string(&log).unwrap();
    let admin = wait_until("the ready line is logged", || async {
        let text = read();
        let (_, rest) = text.split_once("ready admin=")?;
        Some(rest.split([' ', '"']).next()?.to_owned())
    });
    let admin = admin.await.unwrap_or_else(|error| panic!("{error}: {}", read()));
    // Without a request there is no trace to send.
    let mut ask = ocelli();
    ask.args(["filters", "--nats", url]);
    let (code, mut shown) = run(ask).await;
    assert_eq!(code, Some(0), "{shown}");
    for path in ["/ready", "/health", "/debug/actors", "/metrics", "/version"] {
        shown += &get(&format!("http://{admin}{path}")).await.unwrap().text().await.unwrap();
    }
    kill_process(Pid::from_raw(child.id().unwrap().cast_signed()).unwrap(), Signal::TERM).unwrap();
    patiently("its end", child.wait()).await.unwrap().unwrap();
    shown + &read()
}

#[tokio::test]
async fn no_log_shows_one_not_even_at_the_most_detailed_level() {
    let user = r#"authorization { user: me, password: "cAnArY/#?@%" }"#;
    let options = ServerOptions { extra: user.into(), ..ServerOptions::default() };
    let broker = Broker::start_with(options).await.unwrap();
    let text = everything_of_a_worker(&broker.url_as("me", "cAnArY%2F%23%3F%40%25")).await;
    assert!(text.contains("connected to the broker"), "{text}");
    clean("the log of a worker with a password", &text);

    let token = r#"authorization { token: "cAnArY@/" }"#;
    let options = ServerOptions { extra: token.into(), ..ServerOptions::default() };
    let broker = Broker::start_with(options).await.unwrap();
    let url = format!("nats://cAnArY%40%2F@127.0.0.1:{}", broker.port());
    clean("the log of a worker with a token", &everything_of_a_worker(&url).await);
}

//! The broker of `ocelli up` keeps JetStream's files in the data folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use async_nats::jetstream::{self, kv};
use common::{get, ocelli};
use ocelli_testkit::{System, patiently, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::Instant;

async fn bucket(system: &System) -> kv::Store {
    let client = async_nats::connect(system.ready().nats().unwrap()).await.unwrap();
    let jetstream = jetstream::new(client);
    match jetstream.get_key_value("kept").await {
        Ok(bucket) => bucket,
        Err(_) => {
            let config = kv::Config { bucket: "kept".into(), ..kv::Config::default() };
            jetstream.create_key_value(config).await.unwrap()
        }
    }
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_kill_and_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (round, signal) in [Signal::KILL, Signal::TERM, Signal::KILL].into_iter().enumerate() {
        let mut system = System::up_in(ocelli(), &data).await.unwrap();
        let bucket = bucket(&system).await;
        let stored = bucket.get("round").await.unwrap();
        let expected = round.checked_sub(1).map(|round| round.to_string());
        assert_eq!(stored.as_deref(), expected.as_ref().map(String::as_bytes));
        bucket.put("round", round.to_string().into()).await.unwrap();
        system.signal(signal).unwrap();
        system.ended().await.unwrap();
        let nats = system.ready().nats().unwrap().trim_start_matches("nats://");
        wait_until("the broker has ended", || async {
            tokio::net::TcpStream::connect(nats).await.is_err().then_some(())
        })
        .await
        .unwrap();
    }
    let files = data.join("nats").join("jetstream");
    assert!(files.is_dir(), "{} is where the files are", files.display());
}

/// The body of a page of the admin port, or `None` if it is not answered with 200.
async fn page(system: &System, path: &str) -> Option<Value> {
    let url = format!("http://{}{path}", system.ready().admin().ok()?);
    let answer = get(&url).await.ok()?.error_for_status().ok()?;
    serde_json::from_str(&answer.text().await.ok()?).ok()
}

/// The process id of the broker, as the actors' tree shows it.
async fn broker(system: &System) -> Option<i32> {
    let tree = page(system, "/debug/actors").await?;
    let pid = tree.pointer("/children/0/children/0/children/0/observed/pid")?;
    i32::try_from(pid.as_i64()?).ok()
}

/// Waits until there is another broker than that one, and everything works.
async fn replaced(system: &System, old: i32) {
    let http = system.ready().http().unwrap();
    wait_until("another broker works", || async {
        broker(system).await.filter(|pid| *pid != old)?;
        page(system, "/ready").await?;
        let answer = get(&format!("http://{http}/api/v1/filters")).await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_broker_is_back_within_a_second_however_often_it_is_killed() {
    let mut system = System::up(ocelli()).await.unwrap();
    let mut outages = Vec::new();
    for _ in 0..8 {
        let old = broker(&system).await.unwrap();
        let killed = Instant::now();
        kill_process(Pid::from_raw(old).unwrap(), Signal::KILL).unwrap();
        replaced(&system, old).await;
        outages.push(killed.elapsed());
    }
    println!("outages: {outages:?}");
    assert!(outages.iter().all(|outage| *outage <= Duration::from_secs(1)), "{outages:?}");
    system.signal(Signal::TERM).unwrap();
    assert_eq!(system.ended().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn removed_files_are_noticed_and_the_broker_starts_again_without() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let system = System::up_in(ocelli(), &data).await.unwrap();
    let stored = bucket(&system).await;
    stored.put("round", "1".into()).await.unwrap();

    let old = broker(&system).await.unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    replaced(&system, old).await;
    let tree = page(&system, "/debug/actors").await.unwrap();
    let last_exit = tree.pointer("/children/0/children/0/children/0/last_exit").unwrap();
    assert_eq!(last_exit, "failed: not_found");
    assert!(data.join("ocelli.lock").is_file(), "the new folder is locked");
    let again = patiently("a bucket", bucket(&system)).await.unwrap();
    assert_eq!(again.get("round").await.unwrap(), None);
    again.put("round", "2".into()).await.unwrap();
    system.stop().await.unwrap();
}

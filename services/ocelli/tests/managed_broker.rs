//! The broker of `ocelli up` keeps JetStream's files in the data folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use async_nats::jetstream::{self, kv};
use common::Running;
use ocelli_testkit::{patiently, wait_until};
use rustix::process::{Pid, Signal, kill_process};

async fn bucket(running: &Running) -> kv::Store {
    let client = async_nats::connect(running.address("nats")).await.unwrap();
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
        let mut running = Running::up(&data).await;
        let bucket = bucket(&running).await;
        let stored = bucket.get("round").await.unwrap();
        let expected = round.checked_sub(1).map(|round| round.to_string());
        assert_eq!(stored.as_deref(), expected.as_ref().map(String::as_bytes));
        bucket.put("round", round.to_string().into()).await.unwrap();
        let pid = Pid::from_raw(running.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        patiently("the end of the program", running.child.wait()).await.unwrap().unwrap();
        let nats = running.address("nats");
        let nats = nats.trim_start_matches("nats://");
        wait_until("the broker has ended", || async {
            tokio::net::TcpStream::connect(nats).await.is_err().then_some(())
        })
        .await
        .unwrap();
    }
    let files = data.join("nats").join("jetstream");
    assert!(files.is_dir(), "{} is where the files are", files.display());
}

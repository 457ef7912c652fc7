//! The broker of `ocelli up` keeps JetStream's files in the data folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use async_nats::jetstream::{self, kv};
use common::ocelli;
use ocelli_testkit::{System, wait_until};
use rustix::process::Signal;

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

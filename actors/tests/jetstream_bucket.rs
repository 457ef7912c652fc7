//! Buckets: who wins, what is refused, and what survives the end of a broker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "jetstream/support.rs"]
mod support;

use std::time::Duration;

use bytes::Bytes;
use ocelli_actors::broker::{Bucket, BucketSpec, Key};
use ocelli_messages::{ErrorKind, Tenant};
use ocelli_testkit::{Broker, Cluster, patiently, wait_until};
use support::{connect, connect_to, flags};

#[tokio::test]
async fn of_two_that_create_a_key_the_first_one_wins() {
    let broker = Broker::start().await.unwrap();
    let bucket = Bucket::open(&connect(&broker).await, flags()).await.unwrap();
    let key = bucket.key("colour").unwrap();
    assert_eq!(bucket.get(&key).await.unwrap(), None);
    let revision = bucket.create(&key, "red".into()).await.unwrap();
    let failure = bucket.create(&key, "blue".into()).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Conflict);
    assert!(failure.message.contains(&format!("at revision {revision}")), "{failure}");
    let entry = bucket.get(&key).await.unwrap().unwrap();
    assert_eq!((&entry.value[..], entry.revision), (&b"red"[..], revision));

    bucket.delete(&key).await.unwrap();
    assert_eq!(bucket.get(&key).await.unwrap(), None);
    bucket.create(&key, "blue".into()).await.expect("a deleted key can be created again");
}

#[tokio::test]
async fn an_update_needs_the_last_revision() {
    let broker = Broker::start().await.unwrap();
    let bucket = Bucket::open(&connect(&broker).await, flags()).await.unwrap();
    let key = bucket.key("count").unwrap();
    let first = bucket.create(&key, "1".into()).await.unwrap();
    let second = bucket.update(&key, "2".into(), first).await.unwrap();
    let failure = bucket.update(&key, "3".into(), first).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Conflict);
    let text = format!("is at revision {second}, and not at revision {first}");
    assert!(failure.message.contains(&text), "{failure}");
    assert_eq!(bucket.get(&key).await.unwrap().unwrap().revision, second);
    bucket.put(&key, "4".into()).await.unwrap();
    bucket.delete(&key).await.unwrap();
    let failure = bucket.update(&key, "5".into(), second).await.unwrap_err();
    assert!(failure.message.contains("has no value"), "{failure}");
}

#[tokio::test]
async fn keys_are_those_with_a_value() {
    let broker = Broker::start().await.unwrap();
    let bucket = Bucket::open(&connect(&broker).await, flags()).await.unwrap();
    assert_eq!(bucket.keys().await.unwrap(), []);
    // More than a follower has on its way at once.
    for number in 0..500 {
        let key = bucket.key(&format!("n.{number}")).unwrap();
        bucket.put(&key, Bytes::new()).await.unwrap();
    }
    bucket.delete(&bucket.key("n.7").unwrap()).await.unwrap();
    let mut keys = bucket.keys().await.unwrap();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 499);
    assert!(!keys.contains(&bucket.key("n.7").unwrap()));
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let spec = BucketSpec { max_value_bytes: Some(10_000), ..flags() };
    let bucket = Bucket::open(&jetstream, spec).await.unwrap();
    let key = bucket.key("large").unwrap();
    for size in [20_000, 20 << 20] {
        let failure = bucket.put(&key, vec![0; size].into()).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::TooLarge, "{failure}");
        assert!(failure.message.contains("default.large"), "{failure}");
    }
    let stranger = Key::new(&"acme".parse().unwrap(), "a").unwrap();
    let failure = bucket.put(&stranger, Bytes::new()).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::InvalidArgument);
    assert_eq!(bucket.get(&stranger).await.unwrap_err().kind, ErrorKind::InvalidArgument);
    for spec in [
        BucketSpec { name: "a_b".into(), ..flags() },
        BucketSpec { name: String::new(), ..flags() },
        BucketSpec { history: 65, ..flags() },
        BucketSpec { markers: Some(Duration::from_millis(999)), ..flags() },
    ] {
        let failure = Bucket::open(&jetstream, spec).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::InvalidArgument, "{failure}");
    }
    let spec = BucketSpec { max_age: Some(Duration::from_mins(1)), ..flags() };
    let failure = Bucket::open(&jetstream, spec).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Conflict);
    assert!(failure.message.contains("max_age is 0ns, but 60s is needed"), "{failure}");
}

#[tokio::test]
async fn tenants_have_buckets_of_their_own_that_other_clients_understand() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let acme: Tenant = "acme".parse().unwrap();
    let spec = BucketSpec { tenant: acme, ..flags() };
    let ours = Bucket::open(&jetstream, spec).await.unwrap();
    let default = Bucket::open(&jetstream, flags()).await.unwrap();
    let key = ours.key("colour").unwrap();
    ours.put(&key, "red".into()).await.unwrap();
    assert_eq!(default.keys().await.unwrap(), []);

    let theirs = jetstream.context().get_key_value("flags_acme").await.unwrap();
    assert_eq!(theirs.get("acme.colour").await.unwrap().as_deref(), Some(&b"red"[..]));
    let revision = theirs.put("acme.colour", "blue".into()).await.unwrap();
    assert_eq!(ours.get(&key).await.unwrap().unwrap().revision, revision);
    theirs.purge("acme.colour").await.unwrap();
    assert_eq!(ours.get(&key).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_committed_survives_a_killed_broker() {
    let mut broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let bucket = Bucket::open(&jetstream, flags()).await.unwrap();
    let key = bucket.key("kept").unwrap();
    let revision = bucket.create(&key, "value".into()).await.unwrap();
    broker.kill().await;
    for failure in [
        patiently("get", bucket.get(&key)).await.unwrap().unwrap_err(),
        patiently("put", bucket.put(&key, "lost".into())).await.unwrap().unwrap_err(),
        patiently("keys", bucket.keys()).await.unwrap().unwrap_err(),
    ] {
        assert_eq!(failure.kind, ErrorKind::Unavailable, "{failure}");
        assert!(failure.retry_after.is_some());
    }
    broker.restart().await.unwrap();
    let entry = wait_until("the value can be read", || async { bucket.get(&key).await.ok() });
    let entry = entry.await.unwrap().unwrap();
    assert_eq!((&entry.value[..], entry.revision), (&b"value"[..], revision));
    bucket.update(&key, "next".into(), revision).await.unwrap();
}

/// Counts up to 60 with compare-and-set, while the leader of the bucket is killed in between. A
/// write without an answer may have happened, so the counter reads before it tries again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_in_a_cluster_loses_no_committed_value_when_the_leader_is_killed() {
    let mut cluster = Cluster::start(3).await.unwrap();
    let jetstream = connect_to(&cluster.urls()[0]).await;
    let bucket = Bucket::open(&jetstream, flags()).await.unwrap();
    let key = bucket.key("count").unwrap();
    let mut committed = bucket.create(&key, "0".into()).await.unwrap();
    for number in 1..=60_u32 {
        if number == 20 {
            cluster.kill_leader("KV_flags_default").await.unwrap();
        }
        let (bucket, key) = (&bucket, &key);
        committed = wait_until("the value is committed", || async move {
            match bucket.update(key, number.to_string().into(), committed).await {
                Ok(revision) => Some(revision),
                Err(_) => {
                    let entry = bucket.get(key).await.ok()?.expect("the value is there");
                    assert!(entry.revision >= committed, "an acknowledged write is lost");
                    (entry.value == number.to_string()).then_some(entry.revision)
                }
            }
        })
        .await
        .unwrap();
    }
    let entry = wait_until("the value can be read", || async { bucket.get(&key).await.ok() });
    let entry = entry.await.unwrap().unwrap();
    assert_eq!((entry.value, entry.revision), ("60".into(), committed));
}

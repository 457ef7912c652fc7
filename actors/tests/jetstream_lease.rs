//! Leases: one holder at a time, the next one after a kill, and fences that grow.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "jetstream/support.rs"]
mod support;

use std::{sync::mpsc, time::Duration};

use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use ocelli_actors::broker::{Bucket, BucketSpec, JetStream, Key, Lease, LeaseLoss};
use ocelli_messages::ErrorKind;
use ocelli_testkit::{Broker, Cluster, patiently, wait_until};
use support::{connect, connect_to, flags};
use tokio::time::Instant;

const TTL: Duration = Duration::from_secs(2);

async fn leases(jetstream: &JetStream) -> (Bucket, Key) {
    let spec =
        BucketSpec { name: "leases".into(), markers: Some(Duration::from_mins(1)), ..flags() };
    let bucket = Bucket::open(jetstream, spec).await.unwrap();
    let key = bucket.key("camera.gate").unwrap();
    (bucket, key)
}

async fn wait(bucket: &Bucket, key: &Key, holder: &str) -> Lease {
    patiently("the lease", Lease::wait(bucket, key, holder, TTL)).await.unwrap().unwrap()
}

async fn lost(lease: &Lease) -> LeaseLoss {
    patiently("the loss of the lease", lease.lost()).await.unwrap()
}

/// Waits until the lease has been renewed.
async fn renewed(bucket: &Bucket, key: &Key) {
    let revision = bucket.get(key).await.unwrap().unwrap().revision;
    wait_until("the lease is renewed", || async {
        (bucket.get(key).await.ok()??.revision > revision).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_is_released() {
    let broker = Broker::start().await.unwrap();
    let (bucket, key) = leases(&connect(&broker).await).await;
    let first = Lease::acquire(&bucket, &key, "node-1", TTL).await.unwrap();
    let failure = Lease::acquire(&bucket, &key, "node-2", TTL).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Conflict);
    assert!(failure.message.contains("is held by node-1"), "{failure}");
    assert!(first.is_held());
    let fence = first.fence();
    first.release().await.unwrap();
    let second = Lease::acquire(&bucket, &key, "node-2", TTL).await.unwrap();
    assert!(second.fence() > fence);
}

#[tokio::test]
async fn it_is_renewed_for_as_long_as_it_is_held() {
    let broker = Broker::start().await.unwrap();
    let (bucket, key) = leases(&connect(&broker).await).await;
    let lease = Lease::acquire(&bucket, &key, "node-1", TTL).await.unwrap();
    let (acquired, fence) = (Instant::now(), lease.fence());
    while acquired.elapsed() < TTL * 2 {
        renewed(&bucket, &key).await;
        assert!(lease.is_held());
    }
    assert_eq!(lease.fence(), fence);
    assert!(Lease::acquire(&bucket, &key, "node-2", TTL).await.is_err());
}

#[tokio::test]
async fn it_moves_on_when_three_holders_in_a_row_are_killed() {
    let broker = Broker::start().await.unwrap();
    let (bucket, key) = leases(&connect(&broker).await).await;
    let mut fence = 0;
    for holder in ["node-1", "node-2", "node-3", "node-4"] {
        let lease = wait(&bucket, &key, holder).await;
        assert!(lease.fence() > fence, "{holder}");
        fence = lease.fence();
        if holder != "node-1" {
            // A value that was renewed must expire as well as one that was not.
            renewed(&bucket, &key).await;
        }
        // Without a release, as when the process is killed.
        drop(lease);
    }
}

/// The holder has a thread of its own, which stands still as a stopped process does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_stood_still_learns_that_it_lost_and_its_fence_is_smaller() {
    let broker = Broker::start().await.unwrap();
    let url = broker.url();
    let (acquired, fence) = tokio::sync::oneshot::channel();
    let (thaw, thawed) = mpsc::channel::<()>();
    let holder = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (bucket, key) = leases(&connect_to(&url).await).await;
            let lease = Lease::acquire(&bucket, &key, "frozen", TTL).await.unwrap();
            acquired.send(lease.fence()).unwrap();
            // Nothing of this runtime goes on from here until it is thawed.
            thawed.recv().unwrap();
            let held = lease.is_held();
            (held, lost(&lease).await)
        })
    });
    let frozen = patiently("the first lease", fence).await.unwrap().unwrap();
    let (bucket, key) = leases(&connect(&broker).await).await;
    let lease = wait(&bucket, &key, "next").await;
    assert!(lease.fence() > frozen);
    thaw.send(()).unwrap();
    let ended = || async { holder.is_finished().then_some(()) };
    wait_until("the frozen holder has noticed", ended).await.unwrap();
    assert_eq!(holder.join().unwrap(), (false, LeaseLoss::Expired));
    renewed(&bucket, &key).await;
    assert!(lease.is_held(), "the frozen holder has not disturbed the next one");
}

#[tokio::test]
async fn a_holder_notices_that_another_one_took_over() {
    let broker = Broker::start().await.unwrap();
    let (bucket, key) = leases(&connect(&broker).await).await;
    let lease = Lease::acquire(&bucket, &key, "node-1", TTL).await.unwrap();
    bucket.put(&key, "an operator".into()).await.unwrap();
    assert_eq!(lost(&lease).await, LeaseLoss::Taken);
    assert!(!lease.is_held());
    lease.release().await.expect("it was lost, so there is nothing to do");
    assert!(bucket.get(&key).await.unwrap().is_some(), "the new holder's value stays");

    bucket.delete(&key).await.unwrap();
    let lease = Lease::acquire(&bucket, &key, "node-1", TTL).await.unwrap();
    bucket.delete(&key).await.unwrap();
    assert_eq!(lost(&lease).await, LeaseLoss::Taken);
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_still_counts() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (bucket, key) = leases(&jetstream).await;
    let lease = Lease::acquire(&bucket, &key, "node-1", TTL).await.unwrap();
    // What the holder's own renewal would have written.
    let value: Bytes = bucket.get(&key).await.unwrap().unwrap().value;
    let renewal = PublishMessage::build().payload(value).ttl(TTL);
    let subject = format!("$KV.leases_default.{key}");
    jetstream.context().send_publish(subject, renewal).await.unwrap().await.unwrap();
    renewed(&bucket, &key).await;
    assert!(lease.is_held());
}

#[tokio::test]
async fn it_is_kept_over_a_short_restart_and_lost_in_a_long_absence_of_the_broker() {
    let mut broker = Broker::start().await.unwrap();
    let (bucket, key) = leases(&connect(&broker).await).await;
    let ttl = Duration::from_secs(10);
    let lease = Lease::acquire(&bucket, &key, "node-1", ttl).await.unwrap();
    broker.restart().await.unwrap();
    wait_until("the broker is back", || async { bucket.get(&key).await.ok() }).await.unwrap();
    renewed(&bucket, &key).await;
    assert!(lease.is_held());
    lease.release().await.unwrap();

    let lease = wait(&bucket, &key, "node-1").await;
    broker.kill().await;
    let failure = Lease::acquire(&bucket, &key, "node-2", TTL).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unavailable);
    assert_eq!(lost(&lease).await, LeaseLoss::Expired);
    assert!(!lease.is_held());
}

#[tokio::test]
async fn a_lease_that_cannot_expire_is_refused() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (bucket, key) = leases(&jetstream).await;
    for ttl in [Duration::from_secs(1), Duration::from_millis(2_500), Duration::from_hours(2)] {
        let failure = Lease::acquire(&bucket, &key, "node-1", ttl).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::InvalidArgument, "{failure}");
    }
    let bucket = Bucket::open(&jetstream, flags()).await.unwrap();
    let failure = Lease::acquire(&bucket, &key, "node-1", TTL).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::InvalidArgument);
    assert!(failure.message.contains("markers"), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_it_outlives_the_leader() {
    let mut cluster = Cluster::start(3).await.unwrap();
    let jetstream = connect_to(&cluster.urls()[0]).await;
    let (bucket, key) = leases(&jetstream).await;
    let ttl = Duration::from_secs(30);
    let lease = Lease::acquire(&bucket, &key, "node-1", ttl).await.unwrap();
    cluster.kill_leader("KV_leases_default").await.unwrap();
    wait_until("the bucket can be read", || async { bucket.get(&key).await.ok() }).await.unwrap();
    renewed(&bucket, &key).await;
    assert!(lease.is_held());
    let failure = Lease::acquire(&bucket, &key, "node-2", ttl).await.unwrap_err();
    assert!(failure.message.contains("node-1"), "{failure}");
    let fence = lease.fence();
    lease.release().await.unwrap();
    let next = wait(&bucket, &key, "node-2").await;
    assert!(next.fence() > fence);
}

//! Watches: the state first, then changes, whatever happens to the broker and the bucket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "jetstream/support.rs"]
mod support;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use ocelli_actors::broker::{Bucket, BucketSpec, BucketWatch, Key, KeyPattern, WatchEvent};
use ocelli_messages::{ErrorKind, Tenant};
use ocelli_nats_server::ServerOptions;
use ocelli_testkit::{Broker, Cluster, patiently, wait_until};
use support::{connect, connect_to, flags};

/// What a program that follows a bucket knows.
struct Known {
    watch: BucketWatch,
    state: BTreeMap<Key, Bytes>,
    /// What has come of the state since a reset.
    fresh: Option<BTreeMap<Key, Bytes>>,
    resets: usize,
    current: bool,
}

impl Known {
    fn of(bucket: &Bucket) -> Self {
        let watch = bucket.watch(KeyPattern::all(bucket.tenant())).unwrap();
        let fresh = Some(BTreeMap::new());
        Self { watch, state: BTreeMap::new(), fresh, resets: 0, current: false }
    }

    async fn step(&mut self) {
        let event = patiently("an event", self.watch.next()).await.unwrap().expect("no end");
        let state = self.fresh.as_mut().unwrap_or(&mut self.state);
        match event {
            WatchEvent::Put(entry) => {
                state.insert(entry.key, entry.value);
            }
            WatchEvent::Delete { key, .. } => {
                assert!(self.current, "a removal is no part of the state");
                state.remove(&key);
            }
            WatchEvent::Reset => {
                self.fresh = Some(BTreeMap::new());
                self.resets += 1;
                self.current = false;
            }
            WatchEvent::Current => {
                self.state = self.fresh.take().expect("one for each state");
                self.current = true;
            }
        }
    }

    /// Follows until the state is complete and is this.
    async fn until(&mut self, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(key, value)| {
                (format!("default.{key}"), Bytes::copy_from_slice(value.as_bytes()))
            })
            .collect();
        loop {
            let state = self.state.iter().map(|(key, value)| (key.to_string(), value.clone()));
            if self.current && state.collect::<Vec<_>>() == expected {
                return;
            }
            self.step().await;
        }
    }
}

async fn put(bucket: &Bucket, key: &str, value: &'static str) {
    let key = bucket.key(key).unwrap();
    let key = &key;
    let put = || async move { bucket.put(key, value.into()).await.ok() };
    wait_until("a value is stored", put).await.unwrap();
}

#[tokio::test]
async fn the_state_comes_first_and_then_changes() {
    let broker = Broker::start().await.unwrap();
    let bucket = Bucket::open(&connect(&broker).await, flags()).await.unwrap();
    put(&bucket, "a", "1").await;
    put(&bucket, "a", "2").await;
    put(&bucket, "b", "1").await;
    put(&bucket, "gone", "1").await;
    bucket.delete(&bucket.key("gone").unwrap()).await.unwrap();
    let mut known = Known::of(&bucket);
    known.until(&[("a", "2"), ("b", "1")]).await;
    put(&bucket, "c", "1").await;
    bucket.delete(&bucket.key("a").unwrap()).await.unwrap();
    known.until(&[("b", "1"), ("c", "1")]).await;
    assert_eq!(known.resets, 0);
}

#[tokio::test]
async fn an_empty_bucket_is_current_at_once_and_keys_are_seen_to_expire() {
    let broker = Broker::start().await.unwrap();
    let second = Some(Duration::from_secs(1));
    let spec = BucketSpec { max_age: second, markers: second, ..flags() };
    let bucket = Bucket::open(&connect(&broker).await, spec).await.unwrap();
    let mut known = Known::of(&bucket);
    known.until(&[]).await;
    put(&bucket, "beat", "1").await;
    known.until(&[("beat", "1")]).await;
    known.until(&[]).await;
    assert_eq!(known.resets, 0);
}

#[tokio::test]
async fn a_pattern_selects_keys_and_there_is_one_watch_at_a_time() {
    let broker = Broker::start().await.unwrap();
    let bucket = Bucket::open(&connect(&broker).await, flags()).await.unwrap();
    put(&bucket, "a.1", "1").await;
    put(&bucket, "b.1", "1").await;
    let pattern = KeyPattern::new(bucket.tenant(), "a.*").unwrap();
    let mut watch = bucket.watch(pattern.clone()).unwrap();
    let failure = bucket.clone().watch(pattern.clone()).unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Conflict);
    let event = patiently("an event", watch.next()).await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Put(entry) if entry.key.rest() == "a.1"));
    let event = patiently("an event", watch.next()).await.unwrap().unwrap();
    assert_eq!(event, WatchEvent::Current);
    drop(watch);
    bucket.watch(pattern).expect("the first one has ended");
    let stranger = KeyPattern::all(&"acme".parse::<Tenant>().unwrap());
    assert_eq!(bucket.watch(stranger).unwrap_err().kind, ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn more_values_than_any_queue_holds_all_arrive() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let bucket = Bucket::open(&jetstream, flags()).await.unwrap();
    let writes = (0..5_000).map(|number| {
        jetstream.context().publish(format!("$KV.flags_default.default.k.{number}"), "v".into())
    });
    for ack in futures::future::join_all(writes).await {
        ack.unwrap().await.unwrap();
    }
    let mut known = Known::of(&bucket);
    while !known.current {
        known.step().await;
    }
    assert_eq!((known.state.len(), known.resets), (5_000, 0));
}

#[tokio::test]
async fn after_a_restart_of_the_broker_it_goes_on() {
    let mut broker = Broker::start().await.unwrap();
    let bucket = Bucket::open(&connect(&broker).await, flags()).await.unwrap();
    put(&bucket, "a", "1").await;
    let mut known = Known::of(&bucket);
    known.until(&[("a", "1")]).await;
    broker.restart().await.unwrap();
    put(&bucket, "b", "1").await;
    known.until(&[("a", "1"), ("b", "1")]).await;
    assert!(known.resets >= 1);
    put(&bucket, "c", "1").await;
    known.until(&[("a", "1"), ("b", "1"), ("c", "1")]).await;
}

#[tokio::test]
async fn a_bucket_that_was_created_again_is_read_from_its_first_revision() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let bucket = Bucket::open(&jetstream, flags()).await.unwrap();
    for value in ["1", "2", "3"] {
        put(&bucket, "old", value).await;
    }
    let mut known = Known::of(&bucket);
    known.until(&[("old", "3")]).await;
    jetstream.context().delete_stream("KV_flags_default").await.unwrap();
    Bucket::open(&jetstream, flags()).await.unwrap();
    put(&bucket, "new", "1").await;
    known.until(&[("new", "1")]).await;
}

#[tokio::test]
async fn a_bucket_that_was_purged_is_empty() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let bucket = Bucket::open(&jetstream, flags()).await.unwrap();
    put(&bucket, "a", "1").await;
    let mut known = Known::of(&bucket);
    known.until(&[("a", "1")]).await;
    jetstream.context().get_stream("KV_flags_default").await.unwrap().purge().await.unwrap();
    known.until(&[]).await;
    put(&bucket, "a", "2").await;
    known.until(&[("a", "2")]).await;
}

#[tokio::test]
async fn a_broker_that_lost_its_files_gets_the_bucket_again() {
    let mut broker = Broker::start().await.unwrap();
    let bucket = Bucket::open(&connect(&broker).await, flags()).await.unwrap();
    for value in ["1", "2", "3"] {
        put(&bucket, "old", value).await;
    }
    let mut known = Known::of(&bucket);
    known.until(&[("old", "3")]).await;
    broker.restart_empty().await.unwrap();
    known.until(&[]).await;
    put(&bucket, "new", "1").await;
    known.until(&[("new", "1")]).await;
}

#[tokio::test]
async fn fifty_lost_connections_leave_a_handful_of_consumers() {
    let extra = "accounts { \
        A { jetstream: enabled, users: [ { user: a, password: a } ] }, \
        SYS { users: [ { user: sys, password: sys } ] } }\n\
        system_account: SYS\nno_auth_user: a";
    let options = ServerOptions { extra: extra.into(), ..ServerOptions::default() };
    let broker = Broker::start_with(options).await.unwrap();
    let system = async_nats::ConnectOptions::with_user_and_password("sys".into(), "sys".into());
    let system = system.connect(broker.url()).await.unwrap();
    let jetstream = connect(&broker).await;
    let writer = connect(&broker).await;
    let bucket = Bucket::open(&jetstream, flags()).await.unwrap();
    put(&bucket, "a", "1").await;
    let mut known = Known::of(&bucket);
    known.until(&[("a", "1")]).await;
    let connection = jetstream.connection();
    for _ in 0..50 {
        let generation = connection.link().generation;
        let server = connection.client().server_info();
        let kick = format!("$SYS.REQ.SERVER.{}.KICK", server.server_id);
        let client = format!("{{\"cid\": {}}}", server.client_id);
        let answer = system.request(kick, client.into());
        patiently("the kick", answer).await.unwrap().unwrap();
        let again = || async { (connection.link().generation > generation).then_some(()) };
        wait_until("the connection was lost and made again", again).await.unwrap();
    }
    let theirs = Bucket::open(&writer, flags()).await.unwrap();
    put(&theirs, "b", "1").await;
    known.until(&[("a", "1"), ("b", "1")]).await;
    let stream = writer.context().get_stream("KV_flags_default").await.unwrap();
    let consumers = stream.get_info().await.unwrap().state.consumer_count;
    assert!(consumers <= 10, "{consumers} consumers");
    let stream = &stream;
    wait_until("one consumer is left", || async move {
        (stream.get_info().await.ok()?.state.consumer_count == 1).then_some(())
    })
    .await
    .unwrap();
    drop(known);
    wait_until("no consumer is left", || async move {
        (stream.get_info().await.ok()?.state.consumer_count == 0).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_it_goes_on_when_the_leader_is_killed() {
    let mut cluster = Cluster::start(3).await.unwrap();
    let jetstream = connect_to(&cluster.urls()[0]).await;
    let bucket = Bucket::open(&jetstream, flags()).await.unwrap();
    put(&bucket, "a", "1").await;
    let mut known = Known::of(&bucket);
    known.until(&[("a", "1")]).await;
    let killed = cluster.kill_leader("KV_flags_default").await.unwrap();
    put(&bucket, "b", "1").await;
    known.until(&[("a", "1"), ("b", "1")]).await;
    cluster.restart(killed).await.unwrap();
    put(&bucket, "c", "1").await;
    known.until(&[("a", "1"), ("b", "1"), ("c", "1")]).await;
}

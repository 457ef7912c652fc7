//! Streams and consumers are created once and then checked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "jetstream/support.rs"]
mod support;

use std::time::Duration;

use futures::StreamExt as _;
use ocelli_actors::broker::{ConsumerSpec, DeliveryClass, JetStream, Retention, StreamSpec};
use ocelli_messages::ErrorKind;
use ocelli_nats_server::ServerOptions;
use ocelli_testkit::{Broker, Cluster, patiently};
use support::{connect, connect_to};

fn work(class: DeliveryClass) -> StreamSpec {
    StreamSpec {
        retention: Retention::WorkQueue,
        ..StreamSpec::new("WORK", ["work.>".to_owned()], class)
    }
}

async fn publish(jetstream: &JetStream, payload: &'static str) {
    jetstream.context().publish("work.a", payload.into()).await.unwrap().await.unwrap();
}

#[tokio::test]
async fn an_existing_stream_is_taken_as_it_is_if_it_fits() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let info = work(DeliveryClass::Replicated).ensure(&jetstream).await.unwrap();
    assert_eq!(info.config.num_replicas, 1, "there is one server");
    publish(&jetstream, "kept").await;
    let info = work(DeliveryClass::Replicated).ensure(&jetstream).await.unwrap();
    assert_eq!(info.state.messages, 1);
}

#[tokio::test]
async fn another_configuration_is_an_error_that_names_both_values() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let spec = work(DeliveryClass::Buffered);
    spec.ensure(&jetstream).await.unwrap();
    let other =
        StreamSpec { max_age: Some(Duration::from_mins(1)), ..work(DeliveryClass::Replicated) };
    let failure = other.ensure(&jetstream).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Conflict);
    for text in ["stream WORK", "storage is Memory, but File is needed", "max_age is 0ns, but 60s"]
    {
        assert!(failure.message.contains(text), "{text}: {failure}");
    }
    spec.ensure(&jetstream).await.expect("the existing stream was not touched");
}

#[tokio::test]
async fn a_class_that_the_server_does_not_offer_is_refused() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let failure = work(DeliveryClass::Ephemeral).ensure(&jetstream).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::InvalidArgument);
    let failure = work(DeliveryClass::Durable).ensure(&jetstream).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unsupported);
    assert!(failure.message.contains("sync_interval"), "{failure}");
}

#[tokio::test]
async fn a_consumer_is_created_once_and_then_checked() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let spec = ConsumerSpec::new("WORK", "worker");
    let failure = spec.ensure(&jetstream).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::NotFound, "{failure}");

    work(DeliveryClass::Replicated).ensure(&jetstream).await.unwrap();
    spec.ensure(&jetstream).await.unwrap();
    let consumer = spec.ensure(&jetstream).await.unwrap();
    publish(&jetstream, "job").await;
    let mut batch = consumer.fetch().max_messages(1).messages().await.unwrap();
    let message = patiently("the job", batch.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(&message.payload[..], b"job");

    let other = ConsumerSpec { ack_wait: Duration::from_secs(9), max_ack_pending: 7, ..spec };
    let failure = other.ensure(&jetstream).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Conflict);
    for text in ["ack_wait is 5s, but 9s is needed", "max_ack_pending is 1000, but 7 is needed"] {
        assert!(failure.message.contains(text), "{text}: {failure}");
    }
}

#[tokio::test]
async fn without_a_broker_a_call_fails_at_once() {
    let mut broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    broker.kill().await;
    let failure = patiently("the call", work(DeliveryClass::Buffered).ensure(&jetstream)).await;
    let failure = failure.unwrap().unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unavailable);
    assert!(failure.retry_after.is_some());
}

#[tokio::test]
async fn a_broker_that_does_not_answer_ends_the_call() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    broker.freeze().await.unwrap();
    let failure = patiently("the call", work(DeliveryClass::Buffered).ensure(&jetstream)).await;
    let failure = failure.unwrap().unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unavailable, "{failure}");
    broker.thaw().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_replicates_and_offers_durable_where_its_servers_sync() {
    let cluster = Cluster::start(3).await.unwrap();
    let jetstream = connect_to(&cluster.urls()[0]).await;
    let info = work(DeliveryClass::Replicated).ensure(&jetstream).await.unwrap();
    assert_eq!(info.config.num_replicas, 3);
    work(DeliveryClass::Replicated).ensure(&jetstream).await.unwrap();
    let durable = StreamSpec::new("AUDIT", ["audit.>".to_owned()], DeliveryClass::Durable);
    let failure = durable.ensure(&jetstream).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unsupported);
    assert!(failure.message.contains("sync:always"), "{failure}");
    drop(cluster);

    let extra = "server_tags: [\"sync:always\"]".to_owned();
    let options = ServerOptions { extra, sync_always: true, ..ServerOptions::default() };
    let cluster = Cluster::start_with(3, &options).await.unwrap();
    let jetstream = connect_to(&cluster.urls()[0]).await;
    durable.ensure(&jetstream).await.unwrap();
    let info = durable.ensure(&jetstream).await.unwrap();
    assert_eq!(info.config.num_replicas, 3);
}

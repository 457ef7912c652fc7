//! Live frames, over a real broker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use common::{Fixture, PATIENCE, connect, eventually, gray, request, step, with_service};
use futures::StreamExt as _;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use ocelli_messages::v1;
use prost::Message as _;

const IN: &str = "ocelli.v1.default.frame.in.cam";
const OUT: &str = "ocelli.v1.default.frame.out.cam";

fn frame(sequence: u64, steps: Vec<v1::Step>) -> Bytes {
    let mut request = request(gray(1, 1, &[5]), steps);
    let frame = request.frame.as_mut().unwrap();
    frame.sequence = sequence;
    request.encode_to_vec().into()
}

async fn results(service: &Fixture) -> async_nats::Subscriber {
    let results = service.client.client().subscribe(OUT).await.unwrap();
    service.client.barrier().await.unwrap();
    results
}

async fn next(results: &mut async_nats::Subscriber) -> v1::ProcessResponse {
    let message = tokio::time::timeout(PATIENCE, results.next()).await.unwrap().unwrap();
    assert!(message.headers.unwrap().get("Ocelli-Request-Id").is_some());
    v1::ProcessResponse::decode(message.payload).unwrap()
}

#[test]
fn frames_come_back_with_their_sequence_and_errors_too() {
    with_service(
        |_| {},
        async |service| {
            let mut results = results(&service).await;
            let nats = service.client.client();
            for (sequence, filter) in [(1, "blur"), (2, "nope"), (3, "panics"), (4, "grayscale")] {
                nats.publish(IN, frame(sequence, vec![step(filter, &[])])).await.unwrap();
                let response = next(&mut results).await;
                let returned = response.frame.clone().unwrap();
                assert_eq!((returned.stream.as_str(), returned.sequence), ("cam", sequence));
                assert_eq!(response.error.is_some(), filter == "nope" || filter == "panics");
                assert_eq!(returned.payload.is_some(), response.error.is_none());
            }
        },
    );
}

#[test]
fn a_frame_that_names_another_stream_is_an_error() {
    with_service(
        |_| {},
        async |service| {
            let mut results = results(&service).await;
            let mut request = request(gray(1, 1, &[5]), vec![]);
            request.frame.as_mut().unwrap().stream = "other".into();
            let nats = service.client.client();
            nats.publish(IN, request.encode_to_vec().into()).await.unwrap();
            let error = next(&mut results).await.error.unwrap();
            assert_eq!(error.kind(), v1::ErrorKind::InvalidArgument);
            assert_eq!(error.field, "frame.stream");
        },
    );
}

#[test]
fn several_workers_share_the_load() {
    with_service(
        |_| {},
        async |service| {
            let mut parts = service.parts.clone();
            parts.instance = "second".into();
            parts.connection = connect(&service.server).await;
            let second = ocelli_actors::supervisor::Supervisor::start(
                ocelli_gpu_filter::supervisor(&parts),
                &ocelli_actors::tree::ActorTree::new(),
            );
            second.ready().await.unwrap();
            let mut results = results(&service).await;
            let nats = service.client.client();
            let mut by_worker = std::collections::BTreeMap::<String, u32>::new();
            for sequence in 0..40 {
                nats.publish(IN, frame(sequence, vec![])).await.unwrap();
                *by_worker.entry(next(&mut results).await.worker).or_default() += 1;
            }
            assert_eq!(by_worker.len(), 2, "{by_worker:?}");
            second.shutdown(PATIENCE).await;
        },
    );
}

/// Counts what the service counts.
#[derive(Clone, Default)]
struct Counts {
    frames_in: Arc<AtomicU64>,
    frames_out: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        match key.name() {
            "ocelli_frames_in_total" => Counter::from_arc(Arc::clone(&self.frames_in)),
            "ocelli_frames_out_total" => Counter::from_arc(Arc::clone(&self.frames_out)),
            "ocelli_frames_dropped_total" => {
                let reason = key.labels().find(|label| label.key() == "reason").unwrap().value();
                assert!(["superseded", "decode_failed", "deadline"].contains(&reason), "{reason}");
                Counter::from_arc(Arc::clone(&self.dropped))
            }
            _ => Counter::noop(),
        }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn frames_in_are_frames_out_and_drops() {
    let counts = Counts::default();
    metrics::set_global_recorder(counts.clone()).ok().unwrap();
    let configure = |parts: &mut ocelli_gpu_filter::Parts| parts.config.live_waiting = 3;
    with_service(configure, async |service| {
        // Other tests of this file count in the same process: only differences are looked at.
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        let before = [&counts.frames_in, &counts.frames_out, &counts.dropped].map(|c| read(c));
        let mut results = results(&service).await;
        let nats = service.client.client();
        nats.publish(IN, Bytes::from_static(&[0xff])).await.unwrap();
        for sequence in 0..30 {
            nats.publish(IN, frame(sequence, vec![step("sleeps", &[])])).await.unwrap();
        }
        let settled = || {
            let now = [&counts.frames_in, &counts.frames_out, &counts.dropped].map(|c| read(c));
            let [frames, out, dropped] = [0, 1, 2].map(|i| now[i] - before[i]);
            (frames >= 31 && frames == out + dropped).then_some((out, dropped))
        };
        eventually("in = out + drops", || settled().is_some()).await;
        let (out, dropped) = settled().unwrap();
        assert!(dropped > 1, "the queue of 3 held 30 frames");
        let mut last = None;
        for _ in 0..out {
            last = Some(next(&mut results).await.frame.unwrap().sequence).max(last);
        }
        assert_eq!(last, Some(29), "the newest frame is never the one that leaves");
        let more = tokio::time::timeout(Duration::from_millis(50), results.next()).await;
        assert!(more.is_err(), "more results than counted");
    });
}

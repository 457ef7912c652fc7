//! Every live frame is answered or counted as dropped. Alone in its process, because it reads the
//! process's metrics.

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
use common::{IN, eventually, frame, next, results, step, with_service};
use futures::StreamExt as _;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

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
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        let mut results = results(&service).await;
        let nats = service.client.client();
        nats.publish(IN, Bytes::from_static(&[0xff])).await.unwrap();
        for sequence in 0..30 {
            nats.publish(IN, frame(sequence, vec![step("sleeps", &[])])).await.unwrap();
        }
        let settled = || {
            let [frames, out, dropped] =
                [&counts.frames_in, &counts.frames_out, &counts.dropped].map(|count| read(count));
            (frames == 31 && frames == out + dropped).then_some((out, dropped))
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

//! Every live frame is answered or counted as dropped. Alone in its process, because it reads the
//! process's metrics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytes::Bytes;
use common::{IN, counts::Counts, frame, next, results, with_service};
use futures::{FutureExt as _, StreamExt as _};
use ocelli_testkit::{eventually, frames::step};

#[test]
fn frames_in_are_frames_out_and_drops() {
    let counts = Counts::install();
    let configure = |parts: &mut ocelli_gpu_filter::Parts| parts.config.live_waiting = 3;
    with_service(configure, async |service| {
        let mut results = results(&service).await;
        let nats = service.client.client();
        nats.publish(IN, Bytes::from_static(&[0xff])).await.unwrap();
        for sequence in 0..30 {
            nats.publish(IN, frame(sequence, vec![step("sleeps", &[])])).await.unwrap();
        }
        eventually("in = out + drops", || {
            let now = counts.read();
            now.frames == 31 && now.frames == now.out + now.dropped
        })
        .await
        .unwrap();
        let now = counts.read();
        assert!(now.dropped > 1, "the queue of 3 held 30 frames");
        let mut last = None;
        for _ in 0..now.out {
            last = Some(next(&mut results).await.frame.unwrap().sequence).max(last);
        }
        assert_eq!(last, Some(29), "the newest frame is never the one that leaves");
        // Whatever the worker has sent is here once both connections have heard from the broker.
        service.parts.frames.barrier().await.unwrap();
        service.client.barrier().await.unwrap();
        assert!(results.next().now_or_never().is_none(), "more results than counted");
    });
}

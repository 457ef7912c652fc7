//! Live frames that arrive faster than they can be read are counted all the same. Alone in its
//! process, because it reads the process's metrics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{IN, counts::Counts, frame, raw::RawClient, with_service};
use ocelli_testkit::eventually;

const FRAMES: u64 = 300_000;

#[test]
fn every_frame_that_was_sent_is_counted() {
    let counts = Counts::install();
    with_service(
        |_| {},
        async |service| {
            let mut sender = RawClient::connect(service.broker.port()).await;
            let payload = frame(1, vec![]);
            let one = RawClient::publication(IN.as_bytes(), None, None, &payload);
            let thousand = one.repeat(1_000);
            for _ in 0..FRAMES / 1_000 {
                sender.send(&thousand).await;
            }
            eventually("in = sent = out + drops", || {
                let now = counts.read();
                now.frames == FRAMES && now.frames == now.out + now.dropped
            })
            .await
            .unwrap_or_else(|error| panic!("{error}: {:?}", counts.read()));
            assert!(counts.read().out > 0, "{:?}", counts.read());
            assert_eq!(counts.read().reconnects, 0);
        },
    );
}

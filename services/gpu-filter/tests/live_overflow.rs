//! What the NATS client drops is counted too. Alone in its process, because it reads the process's
//! metrics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{IN, counts::Counts, frame, with_service};
use ocelli_actors::broker::{Connection, ConnectionOptions, Outgoing};
use ocelli_testkit::{PATIENCE, eventually, patiently};

/// Fewer than the client can report at once.
const BURST: u64 = 100;
const ROUNDS: u64 = 100;

#[test]
fn frames_that_overflow_the_subscription_are_counted() {
    let counts = Counts::install();
    with_service(
        |_| {},
        async |service| {
            // A second worker whose subscription holds one frame; the first one is stopped.
            let frames = Connection::open(ConnectionOptions {
                url: service.broker.url(),
                name: "narrow".into(),
                subscription_capacity: 1,
                outgoing: Outgoing::default(),
            })
            .await
            .unwrap();
            let parts = ocelli_gpu_filter::Parts { frames, ..service.parts.clone() };
            let narrow = ocelli_actors::supervisor::Supervisor::start(
                ocelli_gpu_filter::supervisor(&parts).unwrap(),
                &ocelli_actors::tree::ActorTree::new(),
            );
            patiently("the narrow worker", narrow.ready()).await.unwrap().unwrap();
            service.service.shutdown(PATIENCE).await;
            let nats = service.client.client();
            // How much of a burst finds the subscription full is up to the scheduler.
            for round in 1..=ROUNDS {
                for sequence in 0..BURST {
                    nats.publish(IN, frame(sequence, vec![])).await.unwrap();
                }
                eventually("in = out + drops", || {
                    let now = counts.read();
                    now.frames == BURST * round && now.frames == now.out + now.dropped
                })
                .await
                .unwrap();
                if counts.read().overflowed > 0 {
                    break;
                }
            }
            assert!(counts.read().overflowed > 0, "nothing overflowed: {:?}", counts.read());
            narrow.shutdown(PATIENCE).await;
        },
    );
}

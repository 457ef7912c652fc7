//! Live frames, over a real broker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{IN, frame, next, results, with_service};
use ocelli_messages::v1;
use ocelli_testkit::{
    PATIENCE,
    frames::{grey_pixels, request, step},
    patiently,
};
use prost::Message as _;

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
            let mut request = request(grey_pixels(1, 1, [5]), vec![]);
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
            parts.requests = service.broker.connect().await.unwrap();
            parts.frames = service.broker.connect().await.unwrap();
            let second = ocelli_actors::supervisor::Supervisor::start(
                ocelli_gpu_filter::supervisor(&parts).unwrap(),
                &ocelli_actors::tree::ActorTree::new(),
            );
            patiently("the second worker", second.ready()).await.unwrap().unwrap();
            let mut results = results(&service).await;
            let nats = service.client.client();
            let mut by_worker = std::collections::BTreeMap::<String, u32>::new();
            for sequence in 0..40 {
                nats.publish(IN, frame(sequence, vec![])).await.unwrap();
                let response = next(&mut results).await;
                // One answer for each frame: a second one would come in the place of the next.
                assert_eq!(response.frame.unwrap().sequence, sequence);
                *by_worker.entry(response.worker).or_default() += 1;
            }
            assert_eq!(by_worker.len(), 2, "{by_worker:?}");
            second.shutdown(PATIENCE).await;
        },
    );
}

//! Messages that cannot be read cost nobody else anything. Alone in its process, because it reads
//! the process's metrics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{IN, counts::Counts, frame, next, raw::RawClient, results, with_service};
use ocelli_testkit::{
    eventually,
    frames::{grey_pixels, request, step},
    patiently,
};

const PROCESS: &[u8] = b"ocelli.v1.default.req.filter.process";

/// Every kind of message that async-nats 0.51 ends its connection for.
fn malformed() -> Vec<Vec<u8>> {
    let publication = RawClient::publication;
    let mut messages = Vec::new();
    for subject in [PROCESS, IN.as_bytes(), b"$SRV.PING"] {
        // The payload is no message of ours either, so that no live frame has an answer.
        messages.push(publication(subject, Some(b"_x.1"), Some(b"City: M\xfcnchen"), b"\xff"));
        messages.push(publication(subject, Some(b"_x.1"), Some(b"no colon here"), b"\xff"));
        messages.push(publication(subject, Some(b"_x.\xff"), None, b""));
    }
    messages.push(publication(b"ocelli.v1.\xff.req.filter.process", Some(b"_x.1"), None, b""));
    messages.push(publication(b"ocelli.v1.default.frame.in.\xfc", None, None, b""));
    messages
}

#[test]
fn messages_that_cannot_be_read_cost_nobody_else_anything() {
    let counts = Counts::install();
    with_service(
        |_| {},
        async |service| {
            let mut sender = RawClient::connect(service.broker.port()).await;
            let bad = malformed();
            let mut results = results(&service).await;
            let nats = service.client.client();
            let request = request(grey_pixels(2, 2, [1, 2, 3, 4]), vec![step("invert", &[])]);
            for sequence in 0..100 {
                sender.send(&bad.concat()).await;
                service.process(&request).await.unwrap();
                nats.publish(IN, frame(sequence, vec![])).await.unwrap();
                assert_eq!(next(&mut results).await.frame.unwrap().sequence, sequence);
                let discovery = nats.request("$SRV.PING", "".into());
                patiently("discovery", discovery).await.unwrap().unwrap();
            }
            sender.barrier().await;
            let sent = 100 * u64::try_from(bad.len()).unwrap();
            eventually("each is counted", || counts.read().malformed == sent)
                .await
                .unwrap_or_else(|error| panic!("{error}: {sent}, {:?}", counts.read()));
            assert_eq!(counts.read().reconnects, 0);
        },
    );
}

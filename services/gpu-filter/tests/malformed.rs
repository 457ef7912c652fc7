//! Messages that cannot be read cost nobody else anything. Alone in its process, because it reads
//! the process's metrics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;

use common::{IN, counts::Counts, frame, next, raw::RawClient, results, with_service};
use ocelli_actors::broker::{ConnectionOptions, Intake, IntakeEvent, Subscription};
use ocelli_messages::v1;
use ocelli_testkit::{
    eventually,
    frames::{grey_pixels, request, step},
    patiently,
};
use prost::Message as _;

const PROCESS: &[u8] = b"ocelli.v1.default.req.filter.process";

/// Every kind of message that async-nats 0.51 ends its connection for.
fn malformed() -> Vec<Vec<u8>> {
    let publication = RawClient::publication;
    let mut messages = Vec::new();
    for subject in [PROCESS, IN.as_bytes(), b"$SRV.PING"] {
        messages.push(publication(subject, Some(b"_x.1"), Some(b"City: M\xfcnchen"), b""));
        messages.push(publication(subject, Some(b"_x.1"), Some(b"no colon here"), b""));
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

#[test]
fn a_request_with_a_header_that_cannot_be_read_is_answered() {
    with_service(
        |_| {},
        async |service| {
            let mut sender = RawClient::connect(service.broker.port()).await;
            let mut answers = intake(&service.broker.url(), "_x.>").await;
            let request = request(grey_pixels(1, 1, [5]), vec![]).encode_to_vec();
            for headers in [&b"City: M\xfcnchen"[..], b"no colon", b"Ocelli-Request-Id: \xff"] {
                let reply = Some(&b"_x.1"[..]);
                let bytes = RawClient::publication(PROCESS, reply, Some(headers), &request);
                sender.send(&bytes).await;
                let (_, answer) = next_message(&mut answers).await;
                // Headers that nobody asked for do not matter; ours must be right.
                let refused = headers.starts_with(b"Ocelli");
                let code = answer.headers.as_ref().and_then(|h| h.get("Nats-Service-Error-Code"));
                assert_eq!(code.map(|code| code.as_str()), refused.then_some("400"));
            }
        },
    );
}

const BURST: usize = 20_000;

#[test]
fn every_request_of_a_burst_is_answered() {
    with_service(
        |_| {},
        async |service| {
            let mut sender = RawClient::connect(service.broker.port()).await;
            let mut answers = intake(&service.broker.url(), "_x.>").await;
            let request = request(grey_pixels(1, 1, [5]), vec![]).encode_to_vec();
            let mut burst = Vec::new();
            for number in 0..BURST {
                let reply = format!("_x.{number}");
                let reply = Some(reply.as_bytes());
                burst.extend(RawClient::publication(PROCESS, reply, None, &request));
            }
            sender.send(&burst).await;
            let (mut seen, mut codes) = (vec![false; BURST], BTreeMap::<String, usize>::new());
            for _ in 0..BURST {
                let (number, answer) = next_message(&mut answers).await;
                assert!(!std::mem::replace(&mut seen[number], true), "{number} came twice");
                let code = answer.headers.as_ref().and_then(|h| h.get("Nats-Service-Error-Code"));
                if code.is_none() {
                    v1::ProcessResponse::decode(answer.payload).unwrap();
                }
                let code = code.map_or("200", |code| code.as_str());
                *codes.entry(code.to_owned()).or_default() += 1;
            }
            println!("{codes:?}");
            assert!(codes.keys().all(|code| code == "200" || code == "503"), "{codes:?}");
            assert!(codes["200"] > 0);
        },
    );
}

/// An intake that is up.
async fn intake(url: &str, subject: &str) -> Intake {
    let options =
        ConnectionOptions { url: url.to_owned(), name: "answers".into(), subscription_capacity: 1 };
    let subscription = Subscription { subject: subject.into(), queue: None };
    let mut intake = Intake::new(&options, vec![subscription]).unwrap();
    let event = patiently("the subscription", intake.next()).await.unwrap();
    assert!(matches!(event, IntakeEvent::Up), "{event:?}");
    intake
}

/// The next message, and the number at the end of its subject.
async fn next_message(intake: &mut Intake) -> (usize, async_nats::Message) {
    match patiently("an answer", intake.next()).await.unwrap() {
        IntakeEvent::Message { message, .. } => {
            (message.subject.rsplit('.').next().unwrap().parse().unwrap(), message)
        }
        event => panic!("{event:?}"),
    }
}

//! Requests as clients in other languages might send them, which is not always well.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;

use common::{raw::RawClient, with_service};
use ocelli_actors::broker::{ConnectionOptions, Intake, IntakeEvent, Outgoing, Subscription};
use ocelli_messages::v1;
use ocelli_testkit::{
    frames::{grey_pixels, request},
    patiently,
};
use prost::Message as _;

const PROCESS: &[u8] = b"ocelli.v1.default.req.filter.process";

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
    let options = ConnectionOptions {
        url: url.to_owned(),
        name: "answers".into(),
        subscription_capacity: 1,
        outgoing: Outgoing::default(),
    };
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

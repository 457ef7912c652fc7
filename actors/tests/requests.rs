//! What a caller does while it waits: it hears signs of life, asks again, and says when it is gone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, SystemTime};

use async_nats::{HeaderMap, Message, Subscriber};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use ocelli_actors::broker::Connection;
use ocelli_messages::{ErrorKind, Failure, MessageContext, Tenant, header, subjects, v1};
use ocelli_testkit::{Broker, PATIENCE, patiently};
use prost::Message as _;

/// A caller, and what a worker and its controls receive.
struct Pair {
    _broker: Broker,
    caller: Connection,
    worker: Connection,
}

impl Pair {
    async fn start() -> (Self, Subscriber, Subscriber) {
        let broker = Broker::start().await.unwrap();
        let (caller, worker) = (broker.connect().await.unwrap(), broker.connect().await.unwrap());
        let requests = subjects::FILTER_LIST.of(&Tenant::default()).to_string();
        let requests = worker.client().subscribe(requests).await.unwrap();
        let cancels = subjects::CANCEL.of(&Tenant::default()).to_string();
        let cancels = worker.client().subscribe(cancels).await.unwrap();
        worker.barrier().await.unwrap();
        (Self { _broker: broker, caller, worker }, requests, cancels)
    }

    async fn ask(&self, within: Duration) -> Result<Bytes, Failure> {
        let context = MessageContext::new(SystemTime::now(), within);
        let subject = subjects::FILTER_LIST.of(&Tenant::default());
        self.caller.request(&subject, &context, "question".into()).await
    }

    async fn send(&self, request: &Message, sign_of_life: bool, payload: &'static str) {
        let mut headers = HeaderMap::new();
        if sign_of_life {
            headers.insert(header::KEEPALIVE, "worker-1");
        }
        let (client, reply) = (self.worker.client(), request.reply.clone().unwrap());
        client.publish_with_headers(reply, headers, payload.into()).await.unwrap();
    }
}

async fn next(messages: &mut Subscriber) -> Message {
    patiently("a message", messages.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_request_that_nobody_works_on_is_sent_again_with_the_same_reply_subject() {
    let (pair, mut requests, _) = Pair::start().await;
    let works = async {
        let (first, second) = (next(&mut requests).await, next(&mut requests).await);
        assert_eq!((first.reply, first.payload), (second.reply.clone(), second.payload.clone()));
        pair.send(&second, false, "answer").await;
    };
    let (answer, ()) = tokio::join!(pair.ask(PATIENCE), works);
    assert_eq!(answer.unwrap(), "answer");
}

#[tokio::test]
async fn signs_of_life_keep_a_caller_waiting() {
    let (pair, mut requests, _) = Pair::start().await;
    let works = async {
        let request = next(&mut requests).await;
        let asked = request.headers.as_ref().unwrap().get(header::KEEPALIVE).unwrap();
        let interval = Duration::from_millis(asked.as_str().parse().unwrap());
        // Longer than a caller waits in silence.
        for _ in 0..5 {
            tokio::time::sleep(interval).await;
            pair.send(&request, true, "").await;
        }
        assert!(requests.next().now_or_never().is_none(), "it was sent again");
        pair.send(&request, false, "answer").await;
    };
    let (answer, ()) = tokio::join!(pair.ask(PATIENCE), works);
    assert_eq!(answer.unwrap(), "answer");
}

#[tokio::test]
async fn a_caller_that_stops_waiting_cancels_its_request() {
    let (pair, mut requests, mut cancels) = Pair::start().await;
    for gives_up in [true, false] {
        let request = if gives_up {
            tokio::select! {
                _ = pair.ask(PATIENCE) => panic!("nobody answers"),
                request = next(&mut requests) => request,
            }
        } else {
            let failure = pair.ask(Duration::from_millis(50)).await.unwrap_err();
            assert_eq!(failure.kind, ErrorKind::DeadlineExceeded);
            next(&mut requests).await
        };
        let cancel = v1::CancelRequest::decode(next(&mut cancels).await.payload).unwrap();
        assert_eq!(cancel.reply, request.reply.unwrap().as_str());
    }
}

#[tokio::test]
async fn a_request_that_was_answered_is_not_cancelled() {
    let (pair, mut requests, mut cancels) = Pair::start().await;
    let works = async {
        let request = next(&mut requests).await;
        pair.send(&request, false, "answer").await;
    };
    let (answer, ()) = tokio::join!(pair.ask(PATIENCE), works);
    assert_eq!(answer.unwrap(), "answer");
    pair.caller.barrier().await.unwrap();
    pair.worker.barrier().await.unwrap();
    assert!(cancels.next().now_or_never().is_none());
}

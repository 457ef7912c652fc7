//! One worker serves every tenant, or those that it is told to serve.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytes::Bytes;
use common::{context, frame, with_service};
use futures::StreamExt as _;
use ocelli_actors::{
    supervisor::{Exit, Supervisor},
    tree::ActorTree,
};
use ocelli_gpu_filter::Parts;
use ocelli_messages::{ErrorKind, Failure, Tenant, Tenants, subjects, v1};
use ocelli_nats_server::ServerOptions;
use ocelli_testkit::{
    Broker, PATIENCE, connect,
    frames::{grey_pixels, request, step},
    patiently,
};
use prost::Message as _;

fn tenant(name: &str) -> Tenant {
    name.parse().unwrap()
}

async fn ask(service: &common::Fixture, name: &str) -> Result<Bytes, Failure> {
    let subject = subjects::FILTER_PROCESS.of(&tenant(name));
    let request = request(grey_pixels(1, 1, [5]), vec![step("invert", &[])]);
    service.client.request(&subject, &context(PATIENCE), request.encode_to_vec().into()).await
}

#[test]
fn a_worker_serves_every_tenant_on_subjects_of_its_own() {
    with_service(
        |_| {},
        async |service| {
            for name in ["default", "acme", "b-2"] {
                let response = ask(&service, name).await.unwrap();
                assert!(v1::ProcessResponse::decode(response).unwrap().error.is_none());
            }
            // Two tenants may have a stream of the same name: each gets its own answers only.
            let nats = service.client.client();
            let mut answers = nats.subscribe("ocelli.v1.*.frame.out.cam").await.unwrap();
            service.client.barrier().await.unwrap();
            for (name, sequence) in [("acme", 1), ("default", 2), ("acme", 3)] {
                let subject = format!("ocelli.v1.{name}.frame.in.cam");
                nats.publish(subject, frame(sequence, vec![])).await.unwrap();
                let answer = patiently("an answer", answers.next()).await.unwrap().unwrap();
                assert_eq!(answer.subject.as_str(), format!("ocelli.v1.{name}.frame.out.cam"));
                let response = v1::ProcessResponse::decode(answer.payload).unwrap();
                assert_eq!(response.frame.unwrap().sequence, sequence);
            }
        },
    );
}

#[test]
fn a_worker_of_some_tenants_does_not_listen_for_others() {
    with_service(
        |parts| parts.tenants = Tenants::Only(vec![tenant("acme"), tenant("b-2")]),
        async |service| {
            ask(&service, "acme").await.unwrap();
            ask(&service, "b-2").await.unwrap();
            let refused = ask(&service, "default").await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Unavailable);
            assert!(refused.message.contains("ocelli.v1.default.req.filter.process"), "{refused}");
        },
    );
}

#[test]
fn a_worker_that_may_not_subscribe_ends_instead_of_being_deaf() {
    let extra = "authorization { users: [
        { user: all, password: p },
        { user: acme, password: p, permissions: {
            publish: [\"_INBOX.>\", \"ocelli.v1.acme.>\"],
            subscribe: [\"_INBOX.>\", \"ocelli.v1.acme.>\", \"$SRV.>\"]
        } }
    ] }";
    let options = ServerOptions { extra: extra.into(), ..ServerOptions::default() };
    actix_rt::System::new().block_on(async {
        let broker = Broker::start_with(options).await.unwrap();
        for (tenants, serves) in
            [(Tenants::All, false), (Tenants::Only(vec![tenant("acme")]), true)]
        {
            let url = broker.url_as("acme", "p");
            let parts = Parts { tenants, ..common::parts(&url).await };
            let service = Supervisor::start(
                ocelli_gpu_filter::supervisor(&parts).unwrap(),
                &ActorTree::new(),
            );
            let client = connect(&broker.url_as("all", "p")).await.unwrap();
            if serves {
                patiently("the worker", service.ready()).await.unwrap().unwrap();
                let subject = subjects::FILTER_LIST.of(&tenant("acme"));
                client.request(&subject, &context(PATIENCE), Bytes::new()).await.unwrap();
                service.shutdown(PATIENCE).await;
            } else {
                let exit = patiently("the end of the worker", service.exited()).await.unwrap();
                assert!(matches!(exit, Exit::Failed(_)), "{exit:?}");
            }
        }
    });
}

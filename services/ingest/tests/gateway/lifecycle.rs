//! Starting, stopping and starting again.

use std::time::Duration;

use ocelli_actors::{
    supervisor::{Exit, Supervisor, SupervisorSpec},
    tree::ActorTree,
};
use ocelli_ingest::{Config, child};
use ocelli_kit::health::Health;
use ocelli_messages::Limits;
use ocelli_testkit::{Broker, PATIENCE, patiently};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::Notify};

use crate::support::{PROCESS, World, budget, echo, exchange, parts, png, receive, request};

#[actix_web::test]
async fn stopping_waits_for_open_requests_and_the_port_stays_the_same() {
    let world = World::new().await;
    let (arrived, mut seen) = (std::sync::Arc::new(Notify::new()), world.worker(|_| None).await);
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    let path = format!("{PROCESS}?timeout_ms=300");
    stream.write_all(&request("POST", &path, &[], &png(4, 4))).await.unwrap();
    let inside = std::sync::Arc::clone(&arrived);
    tokio::spawn(async move {
        seen.recv().await.unwrap();
        inside.notify_one();
    });
    patiently("the request at the worker", arrived.notified()).await.unwrap();
    let addr = world.addr();
    let (reply, ()) = tokio::join!(receive(&mut stream), world.gateway.stop(PATIENCE));
    assert_eq!(reply.status, 504, "answered, and not cut off");

    let again = world.parts.start().unwrap();
    assert_eq!(again.addr, addr);
    let reply = exchange(addr, &request("GET", "/", &[], b"")).await;
    assert_eq!(reply.status, 200);
}

#[actix_web::test]
async fn a_supervisor_starts_and_drains_it() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    let parts = parts(Config::default(), Limits::default(), connection, Health::new());
    let addr = parts.addr().unwrap();
    let tree = ActorTree::default();
    let (child, actor) = child(parts);
    let supervisor = Supervisor::start(SupervisorSpec::new("test").child(child), &tree);
    patiently("the gateway", supervisor.ready()).await.unwrap().unwrap();
    assert!(actor.is_up());
    let reply = exchange(addr, &request("GET", "/", &[], b"")).await;
    assert_eq!(reply.status, 200);
    let shutdown = supervisor.shutdown(Duration::from_secs(10));
    let exit = patiently("the end of the gateway", shutdown).await.unwrap();
    assert_eq!(exit, Exit::Drained);
}

#[actix_web::test]
async fn a_port_that_is_taken_is_an_error() {
    let world = World::new().await;
    let config = Config { http_addr: world.addr(), ..Config::default() };
    let connection = world.broker.connect().await.unwrap();
    let budget = budget();
    let started = ocelli_ingest::start(
        &config,
        Limits::default(),
        Default::default(),
        connection,
        Health::new(),
        &budget,
    );
    let error = started.await.unwrap_err();
    assert!(error.to_string().contains(&world.addr().to_string()), "{error}");
    let _seen = world.worker(echo).await;
    assert_eq!(world.post("", &[], &png(4, 4)).await.status, 200, "the first one goes on");
}

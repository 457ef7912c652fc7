//! Keeps `/ready` true: how the dependencies of this process are.

use std::time::Duration;

use futures::StreamExt as _;
use ocelli_actors::broker::Connection;
use ocelli_kernels::Probe;
use ocelli_kit::health::{Dependency, Health};

/// How often the workers are asked while they are there, and while they are not: a gateway that
/// starts with its workers should not report itself unready for long.
const WORKERS_UP: Duration = Duration::from_secs(1);
const WORKERS_DOWN: Duration = Duration::from_millis(25);
/// How long the first worker may take to answer a ping.
const PING_WITHIN: Duration = Duration::from_millis(500);

/// Follows the connection to the broker.
pub(crate) async fn broker(connection: Connection, dependency: Dependency) {
    let mut link = connection.watch();
    loop {
        if link.borrow_and_update().up {
            let info = connection.client().server_info();
            dependency.up(format!("nats-server {}", info.version));
        } else {
            dependency.down("no connection");
        }
        if link.changed().await.is_err() {
            return;
        }
    }
}

/// Asks for filter workers, again and again.
pub(crate) async fn workers(connection: Connection, dependency: Dependency) {
    loop {
        connection.up().await;
        let found = ping(&connection).await;
        if found {
            dependency.up("at least one answers");
        } else {
            dependency.down("no filter worker answers");
        }
        tokio::time::sleep(if found { WORKERS_UP } else { WORKERS_DOWN }).await;
    }
}

async fn ping(connection: &Connection) -> bool {
    let client = connection.client();
    let inbox = client.new_inbox();
    let Ok(mut answers) = client.subscribe(inbox.clone()).await else { return false };
    let subject = format!("$SRV.PING.{}", ocelli_gpu_filter::SERVICE);
    if client.publish_with_reply(subject, inbox, bytes::Bytes::new()).await.is_err() {
        return false;
    }
    let first = tokio::time::timeout(PING_WITHIN, answers.next()).await;
    // Without a worker the broker itself answers, at once, with the status "no responders".
    matches!(first, Ok(Some(answer)) if answer.status.is_none())
}

/// Says what this machine computes with.
pub(crate) fn device(health: &Health, probe: &Probe, threads: usize) {
    let cuda = match &probe.cuda {
        Ok(devices) if devices.is_empty() => "no GPU".to_owned(),
        Ok(devices) => {
            devices.iter().map(|device| device.name.as_str()).collect::<Vec<_>>().join(", ")
        }
        Err(reason) => format!("no GPU: {reason}"),
    };
    let detail = format!("{threads} CPU threads with {}; {cuda}", probe.cpu);
    health.dependency("device", true).up(detail);
}

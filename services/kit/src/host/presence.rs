//! Whether what a service depends on is there.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_actors::broker::Connection;

use crate::health::Dependency;

/// How often a service is asked for while it is there, and while it is not: a gateway that starts
/// together with its workers should not report itself unready for long.
const WHILE_UP: Duration = Duration::from_secs(1);
const WHILE_DOWN: Duration = Duration::from_millis(25);
/// How long the first instance may take to answer a ping.
const PING_WITHIN: Duration = Duration::from_millis(500);

/// Follows the connection to the broker.
pub(super) async fn broker(connection: Connection, dependency: Dependency) {
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

/// Asks for instances of a NATS service, again and again.
pub(super) async fn service(connection: Connection, service: &'static str, dependency: Dependency) {
    loop {
        connection.up().await;
        let found = ping(&connection, service).await;
        if found {
            dependency.up("at least one answers");
        } else {
            dependency.down(format!("no {service} answers"));
        }
        tokio::time::sleep(if found { WHILE_UP } else { WHILE_DOWN }).await;
    }
}

async fn ping(connection: &Connection, service: &str) -> bool {
    let client = connection.client();
    let inbox = client.new_inbox();
    let Ok(mut answers) = client.subscribe(inbox.clone()).await else { return false };
    let subject = format!("$SRV.PING.{service}");
    if client.publish_with_reply(subject, inbox, Bytes::new()).await.is_err() {
        return false;
    }
    let first = tokio::time::timeout(PING_WITHIN, answers.next()).await;
    // Without an instance the broker itself answers, at once, with the status "no responders".
    matches!(first, Ok(Some(answer)) if answer.status.is_none())
}

//! Watches the broker and other services, and reports whether they can be reached.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_actors::broker::{Connection, LOGIN_REFUSED};

use crate::health::Dependency;

/// How often a service is pinged while it answers, and while it does not: a gateway that starts
/// together with its workers should not report itself as not ready for long.
const WHILE_UP: Duration = Duration::from_secs(1);
const WHILE_DOWN: Duration = Duration::from_millis(25);
/// How long the first instance may take to answer a ping.
const PING_WITHIN: Duration = Duration::from_millis(500);

/// Reports the state of the connection to the broker.
pub(super) async fn broker(connection: Connection, dependency: Dependency) {
    let (mut link, mut refused) = (connection.watch(), connection.refused_logins());
    loop {
        let login_refused = *refused.borrow_and_update() > 0;
        if link.borrow_and_update().up {
            let info = connection.client().server_info();
            dependency.up(format!("nats-server {}", info.version));
        } else if login_refused {
            dependency.down(LOGIN_REFUSED);
        } else {
            dependency.down("no connection");
        }
        let changed = tokio::select! {
            changed = link.changed() => changed,
            changed = refused.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Pings the instances of a NATS service repeatedly, and reports whether any of them answers.
pub(super) async fn service(connection: Connection, service: &'static str, dependency: Dependency) {
    loop {
        connection.up().await;
        let found = ping(&connection, service).await;
        if found {
            dependency.up("at least one instance answers");
        } else {
            dependency.down(format!("no instance of {service} answers"));
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
    // Without an instance, the broker itself answers at once with the status "no responders".
    matches!(first, Ok(Some(answer)) if answer.status.is_none())
}

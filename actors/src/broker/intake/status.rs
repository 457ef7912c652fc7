//! The state of an intake's connection, in the log, in the metrics and to watch.

use std::fmt::Display;

use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::headers::Faults;
use crate::{
    broker::Link,
    metrics::{Metric, counter, gauge},
};

/// The state of an intake's connection. It counts as down when this is dropped.
#[derive(Debug)]
pub(super) struct Status {
    name: String,
    link: watch::Sender<Link>,
    /// Whether the loss was logged: an attempt every 0.2 s is not worth a log line each.
    told: bool,
}

impl Status {
    pub(super) fn new(name: &str) -> Self {
        let (link, _) = watch::channel(Link::default());
        Self { name: name.to_owned(), link, told: false }
    }

    pub(super) fn watch(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    pub(super) fn up(&mut self) {
        self.link.send_modify(|link| *link = Link { up: true, generation: link.generation + 1 });
        if self.link.borrow().generation > 1 {
            counter(Metric::BrokerReconnects, &[]).increment(1);
        }
        gauge(Metric::BrokerConnections, &[]).increment(1.0);
        self.told = false;
        info!(name = self.name, "receiving from the broker");
    }

    /// Takes note of the end of a connection or of an attempt. Returns whether it was up.
    pub(super) fn lost(&mut self, reason: &impl Display) -> bool {
        let was_up = self.down();
        if std::mem::replace(&mut self.told, true) {
            debug!(name = self.name, %reason, "the broker is still unreachable");
        } else {
            warn!(name = self.name, %reason, "cannot receive from the broker");
        }
        was_up
    }

    pub(super) fn down(&self) -> bool {
        let was_up = self.link.borrow().up;
        if was_up {
            self.link.send_modify(|link| link.up = false);
            gauge(Metric::BrokerConnections, &[]).decrement(1.0);
        }
        was_up
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.down();
    }
}

/// Counts a message that could not be read, or not completely.
pub(super) fn malformed(faults: Faults) {
    let Faults { value, line, size } = faults;
    for (found, reason) in [(value, "header_value"), (line, "header_line"), (size, "header_size")] {
        if found {
            counter(Metric::BrokerMalformed, &[reason]).increment(1);
        }
    }
}

/// Counts a message whose subject or reply subject could not be read.
pub(super) fn unreadable() {
    counter(Metric::BrokerMalformed, &["subject"]).increment(1);
}

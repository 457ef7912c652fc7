//! What the tests of JetStream share.

#![allow(dead_code, reason = "each test is a crate of its own and uses a part")]

use ocelli_actors::broker::{BucketSpec, Connection, ConnectionOptions, DeliveryClass, JetStream};
use ocelli_messages::Tenant;
use ocelli_testkit::{Broker, patiently};

/// JetStream on a connection of its own to the broker.
pub(crate) async fn connect(broker: &Broker) -> JetStream {
    connect_to(&broker.url()).await
}

/// JetStream on a connection of its own.
pub(crate) async fn connect_to(url: &str) -> JetStream {
    let options = ConnectionOptions {
        url: url.to_owned(),
        name: "test".into(),
        subscription_capacity: 1_024,
    };
    let connection = Connection::open(options).await.unwrap();
    patiently("the connection", connection.up()).await.unwrap();
    connection.jetstream()
}

/// A bucket of flags of the default tenant.
pub(crate) fn flags() -> BucketSpec {
    BucketSpec::new("flags", Tenant::default(), DeliveryClass::Replicated)
}

//! What the tests of JetStream share.

#![allow(dead_code, reason = "each test is a crate of its own and uses a part")]

use ocelli_actors::broker::{BucketSpec, DeliveryClass, JetStream};
use ocelli_messages::Tenant;
use ocelli_testkit::Broker;

/// JetStream on a connection of its own to the broker.
pub(crate) async fn connect(broker: &Broker) -> JetStream {
    connect_to(&broker.url()).await
}

/// JetStream on a connection of its own.
pub(crate) async fn connect_to(url: &str) -> JetStream {
    ocelli_testkit::connect(url).await.unwrap().jetstream()
}

/// A bucket of flags of the default tenant.
pub(crate) fn flags() -> BucketSpec {
    BucketSpec::new("flags", Tenant::default(), DeliveryClass::Replicated)
}

//! A NATS service: its endpoints, and the subjects by which it is found.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use bytes::Bytes;
use futures::{StreamExt as _, stream::select_all};
use ocelli_messages::{ErrorKind, Failure};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Connection, EndpointSpec, EndpointStats, ServiceApi, TaskActor, endpoint::Endpoint, pump::pump,
};
use crate::supervisor::ChildContext;

/// A service to run.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// Its name, which is its queue group too.
    pub name: &'static str,
    /// This instance, unique.
    pub instance: String,
    /// SemVer.
    pub version: &'static str,
    /// For a person.
    pub description: &'static str,
    /// Shown by the Services API; does not change while it runs.
    pub metadata: BTreeMap<String, String>,
    /// What it answers.
    pub endpoints: Vec<EndpointSpec>,
}

/// The service as an actor on that connection; its endpoints are served by tasks.
#[must_use]
pub fn service(spec: ServiceSpec, connection: Connection, child: &ChildContext) -> TaskActor {
    TaskActor::new(child, |child, stop| run(spec, connection, child, stop))
}

async fn run(
    spec: ServiceSpec,
    connection: Connection,
    child: ChildContext,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let lost = |what: &str| {
        Failure::new(ErrorKind::Unavailable, format!("the subscription of {what} ended"))
    };
    tokio::select! {
        () = connection.up() => {}
        () = stop.cancelled() => return Ok(()),
    }
    let endpoints: Vec<_> = (spec.endpoints.iter())
        .map(|endpoint| Arc::new(Endpoint::new(endpoint.clone(), connection.clone(), spec.name)))
        .collect();
    let mut pumps = JoinSet::new();
    for endpoint in &endpoints {
        let subject = endpoint.spec.subject.to_string();
        let messages = (connection.client())
            .queue_subscribe(subject.clone(), spec.name.to_owned())
            .await
            .map_err(|_| lost(&subject))?;
        let (endpoint, stop) = (Arc::clone(endpoint), stop.clone());
        pumps.spawn(async move {
            let serve = |message| Arc::clone(&endpoint).serve(message);
            let told = pump(&endpoint.connection, messages, stop, serve).await;
            (subject, told)
        });
    }
    let api = announce(&spec, &connection, endpoints.clone(), stop.clone()).await?;
    pumps.spawn(async move { ("$SRV".to_owned(), api.await) });
    connection.barrier().await?;
    observe(&child, endpoints);
    child.ready();
    while let Some(ended) = pumps.join_next().await {
        match ended {
            Ok((_, true)) => {}
            Ok((subject, false)) => return Err(lost(&subject)),
            Err(error) => return Err(Failure::internal(format!("an endpoint ended: {error}"))),
        }
    }
    Ok(())
}

/// Shows the endpoints' credits in the actor tree.
fn observe(child: &ChildContext, endpoints: Vec<Arc<Endpoint>>) {
    child.observe(move || {
        let endpoint = |endpoint: &Arc<Endpoint>| {
            let credits = &endpoint.spec.credits;
            let numbers = serde_json::json!({
                "subject": endpoint.spec.subject.to_string(),
                "credits_in_use": credits.in_use(),
                "waiting": credits.waiting(),
            });
            (endpoint.spec.name.to_owned(), numbers)
        };
        endpoints.iter().map(endpoint).collect()
    });
}

/// Subscribes to the subjects of the Services API; the future answers on them.
async fn announce(
    spec: &ServiceSpec,
    connection: &Connection,
    endpoints: Vec<Arc<Endpoint>>,
    stop: CancellationToken,
) -> Result<impl Future<Output = bool> + Send + use<>, Failure> {
    let api = ServiceApi {
        name: spec.name,
        id: spec.instance.clone(),
        version: spec.version,
        description: spec.description,
        metadata: spec.metadata.clone(),
        started: SystemTime::now(),
    };
    let mut subscriptions = Vec::new();
    for subject in api.subjects() {
        let subscription = connection.client().subscribe(subject).await;
        subscriptions.push(subscription.map_err(|error| Failure::internal(error.to_string()))?);
    }
    let client = connection.client().clone();
    Ok(async move {
        let mut messages = select_all(subscriptions);
        loop {
            let message = tokio::select! {
                () = stop.cancelled() => return true,
                message = messages.next() => message,
            };
            let Some(message) = message else { return false };
            let Some(reply) = message.reply else { continue };
            let stats: Vec<&EndpointStats> = endpoints.iter().map(|e| &e.stats).collect();
            let Some(answer) = api.answer(&message.subject, &stats) else { continue };
            if let Err(error) = client.publish(reply, Bytes::from(answer.to_string())).await {
                warn!(%error, "an answer of the services API could not be sent");
            }
        }
    })
}

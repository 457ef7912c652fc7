//! A NATS service: its endpoints, and its discovery through the NATS Services API.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use bytes::Bytes;
use futures::{StreamExt as _, stream::select_all};
use ocelli_messages::{ErrorKind, Failure};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Connection, EndpointSpec, EndpointStats, ServiceApi, TaskActor,
    delivery::{callers::Callers, pump::pump, reply::Endpoint},
    task_actor::PATIENT,
};
use crate::supervisor::{ChildContext, ChildSpec};

/// The specification of a NATS service.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// The name of the service, which is also its queue group.
    pub name: &'static str,
    /// The unique id of this instance.
    pub instance: String,
    /// The version of the service, as SemVer.
    pub version: &'static str,
    /// A description for people.
    pub description: &'static str,
    /// Metadata that the Services API shows. It does not change while the service runs.
    pub metadata: BTreeMap<String, String>,
    /// The endpoints that the service serves.
    pub endpoints: Vec<EndpointSpec>,
}

impl ServiceSpec {
    /// A service without endpoints, with the version of this workspace.
    #[must_use]
    pub fn new(name: &'static str, instance: &str, description: &'static str) -> Self {
        Self {
            name,
            instance: instance.to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            description,
            metadata: BTreeMap::new(),
            endpoints: Vec::new(),
        }
    }

    /// Adds an endpoint to the service.
    #[must_use]
    pub fn endpoint(mut self, endpoint: EndpointSpec) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// An actor with the given name that runs the service on the given connection. Tasks serve the
    /// endpoints.
    #[must_use]
    pub fn child(self, name: &'static str, connection: Connection) -> ChildSpec {
        let (child, _) = ChildSpec::actor(name, move |child| {
            let (spec, connection) = (self.clone(), connection.clone());
            TaskActor::new(child, |child, stop| run(spec, connection, child, stop))
        });
        child.ready_within(PATIENT)
    }
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
    let callers = Callers::default();
    let endpoints: Vec<_> = (spec.endpoints.iter())
        .map(|endpoint| {
            let (endpoint, callers) = (endpoint.clone(), callers.clone());
            Arc::new(Endpoint::new(endpoint, connection.clone(), callers, spec.name))
        })
        .collect();
    let mut pumps = JoinSet::new();
    for endpoint in &endpoints {
        let patterns = endpoint.patterns();
        let name = patterns.join(",");
        let mut messages = Vec::new();
        for pattern in patterns {
            let subscribed =
                connection.client().queue_subscribe(pattern, spec.name.to_owned()).await;
            messages.push(subscribed.map_err(|_| lost(&name))?);
        }
        let (endpoint, stop) = (Arc::clone(endpoint), stop.clone());
        let connection = connection.clone();
        pumps.spawn(async move {
            let serve = |message| Arc::clone(&endpoint).serve(message);
            let told = pump(&connection, select_all(messages), stop, serve).await;
            (name, told)
        });
    }
    let api = announce(&spec, &connection, endpoints.clone(), stop.clone()).await?;
    pumps.spawn(async move { ("$SRV".to_owned(), api.await) });
    connection.barrier().await?;
    observe(&child, endpoints);
    child.ready();
    loop {
        let ended = tokio::select! {
            ended = pumps.join_next() => ended,
            failure = connection.subscription_refused() => return Err(failure),
        };
        match ended {
            None => return Ok(()),
            Some(Ok((_, true))) => {}
            Some(Ok((subject, false))) => return Err(lost(&subject)),
            Some(Err(error)) => {
                return Err(Failure::internal(format!("a task of an endpoint failed: {error}")));
            }
        }
    }
}

/// Shows the credits of the endpoints in the actor tree.
fn observe(child: &ChildContext, endpoints: Vec<Arc<Endpoint>>) {
    child.observe(move || endpoints.iter().map(|endpoint| endpoint.observe()).collect());
}

/// Subscribes to the subjects of the Services API. The returned future answers on them.
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

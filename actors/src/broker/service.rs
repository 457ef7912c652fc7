//! A NATS service: its endpoints, and its discovery through the NATS Services API.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;
use ocelli_messages::{Failure, subjects};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Connection, EndpointSpec, EndpointStats, ServiceApi, TaskActor,
    delivery::{
        callers::Callers,
        pump::{Route, pump},
        reply::Endpoint,
    },
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

    /// An actor with the given name that receives requests from the broker of the given connection,
    /// and sends the answers on it. Tasks serve the endpoints.
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
    let mut routes = announce(&spec, &connection, &endpoints);
    for endpoint in &endpoints {
        routes.extend(endpoint.patterns().into_iter().map(|pattern| {
            let endpoint = Arc::clone(endpoint);
            let serve = move |message| Arc::clone(&endpoint).serve(message);
            Route::tasks(pattern, Some(spec.name), serve)
        }));
    }
    routes.extend(cancels(&endpoints, &callers));
    let ready = || {
        observe(&child, endpoints);
        child.ready();
    };
    pump(&connection, routes, stop, ready).await
}

/// The subjects on which callers of the endpoints' tenants cancel their requests. Every worker hears
/// of every cancellation, because the caller does not know which one has its request.
fn cancels(endpoints: &[Arc<Endpoint>], callers: &Callers) -> Vec<Route> {
    let patterns: BTreeSet<String> = endpoints
        .iter()
        .flat_map(|endpoint| subjects::CANCEL.patterns(endpoint.tenants()))
        .collect();
    let route = |pattern| {
        let callers = callers.clone();
        Route::calls(pattern, move |message| callers.cancel(&message.payload))
    };
    patterns.into_iter().map(route).collect()
}

/// Shows the credits of the endpoints in the actor tree.
fn observe(child: &ChildContext, endpoints: Vec<Arc<Endpoint>>) {
    child.observe(move || endpoints.iter().map(|endpoint| endpoint.observe()).collect());
}

/// The subjects of the Services API, and the answers on them.
fn announce(
    spec: &ServiceSpec,
    connection: &Connection,
    endpoints: &[Arc<Endpoint>],
) -> Vec<Route> {
    let api = Arc::new(ServiceApi {
        name: spec.name,
        id: spec.instance.clone(),
        version: spec.version,
        description: spec.description,
        metadata: spec.metadata.clone(),
        started: SystemTime::now(),
    });
    let endpoints: Arc<[_]> = endpoints.into();
    let answer = |subject| {
        let (api, endpoints) = (Arc::clone(&api), Arc::clone(&endpoints));
        let client = connection.client().clone();
        Route::tasks(subject, None, move |message| {
            let stats: Vec<&EndpointStats> = endpoints.iter().map(|e| &e.stats).collect();
            let answer = api.answer(&message.subject, &stats);
            let client = client.clone();
            async move {
                let (Some(reply), Some(answer)) = (message.reply, answer) else { return };
                if let Err(error) = client.publish(reply, Bytes::from(answer.to_string())).await {
                    warn!(%error, "an answer of the services API could not be sent");
                }
            }
        })
    };
    api.subjects().into_iter().map(answer).collect()
}

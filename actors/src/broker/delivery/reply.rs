//! The reply lane: every request gets exactly one reply, whatever happens.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use ocelli_messages::{Failure, MessageContext, Tenant, TenantSubject, Tenants};
use prost::{Message, Name};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::{Delivery, Encoded, Request, consumer_span, decode, headers, time_left};
use crate::{
    broker::{Connection, EndpointStats},
    credits::{Caller, Credit, CreditPool},
    metrics::{Metric, counter, gauge, histogram},
};

/// Answers requests. A panic is answered as `internal` and does not affect other requests.
pub trait Handler: Send + Sync + 'static {
    /// The message of a request.
    type Request: Message + Name + Default + 'static;
    /// The message of a response.
    type Response: Message + 'static;

    /// The field of the request that is blamed if a response is too large for the broker. It is
    /// empty if the caller cannot make the response smaller.
    const RESPONSE_FIELD: &'static str = "";

    /// Answers one request. Its credit is held until the response was sent; a failure gives it
    /// back at once.
    fn handle(
        &self,
        request: Request<Self::Request>,
    ) -> impl Future<Output = Result<Encoded<Self::Response>, Failure>> + Send;
}

/// A handler without its types, so that handlers of different types can be in one list.
trait AnyHandler: Send + Sync {
    fn handle(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Bytes, Failure>>;
    fn response_field(&self) -> &'static str;
}

impl<H: Handler> AnyHandler for H {
    fn handle(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Bytes, Failure>> {
        async move {
            let Request { tenant, context, message, arrived } = request;
            let message = decode(message)?;
            let request = Request { tenant, context, message, arrived };
            Handler::handle(self, request).await.map(Encoded::into_bytes)
        }
        .boxed()
    }

    fn response_field(&self) -> &'static str {
        H::RESPONSE_FIELD
    }
}

/// The specification of an endpoint.
#[derive(Clone)]
pub struct EndpointSpec {
    name: &'static str,
    subject: &'static TenantSubject,
    tenants: Tenants,
    handler: Arc<dyn AnyHandler>,
    credits: CreditPool,
    patience: Duration,
    timeout: Duration,
}

impl EndpointSpec {
    /// An endpoint that serves requests on the given kind of subject. Metrics and the Services API
    /// show its name.
    ///
    /// By default, it serves all tenants, a request may wait 2 s for a credit, and a request
    /// without a deadline has 30 s. `credits` limits the work in progress; endpoints that share a
    /// resource share their credits.
    #[must_use]
    pub fn new(
        name: &'static str,
        subject: &'static TenantSubject,
        handler: impl Handler,
        credits: CreditPool,
    ) -> Self {
        Self {
            name,
            subject,
            tenants: Tenants::All,
            handler: Arc::new(handler),
            credits,
            patience: Duration::from_secs(2),
            timeout: Duration::from_secs(30),
        }
    }

    /// Sets the tenants that are served.
    #[must_use]
    pub fn tenants(mut self, tenants: Tenants) -> Self {
        self.tenants = tenants;
        self
    }

    /// Sets how long a request may wait for a credit before it is answered with `overloaded`.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the time limit for a request that states no deadline.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl std::fmt::Debug for EndpointSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointSpec")
            .field("name", &self.name)
            .field("subject", &self.subject.row().template())
            .finish_non_exhaustive()
    }
}

/// A running endpoint.
pub(in crate::broker) struct Endpoint {
    pub(in crate::broker) stats: EndpointStats,
    spec: EndpointSpec,
    delivery: Delivery,
    seconds: metrics::Histogram,
    answered: metrics::Counter,
    in_flight: metrics::Gauge,
}

impl Endpoint {
    pub(in crate::broker) fn new(
        spec: EndpointSpec,
        connection: Connection,
        queue_group: &str,
    ) -> Self {
        let subjects = spec.subject.patterns(&spec.tenants).join(",");
        let delivery = Delivery {
            name: spec.name,
            template: spec.subject.row().template(),
            connection,
            timeout: spec.timeout,
        };
        Self {
            stats: EndpointStats::new(spec.name, subjects, queue_group.to_owned()),
            seconds: histogram(Metric::RequestSeconds, &[spec.name]),
            answered: counter(Metric::Requests, &[spec.name, "ok"]),
            in_flight: gauge(Metric::RequestsInFlight, &[spec.name]),
            spec,
            delivery,
        }
    }

    /// The subjects to subscribe to.
    pub(in crate::broker) fn patterns(&self) -> Vec<String> {
        self.spec.subject.patterns(&self.spec.tenants)
    }

    /// The name of the endpoint, and the state of its credits for the actor tree.
    pub(in crate::broker) fn observe(&self) -> (String, serde_json::Value) {
        let numbers = serde_json::json!({
            "subject": self.patterns().join(","),
            "credits_in_use": self.spec.credits.in_use(),
            "waiting": self.spec.credits.waiting(),
        });
        (self.spec.name.to_owned(), numbers)
    }

    /// Answers one message.
    pub(in crate::broker) async fn serve(self: Arc<Self>, message: async_nats::Message) {
        let arrived = Instant::now();
        let _in_flight = InFlight::enter(&self.in_flight);
        let async_nats::Message { subject, reply, payload, headers, .. } = message;
        let (context, result) = match self.delivery.read(headers.as_ref()) {
            Ok(incoming) => {
                let span = consumer_span!("request", self.delivery.template, incoming.context);
                let work = |context: MessageContext| async {
                    let tenant = self.spec.subject.parse(&subject);
                    let tenant = tenant.map_err(|e| Failure::invalid("subject", e.to_string()))?;
                    let caller = Caller::of(reply.as_deref(), context.caller.as_deref());
                    self.work(&caller, tenant, context, payload, arrived).await
                };
                self.delivery.run(span, incoming, work).await
            }
            Err(failure) => (self.delivery.own_context(), Err(failure)),
        };
        self.answer(reply, &context, result, arrived).await;
    }

    /// Waits for a credit, then calls the handler. The credit is returned together with the
    /// response.
    async fn work(
        &self,
        caller: &Caller,
        tenant: Tenant,
        context: MessageContext,
        payload: Bytes,
        arrived: Instant,
    ) -> Result<(Bytes, Credit), Failure> {
        let until = arrived + time_left(&context)?.min(self.spec.patience);
        let credit = self.spec.credits.acquire_before(caller, payload.len(), until).await?;
        time_left(&context)?;
        let request = Request { tenant, context, message: payload, arrived };
        Ok((self.spec.handler.handle(request).await?, credit))
    }

    async fn answer(
        &self,
        reply: Option<async_nats::Subject>,
        context: &MessageContext,
        result: Result<(Bytes, Credit), Failure>,
        arrived: Instant,
    ) {
        let result = result.and_then(|(response, credit)| {
            let field = self.spec.handler.response_field();
            Ok((self.delivery.fit(response, field)?, credit))
        });
        let took = arrived.elapsed();
        self.seconds.record(took);
        let (headers, payload, _credit) = match result {
            Ok((payload, credit)) => {
                self.answered.increment(1);
                self.stats.answered(took, None);
                (headers::write(context), payload, Some(credit))
            }
            Err(failure) => {
                self.note(&failure, context, took);
                let body = failure.to_wire(&context.request_id).encode_to_vec();
                (headers::write_error(context, &failure), Bytes::from(body), None)
            }
        };
        let Some(reply) = reply else {
            debug!(endpoint = self.spec.name, "a request has no reply subject");
            return;
        };
        let client = self.delivery.connection.client();
        if let Err(error) = client.publish_with_headers(reply, headers, payload).await {
            warn!(endpoint = self.spec.name, %error, "a reply could not be sent");
        }
    }

    fn note(&self, failure: &Failure, context: &MessageContext, took: Duration) {
        counter(Metric::Requests, &[self.spec.name, failure.kind.as_str()]).increment(1);
        self.stats.answered(took, Some(&failure.to_string()));
        self.delivery.note(failure, context);
    }
}

/// Counts a request as in progress until it is dropped, even if its task is killed.
struct InFlight<'a>(&'a metrics::Gauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a metrics::Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

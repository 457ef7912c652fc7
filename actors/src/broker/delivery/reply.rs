//! The reply lane: every request gets exactly one reply, whatever happens.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::HeaderMap;
use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use ocelli_messages::{
    ErrorKind, Failure, MessageContext, Tenant, TenantSubject, Tenants, TraceContext,
};
use prost::{Message, Name};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::{
    Admission, Delivery, Encoded, Hold, Request,
    callers::{Callers, Entered},
    consumer_span, decode, headers, time_left,
};
use crate::{
    broker::{Connection, EndpointStats},
    credits::{Caller, CreditPool},
    metrics::{Metric, counter, gauge, histogram},
};

/// How long an answer may wait for the broker, even if its deadline has passed meanwhile.
const SEND_WITHIN: Duration = Duration::from_millis(100);

/// Answers requests. A panic is answered as `internal` and does not affect other requests.
pub trait Handler: Send + Sync + 'static {
    /// The message of a request.
    type Request: Message + Name + Default + 'static;
    /// The message of a response.
    type Response: Message + 'static;

    /// The field of the request that is blamed if a response is too large for the broker. It is
    /// empty if the caller cannot make the response smaller.
    const RESPONSE_FIELD: &'static str = "";

    /// Whether the handler waits for the credit of a request itself, with
    /// [`Admission::admit`](super::Admission::admit), because only it knows what the work takes.
    /// Otherwise a request has its credit before it is handled.
    const ADMITS: bool = false;

    /// Answers one request. Its credit is held until the response was sent; a failure gives it
    /// back at once, unless work goes on that holds it. If the caller cancels the request, the
    /// future is dropped.
    fn handle(
        &self,
        request: Request<Self::Request>,
    ) -> impl Future<Output = Result<Encoded<Self::Response>, Failure>> + Send;
}

/// A handler without its types, so that handlers of different types can be in one list.
trait AnyHandler: Send + Sync {
    fn handle(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Bytes, Failure>>;
    fn response_field(&self) -> &'static str;
    fn admits(&self) -> bool;
}

impl<H: Handler> AnyHandler for H {
    fn handle(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Bytes, Failure>> {
        async move {
            let Request { tenant, context, message, arrived, admission } = request;
            let message = decode(message)?;
            let request = Request { tenant, context, message, arrived, admission };
            Handler::handle(self, request).await.map(Encoded::into_bytes)
        }
        .boxed()
    }

    fn response_field(&self) -> &'static str {
        H::RESPONSE_FIELD
    }

    fn admits(&self) -> bool {
        H::ADMITS
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
    callers: Callers,
    seconds: metrics::Histogram,
    answered: metrics::Counter,
    in_flight: metrics::Gauge,
}

impl Endpoint {
    pub(in crate::broker) fn new(
        spec: EndpointSpec,
        connection: Connection,
        callers: Callers,
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
            callers,
        }
    }

    /// The subjects to subscribe to.
    pub(in crate::broker) fn patterns(&self) -> Vec<String> {
        self.spec.subject.patterns(&self.spec.tenants)
    }

    /// The tenants that are served.
    pub(in crate::broker) const fn tenants(&self) -> &Tenants {
        &self.spec.tenants
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

    /// Answers one message. Meanwhile it gives its caller signs of life, and if the caller goes
    /// away, it drops the work.
    pub(in crate::broker) async fn serve(self: Arc<Self>, message: async_nats::Message) {
        let arrived = Instant::now();
        let _in_flight = InFlight::enter(&self.in_flight);
        let async_nats::Message { subject, reply, payload, headers, .. } = message;
        let entered = reply.as_deref().map(|reply| self.callers.enter(reply));
        let keepalive = headers::keepalive(headers.as_ref());
        let answered = self.answer_to(&subject, reply.as_deref(), payload, headers, arrived);
        tokio::select! {
            biased;
            (context, result) = answered => self.send(reply, &context, result, arrived).await,
            never = self.give_signs_of_life(reply.as_deref(), keepalive) => match never {},
            () = gone(entered.as_ref()) => {
                let failure = Failure::new(ErrorKind::Cancelled, "the caller no longer waits");
                self.note(&failure, &self.delivery.own_context(), arrived.elapsed());
            }
        }
    }

    /// Works on a message. The credit is returned together with the response.
    async fn answer_to(
        &self,
        subject: &str,
        reply: Option<&str>,
        payload: Bytes,
        headers: Option<HeaderMap>,
        arrived: Instant,
    ) -> (MessageContext, Result<(Bytes, Hold), Failure>) {
        let incoming = match self.delivery.read(headers.as_ref()) {
            Ok(incoming) => incoming,
            Err(failure) => return (self.delivery.own_context(), Err(failure)),
        };
        drop(headers);
        let span = consumer_span!("request", self.delivery.template, incoming.context);
        let work = |context: MessageContext| async {
            let tenant = self.spec.subject.parse(subject);
            let tenant = tenant.map_err(|e| Failure::invalid("subject", e.to_string()))?;
            let caller = Caller::of(reply, context.caller.as_deref());
            self.work(caller, tenant, context, payload, arrived).await
        };
        self.delivery.run(span, incoming, work).await
    }

    /// Waits for a credit, unless the handler does, and calls the handler.
    async fn work(
        &self,
        caller: Caller,
        tenant: Tenant,
        context: MessageContext,
        payload: Bytes,
        arrived: Instant,
    ) -> Result<(Bytes, Hold), Failure> {
        let until = arrived + time_left(&context)?.min(self.spec.patience);
        let admission = Admission::to(self.spec.credits.clone(), caller, payload.len(), until);
        if !self.spec.handler.admits() {
            admission.admit(0).await?;
        }
        // The wait for the credit is part of the time.
        let left = time_left(&context)?;
        let own = admission.clone();
        let request = Request { tenant, context, message: payload, arrived, admission };
        let response = tokio::time::timeout(left, self.spec.handler.handle(request)).await;
        let late = |_| Failure::deadline("the deadline passed before the result was ready");
        let response = response.map_err(late)??;
        let hold = own.hold();
        hold.shrink_to(response.len());
        Ok((response, hold))
    }

    /// Tells the caller at intervals that the request is being worked on, for as long as the future
    /// is polled.
    async fn give_signs_of_life(
        &self,
        reply: Option<&str>,
        keepalive: Option<Duration>,
    ) -> Infallible {
        let (Some(reply), Some(interval)) = (reply, keepalive) else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(interval).await;
            let headers = headers::write_sign_of_life(self.delivery.connection.name());
            let sign = self.delivery.connection.publish_or_drop(reply, headers, Bytes::new());
            if let Err(failure) = sign.await {
                debug!(endpoint = self.spec.name, %failure, "a sign of life could not be sent");
            }
        }
    }

    async fn send(
        &self,
        reply: Option<async_nats::Subject>,
        context: &MessageContext,
        result: Result<(Bytes, Hold), Failure>,
        arrived: Instant,
    ) {
        let headers = headers::write(context);
        let result = result.and_then(|(response, hold)| {
            let field = self.spec.handler.response_field();
            Ok((self.delivery.fit(&headers, response, field)?, hold))
        });
        let took = arrived.elapsed();
        self.seconds.record(took);
        let (headers, payload) = match result {
            Ok((response, hold)) => {
                self.answered.increment(1);
                self.stats.answered(took, None);
                (headers, hold.keep(response))
            }
            Err(failure) => {
                self.note(&failure, context, took);
                self.error(context, &failure)
            }
        };
        let Some(reply) = reply else {
            debug!(endpoint = self.spec.name, "a request has no reply subject");
            return;
        };
        let sent = self.delivery.connection.publish(reply.as_str(), headers, payload);
        // After its deadline, nobody waits for an answer that the broker does not take.
        let left = context.deadline.left(SystemTime::now()).unwrap_or_default();
        match tokio::time::timeout(left.max(SEND_WITHIN), sent).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => {
                warn!(endpoint = self.spec.name, %failure, "a reply could not be sent");
            }
            Err(_) => warn!(endpoint = self.spec.name, "the broker did not take a reply in time"),
        }
    }

    /// The headers and the payload of an error. What the caller's headers add is left out if the
    /// broker would not accept the error with it.
    fn error(&self, context: &MessageContext, failure: &Failure) -> (HeaderMap, Bytes) {
        let payload = Bytes::from(failure.to_wire(&context.request_id).encode_to_vec());
        let headers = headers::write_error(context, failure);
        if self.delivery.fit(&headers, payload.clone(), "").is_ok() {
            return (headers, payload);
        }
        let bare = TraceContext { state: None, baggage: None, ..context.trace.clone() };
        let context = MessageContext { trace: bare, ..context.clone() };
        (headers::write_error(&context, failure), payload)
    }

    fn note(&self, failure: &Failure, context: &MessageContext, took: Duration) {
        counter(Metric::Requests, &[self.spec.name, failure.kind.as_str()]).increment(1);
        self.stats.answered(took, Some(&failure.to_string()));
        self.delivery.note(failure, context);
    }
}

/// Waits until the caller of a request is gone; for ever if it cannot say so.
async fn gone(entered: Option<&Entered>) {
    match entered {
        Some(entered) => entered.gone().await,
        None => std::future::pending().await,
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

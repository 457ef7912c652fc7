//! One file per route.

pub(crate) mod filters;
pub(crate) mod health;
pub(crate) mod index;
pub(crate) mod process_image;

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime},
};

use actix_web::HttpResponse;
use futures::FutureExt as _;
use ocelli_actors::{
    broker::Connection,
    credits::{CreditPool, Shed, ShedReason},
    metrics::{Metric, counter},
};
use ocelli_kit::{health::Health, problem};
use ocelli_messages::{Deadline, ErrorKind, Failure, Limits, LogLevel, MessageContext, Subject};
use tracing::{debug, error, info, warn};

use crate::{places, scope::Scope};

/// What is suggested to a client while the broker is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long a thread that starts to serve waits for its connection to the broker. Without a broker
/// it serves all the same, and says so to each request.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// What the handlers work with; the threads share all of it but the connection.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) health: Health,
    pub(crate) limits: Limits,
    /// Where images go.
    pub(crate) process: Subject,
    /// Who knows the filters.
    pub(crate) list: Subject,
    /// How much may be under way.
    pub(crate) credits: CreditPool,
    /// How long a request may wait for a credit.
    pub(crate) patience: Duration,
    /// The deadline of a request that states none, and the longest time to send a body.
    pub(crate) request_timeout: Duration,
}

impl Shared {
    /// The same, with a connection to the broker on this thread: a request then wakes no other
    /// thread on its way out nor on its way back, some 0.2 ms of a frame's 1.9 ms.
    pub(crate) async fn on_this_thread(&self) -> Result<Self, Failure> {
        let connection = self.connection.sibling().await?;
        if tokio::time::timeout(CONNECT_WITHIN, connection.up()).await.is_err() {
            warn!("serving without a connection to the broker");
        }
        Ok(Self { connection, ..self.clone() })
    }
}

/// Answers with the work's result. A panic becomes `internal` and harms no other request.
pub(crate) async fn answer(
    scope: &Scope,
    work: impl Future<Output = Result<HttpResponse, Failure>>,
) -> HttpResponse {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    // The panic hook has logged it, with its place.
    let result =
        result.unwrap_or_else(|_| Err(Failure::internal("the gateway failed on this request")));
    result.unwrap_or_else(|failure| {
        let failure = places::to_http(failure);
        note(&failure, scope);
        problem::response(&failure, scope.request_id())
    })
}

/// One line and one count for a failed request, at the level of its kind.
fn note(failure: &Failure, scope: &Scope) {
    let (endpoint, field) = (scope.route.path(), &failure.field);
    counter(Metric::Errors, &[endpoint, failure.kind.as_str()]).increment(1);
    match failure.kind.level() {
        LogLevel::Debug => debug!(endpoint, field, "{failure}"),
        LogLevel::Info => info!(endpoint, field, "{failure}"),
        LogLevel::Warn => warn!(endpoint, field, "{failure}"),
        LogLevel::Error => error!(endpoint, field, "{failure}"),
    }
}

/// The request's context with its deadline: the caller's, or `timeout` from now if that is earlier.
pub(crate) fn bounded(scope: &Scope, timeout: Duration) -> Result<MessageContext, Failure> {
    let now = SystemTime::now();
    let mut context = scope.context.clone();
    context.deadline = context.deadline.min(Deadline::after(now, timeout));
    match context.deadline.left(now) {
        Some(_) => Ok(context),
        None => Err(Failure::deadline("the deadline has passed already")),
    }
}

/// A request that got no credit, as an answer.
pub(crate) fn refuse(shed: &Shed) -> Failure {
    match shed.reason {
        ShedReason::Full | ShedReason::Deadline => {
            Failure::overloaded("too many requests are under way", shed.retry_after)
        }
        ShedReason::Closed => Failure::new(ErrorKind::Cancelled, "the gateway is stopping")
            .retry_after(shed.retry_after),
        ShedReason::TooLarge => {
            let message = "the body is more than this gateway takes at once";
            Failure::new(ErrorKind::TooLarge, message).at("body")
        }
    }
}

/// Nothing is read from a client that could not be served anyway.
pub(crate) fn need_broker(shared: &Shared) -> Result<(), Failure> {
    if shared.connection.link().up {
        Ok(())
    } else {
        Err(Failure::unavailable("there is no connection to the broker", RETRY_AFTER))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::routes::Route;

    fn scope() -> Scope {
        Scope {
            context: MessageContext::new(SystemTime::now(), Duration::from_secs(60)),
            arrived: Instant::now(),
            route: Route::ProcessImage,
        }
    }

    #[actix_web::test]
    async fn a_panic_is_an_answer_too() {
        let scope = scope();
        let response = answer(&scope, async { panic!("in a handler") }).await;
        assert_eq!(response.status(), 500);
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["kind"], "internal");
        assert_eq!(problem["request_id"], scope.request_id());
    }

    #[test]
    fn the_earlier_deadline_counts() {
        let mut scope = scope();
        let callers = scope.context.deadline;
        assert_eq!(bounded(&scope, Duration::from_secs(600)).unwrap().deadline, callers);
        assert!(bounded(&scope, Duration::from_secs(1)).unwrap().deadline < callers);
        scope.context.deadline = Deadline::from_unix_ms(1);
        let late = bounded(&scope, Duration::from_secs(1)).unwrap_err();
        assert_eq!(late.kind, ErrorKind::DeadlineExceeded);
    }

    #[test]
    fn who_gets_no_credit_is_told_why_and_when() {
        let retry_after = Duration::from_secs(3);
        for (reason, kind) in [
            (ShedReason::Full, ErrorKind::Overloaded),
            (ShedReason::Deadline, ErrorKind::Overloaded),
            (ShedReason::Closed, ErrorKind::Cancelled),
        ] {
            let failure = refuse(&Shed { retry_after, reason });
            assert_eq!((failure.kind, failure.retry_after), (kind, Some(retry_after)));
        }
    }
}

//! How a handler answers: errors as `application/problem+json`, logged and counted in one place.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime},
};

use actix_web::HttpResponse;
use futures::FutureExt as _;
use ocelli_actors::{
    log_at,
    metrics::{Metric, counter},
};
use ocelli_kit::problem;
use ocelli_messages::{Deadline, Failure, MessageContext};

use crate::{places, scope::Scope};

/// Awaits `work` and answers with its response or its error. A panic is answered as `internal` and
/// does not affect other requests.
pub(crate) async fn answer(
    scope: &Scope,
    work: impl Future<Output = Result<HttpResponse, Failure>>,
) -> HttpResponse {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    // The panic hook has logged the panic and where it happened.
    let result =
        result.unwrap_or_else(|_| Err(Failure::internal("the gateway failed on this request")));
    result.unwrap_or_else(|failure| {
        let failure = places::to_http(failure);
        report(&failure, scope);
        problem::response(&failure, scope.request_id())
    })
}

/// Logs a failed request at the level of its kind, and counts it.
fn report(failure: &Failure, scope: &Scope) {
    let (endpoint, field) = (scope.route.pattern, &failure.field);
    counter(Metric::Errors, &[endpoint, failure.kind.as_str()]).increment(1);
    log_at!(failure.kind.level(), endpoint, field, "{failure}");
}

/// The request's context, with the caller's deadline or the one `timeout` from now, whichever is
/// earlier.
///
/// # Errors
/// `deadline_exceeded` if that has passed.
pub(crate) fn bounded(scope: &Scope, timeout: Duration) -> Result<MessageContext, Failure> {
    let now = SystemTime::now();
    let mut context = scope.context.clone();
    context.deadline = context.deadline.min(Deadline::after(now, timeout));
    match context.deadline.left(now) {
        Some(_) => Ok(context),
        None => Err(Failure::deadline("the deadline has already passed")),
    }
}

#[cfg(test)]
mod tests {
    use ocelli_messages::{ErrorKind, Tenant};
    use tokio::time::Instant;

    use super::*;
    use crate::routes::UNKNOWN;

    fn scope() -> Scope {
        Scope {
            context: MessageContext::new(SystemTime::now(), Duration::from_secs(60)),
            arrived: Instant::now(),
            route: &UNKNOWN,
            tenant: Tenant::default(),
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
}

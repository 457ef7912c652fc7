//! The reply lane on a real broker: callers that go away, that wait long, and that send much.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_nats::HeaderMap;
use futures::StreamExt as _;
use ocelli_actors::{
    broker::{Connection, Encoded, EndpointSpec, Handler, Hold, Request, ServiceSpec},
    credits::{CreditLimits, CreditPool},
    supervisor::{Supervisor, SupervisorHandle, SupervisorSpec},
    tree::ActorTree,
};
use ocelli_messages::{Deadline, ErrorKind, Failure, MessageContext, Tenant, header, v1};
use ocelli_nats_server::ServerOptions;
use ocelli_testkit::{Broker, PATIENCE, patiently, wait_until};
use prost::Message as _;
use tokio::{sync::watch, task::LocalSet};

ocelli_messages::subjects! {
    /// A request for these tests.
    ASK: TenantSubject = "req.test.ask", "String → String";
}

/// Never answers a request by itself: it waits for the test to let it go.
#[derive(Clone)]
struct Waits {
    go: watch::Receiver<bool>,
    /// The requests whose futures exist.
    now: Arc<AtomicUsize>,
    /// What outlives the future of a request, as work on a thread does.
    outlives: watch::Sender<Option<Hold>>,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Handler for Waits {
    type Request = String;
    type Response = String;

    const ADMITS: bool = true;

    async fn handle(&self, request: Request<String>) -> Result<Encoded<String>, Failure> {
        let hold = request.admission.admit(1_000).await?;
        self.outlives.send_replace(Some(hold));
        self.now.fetch_add(1, Ordering::SeqCst);
        let _counted = Counted(Arc::clone(&self.now));
        let mut go = self.go.clone();
        go.wait_for(|go| *go).await.map_err(|_| Failure::internal("the test is over"))?;
        Ok(Encoded::new(&request.message))
    }
}

struct Service {
    caller: Connection,
    go: watch::Sender<bool>,
    now: Arc<AtomicUsize>,
    outlives: watch::Sender<Option<Hold>>,
    credits: CreditPool,
    supervisor: SupervisorHandle,
    _broker: Broker,
}

fn service(test: impl AsyncFnOnce(&Service)) -> Pin<Box<impl Future<Output = ()>>> {
    Box::pin(async {
        LocalSet::new().run_until(run(test)).await;
    })
}

async fn run(test: impl AsyncFnOnce(&Service)) {
    let options = ServerOptions { max_payload: 16 * 1024, ..ServerOptions::default() };
    let broker = Broker::start_with(options).await.unwrap();
    let (go, now) = (watch::Sender::new(false), Arc::<AtomicUsize>::default());
    let outlives = watch::Sender::new(None);
    let credits = CreditPool::new(CreditLimits::of(4, 10_000), "test");
    let handler = Waits { go: go.subscribe(), now: Arc::clone(&now), outlives: outlives.clone() };
    let endpoint = EndpointSpec::new("ask", &ASK, handler, credits.clone());
    let spec = ServiceSpec::new("test", "1", "Tests").endpoint(endpoint);
    let root = SupervisorSpec::new("test");
    let root = root.child(spec.child("requests", broker.connect().await.unwrap()));
    let supervisor = Supervisor::start(root, &ActorTree::new());
    patiently("the service", supervisor.ready()).await.unwrap().unwrap();
    let caller = broker.connect().await.unwrap();
    let service = Service { caller, go, now, outlives, credits, supervisor, _broker: broker };
    test(&service).await;
    service.supervisor.shutdown(PATIENCE).await;
}

impl Service {
    async fn ask(&self, within: Duration) -> Result<String, Failure> {
        let context = MessageContext::new(SystemTime::now(), within);
        let subject = ASK.of(&Tenant::default());
        let payload = "question".to_owned().encode_to_vec().into();
        let answer = self.caller.request(&subject, &context, payload).await?;
        Ok(String::decode(answer).unwrap())
    }

    async fn until_works_on(&self, requests: usize) {
        let now = || async { (self.now.load(Ordering::SeqCst) == requests).then_some(()) };
        wait_until("the requests in progress", now).await.unwrap();
    }
}

#[tokio::test]
async fn the_work_of_a_caller_that_goes_away_is_dropped_and_what_outlives_it_holds_the_credit() {
    service(async |service| {
        tokio::select! {
            _ = service.ask(PATIENCE) => panic!("it is never answered"),
            () = service.until_works_on(1) => {}
        }
        service.until_works_on(0).await;
        assert_eq!(service.credits.bytes_in_use(), 1_000 + "question".len() + 2);
        service.outlives.send_replace(None);
        let free = || async { (service.credits.in_use() == 0).then_some(()) };
        wait_until("the credit", free).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_request_ends_at_its_deadline_whatever_its_handler_does() {
    service(async |service| {
        let failure = service.ask(Duration::from_millis(100)).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::DeadlineExceeded);
        service.until_works_on(0).await;
    })
    .await;
}

#[tokio::test]
async fn a_deadline_at_the_end_of_time_is_none() {
    service(async |service| {
        service.go.send_replace(true);
        let mut context = MessageContext::new(SystemTime::now(), PATIENCE);
        context.deadline = Deadline::from_unix_ms(u64::MAX);
        let payload = "question".to_owned().encode_to_vec().into();
        let subject = ASK.of(&Tenant::default());
        let answer = service.caller.request(&subject, &context, payload);
        assert!(patiently("an answer", answer).await.unwrap().is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_request_that_takes_long_is_worked_on_once() {
    service(async |service| {
        let slow = async {
            service.until_works_on(1).await;
            // Longer than a caller waits for a sign of life.
            tokio::time::sleep(Duration::from_millis(2_000)).await;
            assert_eq!(service.now.load(Ordering::SeqCst), 1);
            service.go.send_replace(true);
        };
        let (answer, ()) = tokio::join!(service.ask(PATIENCE), slow);
        assert_eq!(answer.unwrap(), "question");
    })
    .await;
}

#[tokio::test]
async fn an_answer_or_an_error_that_does_not_fit_with_its_headers_still_gets_an_error_through() {
    service(async |service| {
        service.go.send_replace(true);
        let client = service.caller.client();
        let ask = async |payload: usize, baggage: usize| {
            let mut headers = HeaderMap::new();
            let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
            headers.insert(header::TRACEPARENT, parent);
            headers.insert(header::BAGGAGE, "b".repeat(baggage));
            headers.insert(header::TRACESTATE, format!("a={}", "s".repeat(baggage - 2)));
            let payload = "x".repeat(payload).encode_to_vec().into();
            let subject = ASK.of(&Tenant::default()).to_string();
            let reply = client.new_inbox();
            let mut answers = client.subscribe(reply.clone()).await.unwrap();
            client.publish_with_reply_and_headers(subject, reply, headers, payload).await.unwrap();
            patiently("an answer", answers.next()).await.unwrap().unwrap()
        };
        let code = |answer: &async_nats::Message| {
            answer.headers.as_ref().unwrap().get(header::ERROR_CODE).map(ToString::to_string)
        };
        // The request has no more headers than its answer, which adds an id and a deadline.
        let answer = ask(16 * 1024 - 8_160, 4_000).await;
        assert_eq!(code(&answer).as_deref(), Some("413"));
        let error = v1::Error::decode(answer.payload).unwrap();
        assert_eq!(error.kind(), v1::ErrorKind::TooLarge);
        service.outlives.send_replace(None);
        // Nearly all that the broker accepts is headers, and an error adds more of them.
        let answer = ask(10, 8_100).await;
        assert_eq!(code(&answer).as_deref(), Some("413"));
        assert!(answer.headers.unwrap().get(header::BAGGAGE).is_none());
    })
    .await;
}

//! Durable work: each item is worked on until it is settled, on a real broker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ocelli_actors::{
    broker::{
        Connection, ConsumerSpec, DeliveryClass, Request, Retention, StreamSpec, WorkHandler,
        WorkSpec,
    },
    supervisor::{Supervisor, SupervisorHandle, SupervisorSpec},
    tree::ActorTree,
};
use ocelli_messages::{ErrorKind, Failure, Tenant, v1};
use ocelli_testkit::{Broker, PATIENCE, patiently, wait_until};
use prost::Message as _;
use tokio::task::LocalSet;

ocelli_messages::subjects! {
    /// An item for these tests; what it is called decides what happens.
    ITEM: TenantSubject = "job.test.run", "FilterStep";
}

const STREAM: &str = "TEST";
const ACK_WAIT: Duration = Duration::from_secs(1);

/// Works on items as their names say, and remembers the attempts.
#[derive(Default)]
struct Worker {
    attempts: Mutex<BTreeMap<String, Vec<u64>>>,
    now: AtomicUsize,
    most: AtomicUsize,
    takes: Duration,
}

impl Worker {
    fn taking(takes: Duration) -> Arc<Self> {
        Arc::new(Self { takes, ..Self::default() })
    }

    fn attempts(&self) -> BTreeMap<String, Vec<u64>> {
        self.attempts.lock().unwrap().clone()
    }
}

impl WorkHandler for Worker {
    type Item = v1::FilterStep;

    async fn handle(&self, item: Request<v1::FilterStep>, attempt: u64) -> Result<(), Failure> {
        assert_eq!(item.tenant, Tenant::default());
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        let id = item.message.id;
        self.attempts.lock().unwrap().entry(id.clone()).or_default().push(attempt);
        let soon = Duration::from_millis(10);
        match id.as_str() {
            "wrong" => Err(Failure::invalid("id", "it is wrong and stays wrong")),
            "flaky" if attempt < 3 => Err(Failure::unavailable("not yet", soon)),
            "hangs" if attempt < 2 => std::future::pending().await,
            "panics" if attempt < 2 => panic!("a bug in a handler"),
            _ => Ok(()),
        }
    }
}

fn stream() -> StreamSpec {
    StreamSpec {
        retention: Retention::WorkQueue,
        ..StreamSpec::new(STREAM, ITEM.patterns(&Default::default()), DeliveryClass::Replicated)
    }
}

/// Starts a worker process, as far as the broker can tell.
async fn start(connection: Connection, handler: Arc<Worker>, in_flight: usize) -> SupervisorHandle {
    start_within(connection, handler, in_flight, PATIENCE).await
}

async fn start_within(
    connection: Connection,
    handler: Arc<Worker>,
    in_flight: usize,
    timeout: Duration,
) -> SupervisorHandle {
    let consumer = ConsumerSpec { ack_wait: ACK_WAIT, ..ConsumerSpec::new(STREAM, "test-worker") };
    let spec = WorkSpec {
        name: "test",
        stream: stream(),
        consumer,
        subject: ITEM.row(),
        handler,
        in_flight,
        timeout,
    };
    let root = SupervisorSpec::new("test").child(spec.child("work", connection));
    let supervisor = Supervisor::start(root, &ActorTree::new());
    patiently("the worker", supervisor.ready()).await.unwrap().unwrap();
    supervisor
}

async fn publish(connection: &Connection, ids: impl IntoIterator<Item = String>) {
    let jetstream = connection.jetstream();
    stream().ensure(&jetstream).await.unwrap();
    for id in ids {
        let item = v1::FilterStep { id, ..Default::default() };
        let subject = ITEM.of(&Tenant::default()).to_string();
        let sent = jetstream.context().publish(subject, item.encode_to_vec().into()).await;
        sent.unwrap().await.unwrap();
    }
}

/// Waits until every item is settled.
async fn all_settled(connection: &Connection) {
    let jetstream = connection.jetstream();
    wait_until("every item is settled", || async {
        let info = stream().ensure(&jetstream).await.ok()?;
        (info.state.messages == 0).then_some(())
    })
    .await
    .unwrap();
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("item-{number}"))
}

#[tokio::test]
async fn an_item_is_fetched_only_when_there_is_a_worker_for_it() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    publish(&connection, numbered(24)).await;
    // Twelve rounds of 0.2 s: with items fetched in advance, most would outlive their ack time.
    let worker = Worker::taking(ACK_WAIT / 5);
    let run = async {
        let service = start(connection.clone(), Arc::clone(&worker), 2).await;
        all_settled(&connection).await;
        service.shutdown(PATIENCE).await;
    };
    LocalSet::new().run_until(run).await;
    let attempts = worker.attempts();
    assert_eq!(attempts.len(), 24);
    assert!(attempts.values().all(|attempts| attempts == &[1]), "{attempts:?}");
    assert_eq!(worker.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_item_that_takes_longer_than_its_ack_time_is_not_given_to_another_worker() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    publish(&connection, numbered(1)).await;
    let worker = Worker::taking(ACK_WAIT * 5 / 2);
    let run = async {
        let service = start(connection.clone(), Arc::clone(&worker), 1).await;
        let other = start(broker.connect().await.unwrap(), Arc::clone(&worker), 1).await;
        all_settled(&connection).await;
        service.shutdown(PATIENCE).await;
        other.shutdown(PATIENCE).await;
    };
    LocalSet::new().run_until(run).await;
    assert_eq!(worker.attempts()["item-0"], [1]);
}

#[tokio::test]
async fn a_failure_settles_its_item_by_its_kind() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    publish(&connection, ["wrong", "flaky", "panics", "fine"].map(str::to_owned)).await;
    let not_an_item = ITEM.of(&Tenant::default()).to_string();
    let sent = connection.jetstream().context().publish(not_an_item, vec![0xff].into()).await;
    sent.unwrap().await.unwrap();
    let worker = Worker::taking(Duration::ZERO);
    let run = async {
        let service = start(connection.clone(), Arc::clone(&worker), 4).await;
        all_settled(&connection).await;
        service.shutdown(PATIENCE).await;
    };
    LocalSet::new().run_until(run).await;
    let attempts = worker.attempts();
    for (id, expected) in
        [("wrong", &[1][..]), ("flaky", &[1, 2, 3]), ("panics", &[1, 2]), ("fine", &[1])]
    {
        assert_eq!(attempts[id], expected, "{id}");
    }
    assert_eq!(attempts.len(), 4, "what cannot be decoded reaches no handler: {attempts:?}");
}

#[tokio::test]
async fn work_goes_on_after_the_broker_was_killed_and_no_item_is_lost() {
    let mut broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    publish(&connection, numbered(40)).await;
    let worker = Worker::taking(Duration::from_millis(20));
    let run = async {
        let service = start(connection.clone(), Arc::clone(&worker), 2).await;
        wait_until("the first items are done", || async {
            (worker.attempts().len() >= 5).then_some(())
        })
        .await
        .unwrap();
        broker.restart().await.unwrap();
        all_settled(&connection).await;
        service.shutdown(PATIENCE).await;
    };
    LocalSet::new().run_until(run).await;
    assert_eq!(worker.attempts().len(), 40);
}

#[tokio::test]
async fn a_worker_that_stops_finishes_what_it_has_and_leaves_the_rest() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    publish(&connection, numbered(6)).await;
    let (first, second) = (Worker::taking(ACK_WAIT / 5), Worker::taking(Duration::ZERO));
    let run = async {
        let service = start(connection.clone(), Arc::clone(&first), 1).await;
        wait_until("the first item is done", || async {
            (!first.attempts().is_empty()).then_some(())
        })
        .await
        .unwrap();
        service.shutdown(PATIENCE).await;
        let done = first.attempts().len();
        assert!(done < 6, "it stopped in the middle");
        let other = start(broker.connect().await.unwrap(), Arc::clone(&second), 1).await;
        all_settled(&connection).await;
        other.shutdown(PATIENCE).await;
    };
    LocalSet::new().run_until(run).await;
    let mut items: Vec<_> = first.attempts().into_iter().chain(second.attempts()).collect();
    items.sort();
    assert_eq!(items.len(), 6, "each item was done by one of them: {items:?}");
    assert!(items.iter().all(|(_, attempts)| attempts == &[1]), "{items:?}");
}

#[tokio::test]
async fn a_stream_of_another_kind_is_an_error_and_not_a_wait() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    let other = StreamSpec { retention: Retention::Limits, ..stream() };
    other.ensure(&connection.jetstream()).await.unwrap();
    let failure = stream().ensure(&connection.jetstream()).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Conflict);
    assert!(!failure.kind.retryable());
}

#[tokio::test]
async fn an_item_whose_handler_hangs_is_not_lost_and_holds_up_no_other() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    publish(&connection, ["hangs", "behind"].map(str::to_owned)).await;
    let worker = Worker::taking(Duration::ZERO);
    let run = async {
        let timeout = ACK_WAIT * 2;
        let service = start_within(connection.clone(), Arc::clone(&worker), 1, timeout).await;
        all_settled(&connection).await;
        service.shutdown(PATIENCE).await;
    };
    LocalSet::new().run_until(run).await;
    let attempts = worker.attempts();
    assert_eq!((&attempts["hangs"][..], &attempts["behind"][..]), (&[1, 2][..], &[1][..]));
}

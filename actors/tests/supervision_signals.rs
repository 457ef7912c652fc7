//! What supervision tells the operator: each exit is one log line, each restart one count.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may fail loudly")]

mod common;

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{Crash, End, Fail, Journal, Worker, in_local_set};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use ocelli_actors::{
    supervisor::{Exit, Supervisor, SupervisorSpec},
    tree::ActorTree,
};
use ocelli_messages::ErrorKind;
use tracing::{Event, Level, Subscriber, field::Field, span};

#[derive(Default)]
struct Counts(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        Counter::from_arc(Arc::clone(self.0.lock().unwrap().entry(name).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("ocelli_actors") && *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = event.metadata().level().to_string();
        event.record(&mut |field: &Field, value: &dyn std::fmt::Debug| {
            if field.name() != "message" {
                write!(line, " {}={value:?}", field.name()).unwrap();
            }
        });
        self.0.lock().unwrap().push(line);
    }

    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn each_exit_is_one_log_line_and_each_restart_one_count() {
    let counts = Counts::default();
    let lines = Lines::default();
    // Both are of this thread only, and so is the test.
    let _recorder = metrics::set_default_local_recorder(&counts);
    let _subscriber = tracing::subscriber::set_default(lines.clone());
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).spec();
        let spec = SupervisorSpec::new("root").seed(7).child(child);
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        supervisor.ready().await.unwrap();
        actor.try_tell(Crash("on purpose")).unwrap();
        actor.up_after(1).await.unwrap();
        actor.try_tell(Fail(ErrorKind::Overloaded)).unwrap();
        actor.up_after(2).await.unwrap();
        actor.try_tell(End).unwrap();
        actor.up_after(3).await.unwrap();
        assert_eq!(supervisor.shutdown(Duration::from_secs(60)).await, Exit::Drained);
    })
    .await;
    assert_eq!(
        *lines.0.lock().unwrap(),
        [
            r#"ERROR actor="root/worker" reason="panicked""#,
            r#"WARN actor="root/worker" reason="overloaded""#,
            r#"INFO actor="root/worker" reason="normal""#,
            r#"INFO actor="root/worker" reason="drained""#,
            r#"INFO actor="root" reason="drained""#,
        ]
    );
    let counts: Vec<_> = counts
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|(name, count)| (name.clone(), count.load(Ordering::Relaxed)))
        .collect();
    let expected = ["normal", "overloaded", "panicked"]
        .map(|reason| (format!("ocelli_actor_restarts_total worker {reason}"), 1));
    assert_eq!(counts, expected);
}

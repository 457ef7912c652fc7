//! An actor that behaves as it is told.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail loudly")]

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::prelude::*;
use ocelli_actors::{
    actor_ref::ActorRef,
    supervisor::{ChildContext, ChildSpec, Exit, Stop},
};
use ocelli_messages::ErrorKind;

/// Long enough for any answer that comes.
pub const ASK: Duration = Duration::from_secs(1);

/// Runs actors on this thread. On the paused clock, a test that waits for what never comes fails at
/// once: this timer is the next one then.
pub async fn in_local_set<F: Future>(test: F) -> F::Output {
    let patience = Duration::from_secs(100 * 3_600);
    let local = tokio::task::LocalSet::new();
    let test = local.run_until(test);
    tokio::time::timeout(patience, test).await.expect("what the test waits for never comes")
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub fn write(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// Answers with the number of its instance.
#[derive(Message)]
#[rtype(u64)]
pub struct Work;

/// Panics in the handler.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Crash(pub &'static str);

/// Panics in a future that the handler returns.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CrashApart;

/// Reports a failure, then another, then panics.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Fail(pub ErrorKind);

/// Stops by itself.
#[derive(Message)]
#[rtype(result = "()")]
pub struct End;

/// Becomes ready.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ready;

/// Takes no message any more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Stall;

/// The recipe of a worker, and the worker.
#[derive(Clone)]
pub struct Worker {
    name: &'static str,
    journal: Journal,
    ready_at_once: bool,
    drains_for: Duration,
    instances: Arc<AtomicU64>,
    instance: u64,
    works: Arc<AtomicU64>,
    ctx: Option<ChildContext>,
}

impl Worker {
    pub fn new(name: &'static str, journal: &Journal) -> Self {
        Self {
            name,
            journal: journal.clone(),
            ready_at_once: true,
            drains_for: Duration::ZERO,
            instances: Arc::default(),
            instance: 0,
            works: Arc::default(),
            ctx: None,
        }
    }

    pub fn not_ready(mut self) -> Self {
        self.ready_at_once = false;
        self
    }

    pub fn drains_for(mut self, time: Duration) -> Self {
        self.drains_for = time;
        self
    }

    pub fn make(&self, ctx: &ChildContext) -> Self {
        let mut worker = self.clone();
        worker.instance = self.instances.fetch_add(1, Ordering::Relaxed) + 1;
        worker.ctx = Some(ctx.clone());
        let works = Arc::clone(&worker.works);
        ctx.observe(move || serde_json::json!({ "works": works.load(Ordering::Relaxed) }));
        worker
    }

    pub fn spec(self) -> (ChildSpec, ActorRef<Self>) {
        ChildSpec::actor(self.name, move |ctx| self.make(ctx))
    }

    fn ctx(&self) -> &ChildContext {
        self.ctx.as_ref().unwrap()
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.journal.write(format!("{} up", self.name));
        if self.ready_at_once {
            self.ctx().ready();
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.journal.write(format!("{} down", self.name));
    }
}

impl Handler<Work> for Worker {
    type Result = MessageResult<Work>;

    fn handle(&mut self, _: Work, _: &mut Self::Context) -> Self::Result {
        self.ctx().progress();
        self.works.fetch_add(1, Ordering::Relaxed);
        MessageResult(self.instance)
    }
}

impl Handler<Crash> for Worker {
    type Result = ();

    fn handle(&mut self, crash: Crash, _: &mut Self::Context) {
        panic!("{}", crash.0);
    }
}

impl Handler<CrashApart> for Worker {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: CrashApart, _: &mut Self::Context) -> Self::Result {
        Box::pin(async { panic!("apart") })
    }
}

impl Handler<Fail> for Worker {
    type Result = ();

    fn handle(&mut self, fail: Fail, _: &mut Self::Context) {
        self.ctx().exit(Exit::Failed(fail.0));
        self.ctx().exit(Exit::Hung);
        panic!("a consequence");
    }
}

impl Handler<End> for Worker {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Ready> for Worker {
    type Result = ();

    fn handle(&mut self, _: Ready, _: &mut Self::Context) {
        self.ctx().ready();
    }
}

impl Handler<Stall> for Worker {
    type Result = ();

    fn handle(&mut self, _: Stall, ctx: &mut Self::Context) {
        ctx.wait(std::future::pending::<()>().into_actor(self));
    }
}

impl Handler<Stop> for Worker {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        self.journal.write(format!("{} stopping", self.name));
        if self.drains_for == Duration::ZERO {
            ctx.stop();
        } else {
            ctx.run_later(self.drains_for, |_, ctx| ctx.stop());
        }
    }
}

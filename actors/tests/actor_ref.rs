//! The stable address: bounded, and honest about why there was no answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may fail loudly")]

mod common;

use std::time::Duration;

use common::{ASK, Crash, Journal, Stall, Work, Worker, in_local_set};
use futures::future::join_all;
use ocelli_actors::{
    actor_ref::{ActorRef, AskError},
    supervisor::{Exit, Supervisor, SupervisorHandle, SupervisorSpec},
    tree::ActorTree,
};
use tokio::time::Instant;

async fn started() -> (SupervisorHandle, ActorRef<Worker>) {
    let (child, actor) = Worker::new("worker", &Journal::default()).spec();
    let hour = Duration::from_secs(3_600);
    let spec = SupervisorSpec::new("root").seed(7).backoff(hour, hour).child(child);
    let supervisor = Supervisor::start(spec, &ActorTree::new());
    supervisor.ready().await.unwrap();
    (supervisor, actor)
}

#[test]
fn it_may_be_used_from_every_thread() {
    fn assert_shared<T: Send + Sync + Clone>() {}
    assert_shared::<ActorRef<Worker>>();
    assert_shared::<SupervisorHandle>();
    assert_shared::<ActorTree>();
}

#[tokio::test(start_paused = true)]
async fn while_the_actor_is_down_it_says_so_at_once() {
    in_local_set(async {
        let (_supervisor, actor) = started().await;
        assert_eq!(actor.ask(Crash("on purpose"), ASK).await, Err(AskError::Closed));
        let asked = Instant::now();
        assert_eq!(actor.ask(Work, ASK).await, Err(AskError::Unavailable));
        assert_eq!(actor.try_tell(Work), Err(AskError::Unavailable));
        assert_eq!(asked.elapsed(), Duration::ZERO);
        assert!(!actor.is_up());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_not_awaited_for_ever() {
    in_local_set(async {
        let (_supervisor, actor) = started().await;
        actor.ask(Stall, ASK).await.unwrap();
        let asked = Instant::now();
        assert_eq!(actor.ask(Work, ASK).await, Err(AskError::Timeout));
        assert!(asked.elapsed() >= ASK && asked.elapsed() < 2 * ASK, "{:?}", asked.elapsed());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_takes_a_bounded_number_of_messages_from_all_clones_together() {
    in_local_set(async {
        let (_supervisor, actor) = started().await;
        let taken = (0..1_000).filter(|_| actor.clone().try_tell(Work).is_ok()).count();
        assert!((1..=32).contains(&taken), "{taken}");
        assert_eq!(actor.try_tell(Work), Err(AskError::Full));
        // It drains once the actor has its turn.
        actor.ask(Work, ASK).await.unwrap();
        assert_eq!(actor.try_tell(Work), Ok(()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_that_nobody_waits_for_any_more_still_count() {
    in_local_set(async {
        let (_supervisor, actor) = started().await;
        actor.ask(Stall, ASK).await.unwrap();
        let ask_100 = || join_all((0..100).map(|_| actor.ask(Work, ASK)));
        let answers = ask_100().await;
        let timed_out = answers.iter().filter(|answer| **answer == Err(AskError::Timeout)).count();
        assert_eq!(timed_out, 64);
        assert!(ask_100().await.iter().all(|answer| *answer == Err(AskError::Full)));
    })
    .await;
}

#[test]
fn it_reaches_an_actor_on_another_thread() {
    actix_rt::System::new().block_on(async {
        let arbiter = actix_rt::Arbiter::new();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        arbiter.spawn(async move {
            sender.send(started().await).expect("the test waits");
        });
        let (supervisor, actor) = receiver.await.expect("started");
        assert_eq!(actor.ask(Work, ASK).await, Ok(1));
        assert_eq!(supervisor.shutdown(ASK).await, Exit::Drained);
        assert_eq!(actor.ask(Work, ASK).await, Err(AskError::Unavailable));
        arbiter.stop();
    });
}

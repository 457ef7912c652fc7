//! Supervision on a paused clock: hours of waiting take no time, and each rule has a test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use std::time::Duration;

use common::{
    ASK, Crash, CrashApart, End, Fail, Journal, Ready, Stall, Work, Worker, in_local_set,
};
use ocelli_actors::{
    actor_ref::AskError,
    supervisor::{
        Backoff, ChildContext, ChildSpec, Exit, Restart, Strategy, Supervisor, SupervisorSpec,
    },
    tree::ActorTree,
};
use ocelli_messages::ErrorKind;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

const MINUTE: Duration = Duration::from_secs(60);

/// A supervisor whose limits do not get in the way.
fn lenient(name: &'static str) -> SupervisorSpec {
    SupervisorSpec::new(name).seed(7).intensity(1_000, MINUTE)
}

fn node<'a>(tree: &'a serde_json::Value, path: &str) -> &'a serde_json::Value {
    path.split('/').fold(tree, |node, name| {
        node["children"]
            .as_array()
            .and_then(|children| children.iter().find(|child| child["name"] == name))
            .unwrap_or_else(|| panic!("no {name} in {node}"))
    })
}

fn last_exit(tree: &ActorTree, path: &str) -> String {
    node(&tree.to_json(), path)["last_exit"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_answered_by_a_new_instance_at_the_same_address() {
    in_local_set(async {
        let journal = Journal::default();
        let (child, actor) = Worker::new("worker", &journal).spec();
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(lenient("root").child(child), &tree);
        supervisor.ready().await.unwrap();
        assert_eq!(actor.ask(Work, ASK).await, Ok(1));
        assert_eq!(actor.ask(Crash("on purpose"), ASK).await, Err(AskError::Closed));
        assert_eq!(actor.up_after(1).await, Ok(2));
        assert_eq!(actor.ask(Work, ASK).await, Ok(2), "another instance");
        assert_eq!(actor.generation(), 2);
        assert_eq!(last_exit(&tree, "root/worker"), "panicked: on purpose");
        assert_eq!(supervisor.shutdown(MINUTE).await, Exit::Drained);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_future_of_a_handler_reaches_only_the_caller() {
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).spec();
        let supervisor = Supervisor::start(lenient("root").child(child), &ActorTree::new());
        supervisor.ready().await.unwrap();
        assert_eq!(actor.ask(CrashApart, ASK).await, Err(AskError::Closed));
        sleep(MINUTE).await;
        assert_eq!(actor.ask(Work, ASK).await, Ok(1), "the same instance");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_panics_is_tried_again() {
    in_local_set(async {
        let tries = std::cell::Cell::new(0);
        let (child, actor) = ChildSpec::actor("worker", move |ctx| {
            tries.set(tries.get() + 1);
            assert!(tries.get() > 2, "not yet");
            Worker::new("worker", &Journal::default()).make(ctx)
        });
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(lenient("root").child(child), &tree);
        supervisor.ready().await.unwrap();
        assert_eq!(last_exit(&tree, "root/worker"), "panicked: not yet");
        assert_eq!(node(&tree.to_json(), "root/worker")["restarts"], 2);
        assert_eq!(actor.generation(), 1, "the others never had an address");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_factory_may_give_up_before_there_is_an_actor() {
    in_local_set(async {
        let journal = Journal::default();
        let worker = Worker::new("worker", &journal);
        let (child, actor) = ChildSpec::actor("worker", move |ctx| {
            ctx.exit(Exit::Failed(ErrorKind::DeviceLost));
            worker.make(ctx)
        });
        let spec = lenient("root").child(child.restart(Restart::Temporary));
        let tree = ActorTree::new();
        assert_eq!(Supervisor::start(spec, &tree).exited().await, Exit::Normal);
        assert_eq!(last_exit(&tree, "root/worker"), "failed: device_lost");
        assert_eq!(actor.generation(), 0);
        assert!(journal.lines().is_empty(), "it was never started");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_child_reports_first_is_its_exit() {
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).spec();
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(lenient("root").child(child), &tree);
        supervisor.ready().await.unwrap();
        // It reports this, then another reason, then panics.
        actor.ask(Fail(ErrorKind::Unavailable), ASK).await.unwrap_err();
        actor.up_after(1).await.unwrap();
        assert_eq!(last_exit(&tree, "root/worker"), "failed: unavailable");
    })
    .await;
}

/// How often a child is started that ends in each of three ways, and how its supervisor ends.
async fn starts(restart: Restart) -> [u64; 3] {
    let mut starts = [0; 3];
    for (count, way) in starts.iter_mut().zip(0..) {
        *count = in_local_set(async move {
            let (child, actor) = Worker::new("worker", &Journal::default()).spec();
            // The other keeps the supervisor busy.
            let (other, _) = Worker::new("other", &Journal::default()).spec();
            let spec = lenient("root").child(child.restart(restart)).child(other);
            let supervisor = Supervisor::start(spec, &ActorTree::new());
            supervisor.ready().await.unwrap();
            match way {
                0 => actor.try_tell(End).unwrap(),
                1 => actor.try_tell(Crash("on purpose")).unwrap(),
                _ => actor.try_tell(Fail(ErrorKind::DeviceLost)).unwrap(),
            }
            sleep(MINUTE).await;
            actor.generation()
        })
        .await;
    }
    starts
}

#[tokio::test(start_paused = true)]
async fn a_permanent_child_is_always_started_again() {
    assert_eq!(starts(Restart::Permanent).await, [2, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_transient_child_is_started_again_unless_it_ended_as_intended() {
    assert_eq!(starts(Restart::Transient).await, [1, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_is_never_started_again() {
    assert_eq!(starts(Restart::Temporary).await, [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_device_is_lost_is_not_started_again() {
    assert_eq!(starts(Restart::UnlessLost).await, [2, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_with_nothing_left_ends_normally() {
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).spec();
        let spec = lenient("root").child(child.restart(Restart::Transient));
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        supervisor.ready().await.unwrap();
        actor.try_tell(End).unwrap();
        assert_eq!(supervisor.exited().await, Exit::Normal);
        assert_eq!(actor.up().await, Err(AskError::Unavailable), "there will be no other");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn delays_grow_until_the_child_was_ready_for_a_whole_window() {
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).spec();
        let supervisor = Supervisor::start(lenient("root").child(child), &ActorTree::new());
        supervisor.ready().await.unwrap();
        let mut expected = Backoff::new(Backoff::BASE, Backoff::CAP, MINUTE, 7);
        let stable = [0, 1, 59, 0, 0, 0, 60, 0, 0].map(Duration::from_secs);
        for (generation, ready_for) in (1..).zip(stable) {
            sleep(ready_for).await;
            let crashed = Instant::now();
            actor.try_tell(Crash("on purpose")).unwrap();
            actor.up_after(generation).await.unwrap();
            let delay = expected.next(Some(ready_for));
            let late = crashed.elapsed().saturating_sub(delay);
            assert!(crashed.elapsed() >= delay && late < Duration::from_millis(5), "{delay:?}");
            // Being up is not being ready yet.
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn too_many_restarts_end_the_supervisor_and_stop_its_other_children() {
    in_local_set(async {
        let journal = Journal::default();
        let (good, _) = Worker::new("good", &journal).spec();
        let (bad, bad_ref) = Worker::new("bad", &journal).spec();
        let spec = SupervisorSpec::new("root").seed(7).child(good).child(bad);
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        supervisor.ready().await.unwrap();
        for generation in 1..=6 {
            assert_eq!(bad_ref.up().await, Ok(generation));
            bad_ref.try_tell(Crash("again")).unwrap();
            bad_ref.up_after(generation).await.ok();
        }
        assert_eq!(supervisor.exited().await, Exit::Failed(ErrorKind::Internal));
        assert_eq!(bad_ref.generation(), 6, "the first and five restarts");
        assert_eq!(journal.lines().last().unwrap(), "good down");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn restarts_that_are_far_apart_are_not_too_many() {
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).spec();
        let spec = SupervisorSpec::new("root").seed(7).child(child);
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        supervisor.ready().await.unwrap();
        for generation in 1..=20 {
            actor.try_tell(Crash("now and then")).unwrap();
            assert_eq!(actor.up_after(generation).await, Ok(generation + 1));
            sleep(Duration::from_secs(13)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn giving_up_counts_as_one_restart_of_the_parent_until_the_root_gives_up() {
    in_local_set(async {
        let made = std::rc::Rc::new(std::cell::Cell::new(0));
        let (child, _) = ChildSpec::actor("bad", {
            let made = std::rc::Rc::clone(&made);
            move |_: &ChildContext| -> Worker {
                made.set(made.get() + 1);
                panic!("never")
            }
        });
        let inner = SupervisorSpec::new("inner").seed(7).child(child);
        let root = SupervisorSpec::new("root").seed(7).child(ChildSpec::supervisor(inner));
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(root, &tree);
        assert_eq!(supervisor.ready().await, Err(Exit::Failed(ErrorKind::Internal)));
        assert_eq!(supervisor.exited().await, Exit::Failed(ErrorKind::Internal));
        assert_eq!(made.get(), 36, "6 starts in each of 6 inner supervisors");
        assert_eq!(last_exit(&tree, "root/inner"), "failed: internal");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn all_for_one_restarts_the_siblings_in_order() {
    in_local_set(async {
        let journal = Journal::default();
        let mut spec = lenient("root").strategy(Strategy::AllForOne);
        let mut actors = Vec::new();
        for name in ["first", "second", "third"] {
            let (child, actor) = Worker::new(name, &journal).spec();
            spec = spec.child(child);
            actors.push(actor);
        }
        let (temporary, temporary_ref) = Worker::new("temporary", &journal).spec();
        spec = spec.child(temporary.restart(Restart::Temporary));
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        supervisor.ready().await.unwrap();
        journal.clear();
        actors[1].try_tell(Crash("on purpose")).unwrap();
        actors[2].up_after(1).await.unwrap();
        sleep(MINUTE).await;
        assert_eq!(
            journal.lines(),
            [
                "second down",
                "temporary stopping",
                "temporary down",
                "third stopping",
                "third down",
                "first stopping",
                "first down",
                "first up",
                "second up",
                "third up"
            ]
        );
        assert!(!temporary_ref.is_up());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_for_one_leaves_the_siblings_alone() {
    in_local_set(async {
        let journal = Journal::default();
        let (first, first_ref) = Worker::new("first", &journal).spec();
        let (second, second_ref) = Worker::new("second", &journal).spec();
        let spec = lenient("root").child(first).child(second);
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        supervisor.ready().await.unwrap();
        first_ref.try_tell(Crash("on purpose")).unwrap();
        first_ref.up_after(1).await.unwrap();
        assert_eq!(second_ref.ask(Work, ASK).await, Ok(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_child_starts_when_those_before_it_are_ready() {
    in_local_set(async {
        let journal = Journal::default();
        let (first, first_ref) = Worker::new("first", &journal).not_ready().spec();
        let (second, _) = Worker::new("second", &journal).spec();
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(lenient("root").child(first).child(second), &tree);
        first_ref.up().await.unwrap();
        sleep(Duration::from_secs(5)).await;
        assert_eq!(journal.lines(), ["first up"]);
        assert!(!supervisor.is_ready());
        first_ref.try_tell(Ready).unwrap();
        supervisor.ready().await.unwrap();
        assert_eq!(journal.lines(), ["first up", "second up"]);
        assert!(supervisor.is_ready());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_not_ready_in_time_has_failed() {
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).not_ready().spec();
        let child = child.ready_within(Duration::from_secs(3));
        let tree = ActorTree::new();
        let started = Instant::now();
        let _supervisor = Supervisor::start(lenient("root").child(child), &tree);
        actor.up_after(1).await.unwrap();
        assert!(started.elapsed() >= Duration::from_secs(3), "{:?}", started.elapsed());
        assert!(started.elapsed() <= Duration::from_millis(3_205), "{:?}", started.elapsed());
        assert_eq!(last_exit(&tree, "root/worker"), "failed: unavailable");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_child_without_progress_is_killed_and_restarted() {
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).spec();
        let child = child.hung_after(Duration::from_secs(15));
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(lenient("root").child(child), &tree);
        supervisor.ready().await.unwrap();
        for _ in 0..100 {
            sleep(Duration::from_secs(14)).await;
            assert_eq!(actor.ask(Work, ASK).await, Ok(1), "work is progress");
        }
        actor.try_tell(Stall).unwrap();
        let stalled = Instant::now();
        actor.up_after(1).await.unwrap();
        assert!(stalled.elapsed() >= Duration::from_secs(15), "{:?}", stalled.elapsed());
        assert!(stalled.elapsed() <= Duration::from_millis(15_205), "{:?}", stalled.elapsed());
        assert_eq!(last_exit(&tree, "root/worker"), "made no progress for too long");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_hung_after_nobody_watches() {
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).spec();
        let supervisor = Supervisor::start(lenient("root").child(child), &ActorTree::new());
        supervisor.ready().await.unwrap();
        sleep(60 * MINUTE).await;
        assert_eq!(actor.ask(Work, ASK).await, Ok(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn children_stop_in_reverse_order_one_after_the_other() {
    in_local_set(async {
        let journal = Journal::default();
        let (first, _) = Worker::new("first", &journal).drains_for(Duration::from_secs(1)).spec();
        let (deep, _) = Worker::new("deep", &journal).drains_for(Duration::from_secs(1)).spec();
        let (last, _) = Worker::new("last", &journal).drains_for(Duration::from_secs(1)).spec();
        let spec = lenient("root")
            .child(first)
            .child(ChildSpec::supervisor(lenient("inner").child(deep)))
            .child(last);
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(spec, &tree);
        supervisor.ready().await.unwrap();
        journal.clear();
        let started = Instant::now();
        assert_eq!(supervisor.shutdown(MINUTE).await, Exit::Drained);
        assert_eq!(
            journal.lines(),
            [
                "last stopping",
                "last down",
                "deep stopping",
                "deep down",
                "first stopping",
                "first down"
            ]
        );
        assert_eq!(started.elapsed().as_secs(), 3);
        assert_eq!(last_exit(&tree, "root/first"), "drained");
        assert_eq!(last_exit(&tree, "root"), "drained");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_stop_in_time_is_killed() {
    in_local_set(async {
        let journal = Journal::default();
        let (child, _) = Worker::new("worker", &journal).drains_for(60 * MINUTE).spec();
        let child = child.shutdown_within(Duration::from_secs(3));
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(lenient("root").child(child), &tree);
        supervisor.ready().await.unwrap();
        let started = Instant::now();
        assert_eq!(supervisor.shutdown(MINUTE).await, Exit::Killed);
        assert_eq!(started.elapsed().as_secs(), 3);
        assert_eq!(last_exit(&tree, "root/worker"), "killed after its grace period");
        assert_eq!(journal.lines(), ["worker up", "worker stopping", "worker down"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_whole_shutdown_ends_within_its_grace_period() {
    in_local_set(async {
        let journal = Journal::default();
        let stuck = |name| Worker::new(name, &journal).drains_for(60 * MINUTE).spec().0;
        let inner = lenient("inner").child(stuck("deep")).child(stuck("deeper"));
        let spec = lenient("root").child(stuck("first")).child(ChildSpec::supervisor(inner));
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        supervisor.ready().await.unwrap();
        let started = Instant::now();
        assert_eq!(supervisor.shutdown(Duration::from_secs(4)).await, Exit::Killed);
        assert_eq!(started.elapsed().as_secs(), 4);
        let downs = journal.lines().iter().filter(|line| line.ends_with("down")).count();
        assert_eq!(downs, 3, "nothing is left behind");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_a_back_off() {
    in_local_set(async {
        let (child, actor) = Worker::new("worker", &Journal::default()).spec();
        let spec = lenient("root").backoff(60 * MINUTE, 60 * MINUTE).child(child);
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(spec, &tree);
        supervisor.ready().await.unwrap();
        actor.try_tell(Crash("on purpose")).unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(node(&tree.to_json(), "root/worker")["state"], "backing_off");
        let started = Instant::now();
        assert_eq!(supervisor.shutdown(MINUTE).await, Exit::Drained);
        assert_eq!(started.elapsed(), Duration::ZERO);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_during_the_start_stops_what_was_started() {
    in_local_set(async {
        let journal = Journal::default();
        let (first, first_ref) = Worker::new("first", &journal).not_ready().spec();
        let (second, _) = Worker::new("second", &journal).spec();
        let spec = lenient("root").child(first).child(second);
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        first_ref.up().await.unwrap();
        assert_eq!(supervisor.shutdown(MINUTE).await, Exit::Drained);
        assert_eq!(journal.lines(), ["first up", "first stopping", "first down"]);
        assert_eq!(supervisor.ready().await, Err(Exit::Drained));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_during_a_restart_of_all_still_ends_in_time() {
    in_local_set(async {
        let journal = Journal::default();
        let (slow, _) = Worker::new("slow", &journal).drains_for(60 * MINUTE).spec();
        let (bad, bad_ref) = Worker::new("bad", &journal).spec();
        let spec = lenient("root")
            .strategy(Strategy::AllForOne)
            .child(slow.shutdown_within(10 * MINUTE))
            .child(bad);
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        supervisor.ready().await.unwrap();
        bad_ref.try_tell(Crash("on purpose")).unwrap();
        sleep(Duration::from_secs(1)).await;
        let started = Instant::now();
        let exit = timeout(10 * MINUTE, supervisor.shutdown(Duration::from_secs(5))).await;
        assert_eq!(exit, Ok(Exit::Drained), "the kill was part of the restart");
        assert_eq!(started.elapsed().as_secs(), 5);
        assert_eq!(bad_ref.generation(), 1, "nothing was started again");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_works_for_a_child_ends_with_its_generation() {
    in_local_set(async {
        let (token_sender, token_receiver) = std::sync::mpsc::channel();
        let worker = Worker::new("worker", &Journal::default());
        let (child, actor) = ChildSpec::actor("worker", move |ctx| {
            token_sender.send(ctx.cancelled()).unwrap();
            worker.make(ctx)
        });
        let supervisor = Supervisor::start(lenient("root").child(child), &ActorTree::new());
        supervisor.ready().await.unwrap();
        let first = token_receiver.recv().unwrap();
        assert!(!first.is_cancelled());
        actor.try_tell(Crash("on purpose")).unwrap();
        actor.up_after(1).await.unwrap();
        assert!(first.is_cancelled());
        assert!(!token_receiver.recv().unwrap().is_cancelled());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_tree_shows_every_actor() {
    in_local_set(async {
        let (first, first_ref) = Worker::new("first", &Journal::default()).spec();
        let (deep, _) = Worker::new("deep", &Journal::default()).not_ready().spec();
        let spec =
            lenient("root").child(first).child(ChildSpec::supervisor(lenient("inner").child(deep)));
        let tree = ActorTree::new();
        let supervisor = Supervisor::start(spec, &tree);
        first_ref.up().await.unwrap();
        assert_eq!(first_ref.ask(Work, ASK).await, Ok(1));
        sleep(Duration::from_secs(2)).await;
        let leaf = json!({"name": "deep", "state": "starting", "restarts": 0, "last_exit": null,
            "since_ms": 2_000, "observed": {"works": 0}, "children": []});
        let expected = json!({"children": [
            {"name": "root", "state": "starting", "restarts": 0, "last_exit": null,
             "since_ms": 2_000, "observed": {}, "children": [
                {"name": "first", "state": "ready", "restarts": 0, "last_exit": null,
                 "since_ms": 2_000, "observed": {"works": 1}, "children": []},
                {"name": "inner", "state": "starting", "restarts": 0, "last_exit": null,
                 "since_ms": 2_000, "observed": {}, "children": [leaf]},
            ]},
        ]});
        assert_eq!(tree.to_json(), expected);
        assert!(!supervisor.is_ready());
        supervisor.shutdown(MINUTE).await;
        assert_eq!(node(&tree.to_json(), "root/inner/deep")["state"], "stopped");
        assert_eq!(node(&tree.to_json(), "root")["state"], "stopped");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_is_not_ready_while_a_child_is_restarted() {
    in_local_set(async {
        let (deep, deep_ref) = Worker::new("deep", &Journal::default()).spec();
        let spec = lenient("root").child(ChildSpec::supervisor(lenient("inner").child(deep)));
        let supervisor = Supervisor::start(spec, &ActorTree::new());
        supervisor.ready().await.unwrap();
        // The parents' rows follow the children's within the same turn of the loop.
        sleep(Duration::from_millis(1)).await;
        assert!(supervisor.is_ready());
        deep_ref.ask(Crash("on purpose"), ASK).await.unwrap_err();
        tokio::task::yield_now().await;
        assert!(!supervisor.is_ready());
        deep_ref.up_after(1).await.unwrap();
        sleep(Duration::from_millis(1)).await;
        assert!(supervisor.is_ready());
    })
    .await;
}

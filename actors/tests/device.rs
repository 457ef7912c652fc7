//! Workers on threads of their own, and what happens when one hangs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use ocelli_actors::{
    device::{DeviceActor, DeviceQueue, MakeWorker, Worker},
    supervisor::{ChildSpec, Supervisor, SupervisorSpec},
    tree::ActorTree,
};
use ocelli_messages::Failure;
use ocelli_testkit::{PATIENCE, patiently};
use tokio::{sync::oneshot, task::LocalSet};

/// A job that does not end before the test says so, or one that ends at once.
enum Job {
    Hangs(mpsc::Receiver<()>, oneshot::Sender<()>),
    Ends(oneshot::Sender<()>),
}

struct Thread;

impl Worker for Thread {
    type Job = Job;

    fn work(&mut self, jobs: &mut Vec<Job>) -> Result<(), Failure> {
        for job in jobs.drain(..) {
            let done = match job {
                Job::Hangs(released, done) => {
                    released.recv().unwrap();
                    done
                }
                Job::Ends(done) => done,
            };
            done.send(()).unwrap();
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_worker_that_hangs_is_replaced_and_the_queue_goes_on() {
    let queue = DeviceQueue::new(8, 8);
    let make: MakeWorker<Thread> = Arc::new(|| Ok(Thread));
    let jobs = queue.clone();
    let (child, _) = ChildSpec::actor("thread", move |child| {
        DeviceActor::new("thread", jobs.clone(), Arc::clone(&make), child)
    });
    // Several times as long as an idle worker takes between two looks at its queue.
    let child = child.hung_after(Duration::from_secs(1));
    let root = SupervisorSpec::new("test")
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .child(child);
    let run = async {
        let supervisor = Supervisor::start(root, &ActorTree::new());
        supervisor.ready().await.unwrap();
        let (release, released) = mpsc::channel();
        let (hung, mut hung_done) = oneshot::channel();
        assert!(queue.submit(Job::Hangs(released, hung), 1).is_ok());
        let (second, second_done) = oneshot::channel();
        assert!(queue.submit(Job::Ends(second), 1).is_ok());

        // Only a new thread can do it, since the first one is busy until the test releases it.
        patiently("the job behind the one that hangs", second_done).await.unwrap().unwrap();
        assert!(hung_done.try_recv().is_err());

        // The old thread still finishes what it has, and only that.
        release.send(()).unwrap();
        patiently("the job that hung", hung_done).await.unwrap().unwrap();
        supervisor.shutdown(PATIENCE).await;
    };
    LocalSet::new().run_until(run).await;
}

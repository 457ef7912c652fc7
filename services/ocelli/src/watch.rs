//! Keeps `/ready` true: how the dependencies of this process are.

use std::time::Duration;

use futures::StreamExt as _;
use ocelli_actors::broker::Connection;
use ocelli_gpu_filter::GpuState;
use ocelli_kernels::Probe;
use ocelli_kit::health::Dependency;
use tokio::sync::watch::Receiver;

/// How often the workers are asked while they are there, and while they are not: a gateway that
/// starts with its workers should not report itself unready for long.
const WORKERS_UP: Duration = Duration::from_secs(1);
const WORKERS_DOWN: Duration = Duration::from_millis(25);
/// How long the first worker may take to answer a ping.
const PING_WITHIN: Duration = Duration::from_millis(500);

/// Follows the connection to the broker.
pub(crate) async fn broker(connection: Connection, dependency: Dependency) {
    let mut link = connection.watch();
    loop {
        if link.borrow_and_update().up {
            let info = connection.client().server_info();
            dependency.up(format!("nats-server {}", info.version));
        } else {
            dependency.down("no connection");
        }
        if link.changed().await.is_err() {
            return;
        }
    }
}

/// Asks for filter workers, again and again.
pub(crate) async fn workers(connection: Connection, dependency: Dependency) {
    loop {
        connection.up().await;
        let found = ping(&connection).await;
        if found {
            dependency.up("at least one answers");
        } else {
            dependency.down("no filter worker answers");
        }
        tokio::time::sleep(if found { WORKERS_UP } else { WORKERS_DOWN }).await;
    }
}

async fn ping(connection: &Connection) -> bool {
    let client = connection.client();
    let inbox = client.new_inbox();
    let Ok(mut answers) = client.subscribe(inbox.clone()).await else { return false };
    let subject = format!("$SRV.PING.{}", ocelli_gpu_filter::SERVICE);
    if client.publish_with_reply(subject, inbox, bytes::Bytes::new()).await.is_err() {
        return false;
    }
    let first = tokio::time::timeout(PING_WITHIN, answers.next()).await;
    // Without a worker the broker itself answers, at once, with the status "no responders".
    matches!(first, Ok(Some(answer)) if answer.status.is_none())
}

/// What this machine computes with.
pub(crate) fn detail(probe: &Probe, threads: usize) -> String {
    let cuda = match &probe.cuda {
        Ok(devices) if devices.is_empty() => "no GPU".to_owned(),
        Ok(devices) => {
            devices.iter().map(|device| device.name.as_str()).collect::<Vec<_>>().join(", ")
        }
        Err(reason) => format!("no GPU: {reason}"),
    };
    format!("{threads} CPU threads with {}; {cuda}", probe.cpu)
}

/// Follows the GPU. Where there is none to follow, the CPU is all there is to say.
pub(crate) async fn device(
    mut gpu: Receiver<GpuState>,
    dependency: Dependency,
    detail: String,
    needed: bool,
) {
    loop {
        let state = gpu.borrow_and_update().clone();
        match state {
            GpuState::Unused | GpuState::Up => dependency.up(&*detail),
            GpuState::Lost(why) if needed => dependency.down(format!("the GPU is lost: {why}")),
            GpuState::Lost(why) => {
                dependency.degraded(format!("the GPU is lost, the CPU goes on: {why}"));
            }
        }
        if gpu.changed().await.is_err() {
            return;
        }
    }
}

/// Waits until the GPU is lost; how.
pub(crate) async fn lost(gpu: &mut Receiver<GpuState>) -> String {
    if let Ok(state) = gpu.wait_for(|state| matches!(state, GpuState::Lost(_))).await
        && let GpuState::Lost(why) = &*state
    {
        return why.clone();
    }
    // Nothing uses it any more.
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use ocelli_kit::health::{Health, Status};
    use tokio::sync::watch;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// What `/ready` says once the GPU is lost.
    async fn after_the_loss(needed: bool) -> (Status, String) {
        let (health, state) = (Health::new(), watch::Sender::new(GpuState::Up));
        let dependency = health.dependency("device", true);
        let follows = device(state.subscribe(), dependency, "2 threads".into(), needed);
        let mut gpu = state.subscribe();
        let loses = async {
            assert!(health.wait_ready().await);
            state.send_replace(GpuState::Lost("it is gone".into()));
            assert_eq!(lost(&mut gpu).await, "it is gone");
            // Then `follows` ends.
            drop(state);
        };
        let both = async { tokio::join!(follows, loses) };
        tokio::time::timeout(PATIENCE, both).await.unwrap();
        let (status, report) = health.report();
        (status, report["dependencies"]["device"]["detail"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_lost_gpu_is_degraded_or_down() {
        let (status, detail) = after_the_loss(false).await;
        assert_eq!(status, Status::Degraded);
        assert!(detail.contains("CPU goes on: it is gone"), "{detail}");
        let (status, detail) = after_the_loss(true).await;
        assert_eq!(status, Status::NotReady);
        assert!(detail.contains("lost: it is gone"), "{detail}");
    }
}

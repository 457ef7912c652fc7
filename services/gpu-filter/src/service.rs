//! Registers the filter service with the process that runs it.

use std::sync::Arc;

use ocelli_actors::{metrics::MetricRow, supervisor::ChildSpec};
use ocelli_kernels::{Catalog, Probe, probe};
use ocelli_kit::{
    health::Dependency,
    host::{ExitRequest, Host},
    service::{Built, Service},
};
use ocelli_messages::Failure;
use tokio::sync::watch::Receiver;

use crate::{Config, Gpu, GpuState, OnDeviceLost, Parts, metrics::Metric, supervisor};

/// Filters images on CPU and CUDA workers.
#[derive(Debug)]
pub struct GpuFilter;

impl Service for GpuFilter {
    const NAME: &'static str = crate::SERVICE;
    const SECTION: &'static str = "gpu_filter";
    const ABOUT: &'static str = "The filter worker";
    const METRICS: &'static [MetricRow] = Metric::ROWS;

    type Config = Config;

    async fn build(config: Config, host: &Host) -> Result<Built, Failure> {
        let (probe, gpu) = (probe(), Gpu::default());
        let device = host.dependency("device", true);
        let detail = detail(&probe, config.threads());
        host.follow(follow(gpu.watch(), device, detail, config.needs_gpu()));
        if config.on_device_lost == OnDeviceLost::Exit {
            host.follow(exit_when_lost(gpu.watch(), host.exit()));
        }
        let parts = Parts {
            limits: host.limits(),
            budget: host.budget().clone(),
            tenants: host.tenants().clone(),
            request_timeout: host.request_timeout(),
            clock: host.clock(),
            instance: host.instance().to_owned(),
            requests: host.connect(Self::NAME).await?,
            frames: host.connect("live-frames").await?,
            catalog: Arc::new(Catalog::standard()),
            probe,
            gpu,
            config,
        };
        Ok(Built::new(ChildSpec::supervisor(supervisor(&parts)?)))
    }
}

/// Describes the devices that this machine computes on.
fn detail(probe: &Probe, threads: usize) -> String {
    let cuda = match &probe.cuda {
        Ok(devices) if devices.is_empty() => "no GPU".to_owned(),
        Ok(devices) => {
            devices.iter().map(|device| device.name.as_str()).collect::<Vec<_>>().join(", ")
        }
        Err(reason) => format!("no GPU: {reason}"),
    };
    format!("{threads} CPU threads with {}; {cuda}", probe.cpu)
}

/// Reports the state of the GPU in `/ready`, or only the CPU if there is no GPU.
async fn follow(mut gpu: Receiver<GpuState>, dependency: Dependency, detail: String, needed: bool) {
    loop {
        let state = gpu.borrow_and_update().clone();
        match state {
            GpuState::Unused | GpuState::Up => dependency.up(&*detail),
            GpuState::Lost(why) if needed => dependency.down(format!("the GPU is lost: {why}")),
            GpuState::Lost(why) => {
                dependency.degraded(format!("the GPU is lost, and the CPU continues alone: {why}"));
            }
        }
        if gpu.changed().await.is_err() {
            return;
        }
    }
}

/// Requests the end of the process once the GPU is lost, because only a new process can use it
/// again.
async fn exit_when_lost(mut gpu: Receiver<GpuState>, exit: ExitRequest) {
    if let Ok(state) = gpu.wait_for(|state| matches!(state, GpuState::Lost(_))).await
        && let GpuState::Lost(why) = &*state
    {
        exit.request(format!("the GPU is lost: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use ocelli_kit::{
        config::BrokerConfig,
        health::{Health, Status},
    };
    use ocelli_messages::Limits;
    use ocelli_testkit::patiently;
    use tokio::{sync::watch, task::LocalSet};

    use super::*;

    /// What `/ready` shows after the GPU was lost.
    async fn after_the_loss(needed: bool) -> (Status, String) {
        let (health, state) = (Health::new(), watch::Sender::new(GpuState::Up));
        let dependency = health.dependency("device", true);
        let follows = follow(state.subscribe(), dependency, "2 threads".into(), needed);
        let loses = async {
            assert!(health.wait_ready().await);
            state.send_replace(GpuState::Lost("it is gone".into()));
            // Dropping it ends `follow`.
            drop(state);
        };
        let both = async { tokio::join!(follows, loses) };
        patiently("the end of the watch", both).await.unwrap();
        let (status, report) = health.report();
        (status, report["dependencies"]["device"]["detail"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_lost_gpu_is_degraded_or_down() {
        let (status, detail) = after_the_loss(false).await;
        assert_eq!(status, Status::Degraded);
        assert!(detail.contains("the CPU continues alone: it is gone"), "{detail}");
        let (status, detail) = after_the_loss(true).await;
        assert_eq!(status, Status::NotReady);
        assert!(detail.contains("lost: it is gone"), "{detail}");
    }

    #[tokio::test]
    async fn a_lost_gpu_asks_for_a_new_process_where_that_is_configured() {
        let work = async {
            let broker = BrokerConfig { url: "nats://127.0.0.1:1".into(), ..Default::default() };
            let host = Host::open(&broker, Limits::default(), Health::new()).await.unwrap();
            let state = watch::Sender::new(GpuState::Up);
            host.follow(exit_when_lost(state.subscribe(), host.exit()));
            state.send_replace(GpuState::Lost("it is gone".into()));
            let reason = patiently("a request to exit", host.exit_requested()).await.unwrap();
            assert!(reason.contains("it is gone"), "{reason}");
            host.exit().request("a consequence");
            assert_eq!(host.exit_requested().await, reason, "the first reason counts");
        };
        LocalSet::new().run_until(work).await;
    }
}

//! The systems that scenarios talk to: one that they share, and parts that one starts for itself.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use ocelli_testkit::{Broker, Ready, System};
use tokio::sync::Mutex;

use crate::process::ocelli;

/// `ocelli up` for all scenarios that harm nothing.
static SHARED: Mutex<Option<System>> = Mutex::const_new(None);

/// Where the shared system listens; the first to ask starts it.
pub(crate) async fn shared() -> Result<Ready> {
    let mut shared = SHARED.lock().await;
    if shared.is_none() {
        *shared = Some(System::up(ocelli(&[])?).await?);
    }
    Ok(shared.as_ref().context("no shared system")?.ready().clone())
}

/// Stops the shared system. Statics are never dropped: without this it would live on.
pub(crate) async fn stop_shared() -> Result<()> {
    match SHARED.lock().await.take() {
        Some(process) => process.stop().await,
        None => Ok(()),
    }
}

/// Processes of one scenario; they end with it.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// The broker, which may be stopped.
    broker: Option<Broker>,
    /// Handed to every `ocelli`.
    pub(crate) environment: Vec<(String, String)>,
    /// `ocelli up`.
    pub(crate) all_in_one: Option<System>,
    /// `ocelli run gpu-filter`.
    pub(crate) workers: Vec<System>,
    /// `ocelli run ingest`.
    pub(crate) gateway: Option<System>,
}

impl Own {
    /// Starts the broker: on a free port the first time, afterwards where it was.
    pub(crate) async fn start_broker(&mut self) -> Result<()> {
        match &mut self.broker {
            Some(broker) => broker.restart().await,
            None => {
                self.broker = Some(Broker::start().await?);
                Ok(())
            }
        }
    }

    /// Stops the broker.
    pub(crate) async fn stop_broker(&mut self) -> Result<()> {
        let broker = self.broker.as_mut().filter(|broker| broker.is_running());
        broker.context("no broker runs")?.stop().await;
        Ok(())
    }

    /// The running broker.
    pub(crate) fn broker(&self) -> Result<&Broker> {
        let broker = self.broker.as_ref().filter(|broker| broker.is_running());
        broker.context("no broker runs")
    }

    fn nats(&self) -> Result<String> {
        Ok(self.broker()?.url())
    }

    /// Starts one more worker.
    pub(crate) async fn start_worker(&mut self) -> Result<()> {
        let command = ocelli(&self.environment)?;
        self.workers.push(System::run(command, "gpu-filter", &self.nats()?).await?);
        Ok(())
    }

    /// Starts the gateway.
    pub(crate) async fn start_gateway(&mut self) -> Result<()> {
        let gateway = System::run(ocelli(&self.environment)?, "ingest", &self.nats()?).await?;
        gateway.ready().http()?;
        self.gateway = Some(gateway);
        Ok(())
    }

    /// Where these processes listen; `admin` is the gateway's.
    pub(crate) fn ready(&self) -> Ready {
        if let Some(process) = &self.all_in_one {
            return process.ready().clone();
        }
        let gateway = self.gateway.as_ref().map(System::ready).cloned().unwrap_or_default();
        Ready { nats: self.broker.as_ref().map(Broker::url), ..gateway }
    }

    /// The admin addresses of all processes.
    pub(crate) fn admins(&self) -> Vec<String> {
        let processes = self.all_in_one.iter().chain(&self.workers).chain(&self.gateway);
        processes.filter_map(|process| process.ready().admin).map(url).collect()
    }
}

/// The address as a URL.
pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

//! The systems that scenarios talk to: one that they share, and parts that one starts for itself.

use anyhow::{Context as _, Result, ensure};
use ocelli_nats_server::{NatsServer, ServerOptions, find_binary};
use tokio::sync::Mutex;

use crate::process::{Ocelli, Ready, root};

/// `ocelli up` for all scenarios that harm nothing.
static SHARED: Mutex<Option<Ocelli>> = Mutex::const_new(None);

/// Where the shared system listens; the first to ask starts it.
pub(crate) async fn shared() -> Result<Ready> {
    let mut shared = SHARED.lock().await;
    if shared.is_none() {
        *shared = Some(Ocelli::up(&[]).await?);
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
    /// The broker, unless it is stopped.
    pub(crate) broker: Option<NatsServer>,
    /// Where the broker is, or was.
    port: Option<u16>,
    /// Handed to every `ocelli`.
    pub(crate) environment: Vec<(String, String)>,
    /// `ocelli up`.
    pub(crate) all_in_one: Option<Ocelli>,
    /// `ocelli run gpu-filter`.
    pub(crate) workers: Vec<Ocelli>,
    /// `ocelli run ingest`.
    pub(crate) gateway: Option<Ocelli>,
}

impl Own {
    /// Starts the broker: on a free port the first time, afterwards where it was.
    pub(crate) async fn start_broker(&mut self) -> Result<()> {
        let binary = Some(find_binary(&root())?);
        let port = self.port.unwrap_or(0);
        let options = ServerOptions { port, binary, ..ServerOptions::default() };
        let broker = NatsServer::start(&options).await?;
        self.port = Some(broker.port());
        self.broker = Some(broker);
        Ok(())
    }

    /// Stops the broker.
    pub(crate) async fn stop_broker(&mut self) -> Result<()> {
        self.broker.take().context("no broker runs")?.stop().await;
        Ok(())
    }

    fn nats(&self) -> Result<String> {
        Ok(self.broker.as_ref().context("no broker runs")?.url())
    }

    /// Starts one more worker.
    pub(crate) async fn start_worker(&mut self) -> Result<()> {
        let worker = Ocelli::run("gpu-filter", &self.nats()?, &self.environment).await?;
        self.workers.push(worker);
        Ok(())
    }

    /// Starts the gateway.
    pub(crate) async fn start_gateway(&mut self) -> Result<()> {
        let gateway = Ocelli::run("ingest", &self.nats()?, &self.environment).await?;
        ensure!(gateway.ready().http.is_some(), "ingest says no http address when it is ready");
        self.gateway = Some(gateway);
        Ok(())
    }

    /// Where these processes listen; `admin` is the gateway's.
    pub(crate) fn ready(&self) -> Ready {
        if let Some(process) = &self.all_in_one {
            return process.ready().clone();
        }
        let gateway = self.gateway.as_ref().map(Ocelli::ready).cloned().unwrap_or_default();
        Ready { nats: self.port.map(|port| format!("nats://127.0.0.1:{port}")), ..gateway }
    }

    /// The admin addresses of all processes.
    pub(crate) fn admins(&self) -> Vec<String> {
        let processes = self.all_in_one.iter().chain(&self.workers).chain(&self.gateway);
        processes.filter_map(|process| process.ready().admin.clone()).collect()
    }
}

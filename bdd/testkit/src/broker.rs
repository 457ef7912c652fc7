//! One server that a test can do anything to.

use anyhow::{Context as _, Result};
use ocelli_nats_server::{NatsServer, ServerOptions};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::wait_until;

/// A `nats-server` with JetStream on a port of its own. It ends when this is dropped.
///
/// The port and JetStream's files stay the same over restarts, so clients come back and find
/// what was stored.
#[derive(Debug)]
pub struct Broker {
    server: Option<NatsServer>,
    options: ServerOptions,
    store: TempDir,
}

impl Broker {
    /// Starts a server with the default options on a free port.
    ///
    /// # Errors
    /// If there is no `nats-server` program (`make tools` fetches it) or it does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with(ServerOptions::default()).await
    }

    /// Starts a server with those options; the store is always a temporary directory.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub async fn start_with(options: ServerOptions) -> Result<Self> {
        let store = tempfile::Builder::new().prefix("ocelli-test-store-").tempdir()?;
        let options = ServerOptions { store: Some(store.path().to_owned()), ..options };
        let mut broker = Self { server: None, options, store };
        broker.run().await?;
        Ok(broker)
    }

    /// Where clients connect: `nats://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.options.port)
    }

    /// Where a user connects who has a password.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("nats://{user}:{password}@127.0.0.1:{}", self.options.port)
    }

    /// The port that clients connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.options.port
    }

    /// Whether the server is running, frozen or not.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.server.is_some()
    }

    /// Kills the server with SIGKILL, if it is running.
    pub async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Stops the server with SIGTERM, if it is running.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Starts the server again on the same port with the same files. A running one is killed first.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await;
        self.run().await
    }

    /// Starts the server again on the same port, without what JetStream had stored.
    ///
    /// # Errors
    /// If it does not start or its files cannot be removed.
    pub async fn restart_empty(&mut self) -> Result<()> {
        self.kill().await;
        self.store = tempfile::Builder::new().prefix("ocelli-test-store-").tempdir()?;
        self.options.store = Some(self.store.path().to_owned());
        self.run().await
    }

    /// Stops the server's process with SIGSTOP: its connections stay open and nobody answers.
    /// Returns when the whole process stands still, which takes a moment on a loaded machine.
    ///
    /// # Errors
    /// If the server is not running.
    pub async fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let pid = self.server.as_ref().and_then(NatsServer::pid).context("it is not running")?;
        wait_until("the server stands still", || async {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The state follows the name, which is in parentheses.
            status.rsplit_once(") ")?.1.starts_with('T').then_some(())
        })
        .await
    }

    /// Lets a frozen server go on.
    ///
    /// # Errors
    /// If the server is not running.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.server.as_ref().and_then(NatsServer::pid).context("it is not running")?;
        let pid = Pid::from_raw(i32::try_from(pid)?).context("not a process id")?;
        Ok(kill_process(pid, signal)?)
    }

    async fn run(&mut self) -> Result<()> {
        let server = NatsServer::start(&self.options).await?;
        // Whoever was connected comes back to this port.
        self.options.port = server.port();
        self.server = Some(server);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::patiently;

    async fn bucket(broker: &Broker, name: &str) -> async_nats::jetstream::kv::Store {
        let client = async_nats::connect(broker.url()).await.unwrap();
        let config =
            async_nats::jetstream::kv::Config { bucket: name.into(), ..Default::default() };
        let jetstream = async_nats::jetstream::new(client);
        jetstream.create_or_update_key_value(config).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_stored_survives_a_kill_but_not_an_empty_restart() {
        let mut broker = Broker::start().await.unwrap();
        let port = broker.port();
        bucket(&broker, "kept").await.put("key", "value".into()).await.unwrap();
        broker.kill().await;
        assert!(!broker.is_running());
        assert!(async_nats::connect(broker.url()).await.is_err());

        broker.restart().await.unwrap();
        assert_eq!(broker.port(), port);
        let value = bucket(&broker, "kept").await.get("key").await.unwrap();
        assert_eq!(value.as_deref(), Some(&b"value"[..]));

        broker.restart_empty().await.unwrap();
        assert_eq!(broker.port(), port);
        assert_eq!(bucket(&broker, "kept").await.get("key").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_frozen_server_does_not_answer_until_it_is_thawed() {
        let broker = Broker::start().await.unwrap();
        let client = async_nats::connect(broker.url()).await.unwrap();
        broker.freeze().await.unwrap();
        let jetstream = async_nats::jetstream::context::ContextBuilder::new()
            .timeout(Duration::from_millis(200))
            .build(client);
        assert!(jetstream.query_account().await.is_err());
        broker.thaw().unwrap();
        wait_until("the server answers", || async { jetstream.query_account().await.ok() })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn users_have_their_permissions() {
        let extra = "authorization { users: [ { user: a, password: b, \
                     permissions: { publish: \"ok\" } } ] }";
        let options = ServerOptions { extra: extra.into(), ..ServerOptions::default() };
        let broker = Broker::start_with(options).await.unwrap();
        assert!(async_nats::connect(broker.url()).await.is_err());
        let connected = async_nats::ConnectOptions::with_user_and_password("a".into(), "b".into())
            .connect(broker.url());
        patiently("the user's connection", connected).await.unwrap().unwrap();
    }
}

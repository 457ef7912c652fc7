//! Several servers that elect leaders.

use std::net::TcpListener;

use anyhow::{Context as _, Result};
use async_nats::jetstream::{
    self,
    context::ContextBuilder,
    stream::{Config, StorageType},
};
use ocelli_nats_server::{ClusterOptions, ServerOptions};

use crate::{Broker, wait_until};

/// How long one question to the cluster may take before it is asked again.
const ASK_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

/// A cluster of `nats-server` processes with JetStream. All of them end when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Broker>,
}

impl Cluster {
    /// Starts that many servers, and waits until streams can be replicated to all of them.
    ///
    /// # Errors
    /// If a server does not start, or the cluster has no leader within the limit of patience.
    pub async fn start(size: usize) -> Result<Self> {
        Self::start_with(size, &ServerOptions::default()).await
    }

    /// As [`Cluster::start`], each server with those options besides its name and ports.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_with(size: usize, options: &ServerOptions) -> Result<Self> {
        // Every server must know the others' ports before it starts. All are held at once, so
        // that they differ.
        let held: Vec<_> = (0..size)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)))
            .collect::<std::io::Result<_>>()?;
        let routes: Vec<_> = held
            .iter()
            .map(|listener| listener.local_addr().map(|address| address.port()))
            .collect::<std::io::Result<_>>()?;
        drop(held);
        let mut nodes = Vec::new();
        for (index, port) in routes.iter().copied().enumerate() {
            let cluster = ClusterOptions { name: "test".into(), port, routes: routes.clone() };
            let options = ServerOptions {
                name: Some(name(index)),
                cluster: Some(cluster),
                ..options.clone()
            };
            nodes.push(Broker::start_with(options).await?);
        }
        let cluster = Self { nodes };
        cluster.ready().await?;
        Ok(cluster)
    }

    /// Waits until a stream can be placed on every running server.
    ///
    /// # Errors
    /// If that takes longer than the limit of patience.
    pub async fn ready(&self) -> Result<()> {
        let replicas = self.nodes.iter().filter(|node| node.is_running()).count();
        let jetstream = self.jetstream().await?;
        let jetstream = &jetstream;
        wait_until("the cluster can replicate a stream", || async move {
            let config = Config {
                name: "cluster-is-ready".into(),
                subjects: vec!["cluster.is.ready".into()],
                storage: StorageType::Memory,
                num_replicas: replicas,
                ..Config::default()
            };
            jetstream.create_stream(config).await.ok()?;
            jetstream.delete_stream("cluster-is-ready").await.ok()
        })
        .await?;
        Ok(())
    }

    /// Where clients connect, one address for each server, killed ones included.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Broker::url).collect()
    }

    /// One server; `None` if there are not that many.
    #[must_use]
    pub fn node(&self, index: usize) -> Option<&Broker> {
        self.nodes.get(index)
    }

    /// The index of the server that leads a stream now.
    ///
    /// # Errors
    /// If the stream has no leader within the limit of patience.
    pub async fn leader(&self, stream: &str) -> Result<usize> {
        let jetstream = self.jetstream().await?;
        let jetstream = &jetstream;
        let leader = wait_until(&format!("the stream {stream} has a leader"), || async move {
            jetstream.get_stream(stream).await.ok()?.cached_info().cluster.clone()?.leader
        })
        .await?;
        let index = (0..self.nodes.len()).find(|index| name(*index) == leader);
        index.with_context(|| format!("the leader {leader:?} is not a server of this cluster"))
    }

    /// Kills the server that leads a stream with SIGKILL, and returns its index.
    ///
    /// # Errors
    /// If the stream has no leader within the limit of patience.
    pub async fn kill_leader(&mut self, stream: &str) -> Result<usize> {
        let leader = self.leader(stream).await?;
        self.kill(leader).await;
        Ok(leader)
    }

    /// Kills a server with SIGKILL, if it is running.
    pub async fn kill(&mut self, index: usize) {
        if let Some(node) = self.nodes.get_mut(index) {
            node.kill().await;
        }
    }

    /// Starts a server again with its files and ports.
    ///
    /// # Errors
    /// If there is no such server or it does not start.
    pub async fn restart(&mut self, index: usize) -> Result<()> {
        let node = self.nodes.get_mut(index);
        node.with_context(|| format!("the cluster has no server {index}"))?.restart().await
    }

    async fn jetstream(&self) -> Result<jetstream::Context> {
        let running = self.nodes.iter().filter(|node| node.is_running());
        let urls: Vec<async_nats::ServerAddr> =
            running.map(|node| node.url().parse()).collect::<std::io::Result<_>>()?;
        let client = async_nats::connect(urls).await?;
        Ok(ContextBuilder::new().timeout(ASK_WITHIN).build(client))
    }
}

fn name(index: usize) -> String {
    format!("node-{index}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_survives_the_end_of_a_streams_leader() {
        let mut cluster = Cluster::start(3).await.unwrap();
        let jetstream = cluster.jetstream().await.unwrap();
        let config =
            jetstream::kv::Config { bucket: "kept".into(), num_replicas: 3, ..Default::default() };
        let bucket = jetstream.create_key_value(config).await.unwrap();
        bucket.put("key", "value".into()).await.unwrap();

        let killed = cluster.kill_leader("KV_kept").await.unwrap();
        let leader = cluster.leader("KV_kept").await.unwrap();
        assert_ne!(leader, killed);
        let jetstream = cluster.jetstream().await.unwrap();
        let value = wait_until("the value can be read", || async {
            jetstream.get_key_value("kept").await.ok()?.get("key").await.ok()?
        });
        assert_eq!(&value.await.unwrap()[..], b"value");

        cluster.restart(killed).await.unwrap();
        cluster.ready().await.unwrap();
    }
}

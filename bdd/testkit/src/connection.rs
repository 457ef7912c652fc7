//! Connections as the services open them.

use anyhow::Result;
use ocelli_actors::broker::{Connection, ConnectionOptions, Outgoing};

use crate::{Broker, patiently};

/// Opens a connection, which does not wait for the broker: there may be none yet.
///
/// # Errors
/// If the URL cannot be read.
pub async fn open(url: &str) -> Result<Connection> {
    let options = ConnectionOptions {
        url: url.to_owned(),
        name: "test".into(),
        subscription_capacity: 1_024,
        outgoing: Outgoing::default(),
    };
    Ok(Connection::open(options).await?)
}

/// Opens a connection and waits until it is up.
///
/// # Errors
/// If the URL cannot be read, or the broker does not answer within the limit of patience.
pub async fn connect(url: &str) -> Result<Connection> {
    let connection = open(url).await?;
    patiently("a connection to the broker", connection.up()).await?;
    Ok(connection)
}

impl Broker {
    /// Opens a connection to this server and waits until it is up.
    ///
    /// # Errors
    /// If the server does not answer within the limit of patience.
    pub async fn connect(&self) -> Result<Connection> {
        connect(&self.url()).await
    }
}

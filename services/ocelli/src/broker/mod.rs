//! The broker that `ocelli up` manages: its data folder, its first start, and its actor.

mod actor;

use std::{
    cell::Cell,
    fs::{File, TryLockError},
    path::Path,
    rc::Rc,
};

use anyhow::{Context as _, bail};
use ocelli_actors::supervisor::ChildSpec;
use ocelli_messages::{ErrorKind, Failure};
use ocelli_nats_server::{NatsServer, ServerOptions};

pub(crate) use self::actor::become_guard;
use self::actor::{BrokerActor, guarded};
use crate::settings::ManagedBroker;

/// A running broker that this process manages.
pub(crate) struct Managed {
    /// The child that keeps it running.
    pub(crate) child: ChildSpec,
    /// The URL that clients connect to.
    pub(crate) url: String,
    /// The locked folder with its files.
    pub(crate) data: DataFolder,
}

/// The folder for the broker's files, locked for this process.
pub(crate) struct DataFolder {
    _lock: File,
}

/// Starts the broker, because everything else needs its port. From then on, its actor keeps it
/// running.
pub(crate) async fn start(config: &ManagedBroker) -> anyhow::Result<Managed> {
    let data = lock(&config.data)?;
    let mut options = guarded(ServerOptions {
        port: config.port,
        max_payload: config.max_payload_bytes,
        store: Some(std::path::absolute(config.data.join("nats"))?),
        ..ServerOptions::default()
    })?;
    let server = NatsServer::start(&options)
        .await
        .map_err(|failed| Failure::new(ErrorKind::Unavailable, failed.to_string()))?;
    let url = server.url();
    // Clients reconnect to this address after a restart.
    options.port = server.port();
    let running = Rc::new(Cell::new(Some(server)));
    let (child, _) = ChildSpec::actor("broker", move |child| {
        BrokerActor::new(Rc::clone(&running), options.clone(), child)
    });
    Ok(Managed { child, url, data })
}

fn lock(data: &Path) -> anyhow::Result<DataFolder> {
    std::fs::create_dir_all(data)
        .with_context(|| format!("cannot create the folder {}", data.display()))?;
    let path = data.join("ocelli.lock");
    let file = File::create(&path)
        .with_context(|| format!("cannot create the file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(DataFolder { _lock: file }),
        Err(TryLockError::WouldBlock) => bail!(
            "another ocelli process uses the folder {}: stop it, or choose another folder with \
             --data DIR",
            data.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).context(path.display().to_string()),
    }
}

//! The broker that `ocelli up` brings along: its data folder, its first start, and its actor.

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

/// A broker that runs.
pub(crate) struct Managed {
    /// Keeps it running.
    pub(crate) child: ChildSpec,
    /// Where clients connect.
    pub(crate) url: String,
    /// The folder with its files.
    pub(crate) data: DataFolder,
}

/// The folder that the broker keeps its files in, locked for this process.
pub(crate) struct DataFolder {
    _lock: File,
}

/// Starts the broker, because everything else needs its port; from then on its actor keeps it
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
    // Whoever is connected comes back to this address.
    options.port = server.port();
    let running = Rc::new(Cell::new(Some(server)));
    let (child, _) = ChildSpec::actor("broker", move |child| {
        BrokerActor::new(Rc::clone(&running), options.clone(), child)
    });
    Ok(Managed { child, url, data })
}

fn lock(data: &Path) -> anyhow::Result<DataFolder> {
    std::fs::create_dir_all(data).with_context(|| format!("the folder {}", data.display()))?;
    let path = data.join("ocelli.lock");
    let file = File::create(&path).with_context(|| format!("the file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(DataFolder { _lock: file }),
        Err(TryLockError::WouldBlock) => bail!(
            "another ocelli uses the folder {}; stop that one, or choose another with --data DIR",
            data.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).context(path.display().to_string()),
    }
}

//! The folder for the broker's files, which belongs to one process, and may be removed under it.

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::time::{MissedTickBehavior, interval};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The folder for the broker's files, locked for this process.
pub(crate) struct DataFolder {
    folder: PathBuf,
    lock: File,
}

impl DataFolder {
    /// Creates the folder if it does not exist, and locks it.
    pub(super) fn lock(folder: &Path) -> anyhow::Result<Self> {
        let folder = std::path::absolute(folder)?;
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        let path = lock_of(&folder);
        let lock = File::create(&path)
            .with_context(|| format!("cannot create the file {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, lock }),
            Err(TryLockError::WouldBlock) => bail!(
                "another ocelli process uses the folder {}: stop it, or choose another folder with \
                 --data DIR",
                folder.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).context(path.display().to_string()),
        }
    }

    /// Where the broker keeps its files.
    pub(super) fn store(&self) -> PathBuf {
        self.folder.join("nats")
    }

    /// Locks the folder again if it was removed or replaced since it was locked. Otherwise, two
    /// brokers could come to share the files of a new folder.
    pub(super) fn renew(&mut self) -> anyhow::Result<()> {
        if is_at(&self.lock, &lock_of(&self.folder)) {
            return Ok(());
        }
        *self = Self::lock(&self.folder)?;
        Ok(())
    }

    /// What has to stay in its place while a broker runs: the lock, and the broker's files.
    pub(super) fn watched(&self) -> Watched {
        let store = self.store().join("jetstream");
        let files = [self.lock.try_clone().map(|lock| (lock, lock_of(&self.folder)))]
            .into_iter()
            .chain([File::open(&store).map(|opened| (opened, store))]);
        Watched(files.filter_map(Result::ok).collect())
    }
}

/// Open files, each with the path at which it should be. An open file keeps its number, so that no
/// new file can be mistaken for it.
pub(super) struct Watched(Vec<(File, PathBuf)>);

impl Watched {
    /// Waits until a file is no longer in its place, and returns the place.
    pub(super) async fn removed(self) -> PathBuf {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Some((_, path)) = self.0.iter().find(|(file, path)| !is_at(file, path)) {
                return path.clone();
            }
        }
    }
}

fn lock_of(folder: &Path) -> PathBuf {
    folder.join("ocelli.lock")
}

/// Whether the open file is the one at the path.
fn is_at(file: &File, path: &Path) -> bool {
    let number = |data: fs::Metadata| (data.dev(), data.ino());
    let there = fs::metadata(path).map(number);
    file.metadata().map(number).is_ok_and(|own| there.is_ok_and(|there| own == there))
}

#[cfg(test)]
mod tests {
    use ocelli_testkit::patiently;

    use super::*;

    #[test]
    fn one_process_has_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        let mut first = DataFolder::lock(&folder).unwrap();
        let error = DataFolder::lock(&folder).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("another ocelli process"), "{error}");
        first.renew().unwrap();
    }

    #[tokio::test]
    async fn a_removed_folder_is_noticed_and_can_be_locked_again() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        let mut data = DataFolder::lock(&folder).unwrap();
        fs::create_dir_all(data.store().join("jetstream")).unwrap();
        let (whole, store) = (data.watched(), data.watched());

        fs::remove_dir_all(data.store()).unwrap();
        fs::create_dir_all(data.store().join("jetstream")).unwrap();
        let gone = patiently("the store", store.removed()).await.unwrap();
        assert_eq!(gone, data.store().join("jetstream"), "another folder is not the same");

        fs::remove_dir_all(&folder).unwrap();
        patiently("the folder", whole.removed()).await.unwrap();
        let other = DataFolder::lock(&folder).unwrap();
        assert!(data.renew().is_err(), "it is somebody else's now");
        drop(other);
        data.renew().unwrap();
        assert!(DataFolder::lock(&folder).is_err());
    }
}

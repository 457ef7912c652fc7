//! Caches compiled kernels on disk, so that the next start need not compile them.
//!
//! An entry holds everything that it was made from and a checksum; an entry that is damaged or made
//! from another source is ignored. Files are written under another name first, so that nobody reads
//! half of one.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const MAGIC: &[u8] = b"ocelli-kernel-1\n";
/// If there are more entries than this, the oldest ones are removed.
const MOST_ENTRIES: usize = 1024;

/// A folder of compiled kernels.
#[derive(Clone, Debug)]
pub(super) struct DiskCache {
    folder: PathBuf,
}

impl DiskCache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The bytes that were made from `made_of`, if they are in the cache.
    pub(super) fn read(&self, made_of: &str) -> Option<Vec<u8>> {
        let file = std::fs::read(self.file(made_of)).ok()?;
        decode(&file, made_of).map(<[u8]>::to_vec)
    }

    /// Stores the bytes that were made from `made_of`.
    pub(super) fn write(&self, made_of: &str, bytes: &[u8]) -> io::Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        std::fs::create_dir_all(&self.folder)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}.new", std::process::id());
        let new = self.folder.join(name);
        let written = std::fs::write(&new, encode(made_of, bytes))
            .and_then(|()| std::fs::rename(&new, self.file(made_of)));
        if written.is_err() {
            // It may not even be there.
            _ = std::fs::remove_file(&new);
        }
        written?;
        self.trim(MOST_ENTRIES)
    }

    fn file(&self, made_of: &str) -> PathBuf {
        self.folder.join(format!("{:016x}.kernel", hash(made_of.as_bytes())))
    }

    /// Removes the oldest entries, which in time includes files that a process left half-written.
    fn trim(&self, most: usize) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Another process may have removed it just now.
            if let Ok(changed) = entry.metadata().and_then(|data| data.modified()) {
                entries.push((changed, entry.path()));
            }
        }
        entries.sort();
        let surplus = entries.len().saturating_sub(most);
        for (_, path) in entries.into_iter().take(surplus) {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The default folder for compiled kernels, following the XDG base directory specification.
pub(super) fn default_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join(Path::new("ocelli/kernels")))
}

fn encode(made_of: &str, bytes: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    for part in [made_of.as_bytes(), bytes] {
        file.extend((part.len() as u64).to_le_bytes());
        file.extend(hash(part).to_le_bytes());
        file.extend(part);
    }
    file
}

fn decode<'a>(file: &'a [u8], made_of: &str) -> Option<&'a [u8]> {
    let (source, rest) = part(file.strip_prefix(MAGIC)?)?;
    let (bytes, rest) = part(rest)?;
    (source == made_of.as_bytes() && rest.is_empty()).then_some(bytes)
}

fn part(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = file.split_first_chunk()?;
    let (checksum, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    (hash(bytes) == u64::from_le_bytes(*checksum)).then_some((bytes, rest))
}

/// FNV-1a, which is the same in every version of this program. It detects damage, not malice:
/// whoever can write to the folder can do worse.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test's own.
    fn cache(name: &str) -> DiskCache {
        let folder =
            std::env::temp_dir().join(format!("ocelli-disk-{}-{name}", std::process::id()));
        _ = std::fs::remove_dir_all(&folder);
        DiskCache::new(folder)
    }

    #[test]
    fn what_was_written_is_read_and_only_for_its_source() {
        let cache = cache("written");
        assert_eq!(cache.read("source"), None);
        cache.write("source", b"machine code").unwrap();
        assert_eq!(cache.read("source").unwrap(), b"machine code");
        cache.write("source", b"other").unwrap();
        assert_eq!(cache.read("source").unwrap(), b"other");
        assert_eq!(cache.read("another source"), None);
        // A file in another's place.
        std::fs::copy(cache.file("source"), cache.file("another source")).unwrap();
        assert_eq!(cache.read("another source"), None);
        std::fs::remove_dir_all(cache.folder).unwrap();
    }

    #[test]
    fn any_damage_is_seen() {
        let good = encode("made of", b"bytes");
        assert_eq!(decode(&good, "made of"), Some(&b"bytes"[..]));
        for length in 0..good.len() {
            assert_eq!(decode(&good[..length], "made of"), None, "cut to {length}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 4;
            assert_eq!(decode(&bad, "made of"), None, "changed at {at}");
        }
        assert_eq!(decode(&[&good[..], &b"x"[..]].concat(), "made of"), None);
    }

    #[test]
    fn the_oldest_entries_go() {
        let cache = cache("oldest");
        for number in 0..5 {
            cache.write(&number.to_string(), b"x").unwrap();
            let file = std::fs::File::options().write(true).open(cache.file(&number.to_string()));
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(number);
            file.unwrap().set_modified(time).unwrap();
        }
        cache.trim(2).unwrap();
        let left: Vec<u64> = (0..5).filter(|n| cache.read(&n.to_string()).is_some()).collect();
        assert_eq!(left, [3, 4]);
        std::fs::remove_dir_all(cache.folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let cache = cache("file");
        std::fs::write(&cache.folder, b"a file").unwrap();
        assert!(cache.write("source", b"x").is_err());
        assert_eq!(cache.read("source"), None);
        std::fs::remove_file(cache.folder).unwrap();
    }

    #[test]
    fn the_folder_follows_the_environment() {
        let folder = |xdg: Option<&str>, home: Option<&str>| {
            let folder = default_folder(|name| match name {
                "XDG_CACHE_HOME" => xdg.map(OsString::from),
                _ => home.map(OsString::from),
            });
            folder.map(|path| path.to_str().unwrap().to_owned())
        };
        assert_eq!(folder(Some("/c"), Some("/h")).unwrap(), "/c/ocelli/kernels");
        assert_eq!(folder(None, Some("/h")).unwrap(), "/h/.cache/ocelli/kernels");
        // A relative path has to be ignored.
        assert_eq!(folder(Some("c"), Some("/h")).unwrap(), "/h/.cache/ocelli/kernels");
        assert_eq!(folder(Some(""), None), None);
    }
}

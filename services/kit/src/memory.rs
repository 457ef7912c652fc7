//! The memory of this process: the budget for images and messages, and what is resident.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use ocelli_actors::metrics::gauge;
use ocelli_messages::Limits;

use crate::metrics::Metric;

/// The most that the default budget takes, however much memory there is.
pub const MAX_DEFAULT_BUDGET: u64 = 2 * 1024 * 1024 * 1024;

/// The bytes per pixel that one request may need at a time: the decoded image and the result of a
/// step, with four bytes each.
const BYTES_PER_PIXEL: u64 = 8;
/// The message that arrives and the one that leaves, beside the images in them: the size of the
/// largest message of the managed broker.
const MESSAGE_BYTES: u64 = 16 * 1024 * 1024;

/// The smallest budget with which one request of the largest size can be served.
#[must_use]
pub const fn least_budget(limits: &Limits) -> u64 {
    let pixels = limits.max_pixels.saturating_mul(BYTES_PER_PIXEL);
    let encoded = (limits.max_encoded_bytes as u64).saturating_mul(2);
    pixels.saturating_add(encoded).saturating_add(2 * MESSAGE_BYTES)
}

/// The budget of a process whose settings state none: half of the memory that it may use, and at
/// most 2 GiB. Where the amount of memory is unknown, it is 2 GiB.
#[must_use]
pub fn default_budget() -> u64 {
    half(available(Path::new("/")))
}

fn half(available: Option<u64>) -> u64 {
    available.map_or(MAX_DEFAULT_BUDGET, |bytes| (bytes / 2).min(MAX_DEFAULT_BUDGET))
}

/// The memory that this process may use: that of the machine, or the limit of a cgroup if it is
/// smaller. `root` is the root of the file system.
fn available(root: &Path) -> Option<u64> {
    let read = |path: PathBuf| fs::read_to_string(path).ok();
    let machine = read(root.join("proc/meminfo")).and_then(|text| kilobytes(&text, "MemTotal:"));
    let groups = read(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().flat_map(places).filter_map(|(folder, path, file)| {
        let folder = root.join("sys/fs/cgroup").join(folder);
        // The limits of all groups above apply too. In a container, the path may be one outside of
        // it, so that only the root exists.
        let groups = Path::new(path).ancestors().map(|group| folder.join(inside(group)).join(file));
        groups.filter_map(|file| read(file)?.trim().parse::<u64>().ok()).min()
    });
    limits.chain(machine).min()
}

/// Where the limit may be that a line of `/proc/self/cgroup` leads to: the folder of the hierarchy,
/// the path of the group in it, and the name of the file.
fn places(line: &str) -> Vec<(&'static str, &str, &'static str)> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return Vec::new() };
    if controllers.is_empty() {
        // The second is where systemd puts version 2 beside version 1.
        vec![("", path, "memory.max"), ("unified", path, "memory.max")]
    } else if controllers.split(',').any(|controller| controller == "memory") {
        vec![("memory", path, "memory.limit_in_bytes")]
    } else {
        Vec::new()
    }
}

/// The path without what would lead out of the folder that it is joined to.
fn inside(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// The number of bytes in a line such as `MemTotal:  1234 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The bytes of this process that are in physical memory now, or `None` where the system does not
/// tell.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// Records what is resident; called whenever the metrics are read.
#[allow(clippy::cast_precision_loss, reason = "exact up to 9 petabytes")]
pub(crate) fn record_resident() {
    if let Some(bytes) = resident_bytes() {
        gauge(Metric::ResidentMemory, &[]).set(bytes as f64);
    }
}

/// Records the budget, which does not change while the process runs.
#[allow(clippy::cast_precision_loss, reason = "exact up to 9 petabytes")]
pub(crate) fn record_budget(bytes: u64) {
    gauge(Metric::MemoryBudget, &[]).set(bytes as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// A file system with these files, and what is available in it.
    fn with(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        available(root.path())
    }

    const MACHINE: (&str, &str) = ("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\n");

    #[test]
    fn the_smallest_of_machine_and_groups_counts() {
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[MACHINE]), Some(8 * GIB));
        let second = ("proc/self/cgroup", "0::/system.slice/ocelli.service\n");
        let parent = ("sys/fs/cgroup/system.slice/memory.max", "1073741824\n");
        let own = |text| ("sys/fs/cgroup/system.slice/ocelli.service/memory.max", text);
        assert_eq!(with(&[MACHINE, second, own("max\n")]), Some(8 * GIB));
        assert_eq!(with(&[MACHINE, second, own("2147483648\n")]), Some(2 * GIB));
        assert_eq!(with(&[MACHINE, second, own("2147483648\n"), parent]), Some(GIB));
        let first = ("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n");
        let of_version_1 = ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "3221225472\n");
        let unlimited = ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(with(&[MACHINE, first, of_version_1]), Some(3 * GIB));
        assert_eq!(with(&[MACHINE, first, unlimited]), Some(8 * GIB));
    }

    #[test]
    fn a_container_sees_its_limit_at_the_root() {
        let outside = ("proc/self/cgroup", "0::/../../docker/0123\n");
        let limit = ("sys/fs/cgroup/memory.max", "536870912\n");
        assert_eq!(with(&[MACHINE, outside, limit]), Some(GIB / 2));
        let outside = ("proc/self/cgroup", "4:memory:/docker/0123\n");
        let limit = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
        assert_eq!(with(&[MACHINE, outside, limit]), Some(GIB / 2));
    }

    #[test]
    fn the_default_is_half_and_at_most_two_gibibytes() {
        assert_eq!(half(Some(3 * GIB)), 3 * GIB / 2);
        assert_eq!(half(Some(64 * GIB)), 2 * GIB);
        assert_eq!(half(None), 2 * GIB);
    }

    #[test]
    fn the_least_budget_holds_one_largest_request() {
        let limits = Limits { max_pixels: 1_000, max_encoded_bytes: 100, ..Limits::default() };
        assert_eq!(least_budget(&limits), 8_000 + 200 + 32 * 1024 * 1024);
        let endless = Limits { max_pixels: u64::MAX, ..limits };
        assert_eq!(least_budget(&endless), u64::MAX, "and not a small number after an overflow");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_resident_grows_with_what_is_used() {
        let before = resident_bytes().unwrap();
        let used = vec![1_u8; 64 << 20];
        let after = resident_bytes().unwrap();
        assert!(after >= before + (32 << 20), "{before} {after} {}", used.len());
    }
}

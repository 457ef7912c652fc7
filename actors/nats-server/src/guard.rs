//! A broker never outlives the process that started it, not even when that one is killed.

use std::{ffi::OsString, io, os::unix::process::CommandExt, path::Path, process::Command};

/// Becomes `program`, which gets SIGTERM when the process `parent` ends, however it ends.
///
/// Run in a small process between the two: the death signal survives `exec`, and asking for it
/// here needs no unsafe code between fork and exec. The signal follows the *thread* that spawned
/// the process, so that one must live as long as its process (a main thread does).
///
/// Returns only if that failed.
pub fn exec_guarded(parent: u32, program: &Path, arguments: &[OsString]) -> io::Error {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
            return error.into();
        }
        // The parent may have died before the line above.
        let alive =
            getppid().is_some_and(|pid| u32::try_from(pid.as_raw_nonzero().get()) == Ok(parent));
        if !alive {
            return io::Error::other("the parent process is gone");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
    Command::new(program).args(arguments).exec()
}

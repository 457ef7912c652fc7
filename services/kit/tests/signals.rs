//! The signals that stop a service. A process of its own: signals reach all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use ocelli_kit::signals::shutdown_signal;
use rustix::process::{Signal, getpid, kill_process};

#[tokio::test]
async fn the_signals_are_told_apart_and_do_not_end_the_process() {
    for (signal, name) in
        [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT"), (Signal::HUP, "SIGHUP")]
    {
        let waiting = shutdown_signal();
        tokio::pin!(waiting);
        // The first poll installs the handlers; without them the process would end here.
        assert!(futures::poll!(&mut waiting).is_pending());
        if signal == Signal::HUP && hangup_was_ignored() {
            // Whoever started the tests asked for that, as `nohup` does.
            kill_process(getpid(), signal).unwrap();
            assert!(futures::poll!(&mut waiting).is_pending());
            continue;
        }
        kill_process(getpid(), signal).unwrap();
        assert_eq!(waiting.await, name);
    }
}

/// Whether the tests were started with SIGHUP ignored.
fn hangup_was_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1
}

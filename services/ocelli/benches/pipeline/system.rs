//! The processes that are measured.

use ocelli_testkit::{System, command};
use tokio::process::{Child, Command};

/// `ocelli up` on free ports.
pub(crate) async fn start() -> System {
    let system = System::up(command(env!("CARGO_BIN_EXE_ocelli"))).await;
    system.expect("the system starts: see `ocelli doctor`")
}

/// The resident memory of the process, without the broker's, MB.
pub(crate) fn rss_mb(system: &System) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", system.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// Starts the yardstick's process.
pub(crate) fn echo(nats: &str) -> Child {
    let this = std::env::current_exe().unwrap();
    Command::new(this).args(["echo", nats]).kill_on_drop(true).spawn().unwrap()
}

//! The processes that are measured.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// `ocelli up` on free ports.
pub(crate) struct System {
    child: Child,
    _data: tempfile::TempDir,
    pub(crate) http: String,
    pub(crate) nats: String,
}

impl System {
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ocelli"))
            .args(["up", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--nats-port", "0"])
            .arg("--data")
            .arg(data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line =
            lines.next_line().await.unwrap().expect("the system starts: see `ocelli doctor`");
        let field = |name| line.split(' ').find_map(|pair| pair.strip_prefix(name)).unwrap();
        let (http, nats) = (field("http=").to_owned(), field("nats=").to_owned());
        Self { child, _data: data, http, nats }
    }

    /// Its resident memory, without the broker's.
    pub(crate) fn rss_mb(&self) -> f64 {
        let status = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    pub(crate) async fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().await.unwrap();
    }
}

/// The yardstick's process.
pub(crate) fn echo(nats: &str) -> Child {
    let this = std::env::current_exe().unwrap();
    Command::new(this).args(["echo", nats]).kill_on_drop(true).spawn().unwrap()
}

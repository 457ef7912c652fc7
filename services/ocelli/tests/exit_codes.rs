//! The exit codes of `docs/reference/cli.md`, and what the command line refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{net::TcpListener, path::Path, process::Stdio};

use common::{ocelli, root};
use ocelli_testkit::{Broker, System, eventually, frames, patiently, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// Runs a command to its end, and returns its exit code and what it wrote to stderr.
async fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = ocelli();
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = patiently("the end of the command", command.output()).await.unwrap().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn mistakes_on_the_command_line_are_64_and_help_is_0() {
    for (arguments, told) in [
        (&["nonsense"][..], "nonsense"),
        (&["up", "--nats-port", "x"], "--nats-port"),
        (&["run"], "<SERVICES>"),
        (&["run", "nonsense"], "gpu-filter"),
        (&["filters", "--timeout", "0"], "--timeout"),
        (&["process", "x.png", "-o", "y.png", "--timeout", "0"], "--timeout"),
        (&["run", "gpu-filter", "gpu-filter"], "gpu-filter is named twice"),
        (&["run", "gpu-filter", "--http", "127.0.0.1:0"], "--http is for ingest, which is not"),
        (&["filters", "--nats", "nats://me:1/2@host"], "%2F"),
    ] {
        let (code, errors) = run(arguments).await;
        assert_eq!(code, Some(64), "{arguments:?}: {errors}");
        assert!(errors.contains(told), "{arguments:?}: {errors}");
    }
    for arguments in [&["--help"][..], &["--version"], &["help", "run"], &["process", "--help"]] {
        let (code, errors) = run(arguments).await;
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[tokio::test]
async fn every_port_in_use_is_69() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (http, admin, nats) in [
        (addr.as_str(), "127.0.0.1:0", "0"),
        ("127.0.0.1:0", addr.as_str(), "0"),
        ("127.0.0.1:0", "127.0.0.1:0", port.as_str()),
    ] {
        let data = data.to_str().unwrap();
        let arguments =
            ["up", "--http", http, "--admin", admin, "--nats-port", nats, "--data", data];
        let (code, errors) = run(&arguments).await;
        assert_eq!(code, Some(69), "{arguments:?}: {errors}");
    }
}

#[tokio::test]
async fn sighup_drains() {
    // Whoever runs the tests may have them ignore the signal, as `nohup` does.
    let mut command = ocelli_testkit::command("env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_ocelli")]);
    let mut system = System::up(command).await.unwrap();
    system.signal(Signal::HUP).unwrap();
    assert_eq!(system.ended().await.unwrap().code(), Some(0), "{}", system.log_tail());
}

#[tokio::test]
async fn work_that_is_cut_off_is_75() {
    let mut command = ocelli();
    command.env("OCELLI_SHUTDOWN__GRACE_MS", "100");
    let mut system = System::up(command).await.unwrap();
    // A request whose body never arrives cannot be finished.
    let mut stream = TcpStream::connect(system.ready().http().unwrap()).await.unwrap();
    let head = "POST /api/v1/process/image?filter=blur HTTP/1.1\r\nHost: x\r\n\
                Expect: 100-continue\r\nContent-Length: 1000\r\n\r\nbegin";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    patiently("the answer to Expect", stream.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 100");
    system.signal(Signal::TERM).unwrap();
    assert_eq!(system.ended().await.unwrap().code(), Some(75), "{}", system.log_tail());
}

/// The processes that a process has started, and so on.
fn below(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let children = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
        Some(text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
    });
    children.flatten().flat_map(|child| [vec![child], below(child)].concat()).collect()
}

#[tokio::test]
async fn a_demo_that_is_stopped_leaves_nothing_behind() {
    let photos = root().join("docs/pictures");
    assert!(photos.join("before-after.jpg").is_file());
    for (signal, code) in [(Signal::TERM, Some(75)), (Signal::INT, Some(75)), (Signal::KILL, None)]
    {
        let out = tempfile::tempdir().unwrap();
        let mut child = ocelli()
            .args(["demo", "--photos", photos.to_str().unwrap()])
            .arg("--out")
            .arg(out.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = patiently("the first line", lines.next_line()).await.unwrap().unwrap().unwrap();
        assert!(line.starts_with("ready after"), "{line}");
        let started = below(pid);
        assert!(started.len() >= 2, "the system and its broker: {started:?}");
        kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
        let status = patiently("its end", child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), code, "{signal:?}");
        let gone = |pid: &u32| !Path::new(&format!("/proc/{pid}")).exists();
        eventually("everything has ended", || started.iter().all(gone)).await.unwrap();
    }
}

#[tokio::test]
async fn a_huge_file_is_refused_without_being_read() {
    let broker = Broker::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.png");
    std::fs::File::create(&path).unwrap().set_len(3 << 30).unwrap();
    let url = broker.url();
    for (input, told) in [
        (path.to_str().unwrap(), "has 3221225472 bytes; the broker accepts at most 16777216"),
        ("/dev/zero", "has more than 16777216 bytes"),
    ] {
        let arguments = ["process", input, "-o", "unwritten.png", "--nats", &url];
        let (code, errors) = run(&arguments).await;
        assert_eq!(code, Some(64), "{input}: {errors}");
        assert!(errors.contains(told), "{input}: {errors}");
    }
}

#[tokio::test]
async fn a_broker_that_is_just_restarting_is_waited_for() {
    let mut broker = Broker::start().await.unwrap();
    let url = broker.url();
    let _worker = System::run(ocelli(), "gpu-filter", &url).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (picture, result) = (folder.path().join("picture.png"), folder.path().join("result.png"));
    std::fs::write(&picture, frames::png(31, 17).unwrap()).unwrap();
    broker.kill().await;

    let errors = folder.path().join("errors");
    let mut child = ocelli()
        .arg("process")
        .arg(&picture)
        .args(["--filter", "grayscale", "--nats", &url, "--output"])
        .arg(&result)
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&errors).unwrap())
        .spawn()
        .unwrap();
    wait_until("it says what it waits for", || async {
        let text = std::fs::read_to_string(&errors).unwrap();
        text.contains("waiting for up to 30 s: no broker at nats://127.0.0.1").then_some(())
    })
    .await
    .unwrap();
    broker.restart().await.unwrap();
    let status = patiently("its end", child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{}", std::fs::read_to_string(&errors).unwrap());
    assert!(std::fs::read(&result).unwrap().starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn a_broker_that_does_not_come_is_69_when_the_time_is_over() {
    let arguments = ["filters", "--nats", "nats://127.0.0.1:1", "--timeout", "1"];
    let (code, errors) = run(&arguments).await;
    assert_eq!(code, Some(69), "{errors}");
    assert!(
        errors.contains("no broker at nats://127.0.0.1:1; is `ocelli up` running?"),
        "{errors}"
    );
}

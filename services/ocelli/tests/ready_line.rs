//! The ready line is for whoever reads stdout: that nobody does stops nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{fs::File, io::Write as _, path::Path, process::Stdio};

use common::{get, ocelli};
use ocelli_testkit::{patiently, wait_until};
use rustix::process::{Pid, Signal, kill_process};

/// Starts everything with that stdout, and waits until it serves and has logged the warning.
async fn serves(stdout: Stdio, warning: &str) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut child = ocelli()
        .args(["up", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--nats-port", "0"])
        .arg("--data")
        .arg(folder.path().join("data"))
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let http = wait_until("the ready line is logged", || async {
        let text = read(&log);
        let (_, rest) = text.split_once("ready http=")?;
        Some(rest.split(' ').next()?.to_owned())
    });
    let http = http.await.unwrap_or_else(|error| panic!("{error}: {}", read(&log)));
    wait_until("it warns", || async { read(&log).contains(warning).then_some(()) })
        .await
        .unwrap_or_else(|error| panic!("{error}: {}", read(&log)));
    let answer = get(&format!("http://{http}/api/v1/filters")).await.unwrap();
    assert!(answer.status().is_success(), "{}", read(&log));
    kill_process(Pid::from_raw(child.id().unwrap().cast_signed()).unwrap(), Signal::TERM).unwrap();
    let status = patiently("its end", child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "{}", read(&log));
    assert!(!read(&log).contains("panicked"), "{}", read(&log));
}

#[tokio::test]
async fn a_full_disk_as_stdout() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    serves(full.into(), "the ready line cannot be printed").await;
}

#[tokio::test]
async fn a_pipe_whose_reader_is_gone() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    serves(writer.into(), "the ready line cannot be printed").await;
}

#[tokio::test]
async fn a_pipe_that_is_full() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut filling = writer.try_clone().unwrap();
    // It blocks when the pipe is full, until the reader is gone.
    let filled = std::thread::spawn(move || filling.write_all(&vec![b'x'; 4 << 20]).is_err());
    serves(writer.into(), "nobody reads stdout").await;
    drop(reader);
    assert!(filled.join().unwrap(), "the pipe was never full");
}

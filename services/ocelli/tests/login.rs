//! A wrong password is told, and not retried in silence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{get, ocelli};
use ocelli_nats_server::ServerOptions;
use ocelli_testkit::{Broker, System, frames, patiently, wait_until};

async fn broker(authorization: &str) -> Broker {
    let extra = format!("authorization {{ {authorization} }}");
    Broker::start_with(ServerOptions { extra, ..ServerOptions::default() }).await.unwrap()
}

/// Runs a command that must end because the broker refuses its login.
async fn refused(arguments: &[&str], url: &str) {
    let mut command = ocelli();
    command.args(arguments).args(["--nats", url]);
    let output = patiently("the end of the command", command.output()).await.unwrap().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(77), "{arguments:?}: {errors}");
    let told = "ocelli: permission_denied: the broker refused the login\n  where:   ";
    assert!(errors.contains(told), "{arguments:?}: {errors}");
    assert!(!errors.contains("hunter2"), "{errors}");
}

#[tokio::test]
async fn commands_end_with_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("picture.png");
    std::fs::write(&picture, frames::png(3, 2).unwrap()).unwrap();
    let picture = picture.to_str().unwrap();
    let process = ["process", picture, "--filter", "grayscale", "--output", "unwritten.png"];
    let run = ["run", "gpu-filter", "--admin", "127.0.0.1:0"];

    let users = broker("user: me, password: secret").await;
    let token = broker("token: secret").await;
    let none = format!("nats://127.0.0.1:{}", users.port());
    let wrong_token = format!("nats://hunter2@127.0.0.1:{}", token.port());
    for url in [users.url_as("me", "hunter2"), users.url_as("nobody", "hunter2"), none, wrong_token]
    {
        refused(&process, &url).await;
    }
    refused(&run, &users.url_as("me", "hunter2")).await;
    refused(&["filters"], &users.url_as("me", "hunter2")).await;
}

#[tokio::test]
async fn credentials_that_stop_working_show_in_ready_and_are_retried() {
    let mut first = broker("user: me, password: secret").await;
    let url = first.url_as("me", "secret");
    let system = System::run(ocelli(), "gpu-filter", &url).await.unwrap();
    let admin = system.ready().admin().unwrap();
    let (port, extra) = (first.port(), "authorization { user: me, password: other }".to_owned());
    first.kill().await;
    let rotated = ServerOptions { port, extra, ..ServerOptions::default() };
    let rotated = Broker::start_with(rotated).await.unwrap();
    let said = |wanted: &'static str| async move {
        let body = get(&format!("http://{admin}/ready")).await.ok()?.text().await.ok()?;
        body.contains(wanted).then_some(())
    };
    wait_until("/ready says why", || said("the broker refused the login")).await.unwrap();
    drop(rotated);
    first.restart().await.unwrap();
    wait_until("it is ready again", || said(r#""status":"ready""#)).await.unwrap();
    system.stop().await.unwrap();
}

//! Clients need no more than their requests and frames: JetStream is for services only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{path::Path, process::Output};

use async_nats::{Client, ConnectOptions, Event};
use common::ocelli;
use futures::StreamExt as _;
use ocelli_messages::v1;
use ocelli_nats_server::ServerOptions;
use ocelli_testkit::{Broker, frames, patiently};
use prost::Message as _;
use tokio::sync::mpsc;

/// A client may ask, send frames and control, and receive answers and frames. Workers may do
/// everything.
const USERS: &str = r#"
authorization {
  users: [
    { user: worker, password: worker }
    {
      user: client
      password: client
      permissions: {
        publish: ["ocelli.v1.default.req.>", "ocelli.v1.default.frame.in.>", "ocelli.v1.default.ctl.>"]
        subscribe: ["_INBOX.>", "ocelli.v1.default.frame.out.>"]
      }
    }
  ]
}
"#;

/// A broker with these users, and a worker.
struct System {
    broker: Broker,
    _worker: ocelli_testkit::System,
}

impl System {
    async fn start() -> Self {
        let options = ServerOptions { extra: USERS.into(), ..ServerOptions::default() };
        let broker = Broker::start_with(options).await.unwrap();
        let url = broker.url_as("worker", "worker");
        let worker = ocelli_testkit::System::run(ocelli(), "gpu-filter", &url).await.unwrap();
        Self { broker, _worker: worker }
    }

    /// Runs a command of the program as the client.
    async fn command(&self, arguments: &[&str]) -> Output {
        let mut command = ocelli();
        command.args(arguments).args(["--nats", &self.broker.url_as("client", "client")]);
        patiently("the command", command.output()).await.unwrap().unwrap()
    }

    /// The client's connection, and what the server objects to.
    async fn client(&self) -> (Client, mpsc::Receiver<String>) {
        let (sender, errors) = mpsc::channel(100);
        let client = ConnectOptions::with_user_and_password("client".into(), "client".into())
            .event_callback(move |event| {
                let sender = sender.clone();
                async move {
                    if let Event::ServerError(error) = event {
                        sender.send(error.to_string()).await.unwrap();
                    }
                }
            })
            .connect(self.broker.url())
            .await
            .unwrap();
        (client, errors)
    }
}

fn succeeded(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn the_command_line_works_with_a_clients_permissions() {
    let system = System::start().await;
    let listed = succeeded(&system.command(&["filters"]).await);
    assert!(listed.contains("grayscale"), "{listed}");

    let folder = tempfile::tempdir().unwrap();
    let (picture, result) = (folder.path().join("picture.png"), folder.path().join("result.png"));
    std::fs::write(&picture, frames::png(31, 17).unwrap()).unwrap();
    let arguments = ["process", text(&picture), "--filter", "grayscale", "--output", text(&result)];
    succeeded(&system.command(&arguments).await);
    assert!(std::fs::read(&result).unwrap().starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn live_frames_work_with_a_clients_permissions() {
    let system = System::start().await;
    let (client, mut errors) = system.client().await;
    let mut results = client.subscribe("ocelli.v1.default.frame.out.cam-1").await.unwrap();
    let request = frames::request(frames::rgb(31, 17), vec![frames::step("grayscale", &[])]);
    let payload = request.encode_to_vec();
    client.publish("ocelli.v1.default.frame.in.cam-1", payload.into()).await.unwrap();
    let message = patiently("the result", results.next()).await.unwrap().unwrap();
    let response = v1::ProcessResponse::decode(message.payload).unwrap();
    let Some(v1::frame::Payload::Raw(raw)) = response.frame.and_then(|frame| frame.payload) else {
        panic!("the result is not raw")
    };
    assert_eq!((raw.width, raw.height, raw.data.len()), (31, 17, 31 * 17));
    assert!(errors.try_recv().is_err(), "nothing was refused");
}

#[tokio::test]
async fn a_client_may_not_touch_jetstream_or_another_tenant() {
    let system = System::start().await;
    let worker = ConnectOptions::with_user_and_password("worker".into(), "worker".into())
        .connect(system.broker.url())
        .await
        .unwrap();
    let (client, mut errors) = system.client().await;
    for subject in [
        "$JS.API.INFO",
        "$JS.API.STREAM.CREATE.X",
        "$KV.flags_default.default.colour",
        "$O.files_default.C.x",
        "$SRV.PING",
        "ocelli.v1.acme.req.filter.process",
        "ocelli.v1.acme.frame.in.cam-1",
        "ocelli.v1.default.frame.out.cam-1",
    ] {
        let mut seen = worker.subscribe(subject).await.unwrap();
        worker.publish(subject, "begin".into()).await.unwrap();
        patiently("the subscription", seen.next()).await.unwrap().unwrap();
        client.publish(subject, "forged".into()).await.unwrap();
        let error = patiently("the refusal", errors.recv()).await.unwrap().unwrap();
        let error = error.to_lowercase();
        assert!(error.contains("permissions violation for publish"), "{subject}: {error}");
        assert!(error.contains(&subject.to_lowercase()), "{subject}: {error}");
        // The server has handled the message by now, and has not passed it on.
        worker.publish(subject, "end".into()).await.unwrap();
        let first = patiently("the end", seen.next()).await.unwrap().unwrap();
        assert_eq!(&first.payload[..], b"end", "{subject}");
    }
    for subject in ["ocelli.v1.acme.frame.out.cam-1", "ocelli.v1.default.req.>", "$KV.>"] {
        let _refused = client.subscribe(subject).await.unwrap();
        let error = patiently("the refusal", errors.recv()).await.unwrap().unwrap();
        assert!(error.to_lowercase().contains("permissions violation for subscription"), "{error}");
    }
}

//! The programs of `docs/examples/`, run as the pages say, against a running system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use ocelli_kernels::{
    Limits, PixelFormat, Pool, Size,
    codec::{self, Codec},
};
use ocelli_testkit::{frames, patiently};
use tempfile::TempDir;
use tokio::process::Command;

use common::{ocelli, root, text};

const SIZE: (u32, u32) = (97, 61);

/// `ocelli up` on free ports, and a folder with a picture.
struct System {
    _process: ocelli_testkit::System,
    http: String,
    nats: String,
    folder: TempDir,
}

impl System {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("picture.png"), frames::png(SIZE.0, SIZE.1).unwrap()).unwrap();
        let process = ocelli_testkit::System::up(ocelli()).await.unwrap();
        let http = process.ready().http().unwrap().to_string();
        let nats = process.ready().nats().unwrap().to_owned();
        Self { _process: process, http, nats, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs an example with the picture, and returns what it printed.
    async fn run(&self, mut command: Command, address: &str) -> String {
        let result = self.path("result.png");
        command.arg(address).arg(self.path("picture.png")).arg(&result).kill_on_drop(true);
        let output = output(&mut command).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {}\n{said}{complained}", output.status);
        is_grey(&fs::read(&result).unwrap());
        said
    }

    /// A Python example, with the messages generated from our files.
    fn python(&self, example: &str) -> Command {
        let generated = self.path("python");
        fs::create_dir_all(&generated).unwrap();
        let files = fs::read_dir(root().join("messages/proto/ocelli/v1")).unwrap();
        let done = std::process::Command::new(tool("protoc"))
            .arg("-I")
            .arg(root().join("messages/proto"))
            .arg(format!("--python_out={}", generated.display()))
            .args(files.map(|file| file.unwrap().path()))
            .output()
            .unwrap();
        assert!(done.status.success(), "protoc: {}", String::from_utf8_lossy(&done.stderr));
        let mut command = Command::new(tool("python"));
        command.arg(root().join("docs/examples").join(example)).env("PYTHONPATH", generated);
        command
    }
}

/// A program that `make tools` fetches.
fn tool(name: &str) -> PathBuf {
    let path = root().join(".tools/bin").join(name);
    assert!(path.is_file(), "{} is missing: run `make tools`", path.display());
    path
}

/// Runs a program to its end.
async fn output(command: &mut Command) -> Output {
    patiently("the end of a program", command.output()).await.unwrap().unwrap()
}

/// Every example makes the picture grey: a file that is a copy of the input would be in colour.
fn is_grey(file: &[u8]) {
    assert_eq!(Codec::sniff(file), Some(Codec::Png));
    let limits = Limits { max_side_px: 1 << 10, max_pixels: 1 << 20, ..Limits::default() };
    let image = codec::decode(file, &limits, &Pool::new(0)).unwrap();
    assert_eq!(image.size(), Size::new(SIZE.0, SIZE.1).unwrap());
    assert_eq!(image.format(), PixelFormat::Gray8);
}

#[tokio::test]
async fn one_picture_over_nats() {
    let system = System::start().await;
    let said = system.run(system.python("process.py"), &system.nats).await;
    assert!(said.starts_with("grayscale: ") && said.contains("\nblur: "), "{said}");
}

#[tokio::test]
async fn live_frames_over_nats() {
    let system = System::start().await;
    let said = system.run(system.python("live.py"), &system.nats).await;
    assert_eq!(said, "20 frames sent, 20 came back\n");
}

#[tokio::test]
async fn one_picture_over_http() {
    let system = System::start().await;
    let mut shell = Command::new("sh");
    shell.arg(root().join("docs/examples/process.sh"));
    system.run(shell, &system.http).await;
}

#[tokio::test]
async fn the_examples_say_what_was_wrong() {
    let system = System::start().await;
    fs::write(system.path("picture.png"), "no picture").unwrap();
    let mut shell = Command::new("sh");
    shell.arg(root().join("docs/examples/process.sh"));
    for (mut command, address, says) in [
        (system.python("process.py"), &system.nats, "not a PNG, JPEG or WebP image"),
        (system.python("live.py"), &system.nats, "not a PNG, JPEG or WebP image"),
        (shell, &system.http, "urn:ocelli:problem:unsupported"),
    ] {
        let files = [system.path("picture.png"), system.path("result.png")];
        command.arg(address).args(files).kill_on_drop(true);
        let output = output(&mut command).await;
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{command:?}");
        assert!(complained.contains(says), "{command:?}: {complained}");
    }
}

#[test]
fn the_pages_show_the_examples_as_they_are() {
    for (page, example) in [
        ("README.md", "process.py"),
        ("README.md", "process.sh"),
        ("docs/how-to/add-a-client.md", "live.py"),
    ] {
        let language =
            if Path::new(example).extension().unwrap() == "py" { "python" } else { "sh" };
        let code = text(&format!("docs/examples/{example}"));
        let block = format!("```{language}\n{code}```\n");
        assert!(text(page).contains(&block), "{page} must show this:\n{block}");
    }
}

#[tokio::test]
async fn filters_are_listed_and_one_is_shown() {
    let system = System::start().await;
    let run = |arguments: &'static [&'static str]| {
        let mut command = ocelli();
        command.arg("filters").args(arguments).args(["--nats", &system.nats]);
        async move { output(&mut command).await }
    };
    let all = String::from_utf8(run(&[]).await.stdout).unwrap();
    for words in ["BLUR", "MORPHOLOGY", "canny  (cpu", "regions"] {
        assert!(all.contains(words), "no {words:?} in {all}");
    }
    let one = String::from_utf8(run(&["show", "blur"]).await.stdout).unwrap();
    assert!(one.contains("OpenCV's GaussianBlur") && one.contains("sigma"), "{one}");
    assert!(!one.contains("canny"), "{one}");
    let json = run(&["show", "blur", "--json"]).await.stdout;
    assert!(String::from_utf8(json).unwrap().contains("\"family\": \"blur\""));
    let wrong = run(&["show", "blurr"]).await;
    assert_eq!(wrong.status.code(), Some(64));
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(said.contains("\"blurr\"") && said.contains("box_blur"), "{said}");
}

#[tokio::test]
async fn filters_as_json_are_the_same_over_http_and_on_the_command_line() {
    let system = System::start().await;
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail"]).arg(format!("http://{}/api/v1/filters", system.http));
    let mut list = ocelli();
    list.args(["filters", "--json", "--nats", &system.nats]);
    let mut one = ocelli();
    one.args(["filters", "show", "blur", "--json", "--nats", &system.nats]);
    let mut read = Vec::new();
    for mut command in [curl, list, one] {
        let output = output(&mut command).await;
        assert!(output.status.success(), "{command:?}: {output:?}");
        read.push(serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap());
    }
    assert_eq!(read[0], read[1]);
    let filters = read[0]["filters"].as_array().unwrap();
    assert_eq!(filters.iter().find(|filter| filter["id"] == "blur"), Some(&read[2]));
}

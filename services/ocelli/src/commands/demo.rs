//! `ocelli demo`: the whole system at work on real photographs.

use std::{
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ocelli_kit::signals::shutdown_signal;
use ocelli_messages::{Header, Limits, Named as _, v1};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::Instant,
};

use super::process::images_in;
use crate::{
    broker::GUARD,
    cli::{Demo, Target},
    client::{self, Client, frame},
    exit,
};

/// How long the system may take to become ready. It usually takes half a second.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// The number of sequential requests that measure the time of one.
const SINGLE: usize = 7;
/// The number of requests at a time, and in all, that measure the throughput.
const CONCURRENT: usize = 4;
const BATCH: usize = 24;

/// The filter chains, as they would be written on the command line.
const CHAINS: [&[&str]; 3] = [
    &["grayscale"],
    &["blur:kernel_size=9,sigma=2"],
    &["grayscale:algorithm=bt709", "blur:kernel_size=15,sigma=4"],
];

/// The protocol that a request is sent over.
#[derive(Clone, Copy)]
enum Way {
    Nats,
    Http,
}

/// The result of a request.
struct Result {
    file: Bytes,
    backend: String,
}

/// A row of the printed table.
struct Row {
    picture: String,
    chain: String,
    way: &'static str,
    backend: String,
    ms: f64,
    megabytes: f64,
    frames: f64,
}

/// Starts everything, sends photographs through filters, prints a table of times, and stops
/// everything.
pub(crate) fn demo(demo: Demo) -> anyhow::Result<ExitCode> {
    let photos = images_in(&demo.photos)
        .context("cannot read the photographs; `make tools` downloads them")?;
    if photos.is_empty() {
        bail!("there are no photographs in {}; `make tools` downloads some", demo.photos.display());
    }
    std::fs::create_dir_all(&demo.out).with_context(|| demo.out.display().to_string())?;
    let rows = client::block_on(async {
        let data = tempfile::tempdir()?;
        let mut system = System::start(data.path())?;
        let done = tokio::select! {
            rows = show(&mut system, &photos, &demo.out) => rows.map(Some),
            signal = shutdown_signal() => {
                eprintln!("stopped by {signal}");
                Ok(None)
            }
        };
        let stopped = system.stop().await;
        let done = done?;
        stopped?;
        anyhow::Ok(done)
    })?;
    let Some(rows) = rows else { return Ok(exit::CUT_OFF.into()) };
    table(&rows);
    say!("\npictures before and after: {}", demo.out.display());
    Ok(ExitCode::SUCCESS)
}

/// Waits until the system is ready, and measures it.
async fn show(system: &mut System, photos: &[PathBuf], out: &Path) -> anyhow::Result<Vec<Row>> {
    let started = Instant::now();
    let ready = system.ready().await?;
    let (ms, Ready { http, nats }) = (started.elapsed().as_millis(), &ready);
    say!("ready after {ms} ms: http://{http}  {nats}\n");
    work(&ready, photos, out).await
}

async fn work(system: &Ready, photos: &[PathBuf], out: &Path) -> anyhow::Result<Vec<Row>> {
    let nats = Client::connect(&Target {
        nats: system.nats.clone(),
        tenant: "default".into(),
        timeout: 30,
    })
    .await?;
    let sender = Sender { nats, http: reqwest::Client::new(), address: system.http.clone() };
    let mut rows = Vec::new();
    for photo in photos {
        let file = Bytes::from(tokio::fs::read(photo).await?);
        let name = photo.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let before = photo.file_name().unwrap_or_default();
        tokio::fs::write(
            out.join(format!("{}-before", name))
                .with_extension(Path::new(before).extension().unwrap_or_default()),
            &file,
        )
        .await?;
        for (number, chain) in CHAINS.iter().enumerate() {
            for way in [Way::Nats, Way::Http] {
                let (row, result) = measure(&sender, way, &name, chain, &file).await?;
                if matches!(way, Way::Nats) {
                    let after = out.join(format!("{name}-after-{}.jpg", number + 1));
                    tokio::fs::write(after, &result).await?;
                }
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

async fn measure(
    sender: &Sender,
    way: Way,
    picture: &str,
    chain: &[&str],
    file: &Bytes,
) -> anyhow::Result<(Row, Bytes)> {
    let mut times = Vec::with_capacity(SINGLE);
    let mut last = None;
    for _ in 0..SINGLE {
        let started = Instant::now();
        last = Some(sender.send(way, chain, file.clone()).await?);
        times.push(started.elapsed());
    }
    let Some(result) = last else { bail!("nothing was sent") };
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let started = Instant::now();
    let sent: Vec<_> = stream::iter(0..BATCH)
        .map(|_| sender.send(way, chain, file.clone()))
        .buffer_unordered(CONCURRENT)
        .try_collect()
        .await?;
    #[allow(clippy::cast_precision_loss, reason = "two dozen")]
    let frames = sent.len() as f64 / started.elapsed().as_secs_f64();
    let pixels = Header::read(file, &Limits::default()).map_or(0, |header| header.size.pixels());
    #[allow(clippy::cast_precision_loss, reason = "shown with one digit")]
    let megabytes = (pixels * 3) as f64 / 1e6 * frames;
    let row = Row {
        picture: picture.to_owned(),
        chain: chain.join(" → "),
        way: match way {
            Way::Nats => "NATS",
            Way::Http => "HTTP",
        },
        backend: result.backend,
        ms: median.as_secs_f64() * 1e3,
        megabytes,
        frames,
    };
    Ok((row, result.file))
}

/// Sends a picture over HTTP or NATS.
struct Sender {
    nats: Client,
    http: reqwest::Client,
    address: String,
}

impl Sender {
    async fn send(&self, way: Way, chain: &[&str], file: Bytes) -> anyhow::Result<Result> {
        match way {
            Way::Nats => self.over_nats(chain, file).await,
            Way::Http => self.over_http(chain, file).await,
        }
    }

    async fn over_nats(&self, chain: &[&str], file: Bytes) -> anyhow::Result<Result> {
        let filters: Vec<_> = chain.iter().map(ToString::to_string).collect();
        let pipeline = client::pipeline(&filters, v1::ImageCodec::Jpeg, 90, v1::Accelerator::Auto)?;
        let request = v1::ProcessRequest { frame: Some(frame(file)), pipeline: Some(pipeline) };
        let response = self.nats.process(&request).await?;
        let backend = response.steps.first().map(|step| step.backend().name().to_owned());
        match response.frame.and_then(|frame| frame.payload) {
            Some(v1::frame::Payload::Encoded(image)) => {
                Ok(Result { file: image.data, backend: backend.unwrap_or_default() })
            }
            _ => bail!("the answer does not contain an image file"),
        }
    }

    async fn over_http(&self, chain: &[&str], file: Bytes) -> anyhow::Result<Result> {
        let filters = chain.iter().map(|filter| ("filter", *filter));
        let query: Vec<_> = filters.chain([("format", "jpeg")]).collect();
        let mut url = reqwest::Url::parse(&format!("http://{}", self.address))?;
        url.set_path("/api/v1/process/image");
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.http.post(url).body(file).send().await?;
        if !answer.status().is_success() {
            bail!("{}: {}", answer.status(), answer.text().await?);
        }
        let backend = answer.headers().get("Ocelli-Backend");
        let backend = backend.and_then(|value| value.to_str().ok()).unwrap_or("?").to_owned();
        Ok(Result { file: answer.bytes().await?, backend })
    }
}

/// Where the system can be reached.
struct Ready {
    http: String,
    nats: String,
}

/// A child process that runs `ocelli up` on free ports.
struct System {
    child: Child,
}

impl System {
    /// Starts the system, which ends together with this process, however this process ends. It must
    /// be started by the main thread, because the guard watches the thread.
    fn start(data: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let child = Command::new(&program)
            .args([GUARD, &std::process::id().to_string()])
            .arg(&program)
            .args(["up", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--nats-port", "0"])
            .arg("--data")
            .arg(data)
            .env("OCELLI_TELEMETRY__LOG_FILTER", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C reaches every process of the terminal's group; this one ends when we say so.
            .process_group(0)
            .spawn()?;
        Ok(Self { child })
    }

    /// Waits until the system is ready.
    async fn ready(&mut self) -> anyhow::Result<Ready> {
        let Some(stdout) = self.child.stdout.take() else { bail!("the system has no stdout") };
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(READY_WITHIN, lines.next_line()).await;
        let line = line.context("the system did not become ready in time")??;
        let line = line.context("the system ended before it was ready")?;
        let address = |name: &str| {
            let value = line.split(' ').find_map(|pair| pair.strip_prefix(name));
            value.map(str::to_owned).with_context(|| format!("no {name} in {line:?}"))
        };
        Ok(Ready { http: address("http=")?, nats: address("nats=")? })
    }

    /// Stops the system with the same signal as Ctrl-C, and waits for its end.
    async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
        if let Some(pid) = pid {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        let status = self.child.wait().await?;
        if !status.success() {
            bail!("the system ended with {status}");
        }
        Ok(())
    }
}

fn table(rows: &[Row]) {
    let wide = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max();
    let picture = wide(|row| &row.picture).unwrap_or(0).max(7);
    let chain = wide(|row| &row.chain).unwrap_or(0).max(5);
    say!(
        "{:picture$}  {:chain$}  over  backend  {:>8}  {:>8}  {:>8}",
        "picture",
        "chain",
        "ms",
        "MB/s",
        "frames/s"
    );
    for row in rows {
        say!(
            "{:picture$}  {:chain$}  {:4}  {:7}  {:8.1}  {:8.1}  {:8.1}",
            row.picture,
            row.chain,
            row.way,
            row.backend,
            row.ms,
            row.megabytes,
            row.frames
        );
    }
}

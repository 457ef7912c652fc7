//! Ordinary requests, from a client that has nothing to do with the attack.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use async_nats::Client;
use bytes::Bytes;
use ocelli_kernels::codec::Codec;
use ocelli_messages::{header, v1};
use ocelli_testkit::frames;
use prost::Message as _;
use tokio::{task::JoinSet, time::Instant};

use crate::{nats, picture::Picture};

/// How long is measured before an attack, and after it.
const WINDOW: Duration = Duration::from_millis(1500);

/// An ordinary client gives up then; a request that takes longer is lost.
const LIMIT: Duration = Duration::from_secs(30);

/// The gateway tells clients apart by their address, and attackers come from 127.0.0.1.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was processed.
    Done,
    /// It was told to come back.
    Refused(String),
    /// Anything else.
    Lost(String),
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// When it was sent.
    pub(crate) sent: Instant,
    /// How long it took.
    pub(crate) took: Duration,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// How requests are sent.
#[derive(Clone)]
enum Way {
    Http(reqwest::Client, String, Bytes),
    Nats(Client, Bytes),
}

/// Requests that are sent all the time, each sender one after the other.
pub(crate) struct Traffic {
    samples: Arc<Mutex<Vec<Sample>>>,
    senders: JoinSet<()>,
    began: Instant,
    attack: Option<Instant>,
    end: Option<Instant>,
}

/// Requests per second, and the samples, of one stretch of time.
pub(crate) struct Phase {
    /// Requests that were processed, per second.
    pub(crate) rate: f64,
    /// Those that were sent in it.
    pub(crate) samples: Vec<Sample>,
}

impl Phase {
    /// The longest that a request took.
    pub(crate) fn slowest(&self) -> Duration {
        self.samples.iter().map(|sample| sample.took).max().unwrap_or_default()
    }
}

impl Traffic {
    /// Small pictures over HTTP.
    pub(crate) async fn over_http(base: &str, senders: usize) -> Result<Self> {
        let client = reqwest::Client::builder().local_address(ADDRESS).timeout(LIMIT).build()?;
        let url = format!("{base}/api/v1/process/image?filter=blur&timeout_ms=20000");
        let file = Picture::colourful(64, 48).to_file(Codec::Png)?;
        Self::start(&Way::Http(client, url, file.into()), senders).await
    }

    /// Small frames over NATS.
    pub(crate) async fn over_nats(url: &str, senders: usize) -> Result<Self> {
        let client = nats::connect(url).await?;
        let request = frames::request(frames::rgb(64, 48), vec![frames::step("blur", &[])]);
        Self::start(&Way::Nats(client, request.encode_to_vec().into()), senders).await
    }

    /// Returns when the rate before the attack is known.
    async fn start(way: &Way, senders: usize) -> Result<Self> {
        let first = once(way).await;
        ensure!(first == Fate::Done, "before the attack: {first:?}");
        let samples = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        for _ in 0..senders {
            let (way, samples) = (way.clone(), samples.clone());
            tasks.spawn(async move {
                loop {
                    let sent = Instant::now();
                    let fate = once(&way).await;
                    let pause = fate != Fate::Done;
                    let sample = Sample { sent, took: sent.elapsed(), fate };
                    samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
                    // Who is refused comes back a little later, as it was told to.
                    if pause {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            });
        }
        let traffic =
            Self { samples, senders: tasks, began: Instant::now(), attack: None, end: None };
        tokio::time::sleep(WINDOW).await;
        Ok(traffic)
    }

    /// The attack begins now.
    pub(crate) fn attack_begins(&mut self) {
        self.attack.get_or_insert_with(Instant::now);
    }

    /// The attack is over now.
    pub(crate) fn attack_ends(&mut self) {
        self.end.get_or_insert_with(Instant::now);
    }

    /// When the attack began.
    pub(crate) fn attacked_at(&self) -> Result<Instant> {
        self.attack.context("there was no attack")
    }

    /// Measures what is left to measure, and ends.
    ///
    /// Before, during, after, and how long after the end of the attack the first request was
    /// processed.
    pub(crate) async fn finish(mut self) -> Result<([Phase; 3], Duration)> {
        self.attack_ends();
        let (attack, end) = (self.attacked_at()?, self.end.context("no end")?);
        let sender_ended = async {
            self.senders.join_next().await;
        };
        let recovered =
            ocelli_testkit::look_until("an ordinary request is processed", async || {
                let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
                let since = samples.iter().filter(|sample| sample.sent >= end);
                let first = since.filter(|sample| sample.fate == Fate::Done).map(done).min();
                Ok(first.map_or_else(
                    || ocelli_testkit::Look::not_yet(format!("{:?}", samples.last())),
                    ocelli_testkit::Look::Done,
                ))
            });
        let recovered = tokio::select! {
            recovered = recovered => recovered?.0,
            () = sender_ended => anyhow::bail!("a sender has ended"),
        };
        tokio::time::sleep(WINDOW).await;
        let now = Instant::now();
        self.senders.shutdown().await;
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let phase = |from: Instant, until: Instant| {
            let within = |at: Instant| from <= at && at < until;
            let finished = samples.iter().filter(|sample| sample.fate == Fate::Done);
            let finished = finished.filter(|sample| within(done(sample))).count();
            let length = until.saturating_duration_since(from).as_secs_f64().max(1e-3);
            let sent = samples.iter().filter(|sample| within(sample.sent)).cloned().collect();
            Phase { rate: finished as f64 / length, samples: sent }
        };
        let phases = [phase(self.began, attack), phase(attack, recovered), phase(recovered, now)];
        Ok((phases, recovered.saturating_duration_since(end)))
    }
}

fn done(sample: &Sample) -> Instant {
    sample.sent + sample.took
}

async fn once(way: &Way) -> Fate {
    let fate = match way {
        Way::Http(client, url, file) => over_http(client, url, file).await,
        Way::Nats(client, request) => over_nats(client, request).await,
    };
    fate.unwrap_or_else(|error| Fate::Lost(format!("{error:#}")))
}

async fn over_http(client: &reqwest::Client, url: &str, file: &Bytes) -> Result<Fate> {
    let answer = client.post(url).body(file.clone()).send().await?;
    let status = answer.status().as_u16();
    let come_back = answer.headers().contains_key("retry-after");
    let body = answer.bytes().await?;
    let text = || format!("{status} {}", String::from_utf8_lossy(&body));
    Ok(match status {
        200 => Fate::Done,
        503 if come_back => Fate::Refused(text()),
        _ => Fate::Lost(text()),
    })
}

async fn over_nats(client: &Client, request: &Bytes) -> Result<Fate> {
    let request = async_nats::Request::new().payload(request.clone()).timeout(Some(LIMIT));
    let reply = client.send_request(nats::process_subject(), request).await?;
    let code = reply.headers.as_ref().and_then(|headers| headers.get(header::ERROR_CODE));
    let Some(code) = code else {
        return Ok(Fate::Done);
    };
    let error = v1::Error::decode(reply.payload)?;
    let text = format!("{code} {}", error.message);
    Ok(if code.as_str() == "503" { Fate::Refused(text) } else { Fate::Lost(text) })
}

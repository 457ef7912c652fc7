//! What one scenario knows.

use std::fmt;

use anyhow::{Context as _, Result};
use async_nats::Client;
use cucumber::given;
use ocelli_testkit::Ready;
use serde_json::Value;

use crate::{
    http::Answer,
    live_steps::Live,
    nats,
    outcome::{Outcome, Processed, Refusal},
    picture::Picture,
    promises::Attack,
    reference::Filter,
    system::{self, Own},
};

/// What one scenario knows.
#[derive(Default, cucumber::World)]
pub(crate) struct World {
    /// The scenario's name: checksums are stored under it.
    pub(crate) name: String,
    /// For the report.
    pub(crate) notes: Vec<String>,
    shared: Option<Ready>,
    /// Processes of its own; without any it talks to the shared system.
    pub(crate) own: Own,
    client: Option<Client>,
    /// The pictures to process.
    pub(crate) pictures: Vec<Picture>,
    /// The filters that they went through.
    pub(crate) filters: Vec<Filter>,
    /// The accelerator that was asked for.
    pub(crate) accelerator: String,
    /// What came of each picture over HTTP and over NATS.
    pub(crate) outcomes: Vec<(Outcome, Outcome)>,
    /// The last HTTP answers.
    pub(crate) answers: Vec<Answer>,
    /// The last refusals, whichever way they came.
    pub(crate) refusals: Vec<Refusal>,
    /// The last numbers that came instead of a picture: element, shape, layout, bytes.
    pub(crate) numbers: (String, String, String, Vec<u8>),
    /// The last JSON that was read.
    pub(crate) json: Value,
    /// Live frames.
    pub(crate) live: Live,
    /// The attack that it stands.
    pub(crate) attack: Attack,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("notes", &self.notes)
            .field("refusals", &self.refusals)
            .finish_non_exhaustive()
    }
}

impl World {
    /// Adds a line to the report.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Where the system of this scenario listens.
    pub(crate) async fn ready(&mut self) -> Result<Ready> {
        let own = self.own.ready();
        if own != Ready::default() {
            return Ok(own);
        }
        if self.shared.is_none() {
            self.shared = Some(system::shared().await?);
        }
        self.shared.clone().context("no system")
    }

    /// The gateway's address.
    pub(crate) async fn http(&mut self) -> Result<String> {
        let http = self.ready().await?.http.context("no gateway runs")?;
        Ok(system::url(http))
    }

    /// The admin address of the gateway's process.
    pub(crate) async fn admin(&mut self) -> Result<String> {
        Ok(system::url(self.ready().await?.admin()?))
    }

    /// The admin addresses of all processes.
    pub(crate) async fn admins(&mut self) -> Result<Vec<String>> {
        let own = self.own.admins();
        if own.is_empty() { Ok(vec![self.admin().await?]) } else { Ok(own) }
    }

    /// A NATS client.
    pub(crate) async fn client(&mut self) -> Result<Client> {
        if self.client.is_none() {
            let url = self.ready().await?.nats.context("no broker")?;
            self.client = Some(nats::connect(&url).await?);
        }
        self.client.clone().context("no client")
    }

    /// The results over HTTP and NATS of every picture; an error if one was refused.
    pub(crate) fn processed(&self) -> Result<Vec<(&Picture, &Processed, &Processed)>> {
        let pairs = self.pictures.iter().zip(&self.outcomes);
        let pairs = pairs.map(|(picture, (http, nats))| {
            let http = http.as_ref().map_err(|refusal| anyhow::anyhow!("HTTP: {refusal:?}"))?;
            let nats = nats.as_ref().map_err(|refusal| anyhow::anyhow!("NATS: {refusal:?}"))?;
            Ok((picture, http, nats))
        });
        pairs.collect()
    }
}

#[given("the system is running")]
async fn running(world: &mut World) -> Result<()> {
    world.ready().await.map(|_| ())
}

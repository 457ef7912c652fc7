//! Reading `/metrics`.

use anyhow::{Context as _, Result, ensure};

use crate::http;

/// The samples of one process.
#[derive(Debug)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// Reads those behind an admin address.
    pub(crate) async fn of(admin: &str) -> Result<Self> {
        let answer = http::get(&format!("{admin}/metrics")).await?;
        ensure!(answer.status == 200, "{admin}/metrics: {}", answer.status);
        let media_type = answer.header("content-type").unwrap_or_default();
        ensure!(media_type.starts_with("text/plain"), "{media_type}");
        Ok(Self(String::from_utf8(answer.body.to_vec())?))
    }

    /// The sum of all samples of that name; `None` if there is none.
    pub(crate) fn sum(&self, name: &str) -> Result<Option<f64>> {
        let mut sum = None;
        for line in self.0.lines() {
            let Some(rest) = line.strip_prefix(name) else {
                continue;
            };
            if !rest.starts_with(['{', ' ']) {
                continue;
            }
            let value = rest.rsplit(' ').next().context("no value")?;
            let value: f64 = value.parse().with_context(|| line.to_owned())?;
            sum = Some(sum.unwrap_or(0.0) + value);
        }
        Ok(sum)
    }

    /// The sum of the samples of that name with that label, written `name="value"`.
    pub(crate) fn labelled(&self, name: &str, label: &str) -> Result<u64> {
        let start = format!("{name}{{");
        let lines = self.0.lines().filter(|line| line.starts_with(&start) && line.contains(label));
        let values = lines.map(|line| {
            let value = line.rsplit(' ').next().context("no value")?;
            Ok(value.parse::<f64>().with_context(|| line.to_owned())? as u64)
        });
        values.sum()
    }

    /// How many, counted by the counter of that name; 0 before it counted anything.
    pub(crate) fn count(&self, name: &str) -> Result<u64> {
        Ok(self.sum(name)?.unwrap_or(0.0) as u64)
    }
}

/// Live frames of several processes: in, out, dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frames {
    /// Received.
    pub(crate) inward: u64,
    /// Answered.
    pub(crate) outward: u64,
    /// Not answered.
    pub(crate) dropped: u64,
}

impl Frames {
    /// The sum over those admin addresses.
    pub(crate) async fn of(admins: &[String]) -> Result<Self> {
        let mut frames = Self::default();
        for admin in admins {
            let metrics = Metrics::of(admin).await?;
            frames.inward += metrics.count("ocelli_frames_in_total")?;
            frames.outward += metrics.count("ocelli_frames_out_total")?;
            frames.dropped += metrics.count("ocelli_frames_dropped_total")?;
        }
        Ok(frames)
    }
}

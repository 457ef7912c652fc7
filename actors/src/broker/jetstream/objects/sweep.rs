//! The janitor: removes what failed puts and deletions leave behind.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use async_nats::datetime::{add_std_duration, now};
use ocelli_messages::Failure;
use serde::Deserialize;
use serde_json::json;

use super::{Objects, message};

/// How many subjects one answer may list; the server has a limit of its own.
const PAGES: usize = 1_000;

#[derive(Deserialize)]
struct Page {
    state: PageState,
    #[serde(default)]
    total: usize,
}

#[derive(Deserialize)]
struct PageState {
    #[serde(default)]
    subjects: Option<HashMap<String, u64>>,
}

impl Objects {
    /// Removes chunks that belong to no object and descriptions of deleted objects, if they are
    /// older than that. Returns how many objects it removed the rest of.
    ///
    /// A put that is in progress has chunks and no description yet, so the age must be longer than
    /// the longest pause between two chunks of a put; an hour is.
    ///
    /// # Errors
    /// `unavailable` if the broker is away; what was removed until then stays removed.
    pub async fn sweep(&self, older_than: Duration) -> Result<usize, Failure> {
        // The chunks come first: an object that is finished in between is described by then.
        let chunks = self.subjects_of_chunks().await?;
        let described = self.all().await?;
        let needed: BTreeSet<_> = described
            .iter()
            .filter(|described| !described.info.deleted)
            .map(|described| self.chunks(&described.info.nuid))
            .collect();
        let mut removed = 0;
        for subject in chunks.difference(&needed) {
            if self.is_older(subject, older_than).await?.is_some() {
                self.purge(json!({ "filter": subject })).await?;
                removed += 1;
            }
        }
        for described in described.into_iter().filter(|described| described.info.deleted) {
            let Ok(name) = super::Key::parse(&described.info.name) else { continue };
            let subject = self.subject(&name);
            if self.is_older(&subject, older_than).await? == Some(described.sequence) {
                // Only up to this one: the object may be put again at this moment.
                let end = described.sequence + 1;
                self.purge(json!({ "filter": subject, "seq": end })).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The place of the last message on a subject, if it is older than that.
    async fn is_older(&self, subject: &str, than: Duration) -> Result<Option<u64>, Failure> {
        let last = message::last(&self.jetstream, &self.stream, subject).await?;
        Ok(last
            .filter(|last| add_std_duration(last.time, than).is_ok_and(|end| end < now()))
            .map(|last| last.sequence))
    }

    async fn subjects_of_chunks(&self) -> Result<BTreeSet<String>, Failure> {
        let mut subjects = BTreeSet::new();
        for _ in 0..PAGES {
            let request = json!({
                "subjects_filter": format!("$O.{}.C.>", self.bucket),
                "offset": subjects.len(),
            });
            let page: Page = self
                .jetstream
                .ask(format!("STREAM.INFO.{}", self.stream), &request)
                .await
                .map_err(|refused| refused.into_failure(&format!("bucket {}", self.bucket)))?;
            let before = subjects.len();
            subjects.extend(page.state.subjects.unwrap_or_default().into_keys());
            if subjects.len() == before || subjects.len() >= page.total {
                break;
            }
        }
        Ok(subjects)
    }
}

//! The NATS Services API, through which tools such as `nats micro ls` find a service and read its
//! statistics.
//!
//! It is implemented here because the one of async-nats lacks what endpoints need: subscriptions of
//! their own, errors with a body, and counters without a lock for each request.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

/// The statistics of an endpoint.
#[derive(Debug)]
pub struct EndpointStats {
    name: &'static str,
    subject: String,
    queue_group: String,
    requests: AtomicU64,
    errors: AtomicU64,
    processing_ns: AtomicU64,
    last_error: Mutex<String>,
}

impl EndpointStats {
    /// The statistics of an endpoint that has answered no request yet.
    #[must_use]
    pub fn new(name: &'static str, subject: String, queue_group: String) -> Self {
        Self {
            name,
            subject,
            queue_group,
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            processing_ns: AtomicU64::new(0),
            last_error: Mutex::default(),
        }
    }

    /// Counts one answered request, with the time it took and the text of its error if it failed.
    pub fn answered(&self, took: Duration, error: Option<&str>) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.processing_ns.fetch_add(ns, Ordering::Relaxed);
        if let Some(error) = error {
            self.errors.fetch_add(1, Ordering::Relaxed);
            error.clone_into(&mut self.last_error.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn info(&self) -> Value {
        json!({ "name": self.name, "subject": self.subject, "queue_group": self.queue_group })
    }

    fn stats(&self) -> Value {
        let requests = self.requests.load(Ordering::Relaxed);
        let processing = self.processing_ns.load(Ordering::Relaxed);
        json!({
            "name": self.name,
            "subject": self.subject,
            "queue_group": self.queue_group,
            "num_requests": requests,
            "num_errors": self.errors.load(Ordering::Relaxed),
            "last_error": *self.last_error.lock().unwrap_or_else(PoisonError::into_inner),
            "processing_time": processing,
            "average_processing_time": processing.checked_div(requests).unwrap_or(0),
        })
    }
}

/// The identity of a service. It answers `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`.
#[derive(Debug)]
pub struct ServiceApi {
    /// The name of the service, which matches `[A-Za-z0-9_-]+`.
    pub name: &'static str,
    /// The unique id of this instance.
    pub id: String,
    /// The version of the service, as SemVer.
    pub version: &'static str,
    /// A description for people.
    pub description: &'static str,
    /// Metadata of the service. It does not change while the service runs.
    pub metadata: BTreeMap<String, String>,
    /// The time at which the service started.
    pub started: SystemTime,
}

const VERBS: [&str; 3] = ["PING", "INFO", "STATS"];

impl ServiceApi {
    /// The nine subjects that the service must subscribe to.
    #[must_use]
    pub fn subjects(&self) -> Vec<String> {
        VERBS
            .iter()
            .flat_map(|verb| {
                [
                    format!("$SRV.{verb}"),
                    format!("$SRV.{verb}.{}", self.name),
                    format!("$SRV.{verb}.{}.{}", self.name, self.id),
                ]
            })
            .collect()
    }

    /// The answer to a message on one of the [subjects](Self::subjects); `None` on any other
    /// subject.
    #[must_use]
    pub fn answer(&self, subject: &str, endpoints: &[&EndpointStats]) -> Option<Value> {
        let verb = subject.split('.').nth(1)?;
        let mut answer = json!({
            "type": format!("io.nats.micro.v1.{}_response", verb.to_lowercase()),
            "name": self.name,
            "id": self.id,
            "version": self.version,
            "metadata": self.metadata,
        });
        let fields = answer.as_object_mut()?;
        match verb {
            "PING" => {}
            "INFO" => {
                fields.insert("description".into(), self.description.into());
                let endpoints = endpoints.iter().map(|endpoint| endpoint.info()).collect();
                fields.insert("endpoints".into(), endpoints);
            }
            "STATS" => {
                fields.insert("started".into(), rfc3339(self.started).into());
                let endpoints = endpoints.iter().map(|endpoint| endpoint.stats()).collect();
                fields.insert("endpoints".into(), endpoints);
            }
            _ => return None,
        }
        Some(answer)
    }
}

/// Formats a time like `2026-11-21T04:05:06Z`, with Howard Hinnant's algorithm `civil_from_days`.
fn rfc3339(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest % 3_600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_233_082, "2026-11-21T03:51:22Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn the_three_answers() {
        let api = ServiceApi {
            name: "gpu-filter",
            id: "n1".into(),
            version: "0.1.0",
            description: "d",
            metadata: BTreeMap::from([("backends".into(), "cpu".into())]),
            started: UNIX_EPOCH,
        };
        let stats = EndpointStats::new("process", "a.b".into(), "q".into());
        stats.answered(Duration::from_nanos(10), None);
        stats.answered(Duration::from_nanos(20), Some("400 no"));
        let ping = api.answer("$SRV.PING", &[&stats]).unwrap();
        assert_eq!(ping["type"], "io.nats.micro.v1.ping_response");
        assert_eq!(ping["metadata"]["backends"], "cpu");
        let info = api.answer("$SRV.INFO.gpu-filter", &[&stats]).unwrap();
        assert_eq!(info["endpoints"][0]["subject"], "a.b");
        let stats = api.answer("$SRV.STATS.gpu-filter.n1", &[&stats]).unwrap();
        let endpoint = &stats["endpoints"][0];
        assert_eq!(endpoint["num_requests"], 2);
        assert_eq!(endpoint["num_errors"], 1);
        assert_eq!(endpoint["last_error"], "400 no");
        assert_eq!(endpoint["average_processing_time"], 15);
        assert!(api.answer("$SRV.WHAT", &[]).is_none());
        assert_eq!(api.subjects().len(), 9);
    }
}

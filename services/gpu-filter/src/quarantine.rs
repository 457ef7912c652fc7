//! Refuses kinds of requests that make workers panic.
//!
//! A panic fails one request and costs a worker a restart. A caller that repeats such requests would
//! keep the workers restarting, so it is refused this kind of request for a while. Others are not,
//! unless several callers have met the panic: one caller must not be able to switch a filter off.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use ocelli_actors::{credits::Caller, metrics::counter};
use ocelli_kernels::PixelFormat;
use ocelli_messages::Failure;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{metrics::Metric, plan::Plan};

/// The panics that one caller may cause with one kind of request within [`WINDOW`].
const PANICS: usize = 3;
/// The callers that must have met the panic for a kind to be refused to all.
const CALLERS: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);
/// How long a kind is refused.
const REFUSED_FOR: Duration = Duration::from_secs(60);
/// The most kinds that are remembered.
const MOST_KINDS: usize = 1_000;

/// What requests that panic have in common: the filters and the layout of the pixels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    filters: Vec<&'static str>,
    format: PixelFormat,
}

impl Kind {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self { filters: plan.chain.ids().collect(), format: plan.payload.shape().format }
    }
}

/// The kinds of requests that have made workers panic. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quarantine {
    kinds: Arc<Mutex<HashMap<Kind, Record>>>,
}

/// The panics of one kind of request.
#[derive(Debug, Default)]
struct Record {
    panics: VecDeque<(Instant, Caller)>,
    refused: HashMap<Caller, Instant>,
    refused_to_all: Option<Instant>,
}

impl Record {
    fn forget(&mut self, now: Instant) {
        while self.panics.front().is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.panics.pop_front();
        }
        self.refused.retain(|_, until| *until > now);
        self.refused_to_all = self.refused_to_all.filter(|until| *until > now);
    }

    fn is_over(&self) -> bool {
        self.panics.is_empty() && self.refused.is_empty() && self.refused_to_all.is_none()
    }
}

impl Quarantine {
    /// Checks that a caller is not refused this kind of request.
    ///
    /// # Errors
    /// `unavailable`, with the time after which it is tried again.
    pub(crate) fn check(&self, plan: &Plan, caller: &Caller, now: Instant) -> Result<(), Failure> {
        let mut kinds = self.kinds.lock();
        if kinds.is_empty() {
            return Ok(());
        }
        let kind = Kind::of(plan);
        let Some(record) = kinds.get_mut(&kind) else { return Ok(()) };
        record.forget(now);
        let until = record.refused_to_all.or_else(|| record.refused.get(caller).copied());
        if record.is_over() {
            kinds.remove(&kind);
        }
        let Some(until) = until else { return Ok(()) };
        let Kind { filters, format } = kind;
        let message = format!(
            "requests with the filters {} on {format:?} made workers fail, which is a bug in \
             Ocelli; they are tried again after a minute",
            filters.join(", ")
        );
        Err(Failure::unavailable(message, until.duration_since(now)).at("pipeline.steps"))
    }

    /// Notes that a request made its worker panic.
    pub(crate) fn panicked(&self, kind: Kind, caller: &Caller, now: Instant) {
        let mut kinds = self.kinds.lock();
        if kinds.len() >= MOST_KINDS && !kinds.contains_key(&kind) {
            kinds.values_mut().for_each(|record| record.forget(now));
            kinds.retain(|_, record| !record.is_over());
        }
        let full = kinds.len() >= MOST_KINDS;
        let text = format!("{} on {:?}", kind.filters.join(", "), kind.format);
        let record = match kinds.get_mut(&kind) {
            Some(record) => record,
            None if full => return,
            None => kinds.entry(kind).or_default(),
        };
        record.forget(now);
        record.panics.push_back((now, caller.clone()));
        // More are not needed to decide.
        if record.panics.len() > PANICS * CALLERS {
            record.panics.pop_front();
        }
        let by_caller = record.panics.iter().filter(|(_, by)| by == caller).count();
        let callers: HashSet<_> = record.panics.iter().map(|(_, by)| by).collect();
        let scope = if callers.len() >= CALLERS {
            record.refused_to_all = Some(now + REFUSED_FOR);
            "all"
        } else if by_caller >= PANICS {
            record.refused.insert(caller.clone(), now + REFUSED_FOR);
            "one caller"
        } else {
            return;
        };
        counter(Metric::Quarantined, &[if scope == "all" { "all" } else { "caller" }]).increment(1);
        tracing::error!(
            requests = text,
            to = scope,
            "requests that make workers panic are refused"
        );
    }
}

#[cfg(test)]
mod tests {
    use ocelli_messages::ErrorKind;

    use super::*;
    use crate::test_jobs;

    fn caller(name: &str) -> Caller {
        Caller::new(name)
    }

    fn is_refused(quarantine: &Quarantine, filter: &str, by: &str, now: Instant) -> bool {
        let checked = quarantine.check(&test_jobs::plan(filter), &caller(by), now);
        if let Err(failure) = &checked {
            assert_eq!(failure.kind, ErrorKind::Unavailable);
            assert!(failure.message.contains(filter), "{failure}");
            assert!(failure.retry_after.unwrap() <= REFUSED_FOR);
        }
        checked.is_err()
    }

    #[test]
    fn a_caller_that_keeps_making_workers_panic_is_refused_and_others_are_not() {
        let (quarantine, now) = (Quarantine::default(), Instant::now());
        for panics in 1..=PANICS {
            quarantine.panicked(Kind::of(&test_jobs::plan("blur")), &caller("a"), now);
            assert_eq!(is_refused(&quarantine, "blur", "a", now), panics == PANICS);
        }
        assert!(!is_refused(&quarantine, "blur", "b", now));
        assert!(!is_refused(&quarantine, "invert", "a", now));
        let later = now + REFUSED_FOR;
        assert!(!is_refused(&quarantine, "blur", "a", later));
        assert!(quarantine.kinds.lock().is_empty());
    }

    #[test]
    fn a_kind_that_several_callers_met_is_refused_to_all() {
        let (quarantine, now) = (Quarantine::default(), Instant::now());
        for name in ["a", "b", "c"] {
            assert!(!is_refused(&quarantine, "blur", "d", now));
            quarantine.panicked(Kind::of(&test_jobs::plan("blur")), &caller(name), now);
        }
        assert!(is_refused(&quarantine, "blur", "d", now));
    }

    #[test]
    fn panics_that_are_long_past_do_not_count() {
        let (quarantine, start) = (Quarantine::default(), Instant::now());
        for minute in 0..5 {
            let now = start + minute * WINDOW;
            quarantine.panicked(Kind::of(&test_jobs::plan("blur")), &caller("a"), now);
            assert!(!is_refused(&quarantine, "blur", "a", now));
        }
    }

    #[test]
    fn it_remembers_a_bounded_number_of_kinds() {
        let (quarantine, now) = (Quarantine::default(), Instant::now());
        for many in 0..MOST_KINDS + 10 {
            let kind = Kind { filters: vec!["blur"; many], format: PixelFormat::Gray8 };
            quarantine.panicked(kind, &caller("a"), now);
        }
        assert_eq!(quarantine.kinds.lock().len(), MOST_KINDS);
    }
}

//! Counts what a service counts of its live frames.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// A recorder of three numbers.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    frames_in: Arc<AtomicU64>,
    frames_out: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
    overflowed: Arc<AtomicU64>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) frames: u64,
    pub(crate) out: u64,
    pub(crate) dropped: u64,
    /// Those of the dropped that the client dropped.
    pub(crate) overflowed: u64,
}

impl Counts {
    /// Counts for this whole process, so only one test of it may look at them.
    pub(crate) fn install() -> Self {
        let counts = Self::default();
        metrics::set_global_recorder(counts.clone()).ok().unwrap();
        counts
    }

    pub(crate) fn read(&self) -> Counted {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        let overflowed = read(&self.overflowed);
        Counted {
            frames: read(&self.frames_in),
            out: read(&self.frames_out),
            dropped: read(&self.dropped) + overflowed,
            overflowed,
        }
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let reason = key.labels().find(|label| label.key() == "reason");
        let count = match (key.name(), reason.map(metrics::Label::value)) {
            ("ocelli_frames_in_total", _) => &self.frames_in,
            ("ocelli_frames_out_total", _) => &self.frames_out,
            ("ocelli_frames_dropped_total", Some("slow_consumer")) => &self.overflowed,
            ("ocelli_frames_dropped_total", _) => &self.dropped,
            _ => return Counter::noop(),
        };
        Counter::from_arc(Arc::clone(count))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

//! Counts what a service counts of its live frames.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// A recorder of a few numbers.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    frames_in: Arc<AtomicU64>,
    frames_out: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
    malformed: Arc<AtomicU64>,
    reconnects: Arc<AtomicU64>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) frames: u64,
    pub(crate) out: u64,
    pub(crate) dropped: u64,
    /// Messages of which something could not be read.
    pub(crate) malformed: u64,
    pub(crate) reconnects: u64,
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
        Counted {
            frames: read(&self.frames_in),
            out: read(&self.frames_out),
            dropped: read(&self.dropped),
            malformed: read(&self.malformed),
            reconnects: read(&self.reconnects),
        }
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let count = match key.name() {
            "ocelli_frames_in_total" => &self.frames_in,
            "ocelli_frames_out_total" => &self.frames_out,
            "ocelli_frames_dropped_total" => &self.dropped,
            "ocelli_broker_malformed_messages_total" => &self.malformed,
            "ocelli_broker_reconnects_total" => &self.reconnects,
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

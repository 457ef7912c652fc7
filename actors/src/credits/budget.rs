//! The memory of a process that requests may use, shared by its pools of credits.

use std::sync::Arc;

use metrics::Gauge;
use parking_lot::{Mutex, MutexGuard};

use super::{
    CreditLimits, CreditPool,
    room::{Grant, Room},
};
use crate::metrics::{Metric, gauge};

/// The memory that the requests of a process may use together. Clones share it.
///
/// A request is charged for everything that it makes the process hold: its encoded bytes, its
/// pixels, and its answer until that has left the process.
#[derive(Clone)]
pub struct Budget {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    bytes: usize,
    state: Mutex<State>,
    reserved: Gauge,
}

/// The pools of a budget, and the bytes that they use together.
#[derive(Default)]
pub(super) struct State {
    pub(super) used: usize,
    pub(super) rooms: Vec<Room>,
}

impl Budget {
    /// A budget of that many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let reserved = gauge(Metric::MemoryReserved, &[]);
        Self { shared: Arc::new(Shared { bytes, state: Mutex::default(), reserved }) }
    }

    /// A pool whose credits also count in this budget; `name` is the label of its gauge. Limits
    /// above the budget mean the whole budget.
    #[must_use]
    pub fn pool(&self, limits: CreditLimits, name: &'static str) -> CreditPool {
        let limits = CreditLimits { bytes: limits.bytes.min(self.shared.bytes), ..limits };
        let mut state = self.shared.lock();
        let index = state.rooms.len();
        state.rooms.push(Room::new(limits, gauge(Metric::CreditsInUse, &[name])));
        drop(state);
        CreditPool { shared: Arc::clone(&self.shared), index, limits }
    }

    /// The size of the budget in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shared.bytes
    }

    /// The bytes that are in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.shared.lock().used
    }
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (bytes, used) = (self.bytes(), self.used());
        f.debug_struct("Budget").field("bytes", &bytes).field("used", &used).finish()
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The bytes that no pool uses.
    pub(super) fn free(&self, state: &State) -> usize {
        self.bytes.saturating_sub(state.used)
    }

    /// Grants what has become possible in any of the pools.
    pub(super) fn serve(self: &Arc<Self>, state: &mut State) -> Vec<Grant> {
        let mut grants = Vec::new();
        for index in 0..state.rooms.len() {
            let mut free = self.free(state);
            let Some(room) = state.rooms.get_mut(index) else { continue };
            let before = free;
            room.serve(
                &mut free,
                |bytes, caller| super::credit(self, index, bytes, caller),
                &mut grants,
            );
            // A request that is granted less than it held frees memory.
            state.used = (state.used + before).saturating_sub(free);
        }
        self.show(state);
        grants
    }

    pub(super) fn show(&self, state: &State) {
        #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
        self.reserved.set(state.used as f64);
    }
}

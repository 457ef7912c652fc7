//! Ends the process when an input never ends, because nothing else could say which one it was.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// An input for which a check takes this long never ends.
const NEVER: Duration = Duration::from_secs(60);

#[derive(Default)]
struct State {
    /// The input at work, and a number that no other has.
    now: Option<Vec<u8>>,
    number: u64,
    done: bool,
}

/// Looks at one run from a thread of its own.
pub(super) struct Watch(Arc<(Mutex<State>, Condvar)>);

impl Watch {
    pub(super) fn start(name: &str) -> Self {
        let shared = Arc::<(Mutex<State>, Condvar)>::default();
        let (theirs, name) = (Arc::clone(&shared), name.to_owned());
        thread::spawn(move || look(&name, &theirs.0, &theirs.1));
        Self(shared)
    }

    pub(super) fn begin(&self, input: &[u8]) {
        let mut state = lock(&self.0.0);
        state.now = Some(input.to_vec());
        state.number += 1;
    }

    pub(super) fn end(&self) {
        lock(&self.0.0).now = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        lock(&self.0.0).done = true;
        self.0.1.notify_all();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[allow(clippy::print_stderr, reason = "the process ends")]
fn look(name: &str, state: &Mutex<State>, changed: &Condvar) {
    let (mut state, mut seen) = (lock(state), 0);
    while !state.done {
        let wait = changed.wait_timeout_while(state, NEVER, |state| !state.done);
        state = wait.unwrap_or_else(PoisonError::into_inner).0;
        match &state.now {
            // It was at work at the look before, too.
            Some(input) if state.number == seen => {
                eprintln!(
                    "{name}: no end after {NEVER:?}; OCELLI_FUZZ_INPUT={}",
                    super::hex(input)
                );
                std::process::abort();
            }
            _ => seen = state.number,
        }
    }
}

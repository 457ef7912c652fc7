//! Worker threads that help with the bands of a frame.
//!
//! The thread that has a frame (the owner) puts a task into a queue and starts on it at once.
//! Workers that are awake join the task and take bands from the same list; a worker that comes too
//! late finds nothing to do, and the owner never waits for a worker to wake up. Workers spin for a
//! moment before they park, so that at a steady load none of them has to be woken.
//!
//! - `queue`: the task queue, with all of the unsafe code.
//! - `workers`: the operating system's threads, which serve the queue until they are dropped.
//! - `pool`: [`WorkerPool`], which decides when a frame is shared and whom to wake.
//!
//! `make thread-check` runs the tests of this module under Miri with many random schedules. Miri
//! finds data races, use of a task after its owner has returned, and memory orders that are weaker
//! than the code relies on. It cannot find everything: it explores a sample of the schedules, not
//! all of them; time is simulated, so it says nothing about whether spinning and parking pay off;
//! and it interprets too slowly for real filters, which the parity tests run on real threads.

mod pool;
mod queue;
mod workers;

pub use pool::WorkerPool;

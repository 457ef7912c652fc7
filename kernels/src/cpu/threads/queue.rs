//! A queue of tasks that borrow from the thread that shares them.
//!
//! A task lives on the stack of its owner, and workers that outlive it hold a pointer to it. Safe
//! Rust cannot express that, so this file has three unsafe lines, and nothing outside it can break
//! what they rely on:
//!
//! - a task is in the queue only while [`TaskQueue::share`] runs;
//! - a worker joins a task while it holds the lock of the queue and the task is in the queue;
//! - [`TaskQueue::share`] takes its task out of the queue and then waits until every worker that
//!   joined has left, also when the owner panics.

#![allow(unsafe_code, reason = "threads that outlive a task borrow it, see the head of the file")]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;

/// How long a worker spins before it parks: several times the gap between one frame and the next,
/// and less than it takes to park and be woken.
const SPIN: Duration = Duration::from_micros(30);

/// How many times an owner that waits for its last workers spins before it yields.
const SPINS_BEFORE_YIELD: usize = 1000;

/// Room for tasks, so that sharing a frame allocates nothing: there is rarely more than one task
/// for each frame that is being computed.
const CAPACITY: usize = 64;

/// Tasks that workers may join.
#[derive(Debug)]
pub(super) struct TaskQueue {
    state: Mutex<State>,
    /// Counts the changes of `state`, so that a spinning worker sees them without the lock.
    version: AtomicUsize,
    parked: AtomicUsize,
    wake: Condvar,
}

#[derive(Debug)]
struct State {
    tasks: Vec<TaskRef>,
    closed: bool,
}

/// Work that several threads do together.
struct Task<'a> {
    work: &'a (dyn Fn() + Sync),
    /// Whether nothing is left to begin, so that joining is pointless.
    exhausted: AtomicBool,
    /// The number of workers that have joined and not left.
    joined: AtomicUsize,
    /// The panic of the first worker that panicked.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TaskRef(NonNull<Task<'static>>);

// SAFETY: a task is `Sync`, and the head of the file says why it outlives its references.
unsafe impl Send for TaskRef {}

impl TaskQueue {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State { tasks: Vec::with_capacity(CAPACITY), closed: false }),
            version: AtomicUsize::new(0),
            parked: AtomicUsize::new(0),
            wake: Condvar::new(),
        }
    }

    /// Runs `own` on this thread, and `work` on every worker that is awake meanwhile, at most once
    /// on each. When `work` returns anywhere, nothing may be left to begin: no further worker joins.
    /// Returns when all of them have returned, and resumes the panic of a worker here.
    pub(super) fn share(&self, own: impl FnOnce(), work: &(dyn Fn() + Sync)) {
        let task = Task {
            work,
            exhausted: AtomicBool::new(false),
            joined: AtomicUsize::new(0),
            panic: Mutex::new(None),
        };
        // Dropped before `task`, whether `own` returns or panics.
        let queued = Queued::push(self, &task);
        own();
        drop(queued);
        let panic = task.panic.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Wakes up to `most` parked workers. Each costs a few microseconds here, and some ten until
    /// the worker runs.
    pub(super) fn wake(&self, most: usize) {
        let parked = self.parked.load(Ordering::Relaxed);
        (0..parked.min(most)).for_each(|_| self.wake.notify_one());
    }

    /// Makes every worker return from [`TaskQueue::serve`] once it has finished its task.
    pub(super) fn close(&self) {
        self.change(|state| state.closed = true);
        self.wake.notify_all();
    }

    /// Works on tasks until the queue is closed: what a worker thread does all its life.
    pub(super) fn serve(&self) {
        loop {
            let seen = self.version.load(Ordering::Acquire);
            let state = lock(&self.state);
            if state.closed {
                return;
            }
            if let Some(task) = state.join() {
                drop(state);
                task.work();
                continue;
            }
            drop(state);
            if self.spin(seen) {
                continue;
            }
            let state = lock(&self.state);
            if self.version.load(Ordering::Acquire) == seen {
                self.parked.fetch_add(1, Ordering::Relaxed);
                // A spurious wake-up does no harm: the worker finds no task, and parks again.
                drop(self.wake.wait(state).unwrap_or_else(PoisonError::into_inner));
                self.parked.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Returns true as soon as the queue has changed since version `seen`, false after [`SPIN`].
    fn spin(&self, seen: usize) -> bool {
        let watch = Stopwatch::start();
        while watch.elapsed() < SPIN {
            for _ in 0..8 {
                if self.version.load(Ordering::Acquire) != seen {
                    return true;
                }
                std::hint::spin_loop();
            }
        }
        false
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        // Under the lock, so that a worker that takes the lock to park has seen the change.
        self.version.fetch_add(1, Ordering::Release);
    }
}

impl State {
    /// Joins the first task that has something left to begin.
    fn join(&self) -> Option<TaskRef> {
        self.tasks.iter().copied().find(|task| {
            // SAFETY: the task is in the queue, and its owner needs the lock, which this worker
            // holds, to take it out.
            let task = unsafe { task.0.as_ref() };
            let open = !task.exhausted.load(Ordering::Relaxed);
            if open {
                task.joined.fetch_add(1, Ordering::Relaxed);
            }
            open
        })
    }
}

impl TaskRef {
    /// Does the work of a task that this worker has joined, and leaves it.
    fn work(self) {
        // SAFETY: the owner waits until `joined` is 0 again.
        let task = unsafe { self.0.as_ref() };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(task.work)) {
            lock(&task.panic).get_or_insert(panic);
        }
        task.exhausted.store(true, Ordering::Relaxed);
        task.joined.fetch_sub(1, Ordering::Release);
    }
}

/// A task that is in the queue; dropping it takes the task out and waits for its workers.
struct Queued<'a> {
    queue: &'a TaskQueue,
    task: &'a Task<'a>,
}

impl<'a> Queued<'a> {
    fn push(queue: &'a TaskQueue, task: &'a Task<'a>) -> Self {
        let queued = Self { queue, task };
        queue.change(|state| state.tasks.push(queued.reference()));
        queued
    }

    fn reference(&self) -> TaskRef {
        TaskRef(NonNull::from(self.task).cast())
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let own = self.reference();
        // No change that a worker waits for, so the version stays.
        lock(&self.queue.state).tasks.retain(|task| *task != own);
        let mut spins = 0;
        while self.task.joined.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < SPINS_BEFORE_YIELD {
                std::hint::spin_loop()
            } else {
                std::thread::yield_now()
            }
        }
    }
}

/// Locks, also after a panic: nothing that can panic runs while one of these is locked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::cpu::threads::workers::Workers;

    /// Miri interprets, and runs the tests once for each seed.
    const fn rounds(natively: u64, under_miri: u64) -> u64 {
        if cfg!(miri) { under_miri } else { natively }
    }

    /// Adds the numbers below `numbers`, each of them on one thread or another.
    fn sum(workers: &Workers, numbers: u64) -> u64 {
        let (next, sum) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = || loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers {
                return;
            }
            sum.fetch_add(number, Ordering::Relaxed);
        };
        workers.queue().share(
            || {
                workers.queue().wake(3);
                work();
            },
            &work,
        );
        sum.into_inner()
    }

    #[test]
    fn each_part_is_done_once_before_share_returns() {
        let workers = Workers::start(3).unwrap();
        for round in 0..rounds(20_000, 20) {
            let numbers = round % 50;
            assert_eq!(sum(&workers, numbers), numbers * numbers.saturating_sub(1) / 2);
        }
    }

    #[test]
    fn tasks_are_shared_at_the_same_time_and_within_each_other() {
        let workers = Workers::start(2).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..rounds(500, 3) {
                        let inner = AtomicU64::new(0);
                        let once = AtomicBool::new(false);
                        let work = || {
                            if !once.swap(true, Ordering::Relaxed) {
                                inner.store(sum(&workers, 100), Ordering::Relaxed);
                            }
                        };
                        workers.queue().share(work, &work);
                        assert_eq!(inner.into_inner(), 4950);
                    }
                });
            }
        });
    }

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Shares a task whose owner waits until a worker has joined, so that one surely does.
    fn with_a_worker(workers: &Workers, then: impl Fn() + Sync) {
        let joined = AtomicBool::new(false);
        let own = || {
            let waiting = Stopwatch::start();
            while !joined.load(Ordering::Acquire) {
                assert!(waiting.elapsed() < PATIENCE, "no worker joined");
                workers.queue().wake(1);
                std::thread::yield_now();
            }
        };
        workers.queue().share(own, &|| {
            joined.store(true, Ordering::Release);
            then();
        });
    }

    #[test]
    fn parked_workers_are_woken() {
        let workers = Workers::start(1).unwrap();
        for _ in 0..rounds(5, 2) {
            let waiting = Stopwatch::start();
            while workers.queue().parked.load(Ordering::Relaxed) == 0 {
                assert!(waiting.elapsed() < PATIENCE, "the worker does not park");
                std::thread::yield_now();
            }
            with_a_worker(&workers, || {});
        }
    }

    #[test]
    fn share_waits_for_the_workers_that_joined() {
        let workers = Workers::start(1).unwrap();
        for _ in 0..rounds(50, 5) {
            let through = AtomicBool::new(false);
            with_a_worker(&workers, || {
                (0..rounds(1000, 20)).for_each(|_| std::thread::yield_now());
                through.store(true, Ordering::Relaxed);
            });
            assert!(through.into_inner());
        }
    }

    /// What a worker writes, the owner reads without any other synchronisation.
    #[test]
    fn what_workers_wrote_is_visible_when_share_returns() {
        struct Cell(std::cell::UnsafeCell<u64>);
        // SAFETY: only one thread at a time uses it, which is what is tested.
        unsafe impl Sync for Cell {}
        let workers = Workers::start(1).unwrap();
        for round in 0..rounds(1000, 5) {
            let cell = Cell(std::cell::UnsafeCell::new(0));
            let shared = &cell;
            // SAFETY: the owner looks only after `share`.
            with_a_worker(&workers, || unsafe { *shared.0.get() = round });
            assert_eq!(cell.0.into_inner(), round);
        }
    }

    #[test]
    fn a_panic_of_a_worker_is_resumed_here_and_the_worker_lives() {
        let workers = Workers::start(1).unwrap();
        let shared = AssertUnwindSafe(|| with_a_worker(&workers, || panic!("a bug")));
        let panic = catch_unwind(shared).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bug"));
        let own = AssertUnwindSafe(|| workers.queue().share(|| panic!("own"), &|| {}));
        assert!(catch_unwind(own).is_err());
        assert!(lock(&workers.queue().state).tasks.is_empty());
        with_a_worker(&workers, || {});
    }
}

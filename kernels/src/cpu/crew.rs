//! Threads that join whoever has more work than one thread should do.
//!
//! Whoever shares work does it himself, too, and never waits for a thread to wake up: one that
//! comes too late finds nothing to do. Threads look out for more work for a moment before they
//! sleep, so that at a steady load nobody has to be woken.

#![allow(unsafe_code, reason = "threads that outlive the work borrow it, see `Crew::share`")]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::Stopwatch;

/// How long a thread looks out for more work before it sleeps: several times what it takes to go
/// from one frame to the next, and less than it takes to fall asleep and wake up.
const LOOK_OUT: Duration = Duration::from_micros(30);

/// How often somebody who waits for a part of the work looks before he lets others run.
const LOOKS: usize = 1000;

/// Threads, until they are dropped.
#[derive(Debug)]
pub(super) struct Crew {
    board: Arc<Board>,
    threads: Vec<JoinHandle<()>>,
}

/// Where work is announced.
#[derive(Debug, Default)]
struct Board {
    notices: Mutex<Notices>,
    /// Changes with each new notice.
    news: AtomicUsize,
    asleep: AtomicUsize,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Notices {
    open: Vec<Notice>,
    closing: bool,
}

/// Work that others may join; it lives until its notice is taken down and all have left.
struct Task<'a> {
    help: &'a (dyn Fn() + Sync),
    /// Nothing is left to begin.
    done: AtomicBool,
    /// How many are at it, beside the one who shares it.
    inside: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Notice(NonNull<Task<'static>>);

// SAFETY: what it points to is `Sync`, and `Crew::share` says why it is there.
unsafe impl Send for Notice {}

impl Crew {
    /// So many threads.
    pub(super) fn new(threads: usize) -> std::io::Result<Self> {
        let board = Arc::new(Board::default());
        let mut crew = Self { board, threads: Vec::with_capacity(threads) };
        // Enough that no frame allocates: at most one notice a frame, rarely more.
        lock(&crew.board.notices).open.reserve(64);
        for index in 0..threads {
            let board = Arc::clone(&crew.board);
            let thread = std::thread::Builder::new().name(format!("ocelli-pixels-{index}"));
            crew.threads.push(thread.spawn(move || board.serve())?);
        }
        Ok(crew)
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.threads.len()
    }

    /// Does `own`, while threads of the crew that are awake do `help`. Each comes at most once, and
    /// nobody comes any more once somebody is through: then nothing may be left to begin. Returns
    /// when all are through. A panic of one of them goes on here.
    pub(super) fn share(&self, own: impl FnOnce(), help: &(dyn Fn() + Sync)) {
        let task = Task {
            help,
            done: AtomicBool::new(false),
            inside: AtomicUsize::new(0),
            panic: Mutex::new(None),
        };
        // What makes the notice valid as long as it can be seen: this is dropped before `task`,
        // whether `own` returns or panics, and takes it down.
        let shared = Shared { board: &self.board, task: &task };
        shared.post();
        own();
        drop(shared);
        let panic = task.panic.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Wakes those who sleep, at most so many. That costs some microseconds each, and some ten until
    /// they are there.
    pub(super) fn wake(&self, most: usize) {
        let asleep = self.board.asleep.load(Ordering::Relaxed);
        (0..asleep.min(most)).for_each(|_| self.board.wake.notify_one());
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.board.announce(|notices| notices.closing = true);
        self.board.wake.notify_all();
        for thread in self.threads.drain(..) {
            // It catches all panics of its work.
            drop(thread.join());
        }
    }
}

/// A task while its notice is up.
struct Shared<'a> {
    board: &'a Board,
    task: &'a Task<'a>,
}

impl Shared<'_> {
    fn notice(&self) -> Notice {
        Notice(NonNull::from(self.task).cast())
    }

    fn post(&self) {
        self.board.announce(|notices| notices.open.push(self.notice()));
    }
}

impl Drop for Shared<'_> {
    fn drop(&mut self) {
        let notice = self.notice();
        lock(&self.board.notices).open.retain(|open| *open != notice);
        // Nobody can come any more.
        let mut looks = 0;
        while self.task.inside.load(Ordering::Acquire) > 0 {
            looks += 1;
            if looks < LOOKS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}

impl Board {
    fn announce(&self, what: impl FnOnce(&mut Notices)) {
        let mut notices = lock(&self.notices);
        what(&mut notices);
        // Under the lock: whoever holds it next, to sleep, knows.
        self.news.fetch_add(1, Ordering::Release);
    }

    /// The life of a thread.
    fn serve(&self) {
        loop {
            let seen = self.news.load(Ordering::Acquire);
            let notices = lock(&self.notices);
            if notices.closing {
                return;
            }
            if let Some(notice) = notices.join() {
                drop(notices);
                notice.help();
                continue;
            }
            drop(notices);
            if self.look_out(seen) {
                continue;
            }
            let notices = lock(&self.notices);
            if self.news.load(Ordering::Acquire) == seen {
                self.asleep.fetch_add(1, Ordering::Relaxed);
                // Woken for nothing, it looks around and sleeps again.
                drop(self.wake.wait(notices).unwrap_or_else(PoisonError::into_inner));
                self.asleep.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Whether there are news within a moment.
    fn look_out(&self, seen: usize) -> bool {
        let watch = Stopwatch::start();
        while watch.elapsed() < LOOK_OUT {
            for _ in 0..8 {
                if self.news.load(Ordering::Acquire) != seen {
                    return true;
                }
                std::hint::spin_loop();
            }
        }
        false
    }
}

impl Notices {
    /// Joins the first task that has something left.
    fn join(&self) -> Option<Notice> {
        self.open.iter().copied().find(|notice| {
            // SAFETY: the notice is up, and is not taken down while the board is locked; whoever
            // takes it down then waits for those inside.
            let task = unsafe { notice.0.as_ref() };
            let open = !task.done.load(Ordering::Relaxed);
            if open {
                task.inside.fetch_add(1, Ordering::Relaxed);
            }
            open
        })
    }
}

impl Notice {
    /// Takes part, after joining; leaves.
    fn help(self) {
        // SAFETY: it was joined, so it lives until `inside` goes down again.
        let task = unsafe { self.0.as_ref() };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(task.help)) {
            lock(&task.panic).get_or_insert(panic);
        }
        task.done.store(true, Ordering::Relaxed);
        task.inside.fetch_sub(1, Ordering::Release);
    }
}

impl std::fmt::Debug for Task<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("inside", &self.inside).finish_non_exhaustive()
    }
}

/// A panic elsewhere leaves these in order: nothing is done while they are locked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// Adds the numbers below that one, whoever is there, each once.
    fn sum(crew: &Crew, numbers: u64) -> u64 {
        let (next, sum) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = || loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers {
                return;
            }
            sum.fetch_add(number, Ordering::Relaxed);
        };
        crew.share(
            || {
                crew.wake(3);
                work();
            },
            &work,
        );
        sum.into_inner()
    }

    #[test]
    fn each_part_is_done_once_before_it_returns() {
        let crew = Crew::new(3).unwrap();
        for round in 0..20_000 {
            let numbers = round % 50;
            assert_eq!(sum(&crew, numbers), numbers * numbers.saturating_sub(1) / 2);
        }
    }

    #[test]
    fn several_share_at_the_same_time_and_within_each_other() {
        let crew = Crew::new(2).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let inner = AtomicU64::new(0);
                        let once = AtomicBool::new(false);
                        let work = || {
                            if !once.swap(true, Ordering::Relaxed) {
                                inner.store(sum(&crew, 100), Ordering::Relaxed);
                            }
                        };
                        crew.share(work, &work);
                        assert_eq!(inner.into_inner(), 4950);
                    }
                });
            }
        });
    }

    const PATIENCE: Duration = Duration::from_secs(20);

    /// The one who shares waits until somebody came, so that it is sure that somebody does.
    fn with_help(crew: &Crew, then: impl Fn() + Sync) {
        let came = AtomicBool::new(false);
        let own = || {
            let waiting = Stopwatch::start();
            while !came.load(Ordering::Acquire) {
                assert!(waiting.elapsed() < PATIENCE, "nobody came");
                crew.wake(1);
                std::thread::yield_now();
            }
        };
        crew.share(own, &|| {
            came.store(true, Ordering::Release);
            then();
        });
    }

    #[test]
    fn those_who_sleep_are_woken() {
        let crew = Crew::new(1).unwrap();
        for _ in 0..5 {
            while crew.board.asleep.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            with_help(&crew, || {});
        }
    }

    #[test]
    fn whoever_shares_waits_for_those_inside() {
        let crew = Crew::new(1).unwrap();
        for _ in 0..50 {
            let through = AtomicBool::new(false);
            with_help(&crew, || {
                (0..1000).for_each(|_| std::thread::yield_now());
                through.store(true, Ordering::Relaxed);
            });
            assert!(through.into_inner());
        }
    }

    #[test]
    fn a_panic_elsewhere_goes_on_here_and_the_crew_lives() {
        let crew = Crew::new(1).unwrap();
        let shared = AssertUnwindSafe(|| with_help(&crew, || panic!("a bug")));
        let panic = catch_unwind(shared).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bug"));
        let own = AssertUnwindSafe(|| crew.share(|| panic!("own"), &|| {}));
        assert!(catch_unwind(own).is_err());
        assert!(lock(&crew.board.notices).open.is_empty());
        with_help(&crew, || {});
    }
}

use std::{future::Future, pin::Pin};

use futures::poll;
use proptest::prelude::*;

use super::*;

const LIMITS: CreditLimits =
    CreditLimits { slots: 2, bytes: 100, waiting_slots: 3, waiting_bytes: 150 };

type Waiting = Pin<Box<dyn Future<Output = Result<Credit, Shed>>>>;

fn pool() -> CreditPool {
    CreditPool::new(LIMITS, "test")
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn waiting(pool: &CreditPool, bytes: usize) -> Waiting {
    let pool = pool.clone();
    Box::pin(async move { pool.acquire_before(bytes, in_a_minute()).await })
}

/// Polls it once; whether it got a credit, and what became of it.
async fn look(waiting: &mut Waiting) -> Option<Result<Credit, Shed>> {
    match poll!(waiting) {
        std::task::Poll::Ready(result) => Some(result),
        std::task::Poll::Pending => None,
    }
}

fn reason(result: Result<Credit, Shed>) -> ShedReason {
    result.expect_err("no credit").reason
}

#[test]
fn a_credit_moves_between_threads() {
    fn assert_send<T: Send + 'static>() {}
    assert_send::<Credit>();
}

#[test]
fn the_count_is_bounded() {
    let pool = pool();
    let first = pool.try_acquire(1).expect("one");
    let _second = pool.try_acquire(1).expect("two");
    assert!(pool.try_acquire(1).is_none());
    assert_eq!((pool.in_use(), pool.bytes_in_use()), (2, 2));
    drop(first);
    assert!(pool.try_acquire(1).is_some());
}

#[test]
fn the_bytes_are_bounded() {
    let pool = pool();
    let large = pool.try_acquire(60).expect("60 of 100");
    assert_eq!(large.bytes(), 60);
    assert!(pool.try_acquire(41).is_none());
    assert!(pool.try_acquire(40).is_some());
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_served_in_turn_and_never_overtaken() {
    let pool = pool();
    let held = pool.try_acquire(50).expect("free");
    let mut large = waiting(&pool, 80);
    let mut small = waiting(&pool, 1);
    assert!(look(&mut large).await.is_none());
    assert!(look(&mut small).await.is_none(), "a small one does not overtake");
    assert!(pool.try_acquire(1).is_none(), "nor does who does not wait");
    drop(held);
    let large = look(&mut large).await.expect("its turn").expect("free");
    let small = look(&mut small).await.expect("its turn").expect("free");
    assert_eq!((large.bytes(), small.bytes()), (80, 1));
}

#[tokio::test(start_paused = true)]
async fn a_full_waiting_room_sheds_at_once() {
    let pool = pool();
    let _all = pool.try_acquire(100).expect("free");
    let mut queue: Vec<_> = (0..3).map(|_| waiting(&pool, 10)).collect();
    for waiter in &mut queue {
        assert!(look(waiter).await.is_none());
    }
    let shed = pool.acquire_before(10, in_a_minute()).await.expect_err("full");
    assert_eq!((shed.reason, Failure::from(shed).kind), (ShedReason::Full, ErrorKind::Overloaded));
    assert!(shed.retry_after > Duration::ZERO);
    queue.clear();
    let mut large = waiting(&pool, 100);
    assert!(look(&mut large).await.is_none());
    assert_eq!(reason(pool.acquire_before(51, in_a_minute()).await), ShedReason::Full);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_shed_and_makes_place() {
    let pool = pool();
    let _most = pool.try_acquire(90).expect("free");
    let started = Instant::now();
    let deadline = started + Duration::from_secs(2);
    let large = pool.acquire_before(50, deadline);
    let small = pool.acquire_before(5, in_a_minute());
    let (large, small) = tokio::join!(large, small);
    assert_eq!(reason(large), ShedReason::Deadline);
    // Only the large one at the head was in its way.
    assert_eq!(small.expect("fits").bytes(), 5);
    assert_eq!(Instant::now(), deadline);
    assert_eq!(pool.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn after_its_deadline_nobody_waits() {
    let pool = pool();
    let _all = pool.try_acquire(100).expect("free");
    assert_eq!(reason(pool.acquire_before(1, Instant::now()).await), ShedReason::Deadline);
}

#[tokio::test(start_paused = true)]
async fn what_never_fits_is_refused_at_once() {
    let shed = pool().acquire_before(101, in_a_minute()).await.expect_err("too large");
    assert_eq!(
        (shed.reason, Failure::from(shed).kind),
        (ShedReason::TooLarge, ErrorKind::TooLarge)
    );
    assert!(pool().try_acquire(101).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_advice_grows_with_the_time_that_credits_are_held() {
    let pool = pool();
    for _ in 0..100 {
        let _credit = pool.try_acquire(100).expect("free");
        tokio::time::advance(Duration::from_secs(4)).await;
    }
    let _all = pool.try_acquire(100).expect("free");
    let shed = pool.acquire_before(1, Instant::now()).await.expect_err("full");
    // Two places, each held for 4 s: one comes free about every 2 s.
    assert!(shed.retry_after > Duration::from_millis(1_900), "{shed:?}");
    assert!(shed.retry_after < Duration::from_millis(2_100), "{shed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_share_a_pool_without_loss() {
    let limits = CreditLimits { slots: 3, bytes: 30, waiting_slots: 64, waiting_bytes: 640 };
    let pool = CreditPool::new(limits, "test");
    let tasks: Vec<_> = (0..32_usize)
        .map(|task| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for round in 0..200_usize {
                    let bytes = 1 + (task + round) % 10;
                    let wait = pool.acquire_before(bytes, in_a_minute());
                    if (task + round) % 7 == 0 {
                        // Cancelled while it waits, or just as it is served.
                        let mut wait = Box::pin(wait);
                        drop(poll!(&mut wait));
                        tokio::task::yield_now().await;
                        continue;
                    }
                    let _credit = wait.await.expect("room for all");
                    assert!(pool.in_use() <= 3 && pool.bytes_in_use() <= 30);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!((pool.in_use(), pool.bytes_in_use(), pool.waiting()), (0, 0, 0));
}

#[derive(Clone, Debug)]
enum Step {
    Try(usize),
    Wait(usize),
    Look(usize),
    Leave(usize),
    Release(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..120).prop_map(Step::Try),
        (0_usize..120).prop_map(Step::Wait),
        (0_usize..8).prop_map(Step::Look),
        (0_usize..8).prop_map(Step::Leave),
        (0_usize..8).prop_map(Step::Release),
    ]
}

async fn walk(steps: Vec<Step>) {
    let pool = pool();
    let mut held: Vec<Credit> = Vec::new();
    let mut queue: Vec<Waiting> = Vec::new();
    for step in steps {
        match step {
            Step::Try(bytes) => held.extend(pool.try_acquire(bytes)),
            Step::Wait(bytes) => {
                let mut waiter = waiting(&pool, bytes);
                match look(&mut waiter).await {
                    Some(result) => held.extend(result.ok()),
                    None => queue.push(waiter),
                }
            }
            Step::Look(at) if at < queue.len() => {
                if let Some(result) = look(&mut queue[at]).await {
                    held.push(result.expect("not late"));
                    drop(queue.remove(at));
                }
            }
            Step::Leave(at) if at < queue.len() => drop(queue.remove(at)),
            Step::Release(at) if at < held.len() => drop(held.remove(at)),
            Step::Look(_) | Step::Leave(_) | Step::Release(_) => {}
        }
        let state = pool.pool.state.lock();
        assert!(state.slots_used <= LIMITS.slots && state.bytes_used <= LIMITS.bytes);
        assert!(state.queue.len() <= LIMITS.waiting_slots);
        let queued: usize = state.queue.iter().map(|waiter| waiter.bytes).sum();
        assert_eq!(state.bytes_waiting, queued);
        assert!(queued <= LIMITS.waiting_bytes);
        if let Some(head) = state.queue.front() {
            let fits =
                state.slots_used < LIMITS.slots && state.bytes_used + head.bytes <= LIMITS.bytes;
            assert!(!fits, "the head of the queue waits although it fits");
        }
        // A credit is held, or on its way to one who has not looked yet.
        assert!(state.slots_used >= held.len());
        assert!(state.slots_used <= held.len() + queue.len());
    }
    queue.clear();
    held.clear();
    assert_eq!((pool.in_use(), pool.bytes_in_use(), pool.waiting()), (0, 0, 0));
    assert!(pool.try_acquire(LIMITS.bytes).is_some());
}

proptest! {
    #[test]
    fn never_more_than_the_pool_and_never_less_after(
        steps in proptest::collection::vec(step(), 0..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(walk(steps));
    }
}

use std::{future::Future, pin::Pin};

use futures::poll;
use proptest::prelude::*;

use super::*;

const LIMITS: CreditLimits =
    CreditLimits { slots: 2, bytes: 100, waiting_slots: 3, waiting_bytes: 150 };

type Waiting = Pin<Box<dyn Future<Output = Result<Credit, Shed>>>>;

/// A pool whose waiting room may hold its bytes besides those that are in use.
fn pool() -> CreditPool {
    Budget::new(LIMITS.bytes + LIMITS.waiting_bytes).pool(LIMITS, "test")
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn waiting(pool: &CreditPool, bytes: usize) -> Waiting {
    let pool = pool.clone();
    Box::pin(
        async move { pool.acquire_holding(&Caller::UNKNOWN, bytes, bytes, in_a_minute()).await },
    )
}

fn waiting_as(pool: &CreditPool, caller: &str, bytes: usize) -> Waiting {
    let (pool, caller) = (pool.clone(), Caller::new(caller));
    // Some hold all of it while they wait, some half, some nothing.
    let held = bytes * (bytes % 3) / 2;
    Box::pin(async move { pool.acquire_holding(&caller, held, bytes, in_a_minute()).await })
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
    let first = pool.try_acquire(&Caller::UNKNOWN, 1).expect("one");
    let _second = pool.try_acquire(&Caller::UNKNOWN, 1).expect("two");
    assert!(pool.try_acquire(&Caller::UNKNOWN, 1).is_none());
    assert_eq!((pool.in_use(), pool.bytes_in_use()), (2, 2));
    drop(first);
    assert!(pool.try_acquire(&Caller::UNKNOWN, 1).is_some());
}

#[test]
fn the_bytes_are_bounded() {
    let pool = pool();
    let large = pool.try_acquire(&Caller::UNKNOWN, 60).expect("60 of 100");
    assert_eq!(large.bytes(), 60);
    assert!(pool.try_acquire(&Caller::UNKNOWN, 41).is_none());
    assert!(pool.try_acquire(&Caller::UNKNOWN, 40).is_some());
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_served_in_turn_and_never_overtaken() {
    let pool = pool();
    let held = pool.try_acquire(&Caller::UNKNOWN, 50).expect("free");
    let mut large = waiting(&pool, 80);
    let mut small = waiting(&pool, 1);
    assert!(look(&mut large).await.is_none());
    assert!(look(&mut small).await.is_none(), "a small one does not overtake");
    assert!(pool.try_acquire(&Caller::UNKNOWN, 1).is_none(), "nor does who does not wait");
    drop(held);
    let large = look(&mut large).await.expect("its turn").expect("free");
    let small = look(&mut small).await.expect("its turn").expect("free");
    assert_eq!((large.bytes(), small.bytes()), (80, 1));
}

#[tokio::test(start_paused = true)]
async fn a_full_waiting_room_sheds_at_once() {
    let pool = pool();
    let _all = pool.try_acquire(&Caller::UNKNOWN, 100).expect("free");
    let mut queue: Vec<_> = (0..3).map(|_| waiting(&pool, 10)).collect();
    for waiter in &mut queue {
        assert!(look(waiter).await.is_none());
    }
    let shed = pool.acquire_before(&Caller::UNKNOWN, 10, in_a_minute()).await.expect_err("full");
    assert_eq!((shed.reason, Failure::from(shed).kind), (ShedReason::Full, ErrorKind::Overloaded));
    assert!(shed.retry_after > Duration::ZERO);
    queue.clear();
    let mut large = waiting(&pool, 100);
    assert!(look(&mut large).await.is_none());
    let holding = pool.acquire_holding(&Caller::UNKNOWN, 51, 51, in_a_minute());
    assert_eq!(reason(holding.await), ShedReason::Full);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_shed_and_makes_place() {
    let pool = pool();
    let _most = pool.try_acquire(&Caller::UNKNOWN, 90).expect("free");
    let started = Instant::now();
    let deadline = started + Duration::from_secs(2);
    let large = pool.acquire_before(&Caller::UNKNOWN, 50, deadline);
    let small = pool.acquire_before(&Caller::UNKNOWN, 5, in_a_minute());
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
    let _all = pool.try_acquire(&Caller::UNKNOWN, 100).expect("free");
    assert_eq!(
        reason(pool.acquire_before(&Caller::UNKNOWN, 1, Instant::now()).await),
        ShedReason::Deadline
    );
}

#[tokio::test(start_paused = true)]
async fn what_never_fits_is_refused_at_once() {
    let shed =
        pool().acquire_before(&Caller::UNKNOWN, 101, in_a_minute()).await.expect_err("too large");
    assert_eq!(
        (shed.reason, Failure::from(shed).kind),
        (ShedReason::TooLarge, ErrorKind::TooLarge)
    );
    assert!(pool().try_acquire(&Caller::UNKNOWN, 101).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_advice_grows_with_the_time_that_credits_are_held() {
    let pool = pool();
    for _ in 0..100 {
        let _credit = pool.try_acquire(&Caller::UNKNOWN, 100).expect("free");
        tokio::time::advance(Duration::from_secs(4)).await;
    }
    let _all = pool.try_acquire(&Caller::UNKNOWN, 100).expect("free");
    let shed = pool.acquire_before(&Caller::UNKNOWN, 1, Instant::now()).await.expect_err("full");
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
                    let wait = pool.acquire_before(&Caller::UNKNOWN, bytes, in_a_minute());
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

#[tokio::test(start_paused = true)]
async fn callers_take_turns_however_many_requests_each_has() {
    let limits = CreditLimits { slots: 4, bytes: 1000, waiting_slots: 100, waiting_bytes: 1000 };
    let pool = CreditPool::new(limits, "test");
    let all: Vec<_> = (0..4).map(|_| pool.try_acquire(&Caller::UNKNOWN, 1)).collect();
    let mut greedy: Vec<_> = (0..9).map(|_| waiting_as(&pool, "greedy", 1)).collect();
    for waiter in &mut greedy {
        assert!(look(waiter).await.is_none());
    }
    let mut modest = waiting_as(&pool, "modest", 1);
    assert!(look(&mut modest).await.is_none());
    drop(all);
    // The one that came last is the second to be served, and one credit is kept for others.
    let modest = look(&mut modest).await.expect("its turn");
    assert!(modest.is_ok());
    let mut served = Vec::new();
    for waiter in &mut greedy {
        served.extend(look(waiter).await);
    }
    assert_eq!(served.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_waiting_room_makes_place_for_a_caller_with_fewer_requests_in_it() {
    let pool = pool();
    let _all = pool.try_acquire(&Caller::UNKNOWN, 100).expect("free");
    let mut greedy: Vec<_> = (0..3).map(|_| waiting_as(&pool, "greedy", 10)).collect();
    for waiter in &mut greedy {
        assert!(look(waiter).await.is_none());
    }
    let mut modest = waiting_as(&pool, "modest", 10);
    assert!(look(&mut modest).await.is_none());
    let last = greedy.pop().expect("three");
    assert_eq!(reason(last.await), ShedReason::Full);
    assert_eq!(pool.waiting(), 3);
}

#[tokio::test(start_paused = true)]
async fn pools_share_a_budget_and_each_serves_when_the_other_gives_back() {
    let budget = Budget::new(100);
    let [one, two] = ["one", "two"].map(|name| budget.pool(LIMITS, name));
    let held = one.try_acquire(&Caller::UNKNOWN, 60).expect("free");
    assert!(two.try_acquire(&Caller::UNKNOWN, 41).is_none());
    let mut waiter = Box::pin({
        let two = two.clone();
        async move { two.acquire_holding(&Caller::UNKNOWN, 30, 80, in_a_minute()).await }
    }) as Waiting;
    assert!(look(&mut waiter).await.is_none());
    assert_eq!(budget.used(), 90);
    assert_eq!(held.resize(101).expect_err("too much").reason, ShedReason::Full);
    held.resize(20).expect("less");
    let credit = look(&mut waiter).await.expect("its turn").expect("free");
    assert_eq!((budget.used(), credit.bytes()), (100, 80));
    drop((held, credit));
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_caller_is_its_inbox_and_whom_it_speaks_for() {
    let of = |reply, behind| Caller::of(reply, behind).to_string();
    assert_eq!(of(Some("_INBOX.abc.1"), None), "_INBOX.abc");
    assert_eq!(of(Some("_INBOX.abc.2"), Some("10.0.0.1")), "_INBOX.abc 10.0.0.1");
    assert_eq!(of(Some("_INBOX.abc.def.3"), None), "_INBOX.abc");
    assert_eq!(of(Some("answers"), None), "answers");
    assert_eq!(Caller::of(None, None), Caller::UNKNOWN);
}

#[derive(Clone, Debug)]
enum Step {
    Try(usize),
    Wait(u8, usize),
    Resize(usize, usize),
    Look(usize),
    Leave(usize),
    Release(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..120).prop_map(Step::Try),
        (0_u8..3, 0_usize..120).prop_map(|(caller, bytes)| Step::Wait(caller, bytes)),
        (0_usize..8, 0_usize..120).prop_map(|(at, bytes)| Step::Resize(at, bytes)),
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
            Step::Try(bytes) => held.extend(pool.try_acquire(&Caller::UNKNOWN, bytes)),
            Step::Wait(caller, bytes) => {
                let mut waiter = waiting_as(&pool, &caller.to_string(), bytes);
                match look(&mut waiter).await {
                    Some(result) => held.extend(result.ok()),
                    None => queue.push(waiter),
                }
            }
            Step::Look(at) if at < queue.len() => {
                if let Some(result) = look(&mut queue[at]).await {
                    // It may have been shed to make room for another caller.
                    held.extend(result.ok());
                    drop(queue.remove(at));
                }
            }
            Step::Leave(at) if at < queue.len() => drop(queue.remove(at)),
            Step::Release(at) if at < held.len() => drop(held.remove(at)),
            Step::Resize(at, bytes) if at < held.len() => {
                let before = held[at].bytes();
                let must = if held[at].resize(bytes).is_ok() { bytes } else { before };
                assert_eq!(held[at].bytes(), must);
            }
            Step::Look(_) | Step::Leave(_) | Step::Release(_) | Step::Resize(..) => {}
        }
        let state = pool.shared.lock();
        let room = state.rooms.first().expect("one pool");
        let (used, waiting) = room.check();
        assert_eq!(state.used, used + waiting);
        // A credit is held, or on its way to one who has not looked yet.
        assert!(room.slots_used() >= held.len());
        assert!(room.slots_used() <= held.len() + queue.len());
    }
    queue.clear();
    held.clear();
    assert_eq!((pool.in_use(), pool.bytes_in_use(), pool.waiting()), (0, 0, 0));
    assert!(pool.try_acquire(&Caller::UNKNOWN, LIMITS.bytes).is_some());
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

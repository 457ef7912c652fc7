use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

struct Bench {
    machine: Machine,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        Self { machine: Machine::new(BreakerPolicy::default(), 7, now), now }
    }

    fn call(&mut self, verdict: Verdict) {
        let generation = self.machine.try_acquire(self.now).expect("let through");
        self.machine.record(generation, verdict, None, self.now);
    }

    fn pause(&mut self) -> Duration {
        self.machine.try_acquire(self.now).expect_err("open").retry_in
    }

    /// Opens it and waits until it lets a probe through.
    fn half_open(&mut self) -> u64 {
        self.call(Verdict::Trip);
        let pause = self.pause();
        self.now += pause;
        self.machine.try_acquire(self.now).expect("a probe")
    }

    fn record(&mut self, generation: u64, verdict: Verdict) {
        self.machine.record(generation, verdict, None, self.now);
    }
}

#[test]
fn five_hard_failures_in_a_row_open_it() {
    let mut bench = Bench::new();
    for _ in 0..4 {
        bench.call(Verdict::Failure);
    }
    bench.call(Verdict::Success);
    for _ in 0..4 {
        bench.call(Verdict::Failure);
    }
    bench.call(Verdict::Neutral);
    assert_eq!(bench.machine.state(), BreakerState::Closed);
    bench.call(Verdict::Failure);
    assert_eq!(bench.machine.state(), BreakerState::Open);
}

#[test]
fn overload_counts_in_the_rate_only() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        bench.call(Verdict::Success);
    }
    for _ in 0..9 {
        bench.call(Verdict::RateOnly);
    }
    assert_eq!(bench.machine.state(), BreakerState::Closed, "9 in a row, 9 of 19");
    bench.call(Verdict::RateOnly);
    assert_eq!(bench.machine.state(), BreakerState::Open, "10 of 20");
}

#[test]
fn too_few_calls_have_no_rate() {
    let mut bench = Bench::new();
    for _ in 0..19 {
        bench.call(Verdict::RateOnly);
    }
    assert_eq!(bench.machine.state(), BreakerState::Closed);
}

#[test]
fn failures_older_than_the_window_are_forgotten() {
    let mut bench = Bench::new();
    for _ in 0..19 {
        bench.call(Verdict::RateOnly);
    }
    bench.now += 10 * SECOND;
    bench.call(Verdict::RateOnly);
    assert_eq!(bench.machine.state(), BreakerState::Closed);
    bench.now += 9 * SECOND;
    for _ in 0..19 {
        bench.call(Verdict::RateOnly);
    }
    assert_eq!(bench.machine.state(), BreakerState::Open, "20 within the window");
}

#[test]
fn what_is_gone_opens_it_at_once() {
    let mut bench = Bench::new();
    bench.call(Verdict::Trip);
    assert_eq!(bench.machine.state(), BreakerState::Open);
}

#[test]
fn the_callers_mistakes_never_open_it() {
    let mut bench = Bench::new();
    for _ in 0..1_000 {
        bench.call(Verdict::from(ErrorKind::InvalidArgument));
    }
    assert_eq!(bench.machine.state(), BreakerState::Closed);
}

#[test]
fn half_open_lets_one_probe_through_and_closes_after_two_successes() {
    let mut bench = Bench::new();
    let probe = bench.half_open();
    assert_eq!(bench.machine.state(), BreakerState::HalfOpen);
    assert!(bench.machine.try_acquire(bench.now).is_err(), "one probe at a time");
    bench.record(probe, Verdict::Success);
    assert_eq!(bench.machine.state(), BreakerState::HalfOpen);
    bench.call(Verdict::Success);
    assert_eq!(bench.machine.state(), BreakerState::Closed);
}

#[test]
fn overload_fails_a_probe() {
    let mut bench = Bench::new();
    let probe = bench.half_open();
    bench.record(probe, Verdict::RateOnly);
    assert_eq!(bench.machine.state(), BreakerState::Open);
}

#[test]
fn a_neutral_probe_gives_its_place_back() {
    let mut bench = Bench::new();
    let probe = bench.half_open();
    bench.record(probe, Verdict::Neutral);
    assert_eq!(bench.machine.state(), BreakerState::HalfOpen);
    bench.machine.try_acquire(bench.now).expect("the next probe");
}

#[test]
fn what_began_before_says_nothing_about_now() {
    let mut bench = Bench::new();
    let early = bench.machine.try_acquire(bench.now).expect("closed");
    let probe = bench.half_open();
    bench.record(early, Verdict::Success);
    bench.record(early, Verdict::Success);
    assert_eq!(bench.machine.state(), BreakerState::HalfOpen, "late successes close nothing");
    bench.record(early, Verdict::Trip);
    assert_eq!(bench.machine.state(), BreakerState::HalfOpen, "nor do they open it");
    assert!(bench.machine.try_acquire(bench.now).is_err(), "nor give another's probe back");
    bench.record(probe, Verdict::Success);
}

#[test]
fn the_pause_doubles_up_to_its_limit_and_starts_over_once_closed() {
    let mut bench = Bench::new();
    bench.call(Verdict::Trip);
    let mut ceiling = SECOND;
    for _ in 0..10 {
        let pause = bench.pause();
        assert!(pause >= ceiling / 2 && pause <= ceiling, "{pause:?} of {ceiling:?}");
        ceiling = (ceiling * 2).min(60 * SECOND);
        bench.now += pause;
        bench.call(Verdict::Failure);
    }
    let pause = bench.pause();
    bench.now += pause;
    bench.call(Verdict::Success);
    bench.call(Verdict::Success);
    bench.call(Verdict::Trip);
    assert!(bench.pause() <= SECOND);
}

#[test]
fn the_pause_is_as_long_as_the_dependency_asks_for_within_limits() {
    for (asked, given) in [(20, 20), (3_600, 60)] {
        let mut bench = Bench::new();
        let call = bench.machine.try_acquire(bench.now).expect("closed");
        bench.machine.record(call, Verdict::Trip, Some(asked * SECOND), bench.now);
        assert_eq!(bench.pause(), given * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_permit_dropped_without_a_verdict_gives_its_probe_back() {
    let breaker = Breaker::new("test", BreakerPolicy::default(), 7);
    breaker.try_acquire(Instant::now()).expect("closed").record(Verdict::Trip);
    let retry_in = breaker.try_acquire(Instant::now()).expect_err("open").retry_in;
    tokio::time::advance(retry_in).await;
    let probe = breaker.try_acquire(Instant::now()).expect("a probe");
    assert!(breaker.try_acquire(Instant::now()).is_err());
    drop(probe);
    breaker.try_acquire(Instant::now()).expect("a probe").record(Verdict::Success);
    breaker.try_acquire(Instant::now()).expect("a probe").record(Verdict::Success);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        4 => Just(Verdict::Success),
        1 => Just(Verdict::Neutral),
        2 => Just(Verdict::RateOnly),
        4 => Just(Verdict::Failure),
        1 => Just(Verdict::Trip),
    ]
}

proptest! {
    #[test]
    fn exactly_one_probe_is_on_its_way_and_a_pause_always_ends(
        steps in proptest::collection::vec(
            (any::<bool>(), 0_usize..8, verdict(), 0_u64..3_000),
            0..300,
        )
    ) {
        let mut bench = Bench::new();
        let mut calls: Vec<u64> = Vec::new();
        for (begin, at, verdict, millis) in steps {
            bench.now += Duration::from_millis(millis);
            if begin {
                match bench.machine.try_acquire(bench.now) {
                    Ok(generation) => calls.push(generation),
                    Err(Rejected { retry_in }) => {
                        prop_assert!(retry_in > Duration::ZERO);
                        prop_assert!(retry_in <= 60 * SECOND);
                    }
                }
            } else if at < calls.len() {
                let before = (bench.machine.generation, bench.machine.state());
                let generation = calls.swap_remove(at);
                bench.record(generation, verdict);
                if generation != before.0 {
                    prop_assert_eq!(before, (bench.machine.generation, bench.machine.state()));
                }
            }
            let current = bench.machine.generation;
            let of_this = calls.iter().filter(|generation| **generation == current).count();
            match bench.machine.phase {
                Phase::HalfOpen { on_their_way, .. } => {
                    prop_assert!(on_their_way <= 1);
                    prop_assert_eq!(on_their_way as usize, of_this);
                }
                Phase::Open { .. } => prop_assert_eq!(of_this, 0),
                Phase::Closed { ref window, .. } => prop_assert!(window.len() <= 10),
            }
        }
        // Whatever happened: once all calls are back and it works again, it closes.
        for generation in calls {
            bench.record(generation, Verdict::Neutral);
        }
        bench.now += 60 * SECOND;
        bench.call(Verdict::Success);
        bench.call(Verdict::Success);
        prop_assert_eq!(bench.machine.state(), BreakerState::Closed);
    }
}

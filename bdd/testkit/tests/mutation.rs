//! The fuzzer finds what it is to find.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{collections::BTreeSet, time::Duration};

use ocelli_testkit::fuzz::{Fuzz, Random};
use tokio::time::Instant;

fn fuzz() -> Fuzz<'static> {
    Fuzz::new("a test", ["ab", "abc"]).words(&["bad", "x"]).executions(2_000).longest(64)
}

fn found(fuzz: Fuzz<'_>, check: impl FnMut(&[u8]) -> bool) -> String {
    format!("{:?}", fuzz.run(check).unwrap_err())
}

#[test]
fn a_panic_is_found_with_its_input() {
    let text = found(fuzz(), |input| {
        assert!(!input.windows(3).any(|part| part == b"bad"), "it is bad");
        input.starts_with(b"a")
    });
    assert!(text.contains("panicked: it is bad"), "{text}");
    let (_, input) = text.split_once("OCELLI_FUZZ_INPUT=").unwrap();
    assert!(input.contains("626164"), "{input}");
}

#[test]
fn only_an_input_that_always_takes_too_long_is_found() {
    let text = found(fuzz().limit(Duration::ZERO), |_| true);
    assert!(text.contains("at most are allowed"), "{text}");
    let limit = Duration::from_millis(500);
    let until = Instant::now() + limit * 2;
    // A busy machine: time passes at the first input.
    let check = |input: &[u8]| {
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        input.starts_with(b"a")
    };
    fuzz().limit(limit).run(check).unwrap();
}

#[test]
fn a_check_that_takes_or_refuses_everything_tests_nothing() {
    assert!(found(fuzz(), |_| true).contains("one-sided"));
    assert!(found(fuzz(), |_| false).contains("corpus"));
}

#[test]
fn inputs_differ_from_each_other_and_are_the_same_in_every_run() {
    let inputs = || {
        let mut inputs = Vec::new();
        let tally = fuzz().run(|input| {
            assert!(input.len() <= 64);
            inputs.push(input.to_vec());
            input.starts_with(b"a")
        });
        (inputs, tally.unwrap())
    };
    let (first, tally) = inputs();
    assert_eq!((first.clone(), tally), inputs());
    let taken = first.iter().filter(|input| input.starts_with(b"a")).count();
    assert_eq!(taken, tally.taken + 2, "the two of the corpus are not counted");
    assert!(first.iter().collect::<BTreeSet<_>>().len() > 500);
}

#[test]
fn a_last_change_is_the_last() {
    let fuzz = fuzz().mend(|input, random| input.push([b'+', b'-'][random.below(2)]));
    let mut inputs = 0;
    let check = |input: &[u8]| {
        inputs += 1;
        // The corpus is tried as it is.
        assert!(inputs <= 2 || input.ends_with(b"+") || input.ends_with(b"-"));
        input.starts_with(b"a")
    };
    fuzz.run(check).unwrap();
}

#[test]
fn numbers_of_an_input_are_its_own() {
    let numbers = |input: &[u8]| {
        let mut random = Random::of(input);
        [(); 4].map(|()| random.below(1_000_000))
    };
    assert_eq!(numbers(b"one"), numbers(b"one"));
    assert_ne!(numbers(b"one"), numbers(b"two"));
}

//! A mutation fuzzer: whatever a server sends, the parser neither panics nor reads pieces
//! differently from the whole.
//!
//! It always tries the same inputs, as many as fit into the usual run. `OCELLI_FUZZ_SECONDS` makes
//! it go on for that long.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::Instant;

use super::tests::{conversation, parse};

const EXECUTIONS: u32 = 3_000;
const WORDS: [&[u8]; 14] = [
    b"\r\n",
    b"MSG ",
    b"HMSG ",
    b"PING\r\n",
    b"INFO {}\r\n",
    b"-ERR 'x'\r\n",
    b" ",
    b"\t",
    b"\xff",
    b"0",
    b"65536",
    b"20000",
    b"NATS/1.0\r\n",
    b": ",
];

fn mutate(bytes: &mut Vec<u8>, random: &mut StdRng) {
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        let end = (at + random.random_range(0..40)).min(bytes.len());
        match random.random_range(0..6) {
            0 => bytes.truncate(at.max(1)),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copied = bytes[at..end].to_vec();
                let to = random.random_range(0..=bytes.len());
                bytes.splice(to..to, copied);
            }
            3 => {
                let word = WORDS[random.random_range(0..WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
            4 => {
                // Long enough to leave the buffer.
                let length = random.random_range(0..40_000);
                bytes.splice(at..at, std::iter::repeat_n(b'5', length));
            }
            _ => bytes[at..end].iter_mut().for_each(|byte| *byte ^= 1 << random.random_range(0..8)),
        }
    }
}

#[test]
fn whatever_a_server_sends_is_read_or_refused() {
    let long = std::env::var("OCELLI_FUZZ_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    let until = long.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut random = StdRng::seed_from_u64(12);
    let (mut executions, mut read) = (0, 0);
    while until.map_or(executions < EXECUTIONS, |until| Instant::now() < until) {
        let mut bytes = conversation();
        mutate(&mut bytes, &mut random);
        let pieces: Vec<usize> = (0..8).map(|_| random.random_range(1..200)).collect();
        let whole = parse(&bytes, []);
        assert_eq!(parse(&bytes, pieces.iter().copied()), whole, "{pieces:?} {bytes:?}");
        read += whole.0.len();
        executions += 1;
    }
    assert!(read > 0);
    println!("{executions} conversations, {read} operations");
}

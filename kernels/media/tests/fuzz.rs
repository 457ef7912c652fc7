//! Mutated files: whatever a file says, reading it ends soon, with an image or an error.
//!
//! `OCELLI_FUZZ_SECONDS=60 cargo test --test fuzz` goes on for that long with each codec; without
//! it, so many files are read that it takes some seconds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(clippy::indexing_slicing, clippy::disallowed_types, clippy::disallowed_methods)]

#[path = "codec/fixtures.rs"]
#[allow(dead_code, reason = "only some of it is needed here")]
mod fixtures;
#[path = "codec/png_file.rs"]
mod png_file;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use ocelli_media::codec::{Codec, Header, decode, decode_bytes};
use ocelli_media::{Limits, Pool};

use fixtures::files;

/// Small, so that a header that states more is refused before it takes long.
const LIMITS: Limits =
    Limits { max_side_px: 2000, max_pixels: 1 << 18, max_encoded_bytes: 1 << 20, max_steps: 0 };

/// Files of each codec if no time is given.
const FILES: usize = 30_000;

/// No file of that size may take longer to read, on however busy a machine.
const MOST: Duration = Duration::from_secs(10);

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }

    /// Changes some bytes, or takes away, repeats or inserts some.
    fn mutate(&mut self, file: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(4) {
            let at = self.below(file.len());
            // Headers are where it hurts.
            let at = if self.below(2) == 0 { at.min(self.below(64)) } else { at };
            let end = (at + 1 + self.below(16)).min(file.len());
            match self.below(8) {
                0 => file[at] ^= 1 << self.below(8),
                1 => file[at] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][self.below(6)],
                2 => file[at] = self.below(256) as u8,
                3 => drop(file.drain(at..end)),
                4 => {
                    let part = file[at..end].to_vec();
                    drop(file.splice(at..at, part));
                }
                5 => {
                    let from = self.below(other.len());
                    let part = other[from..(from + 1 + self.below(64)).min(other.len())].to_vec();
                    let end = (at + part.len()).min(file.len());
                    drop(file.splice(at..end, part));
                }
                6 => file[at..end].fill([0, 0xFF][self.below(2)]),
                _ => file.truncate(at.max(1)),
            }
            if file.is_empty() {
                file.push(0);
            }
        }
    }
}

fn fault(file: &[u8]) -> Option<String> {
    let started = Instant::now();
    let run = AssertUnwindSafe(|| {
        let header = Header::read(file, &LIMITS);
        if let Ok(header) = &header {
            assert!(decode_bytes(header, file.len()) > file.len());
        }
        let image = decode(file, &LIMITS, &Pool::new(0));
        match (header, image) {
            (Ok(header), Ok(image)) => {
                let same = header.shape() == image.shape();
                (!same).then(|| {
                    format!("{:?} in its header, {:?} read", header.shape(), image.shape())
                })
            }
            (Err(error), Ok(_)) => Some(format!("it was read, but its header is refused: {error}")),
            _ => None,
        }
    });
    let fault = catch_unwind(run).unwrap_or_else(|_| Some("it panicked".to_owned()));
    let took = started.elapsed();
    fault.or_else(|| (took > MOST).then(|| format!("it took {took:?}")))
}

#[test]
fn mutated_files_are_read_or_refused() {
    let seconds = std::env::var("OCELLI_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    let whole = files();
    let mut faults = Vec::new();
    for codec in Codec::ALL {
        let seeds: Vec<&[u8]> = whole
            .iter()
            .map(|(_, file)| file.as_slice())
            .filter(|file| Codec::sniff(file) == Some(codec))
            .collect();
        assert!(seeds.len() > 2);
        let mut random = Random(codec as u64 + 1);
        let (started, mut count, mut read) = (Instant::now(), 0_usize, 0_usize);
        let more = |count: usize| match seconds {
            Some(seconds) => started.elapsed() < Duration::from_secs(seconds),
            None => count < FILES,
        };
        while more(count) && faults.len() < 10 {
            let mut file = seeds[random.below(seeds.len())].to_vec();
            let other = seeds[random.below(seeds.len())];
            random.mutate(&mut file, other);
            // Otherwise nearly every change to a PNG ends at a checksum.
            if codec == Codec::Png && random.below(4) > 0 {
                png_file::reseal(&mut file);
            }
            count += 1;
            read += usize::from(decode(&file, &LIMITS, &Pool::new(0)).is_ok());
            if let Some(fault) = fault(&file) {
                faults.push(format!("{codec}, file {count} of {} bytes: {fault}", file.len()));
            }
        }
        println!("{codec}: {count} files, {read} of them readable, in {:.1?}", started.elapsed());
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

//! Mutated files: whatever a file says, reading it ends soon, with an image or an error.
//!
//! `OCELLI_FUZZ_SECONDS=60 cargo test --test fuzz` goes on for that long with each codec; without
//! it, so many files are read that it takes some seconds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]

#[path = "codec/fixtures.rs"]
#[allow(dead_code, reason = "only some of it is needed here")]
mod fixtures;
// Not as a dependency: these tests are compiled for other machines too, and the tools of the whole
// system cannot be.
#[path = "../../../bdd/testkit/src/fuzz/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a module of another crate")]
mod fuzz;
#[path = "codec/png_file.rs"]
mod png_file;

use ocelli_media::codec::{Codec, Header, decode, decode_bytes};
use ocelli_media::{Limits, Pool};

use fixtures::files;
use fuzz::Fuzz;

/// Small, so that a header that states more is refused before it takes long.
const LIMITS: Limits =
    Limits { max_side_px: 2000, max_pixels: 1 << 18, max_encoded_bytes: 1 << 20, max_steps: 0 };

/// Whether the file is an image. Its header and its pixels must agree.
fn read(file: &[u8]) -> bool {
    let header = Header::read(file, &LIMITS);
    if let Ok(header) = &header {
        assert!(decode_bytes(header, file.len()) > file.len());
    }
    match (header, decode(file, &LIMITS, &Pool::new(0))) {
        (Ok(header), Ok(image)) => {
            assert_eq!(header.shape(), image.shape(), "the header's, and that of the pixels");
            assert!(LIMITS.allow(image.size()), "{:?}", image.size());
            true
        }
        (Err(error), Ok(_)) => panic!("it was read, but its header is refused: {error}"),
        (_, Err(error)) => {
            assert!(error.to_string().len() < 1_000, "{error}");
            false
        }
    }
}

fn fuzz(codec: Codec, words: &[&str]) {
    let whole = files();
    let seeds: Vec<&[u8]> = whole
        .iter()
        .map(|(_, file)| file.as_slice())
        .filter(|file| Codec::sniff(file) == Some(codec))
        .collect();
    assert!(seeds.len() > 2);
    let name = codec.to_string();
    let fuzz = Fuzz::new(&name, seeds).words(words).executions(30_000).longest(16 << 10);
    let fuzz = fuzz.mend(|file, random| {
        // Otherwise nearly every change to a PNG ends at a checksum.
        if codec == Codec::Png && random.below(4) > 0 {
            png_file::reseal(file);
        }
    });
    fuzz.run(read).unwrap();
}

#[test]
fn png() {
    fuzz(Codec::Png, &["IHDR", "PLTE", "tRNS", "IDAT", "IEND", "eXIf", "acTL", "fcTL", "iCCP"]);
}

#[test]
fn jpeg() {
    fuzz(Codec::Jpeg, &["\u{0}\u{11}\u{8}", "Exif\0\0MM\0*", "Exif\0\0II*\0", "Adobe", "JFIF\0"]);
}

#[test]
fn webp() {
    fuzz(Codec::Webp, &["RIFF", "WEBP", "VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "EXIF"]);
}

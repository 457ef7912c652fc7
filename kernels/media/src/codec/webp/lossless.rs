//! What the prefix codes of a lossless image take.
//!
//! A file may announce 65,536 groups of five prefix codes for a single pixel, and the decoder makes
//! tables for all of them: up to 500 bytes for each byte of the file. So the file is read up to
//! those codes before the decoder sees it. That needs no pixels: the ones before the codes only
//! matter for how many groups there are.

use super::bits::Bits;
use super::prefix::{Code, Stated};

/// The bytes of a group beside the tables of its codes, in a vector that grows by doubling.
const GROUP: usize = 3 * 280;
/// The symbols of the codes of a group: green, lengths and the colour cache; red; blue; alpha; and
/// distances.
const ALPHABETS: [usize; 5] = [280, 256, 256, 256, 40];

/// The bytes that prefix codes may take in a file of that length with an image of so many pixels.
/// Encoders give each group many pixels, because a group makes the file larger: of photographs, the
/// codes take up to 5 bytes a pixel if they are small, and less than one from 512 × 512 on.
pub(super) const fn most_bytes(file: usize, pixels: usize) -> usize {
    let (by_file, by_pixels) = (file.saturating_mul(640), (2 << 20) + 2 * pixels);
    if by_file < by_pixels { by_file } else { by_pixels }
}

/// The bytes that the prefix codes of an image take, or `None` if it is damaged. It stops counting
/// when there are more than `most`. The data begins after the size of the image.
pub(super) fn code_bytes(data: &[u8], width: usize, height: usize, most: usize) -> Option<usize> {
    let mut bits = Bits::new(data);
    let width = skip_transforms(&mut bits, width, height)?;
    let cache = cache_symbols(&mut bits)?;
    let mut groups = 1;
    if bits.take(1)? == 1 {
        let blocks = blocks(&mut bits, width, height)?;
        groups += skip_image(&mut bits, blocks)?;
    }
    let mut bytes = 0;
    for _ in 0..groups {
        bytes += GROUP;
        for (index, alphabet) in ALPHABETS.into_iter().enumerate() {
            let more = if index == 0 { cache } else { 0 };
            bytes += Stated::read(&mut bits, alphabet + more)?.bytes();
        }
        if bytes > most {
            break;
        }
    }
    Some(bytes)
}

/// Steps over the transforms. Returns the width of the image after them: a small palette puts
/// several pixels into one.
fn skip_transforms(bits: &mut Bits<'_>, mut width: usize, height: usize) -> Option<usize> {
    let mut known = [false; 4];
    while bits.take(1)? == 1 {
        let kind = bits.take(2)?;
        // Each at most once.
        if std::mem::replace(known.get_mut(kind)?, true) {
            return None;
        }
        match kind {
            0 | 1 => {
                let blocks = blocks(bits, width, height)?;
                skip_image(bits, blocks)?;
            }
            2 => {}
            _ => {
                let colours = bits.take(8)? + 1;
                skip_image(bits, colours)?;
                width = width.div_ceil(match colours {
                    ..=2 => 8,
                    3..=4 => 4,
                    5..=16 => 2,
                    _ => 1,
                });
            }
        }
    }
    Some(width)
}

/// How many blocks the image is divided into.
fn blocks(bits: &mut Bits<'_>, width: usize, height: usize) -> Option<usize> {
    let side = 4 << bits.take(3)?;
    Some(width.div_ceil(side) * height.div_ceil(side))
}

/// How many symbols the colour cache adds.
fn cache_symbols(bits: &mut Bits<'_>) -> Option<usize> {
    match bits.take(1)? {
        0 => Some(0),
        _ => Some(bits.take(4)?).filter(|bits| (1..=11).contains(bits)).map(|bits| 1 << bits),
    }
}

/// Steps over an image that has a single group of codes. Returns the highest number in the red and
/// green of its pixels. Copies of pixels are no others than those that are in the file.
fn skip_image(bits: &mut Bits<'_>, pixels: usize) -> Option<usize> {
    let cache = cache_symbols(bits)?;
    let mut read = |alphabet| Stated::read(bits, alphabet);
    let stated = [
        read(280 + cache)?,
        read(ALPHABETS[1])?,
        read(ALPHABETS[2])?,
        read(ALPHABETS[3])?,
        read(ALPHABETS[4])?,
    ];
    let [green, red, blue, alpha, distance] = stated.each_ref().map(Code::new);
    let (green, red, blue, alpha, distance) = (green?, red?, blue?, alpha?, distance?);
    let constant = stated.iter().take(4).all(Stated::is_one);
    let (mut at, mut highest) = (0, 0);
    while at < pixels {
        match usize::from(green.symbol(bits)?) {
            level @ ..256 => {
                let number = usize::from(red.symbol(bits)?) << 8 | level;
                highest = highest.max(number);
                blue.symbol(bits)?;
                alpha.symbol(bits)?;
                at += if constant { pixels } else { 1 };
            }
            symbol @ 256..280 => {
                at += length(bits, symbol - 256)?;
                let symbol = distance.symbol(bits)?;
                length(bits, symbol.into())?;
            }
            _ => at += 1,
        }
    }
    Some(highest)
}

/// A length or a distance, which begins with a symbol.
fn length(bits: &mut Bits<'_>, symbol: usize) -> Option<usize> {
    if symbol < 4 {
        return Some(symbol + 1);
    }
    let more = (symbol - 2) >> 1;
    let start = (2 + (symbol & 1)) << more;
    Some(start + bits.take(u32::try_from(more).ok()?)? + 1)
}

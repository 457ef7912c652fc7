//! Loops over bytes whose stores fill whole cache lines.
//!
//! A vector of 64 bytes that straddles two lines is stored in two steps: over a frame that costs
//! 5 to 25 %. So loops begin with one block at the start, if that is not aligned, go on with
//! aligned ones, and end with one that ends where the bytes do, if some are left: what two of them
//! share is written twice.

use crate::pool::LINE;

/// Calls `step` for blocks of `N` bytes, whole pixels of `pixel` bytes each, that together make
/// up all of `to`. How many bytes were done: all, or none if there are fewer than a block.
#[inline(always)]
pub(crate) fn each_block<const N: usize>(
    pixel: usize,
    from: &[u8],
    to: &mut [u8],
    step: impl Fn(&[u8; N], &mut [u8; N]),
) -> usize {
    let len = to.len();
    if from.len() != len || len < N {
        return 0;
    }
    let first = aligned_from::<N>(to.as_ptr(), pixel);
    if let (1.., Some(from), Some(to)) = (first, from.first_chunk(), to.first_chunk_mut()) {
        step(from, to);
    }
    if let (Some(from), Some(to)) = (from.get(first..), to.get_mut(first..)) {
        let blocks = from.as_chunks().0.iter().zip(to.as_chunks_mut().0);
        blocks.for_each(|(from, to)| step(from, to));
    }
    let left = (len - first) % N;
    if let (1.., Some(from), Some(to)) = (left, from.last_chunk(), to.last_chunk_mut()) {
        step(from, to);
    }
    len
}

/// As [`each_block`], for steps of many instructions: they are called in one place only, so that
/// the compiler inlines them and what they read stays in registers (6 % of a colour matrix). A
/// short step would feel what it costs to find the next block.
#[inline(always)]
pub(crate) fn each_large_block<const N: usize>(
    pixel: usize,
    from: &[u8],
    to: &mut [u8],
    step: impl Fn(&[u8; N], &mut [u8; N]),
) -> usize {
    let len = to.len();
    if from.len() != len || len < N {
        return 0;
    }
    let (first, last) = (aligned_from::<N>(to.as_ptr(), pixel), len - N);
    let mut at = 0;
    while let (Some(from), Some(to)) = (
        from.get(at..).and_then(<[u8]>::first_chunk),
        to.get_mut(at..).and_then(<[u8]>::first_chunk_mut),
    ) {
        step(from, to);
        if at == last {
            break;
        }
        at = if at < first { first } else { at + N }.min(last);
    }
    len
}

/// The first place, no further than `N`, that lies at the start of a line, or of a block if those
/// are shorter, and between pixels of that many bytes; 0 if there is none.
pub(crate) fn aligned_from<const N: usize>(start: *const u8, pixel: usize) -> usize {
    let line = LINE.min(N);
    let first = start.align_offset(line);
    let places = (0..pixel).map(|lines| first + lines * line);
    places.take_while(|at| *at <= N).find(|at| at.is_multiple_of(pixel)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_start_at_the_first_place_that_is_aligned_and_between_pixels() {
        let memory = [0_u8; 512];
        for start in 0..64 {
            for pixel in 1..=4 {
                let to = memory[start..].as_ptr();
                let both = |at: &usize| {
                    to.wrapping_add(*at).addr().is_multiple_of(64) && at.is_multiple_of(pixel)
                };
                let expected = (0..=192).find(both).unwrap_or(0);
                assert_eq!(aligned_from::<192>(to, pixel), expected, "{start} {pixel}");
            }
            assert!(aligned_from::<32>(memory[start..].as_ptr(), 1) < 32);
        }
    }

    #[test]
    fn blocks_make_up_all_from_any_place_on() {
        let from: Vec<u8> = (0..=255).cycle().take(700).collect();
        let mut memory = [0; 800];
        for start in 0..64 {
            for len in (0..700).step_by(3) {
                memory.fill(0);
                let to = &mut memory[start..start + len];
                let from = &from[..len];
                let done = each_block::<192>(3, from, to, |from, to| *to = *from);
                assert_eq!(done, if len < 192 { 0 } else { len });
                assert_eq!(to[..done], from[..done]);
                to.fill(1);
                assert_eq!(each_large_block::<192>(3, from, to, |from, to| *to = *from), done);
                assert_eq!(to[..done], from[..done]);
                assert!(memory[start + len..].iter().all(|byte| *byte == 0));
            }
        }
    }
}

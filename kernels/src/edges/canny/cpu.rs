//! Canny on the CPU: bands of rows each find their ridges and follow edges within themselves; then
//! edges are followed across the seams.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::gradient::Gradients;
use super::thin::{Ridge, Thin};
use super::{STRONG, WEAK, trace};
use crate::edges::kernels::Kernels;
use crate::scratch::Scratch;
use crate::simd::simd_levels;
use crate::{Cpu, Image, PixelFormat, Window, WorkError};

/// Bytes of the map of a band: with what lies around it, that stays in a second-level cache.
const BAND_BYTES: usize = 128 << 10;

/// Places on the stack for the whole image. Winding edges that need more are followed in several
/// rounds: a place for every pixel would be eight bytes for each.
const MOST_ROOM: usize = 1 << 19;

/// The most bytes of that stack.
pub(super) const STACK_BYTES: usize = 8 * MOST_ROOM;

/// The bytes of the stack of a band: eight for each pixel of its map.
pub(super) fn band_scratch(input: crate::Shape) -> usize {
    8 * BAND_BYTES.max(LEAST_ROWS * (input.size.width() + 1))
}

/// The fewest rows of a band.
const LEAST_ROWS: usize = 32;

/// The edges of an image.
pub(super) fn edges<S: Thin + Send + Sync>(
    cpu: &Cpu,
    input: &Image,
    kernels: Kernels,
    thresholds: (S, S),
) -> Result<Image, WorkError> {
    let (rows, threads) =
        ((BAND_BYTES / input.size().width()).clamp(LEAST_ROWS, 512), cpu.threads());
    // As many for each thread.
    let bands = input.size().height().div_ceil(rows).next_multiple_of(threads);
    let rows = input.size().height().div_ceil(bands);
    edges_in_bands(cpu, input, kernels, thresholds, rows, MOST_ROOM)
}

/// The same with bands of that many rows, and at most so many places on the stack.
pub(super) fn edges_in_bands<S: Thin + Send + Sync>(
    cpu: &Cpu,
    input: &Image,
    kernels: Kernels,
    thresholds: (S, S),
    band_rows: usize,
    most_room: usize,
) -> Result<Image, WorkError> {
    let size = input.size();
    let (width, height) = (size.width(), size.height());
    // A column of zeros between the rows.
    let stride = width + 1;
    let mut map = cpu.take(stride * height);
    let mut output = cpu.take(width * height);
    let window = Window::all(input);
    let left = AtomicUsize::new(0);
    let bands = map.chunks_mut(stride * band_rows).zip(output.chunks_mut(width * band_rows));
    cpu.each(stride * height, bands.enumerate(), |(index, (map, output))| {
        let rows = map.len() / stride;
        let first = index * band_rows;
        ridges(cpu, &window, kernels, thresholds, first..first + rows, map);
        let mut stack = Scratch::<u64>::take(cpu.pool(), map.len());
        let mut watch = cpu.watch_every(trace::STEPS);
        // There is room for every pixel of the band.
        trace::follow(map, stride, 0..rows, stack.as_mut(), &mut watch, |_| {});
        left.fetch_add(weak(map), Ordering::Relaxed);
        // Now, while the map is in the cache: for 4K, 4 % of all the time less than at the end.
        for (from, to) in map.chunks(stride).zip(output.chunks_exact_mut(width)) {
            strong_only(cpu.level(), from, to);
        }
    });
    cpu.go_on()?;
    // A power of two, so that the next frame finds it in the pool.
    let room = left.into_inner().next_power_of_two().min(most_room);
    let mut stack = Scratch::<u64>::take(cpu.pool(), room);
    let mut watch = cpu.watch_every(trace::STEPS);
    let mut draw = |at: usize| {
        // Without the column between the rows.
        if let Some(pixel) = output.get_mut(at - at / stride) {
            *pixel = 255;
        }
    };
    let mut fits = true;
    for seam in (band_rows..height).step_by(band_rows) {
        let rows = seam - 1..seam + 1;
        fits &= trace::follow(&mut map, stride, rows, stack.as_mut(), &mut watch, &mut draw);
    }
    while !fits {
        cpu.go_on()?;
        fits = trace::follow(&mut map, stride, 0..height, stack.as_mut(), &mut watch, &mut draw);
    }
    Ok(Image::packed(size, PixelFormat::Gray8, output)?)
}

/// What the pixels of a band are.
fn ridges<S: Thin>(
    cpu: &Cpu,
    input: &Window<'_>,
    kernels: Kernels,
    thresholds: (S, S),
    rows: Range<usize>,
    band: &mut [u8],
) {
    let (level, width) = (cpu.level(), input.width());
    let mut gradients = Gradients::take(cpu, kernels, input);
    // Row y lies in slot y + 1, so that there is one above the first.
    gradients.make(level, input, rows.start.checked_sub(1), rows.start);
    gradients.make(level, input, Some(rows.start), rows.start + 1);
    for (y, map) in rows.zip(band.chunks_exact_mut(width + 1)) {
        gradients.make(level, input, Some(y + 1), y + 2);
        let ridge = Ridge {
            rows: [y, y + 1, y + 2].map(|slot| gradients.steepness(slot)),
            gradient: gradients.along_axes(y + 1),
            thresholds,
        };
        let Some((guard, map)) = map.split_last_mut() else { continue };
        S::thin(level, ridge, map);
        *guard = 0;
    }
}

/// How many weak pixels there are.
fn weak(map: &[u8]) -> usize {
    let of_some = |some: &[u8]| some.iter().map(|pixel| u8::from(*pixel == WEAK)).sum::<u8>();
    map.chunks(128).map(of_some).map(usize::from).sum()
}

simd_levels! {
    fn strong_only(from: &[u8], to: &mut [u8]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = if *from == STRONG { 255 } else { 0 });
    }
}

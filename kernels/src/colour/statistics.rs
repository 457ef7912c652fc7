//! Statistics of the whole image, which some filters need first.

#![allow(clippy::indexing_slicing, reason = "a byte indexes 256 counts")]

use std::ops::Range;

use crate::{Cpu, Image, ImageError, Shape, Table, Window, WorkError};

/// Bytes of one result of a part of an image: 256 counts, or sums.
const PART_BYTES: usize = 256 * size_of::<u64>();

/// Calls `work` for parts of the rows of an image, several at a time, and adds up what they find.
fn gather(
    cpu: &Cpu,
    input: &Image,
    work: impl Fn(Range<usize>) -> [u64; 256] + Sync + Send,
    mut add: impl FnMut(&[u64; 256]),
) -> Result<(), WorkError> {
    /// So many that adding up costs nothing, so few that all threads get some.
    const ROWS: usize = 64;
    let height = input.size().height();
    let mut parts = cpu.take(height.div_ceil(ROWS) * PART_BYTES);
    cpu.bands_from(input.data().len(), &mut parts, PART_BYTES, 1, |part, result| {
        let first = part.start * ROWS;
        let counts = work(first..(first + ROWS).min(height));
        for (to, count) in result.as_chunks_mut::<8>().0.iter_mut().zip(counts) {
            *to = count.to_le_bytes();
        }
    });
    cpu.go_on()?;
    for part in parts.as_chunks::<PART_BYTES>().0 {
        let mut counts = [0; 256];
        for (count, bytes) in counts.iter_mut().zip(part.as_chunks::<8>().0) {
            *count = u64::from_le_bytes(*bytes);
        }
        add(&counts);
    }
    Ok(())
}

/// How often each level occurs in an image of one channel.
pub(super) fn histogram(cpu: &Cpu, input: &Image) -> Result<[u64; 256], WorkError> {
    let mut all = [0; 256];
    let work = |rows: Range<usize>| {
        // Neighbours are often alike; one count for both would have to wait for itself.
        let mut counts = [[0_u32; 256]; 4];
        for row in rows.map(|y| input.row(y)) {
            let (fours, rest) = row.as_chunks::<4>();
            for four in fours {
                for (counts, sample) in counts.iter_mut().zip(four) {
                    counts[usize::from(*sample)] += 1;
                }
            }
            rest.iter().for_each(|sample| counts[0][usize::from(*sample)] += 1);
        }
        std::array::from_fn(|level| counts.iter().map(|counts| u64::from(counts[level])).sum())
    };
    gather(cpu, input, work, |part| {
        all.iter_mut().zip(part).for_each(|(all, count)| *all += count);
    })?;
    Ok(all)
}

/// The sums of red, green and blue.
pub(super) fn colour_sums(cpu: &Cpu, input: &Image) -> Result<[u64; 3], WorkError> {
    let channels = input.format().channels();
    let mut all = [0; 3];
    let work = |rows: Range<usize>| {
        let mut sums = [0; 256];
        rows.for_each(|y| super::sums::add_row(cpu.level(), input.row(y), channels, &mut sums));
        sums
    };
    gather(cpu, input, work, |part| {
        all.iter_mut().zip(part).for_each(|(all, sum)| *all += sum);
    })?;
    Ok(all)
}

/// The image after a table that its statistics made.
pub(super) fn apply(
    cpu: &Cpu,
    table: &Table,
    input: &Window<'_>,
    shape: Shape,
) -> Result<Image, ImageError> {
    let (mut buffer, row_bytes) = (cpu.take(shape.bytes()), shape.row_bytes());
    cpu.bands(&mut buffer, row_bytes, |rows, band| match input.packed(rows.clone()) {
        Some(all) => table.pixels(cpu.level(), shape.format, all, band),
        None => {
            for (y, to) in rows.zip(band.chunks_exact_mut(row_bytes)) {
                table.pixels(cpu.level(), shape.format, input.row(y), to);
            }
        }
    });
    Image::packed(shape.size, shape.format, buffer)
}

//! What stands beside a row, and the rows around one.

use crate::border::Border;
use crate::{Cpu, PooledBuffer, Window};

/// Fills both margins of a row, `radius` pixels each, from its middle.
pub(super) fn extend<T: Copy + Default>(
    row: &mut [T],
    radius: usize,
    channels: usize,
    width: usize,
    border: Border,
) {
    let skipped = match border {
        Border::Reflect => Some(0),
        Border::Reflect101 => Some(1),
        _ => None,
    };
    if let Some(skipped) = skipped.filter(|skipped| radius + skipped <= width) {
        return mirror(row, radius * channels, channels, skipped);
    }
    for to in (0..radius).chain(radius + width..width + 2 * radius) {
        let to_samples = to * channels..(to + 1) * channels;
        match border.index(to as isize - radius as isize, width) {
            Some(from) => {
                let from = radius + from;
                row.copy_within(from * channels..(from + 1) * channels, to_samples.start);
            }
            None => row.get_mut(to_samples).unwrap_or_default().fill(T::default()),
        }
    }
}

/// Fills margins that are not wider than what they mirror, all but the outermost `skipped` pixels.
fn mirror<T: Copy>(row: &mut [T], margin: usize, channels: usize, skipped: usize) {
    let (left, rest) = row.split_at_mut(margin);
    let (middle, right) = rest.split_at_mut(rest.len() - margin);
    let copy = |(to, from): (&mut [T], &[T])| {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    };
    let from = middle.chunks_exact(channels).skip(skipped);
    left.chunks_exact_mut(channels).rev().zip(from).for_each(copy);
    let from = middle.chunks_exact(channels).rev().skip(skipped);
    right.chunks_exact_mut(channels).zip(from).for_each(copy);
}

/// As many rows as a neighbourhood is high, each with its margins: row `y` lies at `y` modulo that
/// height.
#[derive(Debug)]
pub(super) struct Ring {
    rows: PooledBuffer,
    stride: usize,
    height: usize,
    /// Beside and above.
    radius: (usize, usize),
    border: Border,
}

impl Ring {
    /// For neighbourhoods that reach so far beside and above, ready for row `y` of the result to
    /// be the next.
    pub(super) fn new(
        cpu: &Cpu,
        input: &Window<'_>,
        radius: (usize, usize),
        border: Border,
        y: usize,
    ) -> Self {
        let stride = (input.width() + 2 * radius.0) * input.channels();
        let height = 2 * radius.1 + 1;
        let mut ring = Self { rows: cpu.take(stride * height), stride, height, radius, border };
        let (y, reach) = (y as isize, radius.1 as isize);
        (y - reach..y + reach).for_each(|y| ring.fill(input, y));
        ring
    }

    /// Goes on to row `y` of the result, the one after the last.
    pub(super) fn advance(&mut self, input: &Window<'_>, y: usize) {
        self.fill(input, (y + self.radius.1) as isize);
    }

    fn fill(&mut self, input: &Window<'_>, y: isize) {
        let slot = y.rem_euclid(self.height as isize) as usize * self.stride;
        let to = self.rows.get_mut(slot..slot + self.stride).unwrap_or_default();
        let Some(from) = input.bordered_row(y, self.border) else { return to.fill(0) };
        let margin = self.radius.0 * input.channels();
        if let Some(middle) = to.get_mut(margin..margin + from.len()) {
            middle.copy_from_slice(from);
        }
        extend(to, self.radius.0, input.channels(), input.width(), self.border);
    }

    /// The row at that height of the image, which has to be within reach; it starts with its
    /// margin.
    pub(super) fn row(&self, y: isize) -> &[u8] {
        let slot = y.rem_euclid(self.height as isize) as usize * self.stride;
        self.rows.get(slot..slot + self.stride).unwrap_or_default()
    }
}

//! The rows around a row, extended by the border at both ends.

use crate::border::Border;
use crate::{Cpu, PooledBuffer, Window};

/// As many rows as a neighbourhood is high, each with its margins: row `y` lies at `y` modulo that
/// height.
#[derive(Debug)]
pub(super) struct Ring {
    rows: PooledBuffer,
    stride: usize,
    height: usize,
    /// Pixels beside and above.
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
        self.border.extend(to, self.radius.0, input.channels());
    }

    /// The row at that height of the image, which has to be within reach; it starts with its
    /// margin.
    pub(super) fn row(&self, y: isize) -> &[u8] {
        let slot = y.rem_euclid(self.height as isize) as usize * self.stride;
        self.rows.get(slot..slot + self.stride).unwrap_or_default()
    }
}

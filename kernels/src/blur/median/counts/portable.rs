//! Loops, of which the compiler makes vectors.

use super::{BINS, Column, Square};

/// A sample comes in, another goes out.
#[inline(always)]
pub(in super::super) fn exchange(counts: &mut Column, new: &Column, old: &Column) {
    for bin in 0..BINS {
        counts[bin] = counts[bin].wrapping_add(new[bin]).wrapping_sub(old[bin]);
    }
}

/// Counts of a square.
#[derive(Clone, Copy)]
pub(in super::super) struct Baseline([u16; BINS]);

impl Baseline {
    /// The counts of no samples.
    pub(in super::super) fn none() -> Self {
        Self([0; BINS])
    }
}

impl Square for Baseline {
    #[inline(always)]
    fn slide(&mut self, new: &Column, old: &Column) {
        for bin in 0..BINS {
            let change = u16::from(new[bin]).wrapping_sub(u16::from(old[bin]));
            self.0[bin] = self.0[bin].wrapping_add(change);
        }
    }

    #[inline(always)]
    fn bins_up_to(self, most: u16) -> usize {
        self.0.iter().map(|count| u8::from(*count <= most)).sum::<u8>().into()
    }

    #[inline(always)]
    fn before(self, bin: usize) -> u16 {
        if bin == 0 { 0 } else { self.0[bin - 1] }
    }
}

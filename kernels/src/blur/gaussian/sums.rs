//! How the sums between the two passes are kept, and where the vectors over a row start.

/// What a sum of 0 is stored as. Every sum is stored less 2^15, so that it fits a signed word:
/// processors multiply those two at a time.
pub(super) const ZERO: u16 = 1 << 15;

/// The positions at which vectors of `lanes` samples start so that they cover `len` samples, which
/// are at least `lanes`. The last vector may overlap the one before.
#[inline(always)]
pub(super) fn starts(len: usize, lanes: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(lanes).map(move |at| at.min(len - lanes))
}

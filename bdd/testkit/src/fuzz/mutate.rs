//! Random numbers that are the same in every run, and changes to bytes.

/// Bytes at the ends of what a byte, a sign or a length may be.
const BYTES: [u8; 6] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF];
/// The longest run of one byte, more than the buffers of our parsers hold.
const RUN: usize = 40_000;

/// Numbers that are the same in every run.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// Numbers that depend on an input, for a check that needs some and must do the same again
    /// with the same input.
    #[must_use]
    pub fn of(input: &[u8]) -> Self {
        // FNV-1a.
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3);
        Self::new(input.iter().fold(0xCBF2_9CE4_8422_2325, hash))
    }

    /// A number below `end`, or 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        // SplitMix64: every state is a good one.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from((bits ^ (bits >> 31)) % end).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or_default()
    }

    /// One of some values; there is at least one.
    fn one<T: Copy + Default>(&mut self, values: &[T]) -> T {
        values.get(self.below(values.len())).copied().unwrap_or_default()
    }

    /// A part of some bytes: often a short one, and often near the start, where headers are.
    fn part(&mut self, length: usize) -> std::ops::Range<usize> {
        let at = self.below(length + 1);
        let at = if self.below(2) == 0 { at.min(self.below(64)) } else { at };
        let left = length - at;
        let most = if self.below(4) == 0 { left } else { left.min(16) };
        at..at + self.below(most + 1)
    }

    /// Changes, inserts, repeats or takes away some bytes.
    pub(super) fn mutate(&mut self, input: &mut Vec<u8>, other: &[u8], words: &[&[u8]]) {
        let part = self.part(input.len());
        let at = part.start;
        match self.below(13) {
            0 => self.change(input, at, |random, byte| byte ^ 1 << random.below(8)),
            1 => self.change(input, at, |random, _| random.one(&BYTES)),
            2 => self.change(input, at, |random, _| random.byte()),
            3 => drop(input.drain(part)),
            4 => {
                let again = input.get(part).unwrap_or_default().to_vec();
                drop(input.splice(at..at, again));
            }
            5 => {
                let theirs = self.part(other.len());
                let theirs = other.get(theirs).unwrap_or_default().to_vec();
                let end = (at + theirs.len()).min(input.len());
                drop(input.splice(at..end, theirs));
            }
            6 => {
                let theirs = self.part(other.len());
                let theirs = other.get(theirs.start..).unwrap_or_default().to_vec();
                drop(input.splice(at.., theirs));
            }
            7 => {
                let byte = self.one(&[0, 0xFF, b'0', b' ']);
                input.get_mut(part).unwrap_or_default().fill(byte);
            }
            8 if self.below(4) == 0 => input.truncate(at),
            8 if self.below(8) == 0 => {
                let run = std::iter::repeat_n(self.one(b"5 a%\xff"), self.below(RUN));
                drop(input.splice(at..at, run));
            }
            8 => input.insert(at, self.byte()),
            _ => {
                let word = self.one(words).to_vec();
                // Beside what is there, or instead of it.
                let end = if self.below(3) == 0 { part.end } else { at };
                drop(input.splice(at..end, word));
            }
        }
    }

    fn change(&mut self, input: &mut [u8], at: usize, new: impl Fn(&mut Self, u8) -> u8) {
        if let Some(byte) = input.get_mut(at) {
            *byte = new(self, *byte);
        }
    }
}

//! The prefix codes of a lossless WebP image.

use super::bits::Bits;

/// The longest code of a symbol, in bits.
const LONGEST: usize = 15;
/// Codes of more bits are not in the decoder's table but in a tree.
const TABLE_BITS: u32 = 10;
/// The order in which the file has the lengths of the codes for lengths.
const ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// A prefix code as the file states it.
pub(super) enum Stated {
    /// All is this symbol, which takes no bits.
    One(u16),
    /// Each of these takes a bit.
    Two(u16, u16),
    /// How many bits each symbol takes, zero for those that do not occur. It is complete.
    Lengths(Vec<u8>),
}

impl Stated {
    /// Reads a code of an alphabet of so many symbols, or returns `None` if it is invalid.
    pub(super) fn read(bits: &mut Bits<'_>, alphabet: usize) -> Option<Self> {
        if bits.take(1)? == 0 {
            let mut lengths = vec![0; ORDER.len()];
            let count = 4 + bits.take(4)?;
            for at in ORDER.iter().take(count) {
                *lengths.get_mut(*at)? = u8::try_from(bits.take(3)?).ok()?;
            }
            let code = Code::new(&Self::complete(lengths)?)?;
            return Self::complete(lengths_of(bits, &code, alphabet)?);
        }
        let two = bits.take(1)? == 1;
        let width = if bits.take(1)? == 1 { 8 } else { 1 };
        let mut symbol = |width| bits.take(width).filter(|symbol| *symbol < alphabet);
        let first = u16::try_from(symbol(width)?).ok()?;
        if !two {
            return Some(Self::One(first));
        }
        Some(Self::Two(first, u16::try_from(symbol(8)?).ok()?))
    }

    /// The code with those lengths, if there is exactly one.
    fn complete(lengths: Vec<u8>) -> Option<Self> {
        let mut used = lengths.iter().enumerate().filter(|(_, length)| **length > 0);
        let (first, _) = used.next()?;
        if used.next().is_none() {
            return u16::try_from(first).ok().map(Self::One);
        }
        let share = |length: &u8| (1_usize << LONGEST) >> *length;
        let taken: usize = lengths.iter().filter(|length| **length > 0).map(share).sum();
        (taken == 1 << LONGEST).then_some(Self::Lengths(lengths))
    }

    pub(super) const fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
    }

    /// The bytes that the decoder takes for the code: four for each entry of its table, and two
    /// nodes of 16 bytes for each code that is too long for the table.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Two(..) => 64,
            Self::Lengths(lengths) => {
                let longest = lengths.iter().copied().max().unwrap_or(0);
                let long = lengths.iter().filter(|length| u32::from(**length) > TABLE_BITS).count();
                (4 << u32::from(longest).min(TABLE_BITS)) + 32 * long
            }
        }
    }
}

/// Reads the lengths of a code, which are themselves coded.
fn lengths_of(bits: &mut Bits<'_>, code: &Code, alphabet: usize) -> Option<Vec<u8>> {
    let mut left = alphabet;
    if bits.take(1)? == 1 {
        let width = 2 + 2 * u32::try_from(bits.take(3)?).ok()?;
        left = 2 + bits.take(width)?;
        if left > alphabet {
            return None;
        }
    }
    let (mut lengths, mut previous) = (Vec::with_capacity(alphabet), 8);
    while lengths.len() < alphabet && left > 0 {
        left -= 1;
        let (length, times) = match code.symbol(bits)? {
            16 => (previous, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => {
                let length = u8::try_from(length).ok()?;
                if length != 0 {
                    previous = length;
                }
                (length, 1)
            }
        };
        if lengths.len() + times > alphabet {
            return None;
        }
        lengths.resize(lengths.len() + times, length);
    }
    lengths.resize(alphabet, 0);
    Some(lengths)
}

/// A prefix code that can be read.
pub(super) struct Code {
    /// For each value of the next bits, how many of them belong to the symbol, and the symbol.
    table: Vec<(u8, u16)>,
}

impl Code {
    pub(super) fn new(stated: &Stated) -> Option<Self> {
        let lengths = match stated {
            Stated::One(symbol) => return Some(Self { table: vec![(0, *symbol)] }),
            Stated::Two(zero, one) => return Some(Self { table: vec![(1, *zero), (1, *one)] }),
            Stated::Lengths(lengths) => lengths,
        };
        let longest = lengths.iter().copied().max()?;
        let mut table = vec![(0, 0); 1 << longest];
        let mut next = 0_usize;
        for length in 1..=longest {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, known)| **known == length) {
                // The first bit of a code is its highest, and the lowest of what is read.
                let first = next.reverse_bits() >> (usize::BITS - u32::from(length));
                let symbol = u16::try_from(symbol).ok()?;
                for entry in table.iter_mut().skip(first).step_by(1 << length) {
                    *entry = (length, symbol);
                }
                next += 1;
            }
            next <<= 1;
        }
        Some(Self { table })
    }

    /// Takes a symbol, or returns `None` if the data ends before.
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Option<u16> {
        bits.fill();
        let at = usize::try_from(bits.peek()).ok()? & (self.table.len() - 1);
        let (length, symbol) = *self.table.get(at)?;
        bits.skip(length.into())?;
        Some(symbol)
    }
}

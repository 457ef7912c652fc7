//! Lists that need no look-up.
//!
//! Where no instruction looks up in a whole list, a look-up takes dozens of instructions for each
//! vector, while most filters compute their lists with a few operations. This finds these
//! operations again. The loops are plain, so that every set of vector instructions has them.

#![allow(clippy::indexing_slicing, reason = "values index lists of 256, lanes blocks")]

use super::AHEAD;
use crate::pool::LINE;
use crate::simd::{Level, prefetch, simd_levels};

type List = [u8; 256];

/// What a list computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Pieces(Pieces),
    Line(Line),
}

/// One operation up to some value, another one above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pieces {
    low: Bits,
    high: Bits,
    last_low: u8,
}

/// Keeps the bits of the mask, then flips the bits of `flip`: a constant, the value itself or its
/// inverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bits {
    mask: u8,
    flip: u8,
}

/// Multiplies by a factor, adds an offset, rounds and clamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    factor: i32,
    offset: i32,
    /// Whether halves are rounded to even; otherwise the offset decides which are rounded up.
    to_even: bool,
}

/// Fractional bits of a product, which have to show a half: few enough that the error of a factor
/// does not hide it and that results fit into 16 bits.
const FRACTION: u32 = 6;
const HALF: i32 = 1 << (FRACTION - 1);

/// Further fractional bits of a factor.
const FINE: u32 = 12;

/// The largest factor, with which sums stay within 32 bits.
const STEEPEST: i32 = 1 << 22;

const ANY_LESS: i32 = -(1 << 30);
const ANY_MORE: i32 = 1 << 30;

impl Shape {
    /// What a list computes, if it is one of these shapes. Finding pieces takes 0.1 µs, finding a
    /// line 1 to 3 µs.
    pub(super) fn of(list: &List) -> Option<Self> {
        let line = |to_even| Line::of(list, to_even).map(Self::Line);
        let pieces = Pieces::of(list).map(Self::Pieces);
        pieces.or_else(|| line(false)).or_else(|| line(true))
    }

    /// Applies the shape to some samples. With `alpha`, every fourth sample is kept.
    pub(super) fn samples(&self, level: Level, alpha: bool, from: &[u8], to: &mut [u8]) {
        let colour = |at: usize| if alpha && at % 4 == 3 { 0 } else { u8::MAX };
        let colours = std::array::from_fn(colour);
        match self {
            // Where memory sets the pace, the longer loop is a tenth faster.
            Self::Pieces(of) if of.low == of.high && prefetch::pays(to.len()) => {
                bits(level, of.low, &colours, from, to);
            }
            Self::Pieces(of) => pieces(level, of, &colours, from, to),
            Self::Line(of) if of.to_even => line_to_even(level, *of, &colours, from, to),
            Self::Line(of) => line(level, *of, &colours, from, to),
        }
    }
}

impl Pieces {
    fn of(list: &List) -> Option<Self> {
        let (low, end) = Bits::from(0, list);
        if end == list.len() {
            return Some(Self { low, high: low, last_low: u8::MAX });
        }
        let (high, last) = Bits::from(end, list);
        (last == list.len()).then_some(Self { low, high, last_low: (end - 1) as u8 })
    }
}

impl Bits {
    /// What the list computes from `start` on, and where that ends.
    fn from(start: usize, list: &List) -> (Self, usize) {
        let first = list[start];
        let constant = list.get(start + 1).is_none_or(|next| *next == first);
        let mask = if constant { 0 } else { u8::MAX };
        let bits = Self { mask, flip: first ^ (start as u8 & mask) };
        let other = (start..list.len()).find(|at| list[*at] != (*at as u8 & mask) ^ bits.flip);
        (bits, other.unwrap_or(list.len()))
    }
}

impl Line {
    /// Finds the line by bisection: halves the range of factors until one fits. Where two values
    /// contradict a factor, they limit the range; for a list that is not a line, few steps leave no
    /// factor.
    fn of(list: &List, to_even: bool) -> Option<Self> {
        let inside = |to: &u8| (1..u8::MAX).contains(to);
        let (first, last) = (list.iter().position(inside)?, list.iter().rposition(inside)?);
        if first == last {
            return None;
        }
        // Between these the result is the one wanted. Zero is that of all below, too, 255 of all
        // above.
        let least = list.map(|to| {
            let half = if to_even { HALF - i32::from(to % 2) } else { 0 };
            if to == 0 { ANY_LESS } else { ((i32::from(to) << FRACTION) - half) << FINE }
        });
        let most = list.map(|to| {
            let half = if to_even { HALF - i32::from(to % 2) + 1 } else { 2 * HALF };
            if to == 255 { ANY_MORE } else { (((i32::from(to) << FRACTION) + half) << FINE) - 1 }
        });
        let (mut flattest, mut steepest) = (-STEEPEST, STEEPEST);
        let mut narrow = |from: usize, to: usize| {
            let (rise, run) = (most[to] - least[from], to as i32 - from as i32);
            if run > 0 {
                steepest = steepest.min(rise.div_euclid(run));
            } else {
                flattest = flattest.max(-rise.div_euclid(-run));
            }
            (flattest, steepest)
        };
        narrow(first, last);
        let mut factors = narrow(last, first);
        while factors.0 <= factors.1 {
            let factor = i32::midpoint(factors.0, factors.1);
            let left = |limit: &[i32; 256], at: usize| limit[at] - factor * at as i32;
            let from = (0..list.len()).max_by_key(|at| left(&least, *at))?;
            let to = (0..list.len()).min_by_key(|at| left(&most, *at))?;
            let offset = left(&least, from);
            if offset <= left(&most, to) {
                return Some(Self { factor, offset, to_even });
            }
            factors = narrow(from, to);
        }
        None
    }

    #[inline(always)]
    fn at(self, value: u8) -> u8 {
        let sum = i32::from(value) * self.factor + self.offset;
        (sum >> (FINE + FRACTION)).clamp(0, 255) as u8
    }

    #[inline(always)]
    fn to_even_at(self, value: u8) -> u8 {
        let sum = (i32::from(value) * self.factor + self.offset) >> FINE;
        let sum = sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        let odd = (sum >> FRACTION) & 1;
        (sum.saturating_add(odd + HALF as i16 - 1) >> FRACTION).clamp(0, 255) as u8
    }
}

/// The samples of one step: whole vectors, and whole pixels.
type Block = [u8; 32];

/// Processes four blocks at a time and prefetches, which takes a quarter less time than one block
/// at a time where the cache is the limit. The rest goes through a buffer.
#[inline(always)]
fn each_block(from: &[u8], to: &mut [u8], step: impl Fn(&Block, &mut Block)) {
    const SAMPLES: usize = 4 * size_of::<Block>();
    let steps = |from: &[u8; SAMPLES], to: &mut [u8; SAMPLES]| {
        let blocks = from.as_chunks().0.iter().zip(to.as_chunks_mut().0);
        blocks.for_each(|(from, to)| step(from, to));
    };
    let ask = prefetch::pays(to.len());
    let (blocks, rest) = from.as_chunks();
    let (results, end) = to.as_chunks_mut();
    for (from, to) in blocks.iter().zip(results) {
        if ask {
            for line in (0..SAMPLES).step_by(LINE) {
                prefetch::prefetch_line(to.as_ptr().wrapping_add(AHEAD + line));
            }
        }
        steps(from, to);
    }
    let (mut last, mut result) = ([0; SAMPLES], [0; SAMPLES]);
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    steps(&last, &mut result);
    end.iter_mut().zip(result).for_each(|(to, from)| *to = from);
}

simd_levels! {
    fn bits(of: Bits, colours: &Block, from: &[u8], to: &mut [u8]) {
        // What stays keeps all bits, and none of them changes.
        let mask = colours.map(|colour| of.mask | !colour);
        let flip = colours.map(|colour| of.flip & colour);
        each_block(from, to, |from, to| {
            for at in 0..from.len() {
                to[at] = (from[at] & mask[at]) ^ flip[at];
            }
        });
    }
}

simd_levels! {
    fn pieces(of: &Pieces, colours: &Block, from: &[u8], to: &mut [u8]) {
        let Pieces { low, high, last_low } = *of;
        let mask = colours.map(|colour| low.mask | !colour);
        let flip = colours.map(|colour| low.flip & colour);
        // Differences: choosing one of two vectors takes twice as long.
        let other_mask = colours.map(|colour| (low.mask ^ high.mask) & colour);
        let other_flip = colours.map(|colour| (low.flip ^ high.flip) & colour);
        each_block(from, to, |from, to| {
            for at in 0..from.len() {
                let value = from[at];
                let high = if value > last_low { u8::MAX } else { 0 };
                let kept = value & (mask[at] ^ (high & other_mask[at]));
                to[at] = kept ^ flip[at] ^ (high & other_flip[at]);
            }
        });
    }
}

simd_levels! {
    fn line(of: Line, colours: &Block, from: &[u8], to: &mut [u8]) {
        each_block(from, to, |from, to| {
            for at in 0..from.len() {
                let value = from[at];
                to[at] = value ^ ((value ^ of.at(value)) & colours[at]);
            }
        });
    }
}

simd_levels! {
    fn line_to_even(of: Line, colours: &Block, from: &[u8], to: &mut [u8]) {
        each_block(from, to, |from, to| {
            for at in 0..from.len() {
                let value = from[at];
                to[at] = value ^ ((value ^ of.to_even_at(value)) & colours[at]);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(each: impl FnMut(u8) -> u8) -> List {
        let mut values = 0..=255;
        let mut each = each;
        std::array::from_fn(|_| each(values.next().unwrap()))
    }

    fn rounded(factor: f32, offset: f32) -> List {
        list(|value| f32::from(value).mul_add(factor, offset).round_ties_even() as u8)
    }

    fn check(list: &List, shape: Shape) {
        let all: Vec<u8> = (0..=255).chain(0..=70).collect();
        for level in Level::all() {
            for len in [0, 1, 31, 33, 127, 128, 129, 256, all.len()] {
                for alpha in [false, true] {
                    let mut is = vec![0; len];
                    shape.samples(level, alpha, &all[..len], &mut is);
                    for (at, (from, to)) in all.iter().zip(&is).enumerate() {
                        let stays = alpha && at % 4 == 3;
                        let expected = if stays { *from } else { list[usize::from(*from)] };
                        assert_eq!(*to, expected, "{shape:?} {} {at} {alpha}", level.name());
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn what_has_a_threshold_is_in_pieces(
            threshold in any::<u8>(),
            low in any::<u8>(),
            high in any::<u8>(),
            flat in any::<[bool; 2]>(),
        ) {
            let side = |value, flat, flip| if flat { flip } else { value ^ flip };
            let list = list(|value| match value > threshold {
                true => side(value, flat[1], high),
                false => side(value, flat[0], low),
            });
            let shape = Shape::of(&list).unwrap();
            prop_assert!(matches!(shape, Shape::Pieces(_)));
            check(&list, shape);
        }

        #[test]
        fn whatever_the_shape_it_computes_the_list(
            factor in -12.0..12.0_f32,
            offset in -600.0..600.0_f32,
            other in any::<Option<[u8; 2]>>(),
        ) {
            let mut list = rounded(factor, offset);
            if let Some([at, to]) = other {
                list[usize::from(at)] = to;
            }
            if let Some(shape) = Shape::of(&list) {
                check(&list, shape);
            }
        }
    }

    #[test]
    fn factors_and_offsets_are_lines() {
        // Steps of 0.1 and 0.05 make halves.
        for factor in [0.5, 0.6, 0.75, 1.1, 1.2, 1.25, 1.5, 1.8, 2.0, 3.0, -1.2] {
            for offset in (-60_i16..=100).step_by(20).map(f32::from) {
                let list = rounded(factor, offset + if factor < 0.0 { 255.0 } else { 0.0 });
                let shape = Shape::of(&list).unwrap();
                assert!(matches!(shape, Shape::Line(_)), "{factor} {offset}");
                check(&list, shape);
            }
        }
        // The range of studio luma, whose halves are rounded up.
        let full = list(|value| (((i32::from(value) - 16) * 510 + 219) / 438).clamp(0, 255) as u8);
        check(&full, Shape::of(&full).unwrap());
    }

    #[test]
    fn curves_and_lists_with_one_other_value_are_neither() {
        let curve = |value: u8| ((f64::from(value) / 255.0).powf(0.45) * 255.0).round() as u8;
        assert_eq!(Shape::of(&list(curve)), None);
        let mut other = rounded(1.2, 10.0);
        other[100] += 1;
        assert_eq!(Shape::of(&other), None);
        let mut two = list(|value| if value > 100 { 255 } else { 0 });
        two[7] = 1;
        assert_eq!(Shape::of(&two), None);
    }
}

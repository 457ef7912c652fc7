//! Sums of many neighbouring pixels along four rows at once, a lane each. The samples are put in
//! order first, so that what one multiplication takes lies together: each sample is part of
//! several sums, but is moved once.
//!
//! Of three or four channels, a lane has two pixels, sample by sample; of one, eight. Such a
//! group, of all four rows, is 64 bytes.

use std::ops::Range;

use super::super::across::Across;
use super::super::taps::Taps;
use super::shift_by;
use super::wide::{LANE, Wide, two_words, wide_levels};
use crate::simd::Level;

/// Rows that are done at once.
pub(in super::super) const ROWS: usize = 4;
/// Elements of a group.
const GROUP: usize = 32;
/// Groups of a stripe, unless one pixel of the result needs more: 20 KiB, so that what is put in
/// order is still in the first-level cache when it is used.
const STRIPE: usize = 320;

#[derive(Debug)]
pub(in super::super) struct Quads {
    weights: Weights,
    /// Groups of each pixel of the result.
    groups: usize,
    /// The columns that are put in order at a time.
    stripes: Vec<Stripe>,
    /// The number of groups of the widest stripe.
    most: usize,
}

/// Columns of the result that are computed together.
#[derive(Debug)]
struct Stripe {
    /// The pixels of the result that can be computed from them, as indices of [`Weights`].
    blocks: Range<usize>,
    /// The first group; even.
    first: usize,
    groups: usize,
}

/// For pixels of the result that are computed together: the group of the input in which each
/// starts, and the weights of the pixels of each group. Weights that are not needed are 0.
#[derive(Debug)]
enum Weights {
    /// Samples of one channel.
    Eights(Vec<[u32; 4]>, Vec<[[i16; 8]; 4]>),
    /// Pixels of three or four channels.
    Pairs(Vec<[u32; 2]>, Vec<[[i16; 2]; 2]>),
}

impl Quads {
    pub(super) fn new(taps: &Taps, channels: usize) -> Self {
        let pixels = if channels == 1 { 8 } else { 2 };
        let lists = taps.first.iter().zip(taps.weights.chunks_exact(taps.count));
        // Zeros at the end are left out: they would only make it more groups.
        let needed = |(first, weights): (&i32, &[i16])| {
            let end = weights.iter().rposition(|weight| *weight != 0).unwrap_or(0) + 1;
            (*first as usize % pixels + end).div_ceil(pixels)
        };
        let groups = lists.map(needed).max().unwrap_or(0);
        let (weights, stripes) = if channels == 1 {
            // Two times four are stored together.
            let (starts, weights) = together(taps, groups, 8);
            let stripes = stripes(&starts, groups, 2);
            (Weights::Eights(starts, weights), stripes)
        } else {
            let (starts, weights) = together(taps, groups, 2);
            let stripes = stripes(&starts, groups, 1);
            (Weights::Pairs(starts, weights), stripes)
        };
        let most = stripes.iter().map(|stripe| stripe.groups).max().unwrap_or(0);
        Self { weights, groups, stripes, most }
    }

    /// Elements of memory that [`Quads::rows`] works in.
    pub(super) fn memory(&self) -> usize {
        self.most * GROUP
    }

    /// All sums of four rows: to those places, whose room is `Across::room`. How many of each were
    /// done.
    pub(super) fn rows(
        &self,
        level: Level,
        across: &Across,
        from: [&[u8]; ROWS],
        memory: &mut [i16],
        to: &mut [i16],
        places: [usize; ROWS],
    ) -> usize {
        let memory = memory.as_chunks_mut::<GROUP>().0;
        let room = across.room();
        if memory.len() < self.most || places.iter().any(|place| place + room > to.len()) {
            return 0;
        }
        let rows = match across.channels {
            1 => rows_of_one,
            3 => rows_of_three,
            _ => rows_of_four,
        };
        match rows(level, self, across, from, memory, to, places) {
            Some(()) => across.taps.first.len() * across.channels,
            None => 0,
        }
    }

    #[inline(always)]
    fn stripes<W: Wide, const N: usize>(
        &self,
        wide: W,
        across: &Across,
        from: [&[u8]; ROWS],
        memory: &mut [[i16; GROUP]],
        to: &mut [i16],
        places: [usize; ROWS],
    ) {
        for stripe in &self.stripes {
            let memory = memory.get_mut(..stripe.groups).unwrap_or_default();
            put_in_order::<W, N>(wide, from, stripe.first, memory);
            if N == 1 {
                self.eights(wide, across, stripe, memory, to, places);
            } else {
                self.pairs::<W, N>(wide, across, stripe, memory, to, places);
            }
        }
    }

    /// The sums of some pixels of one channel.
    #[inline(always)]
    fn eights<W: Wide>(
        &self,
        wide: W,
        across: &Across,
        stripe: &Stripe,
        memory: &[[i16; GROUP]],
        to: &mut [i16],
        places: [usize; ROWS],
    ) {
        let Weights::Eights(starts, weights) = &self.weights else { return };
        let (shift, round) = (shift_by(across.shift), wide.splat(across.round));
        let weights = weights.chunks_exact(self.groups);
        let mut blocks =
            starts.iter().zip(weights).take(stripe.blocks.end).skip(stripe.blocks.start);
        let mut at = stripe.blocks.start * 4;
        while let (Some(first), Some(second)) = (blocks.next(), blocks.next()) {
            let mut sums = [round; 2];
            for (sum, (starts, weights)) in sums.iter_mut().zip([first, second]) {
                let mut parts = [wide.splat(0); 4];
                add(wide, memory, stripe.first, starts, weights, &mut parts, |weights| {
                    wide.lanes(weights)
                });
                *sum = wide.shift_down(wide.add(round, wide.sum_up(parts)), shift);
            }
            // SAFETY: there is room for whole blocks at each place.
            unsafe { wide.store_lanes(sums, to.as_mut_ptr(), places.map(|place| place + at)) };
            at += 8;
        }
    }

    /// The sums of some pixels of `N` channels.
    #[inline(always)]
    fn pairs<W: Wide, const N: usize>(
        &self,
        wide: W,
        across: &Across,
        stripe: &Stripe,
        memory: &[[i16; GROUP]],
        to: &mut [i16],
        places: [usize; ROWS],
    ) {
        let Weights::Pairs(starts, weights) = &self.weights else { return };
        let (shift, round) = (shift_by(across.shift), wide.splat(across.round));
        let blocks = starts.iter().zip(weights.chunks_exact(self.groups));
        let blocks = blocks.take(stripe.blocks.end).skip(stripe.blocks.start);
        let mut places = places.map(|place| place + stripe.blocks.start * 2 * N);
        for (starts, weights) in blocks {
            let mut sums = [round; 2];
            add(wide, memory, stripe.first, starts, weights, &mut sums, |weights| {
                wide.splat(two_words(*weights))
            });
            let [a, b] = sums;
            let sums = [wide.shift_down(a, shift), wide.shift_down(b, shift)];
            if N == 3 {
                // SAFETY: there is room for whole blocks at each place, and for what is written
                // beyond.
                unsafe { wide.store_lane_threes(sums, to.as_mut_ptr(), places) };
            } else {
                // SAFETY: there is room for whole blocks at each place.
                unsafe { wide.store_lanes(sums, to.as_mut_ptr(), places) };
            }
            places = places.map(|place| place + 2 * N);
        }
    }
}

/// A function each, so that the compiler knows the number.
macro_rules! known {
    ($($name:ident $channels:literal)*) => { $(
        wide_levels! {
            fn $name<W>(
                wide,
                quads: &Quads,
                across: &Across,
                from: [&[u8]; ROWS],
                memory: &mut [[i16; GROUP]],
                to: &mut [i16],
                places: [usize; ROWS],
            ) -> () {
                quads.stripes::<W, $channels>(wide, across, from, memory, to, places);
            }
        }
    )* };
}
known!(rows_of_one 1 rows_of_three 3 rows_of_four 4);

/// Divides the blocks into stripes.
fn stripes<const N: usize>(starts: &[[u32; N]], groups: usize, whole: usize) -> Vec<Stripe> {
    let (mut stripes, most): (Vec<Stripe>, usize) = (Vec::new(), STRIPE.max(2 * groups));
    for (index, blocks) in starts.chunks(whole).enumerate() {
        let ends = |part: Option<&[u32; N]>| part.and_then(|starts| starts.last()).copied();
        let least = blocks.iter().flatten().min().map_or(0, |start| *start as usize);
        let end = ends(blocks.last()).map_or(0, |start| start as usize) + groups;
        let own = index * whole..index * whole + blocks.len();
        match stripes.last_mut() {
            Some(stripe) if end <= stripe.first + most => {
                stripe.blocks.end = own.end;
                stripe.groups = end - stripe.first;
            }
            _ => {
                let first = least / 2 * 2;
                stripes.push(Stripe { blocks: own, first, groups: end - first });
            }
        }
    }
    // They are made two at a time.
    stripes.iter_mut().for_each(|stripe| stripe.groups = stripe.groups.next_multiple_of(2));
    stripes
}

/// The starts, and the weights of each group, for `N` pixels of the result together.
fn together<const N: usize, const PIXELS: usize>(
    taps: &Taps,
    groups: usize,
    whole: usize,
) -> (Vec<[u32; N]>, Vec<[[i16; PIXELS]; N]>) {
    let blocks = taps.first.len().next_multiple_of(whole) / N;
    // Beyond the last one nothing is counted.
    let first = |pixel: usize| {
        taps.first.get(pixel).or(taps.first.last()).map_or(0, |first| *first as usize)
    };
    let starts = (0..blocks)
        .map(|block| std::array::from_fn(|own| (first(block * N + own) / PIXELS) as u32));
    let lists: Vec<&[i16]> = taps.weights.chunks_exact(taps.count).collect();
    let weight = |pixel: usize, place: usize| {
        let at = place.checked_sub(first(pixel) % PIXELS)?;
        lists.get(pixel)?.get(at).copied()
    };
    let weights = (0..blocks * groups).map(|at| {
        let (block, group) = (at / groups, at % groups);
        std::array::from_fn(|own| {
            std::array::from_fn(|pixel| {
                weight(block * N + own, group * PIXELS + pixel).unwrap_or(0)
            })
        })
    });
    (starts.collect(), weights.collect())
}

/// Adds the products of some pixels to their sums.
#[inline(always)]
fn add<W: Wide, const N: usize, const PIXELS: usize>(
    wide: W,
    memory: &[[i16; GROUP]],
    first: usize,
    starts: &[u32; N],
    weights: &[[[i16; PIXELS]; N]],
    sums: &mut [W::V; N],
    spread: impl Fn(&[i16; PIXELS]) -> W::V,
) {
    debug_assert!(starts.iter().all(|s| *s as usize - first + weights.len() <= memory.len()));
    // SAFETY: `stripes` has made each as wide as its pixels need, which is looked at just above
    // in tests.
    let groups = starts.map(|start| unsafe { memory.as_ptr().add(start as usize - first) });
    for (at, weights) in weights.iter().enumerate() {
        for ((sum, group), weights) in sums.iter_mut().zip(groups).zip(weights) {
            // SAFETY: as above.
            let group = unsafe { group.add(at) };
            // SAFETY: as above.
            let group = wide.load_words(unsafe { &*group });
            *sum = wide.add(*sum, wide.multiply_add(group, spread(weights)));
        }
    }
}

/// Sixteen bytes of each row at a time, or twelve of three channels: they are two groups.
#[inline(always)]
fn put_in_order<W: Wide, const N: usize>(
    wide: W,
    from: [&[u8]; ROWS],
    first: usize,
    to: &mut [[i16; GROUP]],
) {
    let step = if N == 3 { 12 } else { LANE };
    let orders = match N {
        1 => [wide.pairs(1, 0), wide.pairs(1, 8)],
        _ => [wide.pairs(N, 0), wide.pairs(N, 2 * N)],
    };
    let skipped = first / 2 * step;
    let rows = from.map(|row| row.get(skipped..).unwrap_or_default());
    let len = rows.iter().map(|row| row.len()).min().unwrap_or(0);
    let pairs = to.as_chunks_mut::<2>().0;
    let whole = len.checked_sub(LANE).map_or(0, |last| last / step + 1).min(pairs.len());
    let (pairs, rest) = pairs.split_at_mut(whole);
    let put = |to: &mut [[i16; GROUP]; 2], bytes: W::V| {
        for (to, order) in to.iter_mut().zip(orders) {
            wide.store_words(wide.shuffle(bytes, order), to);
        }
    };
    for (index, to) in pairs.iter_mut().enumerate() {
        // SAFETY: so many times there are sixteen bytes in the shortest of the rows.
        put(to, unsafe { wide.load_rows(rows, index * step) });
    }
    let left = rest.len().min((len - (whole * step).min(len)).div_ceil(step));
    for (index, to) in (whole..).zip(rest.iter_mut().take(left)) {
        let ends = ends(rows, index * step);
        // SAFETY: sixteen bytes are there.
        put(to, unsafe { wide.load_rows(ends.each_ref().map(|end| end.as_slice()), 0) });
    }
}

/// The rest of each row, followed by zeros.
#[inline(never)]
fn ends(rows: [&[u8]; ROWS], start: usize) -> [[u8; LANE]; ROWS] {
    rows.map(|row| {
        let mut end = [0; LANE];
        let rest = row.get(start..).unwrap_or_default();
        end.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        end
    })
}

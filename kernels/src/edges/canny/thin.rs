//! Keeps the ridges of steepness: pixels that are steeper than their neighbours up and down the
//! gradient.

#![allow(clippy::indexing_slicing, reason = "all slices of a loop are cut to one length before")]

use std::hint::select_unpredictable;

use super::gradient::Steepness;
use super::{STRONG, WEAK};
use crate::simd::Level;
use crate::simd::simd_levels;

/// A row of the map: the steepness above, there and below, each with a pixel more at both ends;
/// the gradient along both axes; both thresholds.
pub(super) struct Ridge<'a, S> {
    pub(super) rows: [&'a [S]; 3],
    pub(super) gradient: (&'a [i16], &'a [i16]),
    pub(super) thresholds: (S, S),
}

pub(super) trait Thin: Steepness {
    /// What each pixel of a row is: [`STRONG`], [`WEAK`] or nothing.
    fn thin(level: Level, ridge: Ridge<'_, Self>, map: &mut [u8]);
}

macro_rules! thin {
    ($type:ty) => {
        impl Thin for $type {
            fn thin(level: Level, ridge: Ridge<'_, Self>, map: &mut [u8]) {
                simd_levels! {
                    fn all(ridge: Ridge<'_, $type>, map: &mut [u8]) {
                        thin_row(ridge, map);
                    }
                }
                all(level, ridge, map);
            }
        }
    };
}
thin!(i16);
thin!(i32);

/// The tangent of 22.5° with 15 fractional bits, times 2 for 16.
const TANGENT: u32 = 2 * 13573;

#[inline(always)]
fn thin_row<S: Steepness>(ridge: Ridge<'_, S>, map: &mut [u8]) {
    let len = map.len();
    let [above, here, below] = ridge.rows.map(|row| &row[..len + 2]);
    let (above_left, above_mid, above_right) = (&above[..len], &above[1..=len], &above[2..]);
    let (left, mid, right) = (&here[..len], &here[1..=len], &here[2..]);
    let (below_left, below_mid, below_right) = (&below[..len], &below[1..=len], &below[2..]);
    let (along_x, along_y) = (&ridge.gradient.0[..len], &ridge.gradient.1[..len]);
    let (low, high) = ridge.thresholds;
    for at in 0..len {
        let steep = mid[at];
        let (x, y) = (along_x[at].unsigned_abs(), along_y[at].unsigned_abs());
        // Less than 22.5° from an axis; where both are 0 it does not matter.
        let slope = ((u32::from(x) * TANGENT) >> 16) as u16;
        let level = y <= slope;
        let upright = y > 2 * x + slope;
        let falling = (along_x[at] ^ along_y[at]) >= 0;
        // All are loaded, whichever are needed: choosing where to load from is what does not
        // vectorise.
        let both = |choice: bool, (a, b): (S, S), (c, d): (S, S)| {
            (select_unpredictable(choice, a, c), select_unpredictable(choice, b, d))
        };
        let sinking = (above_left[at], below_right[at]);
        let rising = (above_right[at], below_left[at]);
        let diagonal = both(falling, sinking, rising);
        let across = both(upright, (above_mid[at], below_mid[at]), diagonal);
        let (before, after) = both(level, (left[at], right[at]), across);
        // Of two that are as steep the first is the ridge; on diagonals neither is.
        let straight = level | upright;
        let ridge = (steep > before) & ((steep > after) | ((steep == after) & straight));
        let kind = if steep > high { STRONG } else { WEAK };
        map[at] = if ridge & (steep > low) { kind } else { 0 };
    }
}

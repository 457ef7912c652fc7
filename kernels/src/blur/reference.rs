//! Plain neighbourhoods, for tests.

use proptest::prelude::*;

use crate::Image;
use crate::border::{self, Border};

/// A sample at any position.
pub(super) fn sample(input: &Image, x: i64, y: i64, channel: usize, border: Border) -> u8 {
    let (width, height) = (input.size().width() as i64, input.size().height() as i64);
    let inside = |at, length| (0..length).contains(&at);
    if border == Border::Constant && !(inside(x, width) && inside(y, height)) {
        return 0;
    }
    let row = outside(border, y, height) as usize;
    let column = outside(border, x, width) as usize;
    input.row(row)[column * input.format().channels() + channel]
}

/// The border found step by step.
fn outside(border: Border, mut at: i64, length: i64) -> i64 {
    while !(0..length).contains(&at) {
        at = match border {
            Border::Replicate | Border::Constant => at.clamp(0, length - 1),
            Border::Reflect101 if length == 1 => 0,
            Border::Reflect101 if at < 0 => -at,
            Border::Reflect101 => 2 * length - 2 - at,
            Border::Wrap if at < 0 => at + length,
            Border::Wrap => at - length,
            Border::Reflect if at < 0 => -1 - at,
            Border::Reflect => 2 * length - 1 - at,
        };
    }
    at
}

/// What `work` makes of each sample: position and channel.
pub(super) fn each_sample(input: &Image, work: impl Fn(i64, i64, usize) -> u8) -> Vec<u8> {
    let mut result = Vec::new();
    for y in 0..input.size().height() as i64 {
        for x in 0..input.size().width() as i64 {
            (0..input.format().channels()).for_each(|channel| result.push(work(x, y, channel)));
        }
    }
    result
}

pub(super) fn any_border() -> impl Strategy<Value = Border> {
    proptest::sample::select(border::NAMES.to_vec()).prop_map(Border::of)
}

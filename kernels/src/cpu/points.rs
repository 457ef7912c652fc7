//! Pointwise steps that run together: a few pixels at a time go through all of them while they are
//! in the first-level cache.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::Table;
use super::table::Prepared;
use crate::simd::Level;
use crate::{PixelFormat, Pointwise};

/// The largest number of links in a stream; longer chains are cut into several streams.
pub(super) const MAX_LINKS: usize = 16;

/// Pixels that go through the steps at a time: with what is read and written, half of a first-level
/// cache of 48 KiB. A multiple of the widest vectors.
const PIXELS: usize = 2048;

/// Channels of the widest layout.
const CHANNELS: usize = 4;

/// For fewer pixels than this, preparing shorter tables takes longer than they save.
const SHORTEN: usize = 1 << 16;

/// Bytes of the buffer between two steps. Two buffers must not be a multiple of 4 KiB apart: a load
/// from one then seems to depend on a store to the other, and waits (3 % of a chain).
const BLOCK: usize = PIXELS * CHANNELS + 128;

/// The pointwise steps of a stream, in order; neighbouring tables are merged.
#[derive(Default)]
pub(super) struct Points<'a>(ArrayVec<Point<'a>, MAX_LINKS>);

pub(super) struct Point<'a> {
    work: Work<'a>,
    from: PixelFormat,
    to: PixelFormat,
}

#[allow(clippy::large_enum_variant, reason = "a few, on the stack, for one frame")]
enum Work<'a> {
    Table(Prepared<'a>),
    Pixels(&'a dyn Pointwise),
}

impl<'a> Points<'a> {
    /// Adds a step. If it is `joined` to the one before and both are tables, they are merged.
    pub(super) fn push(
        &mut self,
        pointwise: &'a dyn Pointwise,
        (from, to): (PixelFormat, PixelFormat),
        joined: bool,
    ) {
        let work = match pointwise.table() {
            Some(table) => {
                if let Some(Point { work: Work::Table(before), .. }) = self.0.last_mut()
                    && joined
                {
                    before.join(table);
                    return;
                }
                Work::Table(Prepared::new(table))
            }
            None => Work::Pixels(pointwise),
        };
        self.0.push(Point { work, from, to });
    }

    /// Prepares the steps in `range`, which run together, for an image of that many pixels.
    pub(super) fn prepare(&mut self, range: Range<usize>, pixels: usize) {
        if range.len() == 1 || pixels < SHORTEN {
            return;
        }
        for point in self.0.get_mut(range).unwrap_or_default() {
            if let Work::Table(table) = &mut point.work {
                table.shorten(point.from);
            }
        }
    }

    pub(super) fn all(&self) -> &[Point<'a>] {
        &self.0
    }
}

impl Point<'_> {
    /// The table of this step, if it is nothing else.
    pub(super) fn table(&self) -> Option<&Table> {
        match &self.work {
            Work::Table(table) => Some(table.table()),
            Work::Pixels(_) => None,
        }
    }

    fn run(&self, level: Level, from: &[u8], to: &mut [u8], soon: [&[u8]; 2]) {
        match &self.work {
            Work::Table(table) => table.pixels(level, self.from, from, to),
            Work::Pixels(pointwise) => pointwise.pixels_asking(level, self.from, from, to, soon),
        }
    }
}

/// The bytes of scratch memory that [`run`] needs between these steps.
pub(super) fn scratch(points: &[Point<'_>]) -> usize {
    if points.len() > 1 { 2 * BLOCK } else { 0 }
}

/// Takes some pixels through all steps.
pub(super) fn run(
    points: &[Point<'_>],
    level: Level,
    scratch: &mut [u8],
    from: &[u8],
    to: &mut [u8],
) {
    let [first, between @ .., last] = points else {
        return points.iter().for_each(|only| only.run(level, from, to, [&[]; 2]));
    };
    let (one, other) = scratch.split_at_mut_checked(BLOCK).unwrap_or_default();
    let mut sources = from.chunks(PIXELS * first.from.channels()).peekable();
    for to in to.chunks_mut(PIXELS * last.to.channels()) {
        let Some(from) = sources.next() else { return };
        let source = sources.peek().copied().unwrap_or_default();
        let pixels = from.len() / first.from.channels();
        let (mut here, mut next) = (&mut *one, &mut *other);
        first.run(level, from, part(here, pixels, first), [source, to]);
        for point in between {
            let from = here.get(..pixels * point.from.channels()).unwrap_or_default();
            point.run(level, from, part(next, pixels, point), [source, to]);
            std::mem::swap(&mut here, &mut next);
        }
        let from = here.get(..pixels * last.from.channels()).unwrap_or_default();
        last.run(level, from, to, [source, &[]]);
    }
}

/// The part of a buffer for that many pixels in the layout that a step makes.
fn part<'a>(block: &'a mut [u8], pixels: usize, point: &Point<'_>) -> &'a mut [u8] {
    block.get_mut(..pixels * point.to.channels()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_images::filled;

    /// Keeps the first channel, or repeats it.
    #[derive(Debug)]
    struct First(usize, usize);

    impl Pointwise for First {
        fn pixels(&self, _: Level, _: PixelFormat, from: &[u8], to: &mut [u8]) {
            assert_eq!(from.len() / self.0, to.len() / self.1);
            for (from, to) in from.chunks(self.0).zip(to.chunks_mut(self.1)) {
                to.fill(from[0]);
            }
        }
    }

    #[derive(Debug)]
    struct Look(Table);

    impl Pointwise for Look {
        fn table(&self) -> Option<&Table> {
            Some(&self.0)
        }

        fn pixels(&self, _: Level, _: PixelFormat, _: &[u8], _: &mut [u8]) {
            panic!("it has a table");
        }
    }

    #[test]
    fn all_pixels_go_through_all_steps_whatever_their_layouts() {
        let [add, double] = [1, 2].map(|by| {
            Look(Table::new(move |value| if by == 1 { value.wrapping_add(1) } else { value << 1 }))
        });
        let (narrow, widen) = (First(3, 1), First(1, 4));
        let mut points = Points::default();
        let (grey, rgb, rgba) = (PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Rgba8);
        points.push(&add, (rgb, rgb), false);
        points.push(&double, (rgb, rgb), true);
        points.push(&narrow, (rgb, grey), true);
        points.push(&add, (grey, grey), true);
        points.push(&widen, (grey, rgba), true);
        // Both tables in front are one.
        assert_eq!(points.all().len(), 4);
        for pixels in [1, 7, PIXELS, PIXELS + 1, 3 * PIXELS + 5] {
            let image = filled(rgb, u32::try_from(pixels).unwrap(), 1, 41);
            let from = image.row(0);
            let mut to = vec![0; pixels * 4];
            let mut between = vec![0; scratch(points.all())];
            run(points.all(), Level::best(), &mut between, from, &mut to);
            for (from, to) in from.chunks(3).zip(to.chunks(4)) {
                assert_eq!(to, [(from[0].wrapping_add(1) << 1).wrapping_add(1); 4]);
            }
        }
    }
}

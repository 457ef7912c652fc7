//! Streams: steps that run together, band by band, so that what lies between them stays in the
//! cache.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrayvec::ArrayVec;

use super::points::{self, MAX_LINKS, Point, Points};
use super::{Cpu, Cut, Window};
use crate::backend::StepTimes;
use crate::chain::Step;
use crate::clock::Stopwatch;
use crate::{CpuWork, CutRows, Image, ImageError, PooledBuffer, Reach, Rows, Shape};

/// Bytes between two steps that a band may have: with what is read and written around them, they
/// stay in a second-level cache.
const BAND_BYTES: usize = 192 << 10;

/// Bytes that pointwise steps make between two looks at the interrupt.
const POINTS_BYTES: usize = 256 << 10;

/// One pass over the rows of a band.
struct Link<'a> {
    kind: Kind<'a>,
    input: Shape,
    output: Shape,
    /// Rows above and below that the pass needs.
    reach: usize,
    /// The steps of the chain that the pass does.
    steps: ArrayVec<usize, MAX_LINKS>,
    nanoseconds: AtomicU64,
}

enum Kind<'a> {
    /// The pointwise steps in that range.
    Points(Range<usize>),
    Rows(&'a dyn Rows),
    /// Rows whose samples only have to be compared with a threshold.
    Cut(&'a dyn CutRows, Cut),
}

/// The number of steps at the start of the list that run together, at least one.
pub(super) fn length(steps: &[Step<'_>]) -> usize {
    let near = |step: &Step<'_>| match step.work() {
        CpuWork::Nothing | CpuWork::Pointwise(_) => true,
        CpuWork::Rows(rows) => matches!(rows.reach(), Reach::Near(_)),
        CpuWork::Whole(_) | CpuWork::Tensor(_) => false,
    };
    // One that reaches anywhere can still be followed by others: not yet worth its complexity.
    steps.iter().take(MAX_LINKS).take_while(|step| near(step)).count().max(1)
}

/// Runs steps together, as many as [`length`] allows.
pub(super) fn run(
    cpu: &Cpu,
    steps: &[Step<'_>],
    input: &Image,
    times: &mut StepTimes,
) -> Result<Image, ImageError> {
    let mut points = Points::default();
    let mut links = ArrayVec::new();
    link(steps, &mut links, &mut points);
    for Link { kind, output, .. } in &links {
        if let Kind::Points(range) = kind {
            points.prepare(range.clone(), output.size.pixels());
        }
    }
    let points = points.all();
    let Some(last) = links.last() else { return Ok(input.clone()) };
    let (output, row_bytes) = (last.output, last.output.row_bytes());
    let mut buffer = cpu.take(output.bytes());
    let watch = Stopwatch::start();
    let window = Window::all(input);
    let work =
        |rows: Range<usize>, band: &mut [u8]| render(cpu, (&links, points), &window, rows, band);
    let rows = band_rows(cpu, &links).unwrap_or_else(|| cpu.fair_band(output.bytes(), row_bytes));
    cpu.bands_of(&mut buffer, row_bytes, rows, work);
    share(&links, watch.elapsed(), times);
    Image::packed(output.size, output.format, buffer)
}

/// Turns steps into links; neighbouring pointwise steps become one link.
fn link<'a>(
    steps: &[Step<'a>],
    links: &mut ArrayVec<Link<'a>, MAX_LINKS>,
    points: &mut Points<'a>,
) {
    for step in steps {
        let (kind, reach) = match step.work() {
            CpuWork::Pointwise(pointwise) => {
                let formats = (step.input.format, step.output.format);
                if let Some(Link { kind: Kind::Points(range), steps, output, .. }) =
                    links.last_mut()
                {
                    points.push(pointwise, formats, true);
                    *range = range.start..points.all().len();
                    *output = step.output;
                    steps.push(step.index);
                    continue;
                }
                let first = points.all().len();
                points.push(pointwise, formats, false);
                (Kind::Points(first..first + 1), 0)
            }
            CpuWork::Rows(rows) => match rows.reach() {
                Reach::Near(reach) => (Kind::Rows(rows), reach),
                Reach::Anywhere => (Kind::Rows(rows), 0),
            },
            CpuWork::Nothing | CpuWork::Whole(_) | CpuWork::Tensor(_) => continue,
        };
        links.push(Link {
            kind,
            input: step.input,
            output: step.output,
            reach,
            steps: [step.index].into_iter().collect(),
            nanoseconds: AtomicU64::new(0),
        });
    }
    cut(links, points.all());
}

/// Merges rows with a threshold after them where that saves work: to know whether a sample is above
/// a value, some rows need not be computed in full.
fn cut(links: &mut ArrayVec<Link<'_>, MAX_LINKS>, points: &[Point<'_>]) {
    for at in (1..links.len()).rev() {
        let Some([Link { kind: Kind::Rows(rows), steps, .. }, Link { kind, steps: more, .. }]) =
            links.get_mut(at - 1..=at)
        else {
            continue;
        };
        let Kind::Points(range) = kind else { continue };
        let Some([only]) = points.get(range.clone()) else { continue };
        let Some((rows, cut)) = rows.cuts().zip(only.table().and_then(Cut::of)) else { continue };
        let kind = Kind::Cut(rows, cut);
        steps.extend(more.iter().copied());
        links.remove(at);
        if let Some(link) = links.get_mut(at - 1) {
            link.kind = kind;
        }
    }
}

/// The number of rows of the result to make at a time; `None` if it does not matter.
fn band_rows(cpu: &Cpu, links: &[Link<'_>]) -> Option<usize> {
    let between = links.split_last().map(|(_, before)| before).unwrap_or_default();
    let widest = between.iter().map(|link| link.output.row_bytes()).max()?;
    // Rows near the seam of two bands are computed for both.
    let seam: usize = links.iter().map(|link| link.reach).sum();
    let output = links.last()?.output;
    let fair = output.size.height().div_ceil(cpu.band_count(output.bytes()));
    Some((BAND_BYTES / widest.max(1)).max(8 * seam).min(fair).max(1))
}

/// The bytes of memory that steps take which run together, beside their input and their result.
pub(super) fn scratch(steps: &[Step<'_>], threads: usize) -> usize {
    let each = || steps.iter().map(|step| step.operation.scratch(step.input, step.output));
    let once: usize = each().map(|scratch| scratch.once).sum();
    let thread = each().map(|scratch| scratch.thread).max().unwrap_or(0);
    let between = steps.split_last().map(|(_, before)| before).unwrap_or_default();
    let widest = between.iter().map(|step| step.output.row_bytes()).max().unwrap_or(0);
    let reach = |step: &Step<'_>| match step.work() {
        CpuWork::Rows(rows) => match rows.reach() {
            Reach::Near(reach) => reach,
            Reach::Anywhere => 0,
        },
        _ => 0,
    };
    let seam: usize = steps.iter().map(reach).sum();
    let height = steps.first().map_or(0, |first| first.output.size.height());
    let fair = if threads > 1 { height.div_ceil(2 * threads) } else { height };
    let band = (BAND_BYTES / widest.max(1)).max(8 * seam).min(fair).max(1);
    // A link reads one buffer, and writes another.
    let buffers = 2 * widest * (band + 2 * seam).min(height);
    once + threads * (thread + buffers)
}

/// Makes rows `rows` of the result of the last link.
fn render(
    cpu: &Cpu,
    (links, points): (&[Link<'_>], &[Point<'_>]),
    input: &Window<'_>,
    rows: Range<usize>,
    band: &mut [u8],
) {
    let timed = links.len() > 1;
    let Some((last, before)) = links.split_last() else { return };
    let mut between: Option<(PooledBuffer, Shape, Range<usize>)> = None;
    for (at, link) in before.iter().enumerate() {
        let needed = links.iter().skip(at + 1).fold(rows.clone(), |rows, later| {
            let height = later.input.size.height();
            rows.start.saturating_sub(later.reach)..(rows.end + later.reach).min(height)
        });
        if cpu.is_interrupted() {
            return;
        }
        let mut buffer = cpu.take(link.output.row_bytes() * needed.len());
        link.run((cpu, points), &window_on(&between, input), needed.clone(), &mut buffer, timed);
        between = Some((buffer, link.output, needed));
    }
    last.run((cpu, points), &window_on(&between, input), rows, band, timed);
}

fn window_on<'a>(
    between: &'a Option<(PooledBuffer, Shape, Range<usize>)>,
    input: &Window<'a>,
) -> Window<'a> {
    match between {
        Some((buffer, shape, rows)) => Window::part(*shape, rows.clone(), buffer),
        None => input.clone(),
    }
}

impl Link<'_> {
    fn run(
        &self,
        (cpu, points): (&Cpu, &[Point<'_>]),
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
        timed: bool,
    ) {
        // The time of a single link is that of the whole.
        let watch = timed.then(Stopwatch::start);
        match &self.kind {
            Kind::Rows(work) => work.render(cpu, input, rows, output),
            Kind::Cut(work, cut) => work.render_cut(cpu, input, rows, output, *cut),
            Kind::Points(range) => {
                let points = points.get(range.clone()).unwrap_or_default();
                let mut scratch = cpu.take(points::scratch(points));
                let mut work = |from: &[u8], to: &mut [u8]| {
                    points::run(points, cpu.level(), &mut scratch, from, to);
                };
                let row_bytes = self.output.row_bytes();
                // As many rows as it takes to look at the interrupt now and then.
                let some = match cpu.can_be_interrupted() {
                    true => (POINTS_BYTES / row_bytes).max(1),
                    false => rows.len().max(1),
                };
                for (first, output) in
                    rows.clone().step_by(some).zip(output.chunks_mut(some * row_bytes))
                {
                    if cpu.is_interrupted() {
                        break;
                    }
                    let rows = first..rows.end.min(first + some);
                    match input.packed(rows.clone()) {
                        Some(all) => work(all, output),
                        None => (rows.zip(output.chunks_exact_mut(row_bytes)))
                            .for_each(|(y, to)| work(input.row(y), to)),
                    }
                }
            }
        }
        if let Some(watch) = watch {
            let took = u64::try_from(watch.elapsed().as_nanos()).unwrap_or(0);
            self.nanoseconds.fetch_add(took, Ordering::Relaxed);
        }
    }
}

/// Distributes the time of the whole stream over its steps, in proportion to the time that each
/// link took.
fn share(links: &[Link<'_>], whole: Duration, times: &mut StepTimes) {
    let all: u64 = links.iter().map(|link| link.nanoseconds.load(Ordering::Relaxed)).sum();
    for link in links {
        let own = link.nanoseconds.load(Ordering::Relaxed);
        let part = if all == 0 { 1.0 / links.len() as f64 } else { own as f64 / all as f64 };
        let each = whole.mul_f64(part / link.steps.len() as f64);
        link.steps.iter().for_each(|step| charge(times, *step, each));
    }
}

/// Adds to the time of a step of the chain.
pub(super) fn charge(times: &mut StepTimes, index: usize, took: Duration) {
    if let Some(time) = times.get_mut(index) {
        *time += took;
    }
}

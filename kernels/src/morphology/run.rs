//! The steps of an operation on the CPU: together, some rows at a time, or one after the other.

use std::ops::Range;

use super::band::Band;
use super::element::{Element, Shape};
use super::lines::GROUP;
use super::pass::Pass;
use super::{Extreme, Kind, Morphology, lines};
use crate::{Cpu, Image, PooledBuffer, Reach, Rows, Whole, Window, WorkError};

/// Bytes of what lies between two steps, most of which stays in a first-level cache: an opening
/// of 640x480 grey takes 43 µs, with twice as many 53 µs.
const CHUNK_BYTES: usize = 32 << 10;

impl Morphology {
    /// Whether the result is always the input.
    pub(super) fn changes_nothing(&self) -> bool {
        let difference = matches!(self.kind, Kind::Gradient | Kind::TopHat | Kind::BlackHat);
        self.element.radius == 0 && !difference
    }

    /// Whether rows can be made a few at a time.
    pub(super) fn streams(&self) -> bool {
        let once = self.iterations == 1 || self.element.shape == Shape::Rect;
        once && (self.kind.steps().len() == 1 || !self.outside.wraps())
    }

    /// A step. Rectangles need no repetition: a larger one does the same.
    pub(super) fn pass(&self, extreme: Extreme) -> Pass {
        let element = match self.element.shape {
            Shape::Rect => {
                Element { radius: self.element.radius * self.iterations, ..self.element }
            }
            _ => self.element,
        };
        Pass::new(extreme, element, self.outside)
    }

    /// Both steps, one after the other, with the rows between them, and the difference.
    fn both(
        &self,
        cpu: &Cpu,
        steps: [Extreme; 2],
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
    ) {
        let (shape, row_bytes) = (input.shape(), input.shape().row_bytes());
        let (passes, height) = (steps.map(|step| self.pass(step)), input.height());
        let radius = passes[1].element.radius;
        let [mut first, mut second] = passes.map(|pass| Band::new(cpu, pass, shape));
        let chunk = (CHUNK_BYTES / row_bytes).max(4 * radius).max(1).next_multiple_of(GROUP);
        let chunk = chunk.min(rows.len().max(1));
        let mut between = cpu.take((chunk + 2 * radius) * row_bytes);
        let mut have: Range<usize> = 0..0;
        let mut start = rows.start;
        for output in cpu.watched(output.chunks_mut(chunk * row_bytes), chunk * row_bytes) {
            let now = start..start + output.len() / row_bytes;
            let needed = now.start.saturating_sub(radius)..(now.end + radius).min(height);
            // Rows near the seam of two chunks are there already.
            let kept = have.end.saturating_sub(needed.start);
            let old = (have.len() - kept.min(have.len())) * row_bytes;
            between.copy_within(old..old + kept * row_bytes, 0);
            let new = needed.start + kept..needed.end;
            let to = kept * row_bytes..needed.len() * row_bytes;
            first.render(cpu, input, new, between.get_mut(to).unwrap_or_default(), |_, _| {});
            let ready = between.get(..needed.len() * row_bytes).unwrap_or_default();
            let window = Window::part(shape, needed.clone(), ready);
            second.render(cpu, &window, now.clone(), output, |rows, output| {
                self.difference(cpu, input, rows, output);
            });
            (have, start) = (needed, now.end);
        }
    }

    /// Makes the difference that some operations are, of the rows that the steps made.
    fn difference(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        let lines = output.chunks_exact_mut(input.shape().row_bytes());
        for (y, line) in rows.zip(lines) {
            match self.kind {
                Kind::TopHat => lines::subtract_from(cpu.level(), input.row(y), line),
                Kind::BlackHat => lines::subtract(cpu.level(), input.row(y), line),
                _ => {}
            }
        }
    }

    /// Both extremes of the same rows, and their difference.
    fn gradient(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        let bands = [Extreme::Erode, Extreme::Dilate].map(|extreme| self.pass(extreme));
        let [mut least, mut most] = bands.map(|pass| Band::new(cpu, pass, input.shape()));
        let mut memory = cpu.take(least.group_rows() * input.shape().row_bytes());
        most.render(cpu, input, rows, output, |rows, output| {
            let dark = memory.get_mut(..output.len()).unwrap_or_default();
            least.render(cpu, input, rows, dark, |_, _| {});
            lines::subtract(cpu.level(), dark, output);
        });
    }

    /// The whole image, after each of those steps was repeated.
    fn repeated(&self, cpu: &Cpu, steps: &[Extreme], input: &Window<'_>) -> PooledBuffer {
        let (shape, row_bytes) = (input.shape(), input.shape().row_bytes());
        let times = match self.element.shape {
            Shape::Rect => 1,
            _ => self.iterations,
        };
        let all = steps.iter().flat_map(|step| std::iter::repeat_n(*step, times));
        let mut result: Option<PooledBuffer> = None;
        let mut spare: Option<PooledBuffer> = None;
        for extreme in all {
            if cpu.is_interrupted() {
                break;
            }
            let pass = self.pass(extreme);
            let mut next = spare.take().unwrap_or_else(|| cpu.take(shape.bytes()));
            let window = match &result {
                Some(before) => Window::part(shape, 0..shape.size.height(), before),
                None => input.clone(),
            };
            cpu.bands(&mut next, row_bytes, |rows, band| {
                Band::new(cpu, pass, shape).render(cpu, &window, rows, band, |_, _| {});
            });
            spare = result.replace(next);
        }
        result.unwrap_or_else(|| cpu.take(0))
    }
}

impl Rows for Morphology {
    fn reach(&self) -> Reach {
        if self.outside.wraps() {
            return Reach::Anywhere;
        }
        let radius = self.pass(Extreme::Erode).element.radius;
        Reach::Near(radius * self.kind.steps().len())
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        match (self.kind, self.kind.steps()) {
            (Kind::Gradient, _) => self.gradient(cpu, input, rows, output),
            (_, [first, second]) => {
                self.both(cpu, [*first, *second], input, rows, output);
            }
            (_, steps) => {
                for step in steps {
                    let mut band = Band::new(cpu, self.pass(*step), input.shape());
                    band.render(cpu, input, rows.clone(), output, |_, _| {});
                }
            }
        }
    }
}

impl Whole for Morphology {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        let window = Window::all(input);
        let (shape, row_bytes) = (input.shape(), input.row_bytes());
        let mut result = self.repeated(cpu, self.kind.steps(), &window);
        cpu.go_on()?;
        if self.kind == Kind::Gradient {
            let least = self.repeated(cpu, &[Extreme::Erode], &window);
            cpu.go_on()?;
            let least = Window::part(shape, 0..shape.size.height(), &least);
            cpu.bands(&mut result, row_bytes, |rows, band| {
                let least = least.packed(rows).unwrap_or_default();
                lines::subtract(cpu.level(), least, band);
            });
        } else if matches!(self.kind, Kind::TopHat | Kind::BlackHat) {
            cpu.bands(&mut result, row_bytes, |rows, band| {
                self.difference(cpu, &window, rows, band);
            });
        }
        Ok(Image::packed(shape.size, shape.format, result)?)
    }
}

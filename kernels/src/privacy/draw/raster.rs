//! Turns shapes into rows of pixels, once for images of any size.

use super::language::{Figure, Statement};
use super::pen::{MOST_SPANS, Pen, Runs};
use super::text;
use crate::ParameterError;

/// Some pixels of a row, in one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) y: i64,
    pub(super) x: i64,
    pub(super) len: usize,
    pub(super) color: [u8; 4],
    /// The position in [`Drawing::coverage`] of the coverage of each pixel; `None` if all are
    /// covered completely.
    pub(super) coverage: Option<usize>,
}

/// All spans of a drawing.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    /// Spans from top to bottom; within a row, in drawing order.
    spans: Vec<Span>,
    /// The coverage of pixels, in 1/255.
    coverage: Vec<u8>,
}

impl Drawing {
    pub(super) fn of(statements: &[Statement]) -> Result<Self, ParameterError> {
        let mut drawing = Self::default();
        for statement in statements {
            drawing.add(statement)?;
        }
        drawing.spans.sort_by_key(|span| span.y);
        Ok(drawing)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The spans of row `y`.
    pub(super) fn row(&self, y: usize) -> &[Span] {
        let y = i64::try_from(y).unwrap_or(i64::MAX);
        let start = self.spans.partition_point(|span| span.y < y);
        let spans = self.spans.get(start..).unwrap_or_default();
        spans.get(..spans.partition_point(|span| span.y == y)).unwrap_or_default()
    }

    /// The pixels of an image of that size that are painted, each as often as it is.
    pub(super) fn painted(&self, size: crate::Size) -> usize {
        let inside = self
            .spans
            .iter()
            .filter(|span| usize::try_from(span.y).is_ok_and(|y| y < size.height()));
        inside.map(|span| span.len.min(size.width())).sum()
    }

    pub(super) fn coverage(&self) -> &[u8] {
        &self.coverage
    }

    fn add(&mut self, statement: &Statement) -> Result<(), ParameterError> {
        let mut pen = Pen::new(statement.number, MOST_SPANS.saturating_sub(self.spans.len()));
        match &statement.shape {
            Figure::Fill { corner, size } => pen.rectangle(ends(*corner, *size))?,
            Figure::Box { corner, size, thickness } => {
                pen.frame(ends(*corner, *size), *thickness)?;
            }
            Figure::Lines { points, closed, thickness } => {
                let pairs =
                    points.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
                let back = points.last().copied().zip(points.first().copied());
                for (from, to) in pairs.chain(back.filter(|_| *closed)) {
                    pen.line(from, to, *thickness)?;
                }
            }
            Figure::Dot { centre, radius } => pen.circle(*centre, *radius, true)?,
            Figure::Circle { centre, radius, thickness: 1 } => {
                pen.circle(*centre, *radius, false)?;
            }
            Figure::Circle { centre, radius, thickness } => {
                pen.ring(*centre, *radius, *thickness)?;
            }
            Figure::Label { at, text, size, background } => {
                let label = text::label(statement.number, *at, text, *size, self.coverage.len())?;
                if let Some(color) = background {
                    pen.rectangle(label.area)?;
                    self.take(pen.done(), *color);
                }
                self.coverage.extend_from_slice(&label.coverage);
                self.spans.extend(label.spans(statement.color));
                return Ok(());
            }
        }
        self.take(pen.done(), statement.color);
        Ok(())
    }

    /// Runs become spans; each pixel once, also where lines of a shape cross.
    fn take(&mut self, mut runs: Runs, color: [u8; 4]) {
        runs.sort_by_key(|(y, columns)| (*y, columns.start));
        let mut merged = Runs::with_capacity(runs.len());
        for (y, columns) in runs {
            match merged.last_mut() {
                Some((last, before)) if *last == y && columns.start <= before.end => {
                    before.end = before.end.max(columns.end);
                }
                _ => merged.push((y, columns)),
            }
        }
        self.spans.extend(merged.into_iter().map(|(y, columns)| {
            let len = usize::try_from(columns.end - columns.start).unwrap_or(0);
            Span { y, x: columns.start, len, color, coverage: None }
        }));
    }
}

/// The first and the last column and row.
fn ends((x, y): (i64, i64), (width, height): (i64, i64)) -> [i64; 4] {
    [x, y, x + width - 1, y + height - 1]
}

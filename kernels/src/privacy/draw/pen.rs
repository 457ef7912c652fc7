//! Turns lines, rectangles and circles into runs of pixels.

use std::ops::Range;

use super::language::wrong;
use crate::ParameterError;

/// The most rows of pixels of all shapes: what a request may take of memory and time.
pub(super) const MOST_SPANS: usize = 1 << 20;

/// Rows, and columns of them.
pub(super) type Runs = Vec<(i64, Range<i64>)>;

/// Collects runs of pixels of one shape.
pub(super) struct Pen {
    /// The number of the statement, for errors.
    number: usize,
    runs: Runs,
    /// The most that there may be.
    most: usize,
}

impl Pen {
    pub(super) fn new(number: usize, most: usize) -> Self {
        Self { number, runs: Runs::new(), most }
    }

    /// The runs in any order; some may overlap.
    pub(super) fn done(self) -> Runs {
        self.runs
    }

    /// Draws pixels `from..=to` of row `y`.
    fn run(&mut self, y: i64, from: i64, to: i64) -> Result<(), ParameterError> {
        if from > to {
            return Ok(());
        }
        if self.runs.len() >= self.most {
            let what = format!("together the shapes have more than {MOST_SPANS} rows of pixels");
            return Err(wrong(self.number, &what));
        }
        self.runs.push((y, from..to + 1));
        Ok(())
    }

    pub(super) fn rectangle(
        &mut self,
        [left, top, right, bottom]: [i64; 4],
    ) -> Result<(), ParameterError> {
        (top..=bottom).try_for_each(|y| self.run(y, left, right))
    }

    /// The outline of a rectangle; of an even thickness more is outside at the left and top, and
    /// inside at the right and bottom.
    pub(super) fn frame(&mut self, ends: [i64; 4], thickness: i64) -> Result<(), ParameterError> {
        let [left, top, right, bottom] = ends;
        let (less, more) = (thickness / 2, (thickness - 1) / 2);
        for y in top - less..=bottom + more {
            if y <= top + more || y >= bottom - less {
                self.run(y, left - less, right + more)?;
            } else {
                self.run(y, left - less, left + more)?;
                self.run(y, right - less, right + more)?;
            }
        }
        Ok(())
    }

    pub(super) fn line(
        &mut self,
        from: (i64, i64),
        to: (i64, i64),
        thickness: i64,
    ) -> Result<(), ParameterError> {
        match thickness {
            1 => self.thin(from, to),
            _ => self.thick(from, to, thickness),
        }
    }

    /// Bresenham's line, eight neighbours, always from left to right.
    fn thin(&mut self, from: (i64, i64), to: (i64, i64)) -> Result<(), ParameterError> {
        let ((mut x, mut y), (end_x, end_y)) = if from.0 <= to.0 { (from, to) } else { (to, from) };
        let (across, down) = (end_x - x, (end_y - y).abs());
        let step = if end_y < y { -1 } else { 1 };
        let steep = down > across;
        let (long, short) = if steep { (down, across) } else { (across, down) };
        let mut error = long - 2 * short;
        let mut start = x;
        for at in 0..=long {
            let aside = error < 0;
            error += if aside { 2 * long - 2 * short } else { -2 * short };
            if steep || aside || at == long {
                self.run(y, start, x)?;
            }
            if steep {
                y += step;
                x += i64::from(aside);
                start = x;
            } else {
                x += 1;
                if aside {
                    y += step;
                    start = x;
                }
            }
        }
        Ok(())
    }

    /// All pixels nearer to the line than half the thickness. A line of even thickness goes
    /// between pixels: it is half a pixel further left and up.
    fn thick(
        &mut self,
        from: (i64, i64),
        to: (i64, i64),
        thickness: i64,
    ) -> Result<(), ParameterError> {
        /// A pixel whose centre is on the edge is not covered, however that is rounded.
        const EDGE: f64 = 1e-7;
        let shift = if thickness % 2 == 0 { 0.5 } else { 0.0 };
        let place = |(x, y): (i64, i64)| (x as f64 - shift, y as f64 - shift);
        let (a, b) = (place(from), place(to));
        let half = thickness as f64 / 2.0;
        let (across, down) = (b.0 - a.0, b.1 - a.1);
        let length = (across * across + down * down).sqrt();
        // At a right angle to the line, half the thickness long.
        let normal = match length {
            0.0 => (0.0, 0.0),
            _ => (-down / length * half, across / length * half),
        };
        let corners = [
            (a.0 + normal.0, a.1 + normal.1),
            (b.0 + normal.0, b.1 + normal.1),
            (b.0 - normal.0, b.1 - normal.1),
            (a.0 - normal.0, a.1 - normal.1),
        ];
        let sides = corners.iter().zip(corners.iter().cycle().skip(1));
        let top = (a.1.min(b.1) - half).ceil() as i64;
        let bottom = (a.1.max(b.1) + half).floor() as i64;
        for y in top..=bottom {
            let line = y as f64;
            let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
            let mut reach = |from: f64, to: f64| {
                left = left.min(from);
                right = right.max(to);
            };
            for end in [a, b] {
                let aside = half * half - (line - end.1) * (line - end.1);
                if aside > 0.0 {
                    reach(end.0 - aside.sqrt(), end.0 + aside.sqrt());
                }
            }
            for (one, other) in sides.clone() {
                let part = (line - one.1) / (other.1 - one.1);
                if one.1 != other.1 && (0.0..=1.0).contains(&part) {
                    let x = one.0 + part * (other.0 - one.0);
                    reach(x, x);
                }
            }
            if left < right {
                self.run(y, (left + EDGE).ceil() as i64, (right - EDGE).floor() as i64)?;
            }
        }
        Ok(())
    }

    /// OpenCV's circle of one pixel, or its disc: eight arcs at a time.
    pub(super) fn circle(
        &mut self,
        (x, y): (i64, i64),
        radius: i64,
        filled: bool,
    ) -> Result<(), ParameterError> {
        let (mut error, mut far, mut near) = (0, radius, 0);
        let (mut plus, mut minus) = (1, 2 * radius - 1);
        while far >= near {
            for (across, down) in [(far, near), (near, far)] {
                for y in [y - down, y + down] {
                    if filled {
                        self.run(y, x - across, x + across)?;
                    } else {
                        self.run(y, x - across, x - across)?;
                        self.run(y, x + across, x + across)?;
                    }
                }
            }
            near += 1;
            error += plus;
            plus += 2;
            if error > 0 {
                error -= minus;
                far -= 1;
                minus -= 2;
            }
        }
        Ok(())
    }

    /// All pixels nearer to the circle than half the thickness.
    pub(super) fn ring(
        &mut self,
        (x, y): (i64, i64),
        radius: i64,
        thickness: i64,
    ) -> Result<(), ParameterError> {
        // In halves of a pixel, squared.
        let outer = (2 * radius + thickness) * (2 * radius + thickness);
        let hole = 2 * radius - thickness;
        let rows = radius + thickness / 2;
        for down in -rows..=rows {
            // The last column with 4 (across² + down²) < limit; -1 if there is none.
            let last = |limit: i64| match (limit - 1).div_euclid(4) - down * down {
                rest if rest < 0 => -1,
                rest => rest.isqrt(),
            };
            let far = last(outer);
            // What is as far as the inner edge is not in the ring either.
            let inner = if hole >= 0 { last(hole * hole + 1) } else { -1 };
            if far < 0 {
                continue;
            }
            if inner < 0 {
                self.run(y + down, x - far, x + far)?;
            } else {
                self.run(y + down, x - far, x - inner - 1)?;
                self.run(y + down, x + inner + 1, x + far)?;
            }
        }
        Ok(())
    }
}

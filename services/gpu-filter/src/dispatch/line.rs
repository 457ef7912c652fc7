//! Fits a straight line through measurements of time against bytes.

/// The factor by which each new measurement reduces the weight of the earlier ones. In effect,
/// about the last fifty count.
const FADE: f64 = 0.98;

/// A straight line through measurements, of which later ones count more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Line {
    count: u32,
    weight: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Line {
    pub(super) fn add(&mut self, x: f64, y: f64) {
        self.count = self.count.saturating_add(1);
        let fade = |sum: &mut f64, new: f64| *sum = *sum * FADE + new;
        fade(&mut self.weight, 1.0);
        fade(&mut self.x, x);
        fade(&mut self.y, y);
        fade(&mut self.xx, x * x);
        fade(&mut self.xy, x * y);
    }

    /// The number of measurements so far.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// The expected value at `x`; 0 if nothing was measured.
    pub(super) fn at(&self, x: f64) -> f64 {
        if self.weight == 0.0 {
            return 0.0;
        }
        let (mean_x, mean_y) = (self.x / self.weight, self.y / self.weight);
        let proportional = mean_y * x / mean_x.max(1.0);
        let spread = self.xx / self.weight - mean_x * mean_x;
        // All measurements are of the same size, so the fixed and the growing part cannot be told
        // apart.
        if spread < 1e-6 * mean_x * mean_x {
            return proportional;
        }
        let slope = (self.xy / self.weight - mean_x * mean_y) / spread;
        let start = mean_y - slope * mean_x;
        match (slope < 0.0, start < 0.0) {
            // This is noise, because no work gets cheaper with size or takes less than no time.
            (true, _) => mean_y,
            (_, true) => proportional,
            _ => start + slope * x,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(f64, f64)]) -> Line {
        let mut line = Line::default();
        points.iter().for_each(|(x, y)| line.add(*x, *y));
        line
    }

    #[track_caller]
    fn near(is: f64, must: f64) {
        assert!((is - must).abs() <= 1e-6 * must.abs().max(1.0), "{is}, not {must}");
    }

    #[test]
    fn it_finds_what_is_fixed_and_what_grows() {
        let line = line(&[(1000.0, 60.0), (5000.0, 100.0), (3000.0, 80.0)]);
        near(line.at(0.0), 50.0);
        near(line.at(10_000.0), 150.0);
        assert_eq!(line.count(), 3);
    }

    #[test]
    fn with_too_little_to_go_by_it_is_proportional() {
        near(Line::default().at(1000.0), 0.0);
        near(line(&[(1000.0, 10.0), (1000.0, 30.0)]).at(2000.0), 2.0 * (0.98 * 10.0 + 30.0) / 1.98);
        // The line would be negative somewhere.
        near(line(&[(1000.0, 1.0), (1000.0, 1.0), (2000.0, 9.0)]).at(0.0), 0.0);
    }

    #[test]
    fn time_does_not_fall_with_size() {
        let line = line(&[(1000.0, 10.0), (2000.0, 5.0)]);
        assert!(line.at(1e9) > 5.0);
    }

    #[test]
    fn later_measurements_count_more() {
        let mut line = line(&[(1000.0, 10.0); 500]);
        (0..200).for_each(|_| line.add(1000.0, 20.0));
        assert!(line.at(1000.0) > 19.5, "{}", line.at(1000.0));
    }
}

//! The kernel of a convolution, and the arithmetic that it is summed in.

/// The most numbers of a kernel.
pub(super) const MOST: usize = 225;

/// The greatest that each may be, up or down: sums of all, times 255, fit 32 bits.
pub(super) const GREATEST: f64 = 10_000.0;

/// A matrix with an odd number of columns and rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kernel {
    width: usize,
    height: usize,
    numbers: Vec<f64>,
}

/// The arithmetic of the sum. Sums of whole numbers are exact in every one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    /// Whole numbers, sums fit 16 bits.
    Narrow(Vec<Tap<i16>>),
    /// Whole numbers, sums fit 32 bits.
    Wide(Vec<Tap<i32>>),
    /// The product of a column and a row of whole numbers, whose sums down the columns fit 16
    /// bits; the sums of those may need 32 (`wide`).
    Separable { down: Vec<Tap<i16>>, across: Vec<Tap<i16>>, wide: bool },
    /// Numbers that are not whole.
    Float(Vec<Tap<f32>>),
}

impl Plan {
    /// How many numbers each sample is multiplied by.
    pub(super) fn taps(&self) -> usize {
        match self {
            Self::Narrow(taps) => taps.len(),
            Self::Wide(taps) => taps.len(),
            Self::Separable { down, across, .. } => down.len() + across.len(),
            Self::Float(taps) => taps.len(),
        }
    }
}

/// A number that is not 0, in that column and row of the kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tap<N> {
    pub(super) column: usize,
    pub(super) row: usize,
    pub(super) weight: N,
}

impl Kernel {
    /// A kernel with rows of `width` numbers, or a square one if `width` is 0; otherwise an error
    /// message.
    pub(super) fn new(numbers: &[f64], width: usize) -> Result<Self, String> {
        let count = numbers.len();
        let side = count.isqrt();
        if width == 0 && side * side != count {
            return Err(format!("{count} numbers do not make a square"));
        }
        let width = if width == 0 { side } else { width };
        let height = count / width.max(1);
        if width * height != count {
            return Err(format!("{count} numbers do not make rows of {width}"));
        }
        if width.is_multiple_of(2) || height.is_multiple_of(2) {
            return Err(format!(
                "a kernel has an odd number of columns and rows, not {width} x {height}"
            ));
        }
        Ok(Self { width, height, numbers: numbers.to_vec() })
    }

    /// The reach across and down, in pixels.
    pub(super) fn reach(&self) -> (usize, usize) {
        (self.width / 2, self.height / 2)
    }

    /// The numbers of columns and rows.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The numbers, row by row.
    pub(super) fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// The sum of all, in that order.
    pub(super) fn sum(&self) -> f64 {
        self.numbers.iter().sum()
    }

    /// Whether all numbers are whole.
    pub(super) fn is_whole(&self) -> bool {
        self.numbers.iter().all(|number| number.fract() == 0.0)
    }

    /// The number in the middle, if all others are zero.
    pub(super) fn middle_only(&self) -> Option<f64> {
        let middle = self.numbers.len() / 2;
        let around = self.numbers.iter().enumerate().filter(|(at, _)| *at != middle);
        let zeros = around.map(|(_, number)| *number).all(|number| number == 0.0);
        self.numbers.get(middle).copied().filter(|_| zeros)
    }

    /// The best way to sum up.
    pub(super) fn plan(&self) -> Plan {
        if !self.is_whole() {
            return Plan::Float(self.taps(|number| number as f32));
        }
        let greatest = |numbers: &[i32]| 255 * numbers.iter().map(|n| n.abs()).sum::<i32>();
        let whole: Vec<i32> = self.numbers.iter().map(|number| *number as i32).collect();
        let narrow = greatest(&whole) <= i32::from(i16::MAX);
        if let Some((down, across)) = self.factors(&whole)
            && greatest(&down) <= i32::from(i16::MAX)
        {
            let taps = |numbers: &[i32], tap: fn(usize, i16) -> Tap<i16>| -> Vec<_> {
                let taps = numbers.iter().enumerate().filter(|(_, number)| **number != 0);
                taps.map(|(at, number)| tap(at, *number as i16)).collect()
            };
            let down = taps(&down, |row, weight| Tap { column: 0, row, weight });
            let across = taps(&across, |column, weight| Tap { column, row: 0, weight });
            // Two passes cost a little more than their taps.
            if down.len() + across.len() < whole.iter().filter(|number| **number != 0).count() {
                return Plan::Separable { down, across, wide: !narrow };
            }
        }
        match narrow {
            true => Plan::Narrow(self.taps(|number| number as i16)),
            false => Plan::Wide(self.taps(|number| number as i32)),
        }
    }

    fn taps<N>(&self, number: impl Fn(f64) -> N) -> Vec<Tap<N>> {
        let all = self.numbers.iter().enumerate().filter(|(_, number)| **number != 0.0);
        all.map(|(at, weight)| Tap {
            column: at % self.width,
            row: at / self.width,
            weight: number(*weight),
        })
        .collect()
    }

    /// A column and a row of whole numbers whose product it is, if there are such; the column has
    /// no common factor.
    fn factors(&self, whole: &[i32]) -> Option<(Vec<i32>, Vec<i32>)> {
        let common = |all: &[i32]| {
            all.iter().fold(0, |common, number| greatest_common(common, number.abs())).max(1)
        };
        let first = whole.chunks(self.width).find(|row| row.iter().any(|number| *number != 0))?;
        let one = common(first);
        let across: Vec<i32> = first.iter().map(|number| number / one).collect();
        let at = across.iter().position(|number| *number != 0)?;
        let pivot = *across.get(at)?;
        let times = |row: &[i32]| {
            let times = row.get(at)? / pivot;
            let same = row.iter().zip(&across).all(|(number, one)| *number == one * times);
            same.then_some(times)
        };
        let down = whole.chunks(self.width).map(times).collect::<Option<Vec<i32>>>()?;
        let factor = common(&down);
        let down = down.iter().map(|number| number / factor).collect();
        let across = across.iter().map(|number| number * factor).collect();
        Some((down, across))
    }
}

fn greatest_common(a: i32, b: i32) -> i32 {
    if b == 0 { a } else { greatest_common(b, a % b) }
}

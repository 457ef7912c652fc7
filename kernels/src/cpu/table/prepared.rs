//! A table as a stream uses it: possibly several tables in one, possibly in a shorter form.

use std::borrow::Cow;

use super::Table;
#[cfg(target_arch = "x86_64")]
use super::quads::Quads;
use crate::PixelFormat;
use crate::simd::Level;

/// A table for one frame.
pub(in crate::cpu) struct Prepared<'a> {
    table: Cow<'a, Table>,
    #[cfg(target_arch = "x86_64")]
    quads: Option<Quads>,
}

impl<'a> Prepared<'a> {
    /// The table as it is.
    pub(in crate::cpu) fn new(table: &'a Table) -> Self {
        Self {
            table: Cow::Borrowed(table),
            #[cfg(target_arch = "x86_64")]
            quads: None,
        }
    }

    /// Applies `next` after this table.
    pub(in crate::cpu) fn join(&mut self, next: &Table) {
        self.table = Cow::Owned(self.table.then(next));
    }

    pub(in crate::cpu) fn table(&self) -> &Table {
        &self.table
    }

    /// Looks for a shorter form. That takes up to 1 µs; look-ups in the first-level cache then take
    /// a quarter to a half less time. Where memory is the limit, it makes no difference.
    #[cfg(target_arch = "x86_64")]
    pub(in crate::cpu) fn shorten(&mut self, format: PixelFormat) {
        let one = format == PixelFormat::Gray8 || self.table.is_one();
        if one && is_x86_feature_detected!("avx512vbmi") {
            let [list, ..] = self.table.lists();
            self.quads = Quads::of(list);
        }
    }

    /// Does nothing: there are no instructions for a shorter form.
    #[cfg(not(target_arch = "x86_64"))]
    pub(in crate::cpu) fn shorten(&mut self, _: PixelFormat) {}

    /// Applies the table to some pixels.
    pub(in crate::cpu) fn pixels(
        &self,
        level: Level,
        format: PixelFormat,
        from: &[u8],
        to: &mut [u8],
    ) {
        #[cfg(target_arch = "x86_64")]
        if let Some(quads) = &self.quads
            && super::by_quads(level, quads, format, from, to)
        {
            return;
        }
        self.table.pixels(level, format, from, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_table_gives_the_same() {
        let curve = |value: u8| ((f64::from(value) / 255.0).powf(1.4) * 255.0).round() as u8;
        let tables = [
            Table::new(curve),
            Table::new(|value| 255 - curve(value)),
            // Eight levels: nothing is added.
            Table::new(|value| ((u32::from(value) * 14 + 255) / 510 * 36) as u8),
            // Not to be had shorter.
            Table::new(|value| (u32::from(value) * u32::from(value) * 167 / 13) as u8),
            // Only grey has one list.
            Table::of_colours(
                [1.0, 2.0, 3.0]
                    .map(|by| std::array::from_fn(|value| (value as f64 / by).round() as u8)),
            ),
        ];
        for table in &tables {
            for format in [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Rgba8] {
                let mut short = Prepared::new(table);
                short.shorten(format);
                for width in [1, 15, 16, 21, 22, 63, 64, 65, 150, 400] {
                    let row: Vec<u8> = (0..=255).cycle().take(width * format.channels()).collect();
                    let expected: Vec<u8> = (row.iter().enumerate())
                        .map(|(at, value)| match table.lists().get(at % format.channels()) {
                            Some(list) => list[usize::from(*value)],
                            None => *value,
                        })
                        .collect();
                    for level in Level::all() {
                        let mut is = vec![0; row.len()];
                        short.pixels(level, format, &row, &mut is);
                        assert_eq!(is, expected, "{format:?} {width} {}", level.name());
                    }
                }
            }
        }
    }
}

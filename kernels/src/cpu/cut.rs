//! Thresholds.

use super::Table;

/// A threshold: one value for the samples below it, another for all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The lowest sample that gets `others`.
    pub at: u8,
    /// The value for samples below `at`.
    pub below: u8,
    /// The value for samples from `at` on.
    pub others: u8,
}

impl Cut {
    /// The threshold that a table describes; `None` if the table is not a threshold, or not the
    /// same for every colour.
    #[must_use]
    pub fn of(table: &Table) -> Option<Self> {
        let [list, ..] = table.lists();
        let [below, .., others] = *list;
        let at = list.iter().position(|to| *to != below)?;
        let rest = list.get(at..)?;
        let is_cut = table.is_one() && rest.iter().all(|to| *to == others);
        Some(Self { at: u8::try_from(at).ok()?, below, others }).filter(|_| is_cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_two_values_is_a_cut_and_no_other_is() {
        for at in 1..=255 {
            let table = Table::new(|value| if value < at { 7 } else { 3 });
            assert_eq!(Cut::of(&table), Some(Cut { at, below: 7, others: 3 }));
        }
        assert_eq!(Cut::of(&Table::new(|_| 9)), None);
        assert_eq!(Cut::of(&Table::new(|value| u8::from(value > 9 && value < 20))), None);
        assert_eq!(Cut::of(&Table::new(|value| value)), None);
        let [step, other] = [10, 11].map(|at| *Table::new(|value| u8::from(value < at)).lists());
        let [[red, ..], [blue, ..]] = [step, other];
        assert_eq!(Cut::of(&Table::of_colours([red, red, blue])), None);
    }
}

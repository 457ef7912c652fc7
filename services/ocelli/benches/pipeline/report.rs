//! A table for people, and `target/bench/<name>.json` for programs.

use serde::Serialize;

/// A figure beside its yardstick. A ratio above 1 means that ours is better.
#[derive(Serialize)]
pub(crate) struct Row {
    name: String,
    ours: f64,
    yardstick: f64,
    unit: &'static str,
    ratio: f64,
    goal: f64,
}

impl Row {
    /// Less is better.
    pub(crate) fn new(
        name: &str,
        ours: f64,
        yardstick: f64,
        unit: &'static str,
        goal: f64,
    ) -> Self {
        Self { name: name.to_owned(), ours, yardstick, unit, ratio: yardstick / ours, goal }
    }

    /// The yardstick is a limit.
    pub(crate) fn at_most(name: &str, ours: f64, limit: f64, unit: &'static str) -> Self {
        Self::new(name, ours, limit, unit, 1.0)
    }
}

/// The median; sorts.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints and writes.
pub(crate) fn write(name: &str, rows: &[Row]) {
    println!("{:42} {:>10} {:>10}  unit  {:>6}  {:>6}", name, "ours", "yardstick", "ratio", "goal");
    for row in rows {
        let mark = if row.ratio >= row.goal { "" } else { "  below its goal" };
        println!(
            "{:42} {:>10.1} {:>10.1}  {:4}  {:>6.2}  {:>6.2}{mark}",
            row.name, row.ours, row.yardstick, row.unit, row.ratio, row.goal
        );
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench");
    std::fs::create_dir_all(folder).unwrap();
    let file = format!("{folder}/{name}.json");
    std::fs::write(file, serde_json::to_string_pretty(rows).unwrap()).unwrap();
}

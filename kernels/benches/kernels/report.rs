//! The table and the file.

use std::path::Path;

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours_us: f64,
    pub(crate) yardstick_us: f64,
    /// What the ratio has to be at least.
    pub(crate) goal: f64,
    /// The least and the greatest ratio, if it was measured in several sittings: this is the
    /// median one.
    pub(crate) range: Option<(f64, f64)>,
}

impl Row {
    pub(crate) fn ratio(&self) -> f64 {
        self.yardstick_us / self.ours_us
    }

    pub(crate) fn print(&self) {
        let (ratio, goal) = (self.ratio(), self.goal);
        let missed = if self.missed() { "  missed" } else { "" };
        let range = self.range.map_or(String::new(), |(low, high)| format!("  {low:.2}-{high:.2}"));
        println!(
            "{:<58} {:>12.1} {:>12.1} {ratio:>7.2}x {goal:>5.2}x{missed}{range}",
            self.name, self.ours_us, self.yardstick_us
        );
    }

    fn missed(&self) -> bool {
        self.ratio() < self.goal
    }

    /// Whether one sitting at least met the goal.
    fn met_once(&self) -> bool {
        self.range.is_some_and(|(_, high)| high >= self.goal)
    }
}

pub(crate) fn head() {
    println!("{:<58} {:>12} {:>12} {:>8} {:>6}", "name", "ours µs", "theirs µs", "ratio", "goal");
}

/// The geometric mean, and what missed its goal.
pub(crate) fn summary(rows: &[Row]) {
    if rows.is_empty() {
        return println!("no such row");
    }
    let mean = rows.iter().map(|row| row.ratio().ln()).sum::<f64>() / rows.len() as f64;
    let missed = rows.iter().filter(|row| row.missed()).count();
    let not_always = rows.iter().filter(|row| row.missed() && row.met_once()).count();
    println!(
        "{} rows, geometric mean {:.2}x, {missed} below their goal, {not_always} of them not in \
         all sittings",
        rows.len(),
        mean.exp()
    );
}

pub(crate) fn write(rows: &[Row]) {
    let entries: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "  {{\"name\": \"{}\", \"ours\": {:.2}, \"yardstick\": {:.2}, \"unit\": \"µs\", \
                 \"ratio\": {:.3}, \"goal\": {:.2}{}}}",
                row.name,
                row.ours_us,
                row.yardstick_us,
                row.ratio(),
                row.goal,
                row.range.map_or(String::new(), |(low, high)| format!(
                    ", \"low\": {low:.3}, \"high\": {high:.3}"
                ))
            )
        })
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    std::fs::create_dir_all(&folder).expect("target/bench can be created");
    let text = format!("[\n{}\n]\n", entries.join(",\n"));
    std::fs::write(folder.join("kernels.json"), text).expect("target/bench can be written");
    std::fs::write(folder.join("kernels.md"), pivot(rows)).expect("target/bench can be written");
}

/// The ratios as a table for `docs/benchmarks/`: a row for each filter and layout, a column for
/// each size and number of threads. Rows of other names follow as a list.
fn pivot(rows: &[Row]) -> String {
    let mut columns: Vec<(&str, &str)> = Vec::new();
    let mut lines: Vec<(&str, Vec<(usize, f64)>)> = Vec::new();
    let mut others = String::from("\n| row | ratio | goal |\n|---|---|---|\n");
    for row in rows {
        let mut parts = row.name.rsplitn(3, '_');
        let (threads, size, name) = (parts.next(), parts.next(), parts.next());
        let (Some(threads), Some(size), Some(name)) = (threads, size, name) else { continue };
        if !threads.ends_with('t') || !size.contains('x') {
            others += &format!("| {} | {:.2} | {:.2} |\n", row.name, row.ratio(), row.goal);
            continue;
        }
        let column = columns.iter().position(|known| *known == (size, threads));
        let column = column.unwrap_or_else(|| {
            columns.push((size, threads));
            columns.len() - 1
        });
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, ratios)) => ratios.push((column, row.ratio())),
            None => lines.push((name, vec![(column, row.ratio())])),
        }
    }
    let heads: String =
        columns.iter().map(|(size, threads)| format!(" {size} {threads} |")).collect();
    let mut text = format!("| |{heads}\n|---|{}\n", "---|".repeat(columns.len()));
    for (name, ratios) in lines {
        let cells = (0..columns.len()).map(|column| {
            let ratio = ratios.iter().find(|(known, _)| *known == column);
            ratio.map_or(" |".to_owned(), |(_, ratio)| format!(" {ratio:.2} |"))
        });
        text += &format!("| {name} |{}\n", cells.collect::<String>());
    }
    text + &others
}

//! The table and the file.

use std::path::Path;

#[derive(Default)]
pub(crate) struct Report {
    entries: Vec<String>,
}

impl Report {
    /// One figure; a goal, if there is one, is the least that it should be.
    pub(crate) fn add(&mut self, name: &str, value: f64, unit: &str, goal: Option<f64>) {
        let missed = if goal.is_some_and(|goal| value < goal) { "  missed" } else { "" };
        let shown = goal.map(|goal| format!("goal {goal}")).unwrap_or_default();
        println!("{name:<52} {value:>12.2} {unit:<9} {shown}{missed}");
        let goal = goal.map_or("null".to_owned(), |goal| goal.to_string());
        self.entries.push(format!(
            "  {{\"name\": \"{name}\", \"value\": {value:.3}, \"unit\": \"{unit}\", \
             \"goal\": {goal}}}"
        ));
    }

    pub(crate) fn write(&self, device: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        std::fs::create_dir_all(&folder).unwrap();
        let entries = self.entries.join(",\n");
        let text = format!("{{\"device\": \"{device}\", \"figures\": [\n{entries}\n]}}\n");
        std::fs::write(folder.join("gpu.json"), text).unwrap();
    }
}

//! What came of a run: collected from cucumber's events, written as JUnit and as HTML.
//!
//! Written here instead of by cucumber's own JUnit writer, because both files must carry the notes
//! of a scenario: a GPU scenario that ran on the CPU may not look like one that ran on a GPU.

mod html;
mod junit;
mod recorder;

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use cucumber::gherkin;

pub(crate) use recorder::Recorder;

/// One run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    features: Vec<Feature>,
    /// Feature files that cannot be read.
    errors: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Feature {
    name: String,
    description: String,
    scenarios: Vec<Scenario>,
}

#[derive(Clone, Debug, Default)]
struct Scenario {
    name: String,
    key: Key,
    steps: Vec<Step>,
    took: Duration,
}

#[derive(Clone, Debug)]
struct Step {
    text: String,
    status: Status,
    took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Status {
    Passed,
    Failed(String),
    NotRun,
}

/// Feature file, line, name: the examples of one outline share a line.
type Key = (String, usize, String);

static NOTES: LazyLock<Mutex<HashMap<Key, Vec<String>>>> = LazyLock::new(Mutex::default);

fn key(feature: &gherkin::Feature, scenario: &gherkin::Scenario) -> Key {
    let path = feature.path.as_deref().unwrap_or(Path::new(""));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(""));
    let path = path.strip_prefix(root).unwrap_or(path);
    (path.display().to_string(), scenario.position.line, scenario.name.clone())
}

/// Keeps what a scenario has to say beside passed or failed.
pub(crate) fn keep_notes(
    feature: &gherkin::Feature,
    scenario: &gherkin::Scenario,
    notes: Vec<String>,
) {
    let mut kept = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    kept.insert(key(feature, scenario), notes);
}

impl Scenario {
    fn passed(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.status == Status::Passed)
    }

    fn notes(&self) -> Vec<String> {
        let kept = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&self.key).cloned().unwrap_or_default()
    }

    fn through_auto(&self) -> bool {
        self.notes().iter().any(|note| note.contains("through auto"))
    }

    /// Its name; one that ran elsewhere than it says does not go by its name alone.
    fn title(&self) -> String {
        let suffix = if self.through_auto() { " [ran on cpu through auto]" } else { "" };
        format!("{}{suffix}", self.name)
    }
}

impl Report {
    fn scenarios(&self) -> impl Iterator<Item = &Scenario> {
        self.features.iter().flat_map(|feature| &feature.scenarios)
    }
}

/// Writes both files and prints the result; whether all passed.
#[allow(clippy::print_stdout, reason = "the result of the run, for whoever started it")]
pub(crate) fn finish(report: &Report) -> Result<bool> {
    let directory = crate::process::root().join("target/bdd");
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    fs::write(directory.join("junit.xml"), junit::write(report))?;
    fs::write(directory.join("report.html"), html::write(report))?;
    println!();
    for scenario in report.scenarios() {
        for note in scenario.notes() {
            println!("note: {}: {note}", scenario.name);
        }
    }
    report.errors.iter().for_each(|error| println!("cannot be read: {error}"));
    for scenario in report.scenarios().filter(|scenario| !scenario.passed()) {
        println!("failed: {}:{}: {}", scenario.key.0, scenario.key.1, scenario.name);
    }
    let through_auto = report.scenarios().filter(|scenario| scenario.through_auto()).count();
    if through_auto > 0 {
        println!(
            "{through_auto} scenarios for a GPU ran on cpu through auto: they say nothing about CUDA"
        );
    }
    let all = report.scenarios().count();
    let passed = report.scenarios().filter(|scenario| scenario.passed()).count();
    let failed = all - passed + report.errors.len();
    println!("{passed} passed, {failed} failed");
    // A run of nothing, after a slip in a filter, is no success.
    Ok(failed == 0 && all > 0)
}

/// Text for XML and HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML knows no other control characters, not even escaped.
            '\n' | '\t' => escaped.push(letter),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

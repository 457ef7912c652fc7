//! What was measured: `target/bench/promises.json`, and a table.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

static FIGURES: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// Keeps a figure of a scenario beside its limit or goal, if it has one.
pub(crate) fn record(scenario: &str, what: &str, value: f64, unit: &str, goal: Option<f64>) {
    let value = (value * 10.0).round() / 10.0;
    let goal = goal.map(|goal| (goal * 10.0).round() / 10.0);
    let figure =
        json!({"scenario": scenario, "figure": what, "value": value, "unit": unit, "goal": goal});
    FIGURES.lock().unwrap_or_else(PoisonError::into_inner).push(figure);
}

/// Writes them, if there are any.
#[allow(clippy::print_stdout, reason = "the result of the run, for whoever started it")]
pub(crate) fn save() -> Result<()> {
    let figures = FIGURES.lock().unwrap_or_else(PoisonError::into_inner);
    if figures.is_empty() {
        return Ok(());
    }
    let folder = crate::process::root().join("target/bench");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let file = folder.join("promises.json");
    std::fs::write(&file, serde_json::to_string_pretty(&*figures)?)
        .with_context(|| file.display().to_string())?;
    println!("\n| scenario | figure | value | unit | limit or goal |\n|---|---|---|---|---|");
    for figure in figures.iter() {
        let text = |name: &str| match figure.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(number) => number.to_string(),
        };
        let columns = ["scenario", "figure", "value", "unit", "goal"].map(text);
        println!("| {} |", columns.join(" | "));
    }
    Ok(())
}

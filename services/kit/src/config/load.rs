//! All layers into one, with everything that is wrong in any of them.

use std::{collections::BTreeMap, fs, path::Path};

use toml::{Table, Value};

use super::{
    Problem, Settings, Sources,
    layers::{Known, Leaf, alone, put, unknown},
    parse::candidates,
};

/// Reads all layers.
///
/// # Errors
/// Everything that is wrong: unknown fields first, then values of a wrong type, then values out of
/// range and fields that do not fit each other. A value is checked also if a later layer
/// replaces it: a mistake does not become right by being hidden.
pub fn load<T: Settings>(sources: &Sources) -> Result<T, Vec<Problem>> {
    let known = Known::of::<T>().map_err(|problem| vec![problem.found_in("default")])?;
    let mut problems = Vec::new();
    let mut leaves = Vec::new();
    if let Some(path) = &sources.file {
        match read(path) {
            Ok(table) => {
                let source = path.display().to_string();
                leaves.extend(known.leaves(&table, &source, &mut problems));
            }
            Err(problem) => problems.push(problem),
        }
    }
    for (name, text) in &sources.env {
        match environment::<T>(&known, sources, name, text) {
            Ok(leaf) => leaves.extend(leaf),
            Err(problem) => problems.push(problem),
        }
    }
    for (field, value) in &sources.flags {
        let table = alone(field, value.clone());
        leaves.extend(known.leaves(&table, "command line", &mut problems));
    }

    let mut all = Table::new();
    let mut origins = BTreeMap::new();
    for Leaf { field, value, source } in leaves {
        if let Some(value) = &value
            && let Err(problem) = fits::<T>(&field, value.clone())
        {
            problems.push(problem.found_in(&source));
            continue;
        }
        put(&mut all, &field, value);
        origins.insert(field, source);
    }
    finish(all, &origins, problems)
}

/// The whole: each value fits by itself, so what is left is how they fit each other.
fn finish<T: Settings>(
    all: Table,
    origins: &BTreeMap<String, String>,
    mut problems: Vec<Problem>,
) -> Result<T, Vec<Problem>> {
    let settings = match T::deserialize(Value::Table(all)) {
        Ok(settings) => settings,
        Err(error) => {
            problems.push(explain("", error.message()).found_in("all sources together"));
            return Err(problems);
        }
    };
    for mut problem in settings.problems() {
        // A field with a wrong value has its default here: nobody wants to read about that.
        if problems.iter().any(|earlier| earlier.field == problem.field) {
            continue;
        }
        if problem.source.is_empty() {
            let origin = origins.get(&problem.field).map_or("default", String::as_str);
            problem = problem.found_in(origin);
        }
        problems.push(problem);
    }
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

fn read(path: &Path) -> Result<Table, Problem> {
    let source = path.display().to_string();
    let problem = |message: String| Problem::new("", message).found_in(&source);
    let text =
        fs::read_to_string(path).map_err(|error| problem(format!("cannot read: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| {
        // Only the place and the reason: the offending line may hold a secret.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        problem(format!("line {line} is not TOML: {}", error.message()))
    })
}

/// The leaf that a variable sets; none if it does not concern the settings.
fn environment<T: Settings>(
    known: &Known,
    sources: &Sources,
    name: &str,
    text: &str,
) -> Result<Option<Leaf>, Problem> {
    let Some(rest) = name.strip_prefix(Sources::ENV_PREFIX) else {
        return Ok(None);
    };
    if sources.env_allowed.contains(&name) {
        return Ok(None);
    }
    let source = format!("environment {name}");
    let field = rest.to_lowercase().replace("__", ".");
    let Some(default) = known.default_of(&field) else {
        let names: Vec<String> = known.fields().iter().map(|field| variable(field)).collect();
        let names = names.iter().map(String::as_str).chain(sources.env_allowed.iter().copied());
        return Err(unknown(&field, name, names).found_in(&source));
    };
    let leaf = |value| Ok(Some(Leaf { field: field.clone(), value, source: source.clone() }));
    if default.is_null() && text.is_empty() {
        return leaf(None);
    }
    let values = candidates(text, default)
        .map_err(|message| Problem::new(&field, message).found_in(&source))?;
    let fitting = values.iter().find(|value| fits::<T>(&field, (*value).clone()).is_ok());
    // Where nothing fits, the plainest reading says best what is wrong: text, or for a list its
    // parts each as what they look like.
    let plainest = if default.is_array() { values.last() } else { values.first() };
    leaf(fitting.or(plainest).cloned())
}

/// `broker.url` is set by `OCELLI_BROKER__URL`.
fn variable(field: &str) -> String {
    format!("{}{}", Sources::ENV_PREFIX, field.replace('.', "__").to_uppercase())
}

/// Whether the value fits the field, all others having their defaults.
fn fits<T: Settings>(field: &str, value: Value) -> Result<(), Problem> {
    match T::deserialize(Value::Table(alone(field, value))) {
        Ok(_) => Ok(()),
        Err(error) => Err(explain(field, error.message())),
    }
}

/// Serde's message in words for those who do not write Rust, with its list apart.
fn explain(field: &str, message: &str) -> Problem {
    let parts = message.strip_prefix("unknown ").and_then(|rest| rest.split_once(", expected "));
    if let Some((what, expected)) = parts {
        let allowed = expected.split('`').skip(1).step_by(2);
        return Problem::new(field, format!("unknown {}", what.replace("variant", "value")))
            .allow(allowed);
    }
    match message.rsplit_once(", expected ") {
        Some((what, kind)) => Problem::new(field, format!("{what}, expected {}", in_words(kind))),
        None => Problem::new(field, message),
    }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "text",
        "a sequence" => "a list",
        other => other,
    }
}

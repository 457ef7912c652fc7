//! Merges all layers, and lists the mistakes in all of them.

use std::{collections::BTreeMap, fmt, fs, net::SocketAddr, path::Path};

use toml::{Table, Value};

use super::{
    Problem, Section, SectionEntry, Sources,
    layers::{Known, Leaf, alone, put, unknown},
    parse::candidates,
    show::show,
};

/// The settings of a process: every field of every section, with checked values.
#[derive(Clone, Default)]
pub struct Settings {
    /// The fields that were set, secrets included.
    given: Table,
    /// Every field, with secrets hidden by their type.
    full: Table,
    addresses: Vec<(&'static str, SocketAddr)>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(self))
    }
}

impl Settings {
    /// Returns the section with the given name.
    ///
    /// # Errors
    /// If the section is not in the list of sections that were loaded, which is a mistake in the
    /// program.
    pub fn section<T: Section>(&self, name: &str) -> Result<T, Problem> {
        if !self.full.contains_key(name) {
            return Err(Problem::new(name, "the program has no such section"));
        }
        let fields = self.given.get(name).cloned().unwrap_or_else(|| Table::new().into());
        T::deserialize(fields).map_err(|error| Problem::new(name, error.message()))
    }

    /// All addresses that the process will listen on, each with its name, e.g. `http`.
    #[must_use]
    pub fn addresses(&self) -> &[(&'static str, SocketAddr)] {
        &self.addresses
    }

    pub(super) const fn as_toml(&self) -> &Table {
        &self.full
    }
}

/// Reads all layers into the given sections.
///
/// # Errors
/// All mistakes: unknown fields first, then values of a wrong type, then values out of range and
/// fields that contradict each other. A value is checked even if a later layer replaces it, because
/// a hidden mistake is still a mistake.
pub fn load(sections: &[SectionEntry], sources: &Sources) -> Result<Settings, Vec<Problem>> {
    let known = Known::of(sections).map_err(|problem| vec![problem.found_in("default")])?;
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
        match environment(sections, &known, sources, name, text) {
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
            && let Err(problem) = fits(sections, &field, value.clone())
        {
            problems.push(problem.found_in(&source));
            continue;
        }
        put(&mut all, &field, value);
        origins.insert(field, source);
    }
    finish(sections, all, &origins, problems)
}

/// Checks the merged settings. Each value is valid on its own, so what is left are contradictions
/// between fields.
fn finish(
    sections: &[SectionEntry],
    all: Table,
    origins: &BTreeMap<String, String>,
    mut problems: Vec<Problem>,
) -> Result<Settings, Vec<Problem>> {
    let mut settings = Settings::default();
    for section in sections {
        let name = section.name();
        let fields = all.get(name).and_then(Value::as_table).cloned().unwrap_or_default();
        let read = match section.read(fields) {
            Ok(read) => read,
            Err(error) => {
                problems.push(explain(name, &error).found_in("the combined settings"));
                continue;
            }
        };
        settings.full.insert(name.to_owned(), read.full);
        settings.addresses.extend(read.addresses);
        // A field with a wrong value has its default here, whose problems would only confuse.
        let wrong: Vec<String> = problems.iter().map(|problem| problem.field.clone()).collect();
        let found = read.problems.into_iter().map(|problem| problem.within(name));
        problems.extend(found.filter(|problem| !wrong.contains(&problem.field)).map(|problem| {
            let origin = origins.get(&problem.field).map_or("default", String::as_str);
            problem.found_in(origin)
        }));
    }
    settings.given = all;
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

fn read(path: &Path) -> Result<Table, Problem> {
    let source = path.display().to_string();
    let problem = |message: String| Problem::new("", message).found_in(&source);
    let text =
        fs::read_to_string(path).map_err(|error| problem(format!("cannot be read: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| {
        // Only the line number and the reason are shown, because the line may hold a secret.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        problem(format!("line {line} is not TOML: {}", error.message()))
    })
}

/// The leaf that an environment variable sets, or `None` if the variable is not a setting.
fn environment(
    sections: &[SectionEntry],
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
    let fitting = values.iter().find(|value| fits(sections, &field, (*value).clone()).is_ok());
    // If no reading fits, the problem is explained by the simplest one: text, or for a list the
    // types that its parts look like.
    let plainest = if default.is_array() { values.last() } else { values.first() };
    leaf(fitting.or(plainest).cloned())
}

/// The environment variable of a field: `OCELLI_BROKER__URL` sets `broker.url`.
fn variable(field: &str) -> String {
    format!("{}{}", Sources::ENV_PREFIX, field.replace('.', "__").to_uppercase())
}

/// Checks a value of a field, with all other fields at their defaults.
fn fits(sections: &[SectionEntry], field: &str, value: Value) -> Result<(), Problem> {
    // Only fields of known sections are passed here, so the path has a dot.
    let Some((name, rest)) = field.split_once('.') else { return Ok(()) };
    let Some(section) = sections.iter().find(|section| section.name() == name) else {
        return Ok(());
    };
    match section.read(alone(rest, value)) {
        Ok(_) => Ok(()),
        Err(error) => Err(explain(field, &error)),
    }
}

/// Rewords a message of serde for people who do not know Rust, and extracts its list of allowed
/// values.
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
        "u32" | "u64" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "text",
        "a sequence" => "a list",
        other => other,
    }
}

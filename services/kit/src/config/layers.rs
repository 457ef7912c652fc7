//! Splits a layer of settings into its leaves, each checked against the known fields.

use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::{Problem, SectionEntry};

/// A value of a layer.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// The dotted path of the field.
    pub(super) field: String,
    /// The value; `None` resets an optional field.
    pub(super) value: Option<Value>,
    /// Where the value came from.
    pub(super) source: String,
}

/// The fields of all sections as a tree, with their defaults.
pub(super) struct Known(Map<String, Json>);

impl Known {
    pub(super) fn of(sections: &[SectionEntry]) -> Result<Self, Problem> {
        let fields = sections
            .iter()
            .map(|section| Ok((section.name().to_owned(), section.defaults()?)))
            .collect::<Result<_, Problem>>()?;
        Ok(Self(fields))
    }

    /// The default of a field that holds a value.
    pub(super) fn default_of(&self, field: &str) -> Option<&Json> {
        let mut node = None;
        let mut inside = Some(&self.0);
        for key in field.split('.') {
            node = inside?.get(key);
            inside = node.and_then(table_of);
        }
        node.filter(|node| table_of(node).is_none())
    }

    /// The dotted paths of all fields that hold a value.
    pub(super) fn fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        list(&self.0, "", &mut fields);
        fields
    }

    /// Splits a layer into leaves, and adds its unknown fields to `problems`.
    pub(super) fn leaves(
        &self,
        given: &Table,
        source: &str,
        problems: &mut Vec<Problem>,
    ) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        take_apart(given, &self.0, "", source, &mut leaves, problems);
        leaves
    }
}

/// The fields of a table. An empty table is a free-form map, and so a value.
fn table_of(node: &Json) -> Option<&Map<String, Json>> {
    node.as_object().filter(|fields| !fields.is_empty())
}

fn list(fields: &Map<String, Json>, prefix: &str, into: &mut Vec<String>) {
    for (key, node) in fields {
        let field = join(prefix, key);
        match table_of(node) {
            Some(inner) => list(inner, &field, into),
            None => into.push(field),
        }
    }
}

fn take_apart(
    given: &Table,
    known: &Map<String, Json>,
    prefix: &str,
    source: &str,
    leaves: &mut Vec<Leaf>,
    problems: &mut Vec<Problem>,
) {
    for (key, value) in given {
        let field = join(prefix, key);
        let Some(node) = known.get(key) else {
            let names = known.keys().map(String::as_str);
            problems.push(unknown(&field, key, names).found_in(source));
            continue;
        };
        match (table_of(node), value) {
            (Some(inner), Value::Table(table)) => {
                take_apart(table, inner, &field, source, leaves, problems);
            }
            (Some(inner), _) => {
                let message = format!("must be a table, not {}", kind(value));
                problems.push(Problem::new(field, message).allow(inner.keys()).found_in(source));
            }
            (None, value) => {
                let (value, source) = (Some(value.clone()), source.to_owned());
                leaves.push(Leaf { field, value, source });
            }
        }
    }
}

/// The problem of an unknown name, with the names that are known at its place.
pub(super) fn unknown<'a>(
    field: &str,
    given: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    let near = known
        .clone()
        .map(|name| (distance(given, name), name))
        .filter(|&(distance, name)| distance <= 1 + name.len() / 4)
        .min();
    let message = match near {
        Some((_, name)) => format!("unknown setting; did you mean `{name}`?"),
        None => "unknown setting".to_owned(),
    };
    Problem::new(field, message).allow(known)
}

/// The number of letters that must be added, removed or changed.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let changed = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// A table that holds only the given value.
pub(super) fn alone(field: &str, value: Value) -> Table {
    let mut keys = field.rsplit('.');
    let mut table = Table::new();
    if let Some(last) = keys.next() {
        table.insert(last.to_owned(), value);
    }
    for key in keys {
        table = Table::from_iter([(key.to_owned(), Value::Table(table))]);
    }
    table
}

/// Sets a field to a value, or removes it.
pub(super) fn put(table: &mut Table, field: &str, value: Option<Value>) {
    let (key, rest) = match field.split_once('.') {
        Some((key, rest)) => (key, Some(rest)),
        None => (field, None),
    };
    match (rest, value) {
        (Some(rest), value) => {
            let inner = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
        (None, Some(value)) => {
            table.insert(key.to_owned(), value);
        }
        (None, None) => {
            table.remove(key);
        }
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("url", "uri", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn a_value_goes_where_its_field_says() {
        let mut table = alone("a.b.c", Value::Integer(1));
        put(&mut table, "a.b.d", Some(Value::Integer(2)));
        put(&mut table, "a.b.c", None);
        put(&mut table, "e", Some(Value::Boolean(true)));
        assert_eq!(toml::to_string(&table).unwrap(), "e = true\n\n[a.b]\nd = 2\n");
    }
}

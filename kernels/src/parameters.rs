//! Turns the text of a request into checked values, following the definition of the filter.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::{FilterDefinition, ParameterDefinition, ParameterKind};

/// The values of all parameters of a filter: those given, and the defaults of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    values: BTreeMap<&'static str, Value>,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(&'static str),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Numbers(Vec<f64>),
    Color([u8; 4]),
    Free(String),
}

/// An error in one parameter: which one, why, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParameterError {
    /// The id of the parameter, as given.
    pub parameter: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What is allowed instead.
    pub allowed: Vec<String>,
}

impl Parameters {
    /// Checks the values that are given, and adds the defaults of the others.
    ///
    /// # Errors
    /// If a parameter is unknown, has the wrong type or is out of range.
    pub fn parse(
        definition: &'static FilterDefinition,
        given: &BTreeMap<String, String>,
    ) -> Result<Self, ParameterError> {
        if let Some(unknown) = given.keys().find(|id| definition.parameter(id).is_none()) {
            return Err(ParameterError {
                parameter: unknown.clone(),
                message: format!("{} has no parameter {unknown:?}", definition.id),
                allowed: definition.parameters.iter().map(|known| known.id.to_owned()).collect(),
            });
        }
        let values = (definition.parameters.iter())
            .map(|parameter| {
                let value = match given.get(parameter.id) {
                    Some(text) => parse(parameter, text.trim())?,
                    None => default(parameter.kind),
                };
                Ok((parameter.id, value))
            })
            .collect::<Result<_, ParameterError>>()?;
        Ok(Self { values })
    }

    /// The value of a [`ParameterKind::Select`].
    ///
    /// # Errors
    /// If the filter does not declare a parameter of that id and kind.
    pub fn text(&self, id: &str) -> Result<&'static str, ParameterError> {
        match self.values.get(id) {
            Some(Value::Text(value)) => Ok(value),
            _ => Err(undeclared(id, "a list")),
        }
    }

    /// The value of a [`ParameterKind::Integer`].
    ///
    /// # Errors
    /// If the filter does not declare a parameter of that id and kind.
    pub fn integer(&self, id: &str) -> Result<i64, ParameterError> {
        match self.values.get(id) {
            Some(Value::Integer(value)) => Ok(*value),
            _ => Err(undeclared(id, "an integer")),
        }
    }

    /// The value of a [`ParameterKind::Number`].
    ///
    /// # Errors
    /// If the filter does not declare a parameter of that id and kind.
    pub fn number(&self, id: &str) -> Result<f64, ParameterError> {
        match self.values.get(id) {
            Some(Value::Number(value)) => Ok(*value),
            _ => Err(undeclared(id, "a number")),
        }
    }

    /// The value of a [`ParameterKind::Boolean`].
    ///
    /// # Errors
    /// If the filter does not declare a parameter of that id and kind.
    pub fn boolean(&self, id: &str) -> Result<bool, ParameterError> {
        match self.values.get(id) {
            Some(Value::Boolean(value)) => Ok(*value),
            _ => Err(undeclared(id, "true or false")),
        }
    }
}

impl Parameters {
    /// The values of a [`ParameterKind::Numbers`].
    ///
    /// # Errors
    /// If the filter does not declare a parameter of that id and kind.
    pub fn numbers(&self, id: &str) -> Result<&[f64], ParameterError> {
        match self.values.get(id) {
            Some(Value::Numbers(value)) => Ok(value),
            _ => Err(undeclared(id, "several numbers")),
        }
    }

    /// The value of a [`ParameterKind::Color`]: red, green, blue and alpha.
    ///
    /// # Errors
    /// If the filter does not declare a parameter of that id and kind.
    pub fn color(&self, id: &str) -> Result<[u8; 4], ParameterError> {
        match self.values.get(id) {
            Some(Value::Color(value)) => Ok(*value),
            _ => Err(undeclared(id, "a colour")),
        }
    }

    /// The value of a [`ParameterKind::Text`].
    ///
    /// # Errors
    /// If the filter does not declare a parameter of that id and kind.
    pub fn free(&self, id: &str) -> Result<&str, ParameterError> {
        match self.values.get(id) {
            Some(Value::Free(value)) => Ok(value),
            _ => Err(undeclared(id, "text")),
        }
    }
}

impl ParameterError {
    /// An error for a value that its kind allows and the operation does not.
    #[must_use]
    pub fn new(parameter: &str, message: String, allowed: Vec<String>) -> Self {
        Self { parameter: parameter.to_owned(), message, allowed }
    }
}

fn undeclared(id: &str, kind: &str) -> ParameterError {
    ParameterError {
        parameter: id.to_owned(),
        message: format!("the filter does not declare a parameter {id:?} that is {kind}"),
        allowed: Vec::new(),
    }
}

fn default(kind: ParameterKind) -> Value {
    match kind {
        ParameterKind::Select { default, .. } => Value::Text(default),
        ParameterKind::Integer { default, .. } => Value::Integer(default),
        ParameterKind::Number { default, .. } => Value::Number(default),
        ParameterKind::Boolean { default } => Value::Boolean(default),
        ParameterKind::Numbers { default, .. } => Value::Numbers(default.to_vec()),
        // A test parses the default of every filter.
        ParameterKind::Color { default } => Value::Color(color(default).unwrap_or_default()),
        ParameterKind::Text { default, .. } => Value::Free(default.to_owned()),
    }
}

fn parse(parameter: &ParameterDefinition, text: &str) -> Result<Value, ParameterError> {
    let id = parameter.id;
    let checked = match parameter.kind {
        ParameterKind::Select { options, .. } => (options.iter().find(|option| **option == text))
            .map(|option| Value::Text(option))
            .ok_or_else(|| format!("{id} must be one of {}, not {text:?}", options.join(", "))),
        ParameterKind::Integer { min, max, step, .. } => match text.parse::<i64>() {
            Err(_) => Err(format!("{id} must be a whole number, not {text:?}")),
            Ok(value) if !(min..=max).contains(&value) => {
                Err(format!("{id} must be from {min} to {max}, not {value}"))
            }
            Ok(value) if (value - min) % step != 0 => Err(off_step(id, value, min, step)),
            Ok(value) => Ok(Value::Integer(value)),
        },
        ParameterKind::Number { min, max, .. } => match text.parse::<f64>() {
            // "NaN" and "inf" do parse.
            Ok(value) if value.is_finite() && (min..=max).contains(&value) => {
                Ok(Value::Number(value))
            }
            Ok(value) if value.is_finite() => {
                Err(format!("{id} must be from {min} to {max}, not {value}"))
            }
            _ => Err(format!("{id} must be a finite number, not {text:?}")),
        },
        ParameterKind::Boolean { .. } => match text {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            _ => Err(format!("{id} must be true or false, not {text:?}")),
        },
        ParameterKind::Numbers { min_items, max_items, group, min, max, .. } => {
            numbers(id, text, min..=max).and_then(|list| match list.len() {
                is if !(min_items..=max_items).contains(&is) => {
                    Err(format!("{id} must have {min_items} to {max_items} numbers, not {is}"))
                }
                is if is % group.max(1) != 0 => {
                    Err(format!("{id} must have a multiple of {group} numbers, not {is}"))
                }
                _ => Ok(Value::Numbers(list)),
            })
        }
        ParameterKind::Color { .. } => color(text)
            .map(Value::Color)
            .ok_or_else(|| format!("{id} must be a colour like #ff8000, not {text:?}")),
        ParameterKind::Text { max_chars, .. } => match text.chars().count() {
            is if is > max_chars => {
                Err(format!("{id} must have at most {max_chars} characters, not {is}"))
            }
            _ => Ok(Value::Free(text.to_owned())),
        },
    };
    checked.map_err(|message| ParameterError {
        parameter: id.to_owned(),
        message,
        allowed: parameter.kind.allowed(),
    })
}

fn numbers(id: &str, text: &str, range: RangeInclusive<f64>) -> Result<Vec<f64>, String> {
    let words = text.split([',', ';', ' ', '\t', '\n']).filter(|word| !word.is_empty());
    let number = |(at, word): (usize, &str)| match word.parse::<f64>() {
        Ok(value) if value.is_finite() && range.contains(&value) => Ok(value),
        Ok(value) if value.is_finite() => {
            let (min, max) = (range.start(), range.end());
            Err(format!("number {} of {id} must be from {min} to {max}, not {value}", at + 1))
        }
        _ => Err(format!("number {} of {id} must be a finite number, not {word:?}", at + 1)),
    };
    words.enumerate().map(number).collect()
}

pub(crate) fn color(text: &str) -> Option<[u8; 4]> {
    let digits = text
        .strip_prefix('#')
        .filter(|digits| digits.chars().all(|digit| digit.is_ascii_hexdigit()))?;
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    match digits.len() {
        6 => Some([byte(0)?, byte(2)?, byte(4)?, u8::MAX]),
        8 => Some([byte(0)?, byte(2)?, byte(4)?, byte(6)?]),
        _ => None,
    }
}

fn off_step(id: &str, value: i64, min: i64, step: i64) -> String {
    match (step, min.rem_euclid(2)) {
        (2, 1) => format!("{id} must be odd, not {value}"),
        (2, _) => format!("{id} must be even, not {value}"),
        _ => format!("{id} must be {min} plus a multiple of {step}, not {value}"),
    }
}

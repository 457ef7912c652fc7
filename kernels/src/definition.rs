//! How a filter describes itself. Validation, the HTTP listing, the console's controls, the help
//! of the command line and the documentation are all generated from this.

use crate::PixelFormat;

/// A filter: its name, its parameters, what it works on.
#[derive(Debug, PartialEq)]
pub struct FilterDefinition {
    /// What it is called in requests: lower case.
    pub id: &'static str,
    /// What it is called in a user interface.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub description: &'static str,
    /// What can be set; everything has a default.
    pub parameters: &'static [ParameterDefinition],
    /// The pixel layouts that it takes.
    pub formats: &'static [PixelFormat],
    /// Whether it also runs on a GPU.
    pub cuda: bool,
    /// By how much, per sample, results may differ between processors.
    pub tolerance: u8,
}

/// A parameter of a filter.
#[derive(Debug, PartialEq)]
pub struct ParameterDefinition {
    /// What it is called in requests: lower case with underscores.
    pub id: &'static str,
    /// What it is called in a user interface.
    pub name: &'static str,
    /// What it changes, in one sentence.
    pub description: &'static str,
    /// Its type, range and default.
    pub kind: ParameterKind,
}

/// Type, range and default of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterKind {
    /// One of a list.
    Select {
        /// The list.
        options: &'static [&'static str],
        /// One of them.
        default: &'static str,
    },
    /// A whole number: `min`, `min + step`, … up to `max`; others are refused.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
        /// From one allowed value to the next.
        step: i64,
        /// One of the allowed values.
        default: i64,
    },
    /// Any finite number from `min` to `max`.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
        /// What a control in a user interface moves by; values between are allowed.
        step: f64,
        /// What holds when it is not given.
        default: f64,
    },
    /// `true` or `false`.
    Boolean {
        /// What holds when it is not given.
        default: bool,
    },
}

impl ParameterKind {
    /// What is allowed, in words: the options of a list, or one entry with the range.
    #[must_use]
    pub fn allowed(&self) -> Vec<String> {
        match self {
            Self::Select { options, .. } => options.iter().map(ToString::to_string).collect(),
            Self::Integer { min, max, step: 1, .. } => vec![format!("{min}..={max}")],
            Self::Integer { min, max, step, .. } => vec![format!("{min}..={max} step {step}")],
            Self::Number { min, max, .. } => vec![format!("{min}..={max}")],
            Self::Boolean { .. } => vec!["true".to_owned(), "false".to_owned()],
        }
    }
}

impl FilterDefinition {
    /// The parameter of that name.
    #[must_use]
    pub fn parameter(&self, id: &str) -> Option<&'static ParameterDefinition> {
        self.parameters.iter().find(|parameter| parameter.id == id)
    }
}

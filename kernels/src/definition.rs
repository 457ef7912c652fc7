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
    /// What kind of filter it is.
    pub family: Family,
    /// What can be set; everything has a default.
    pub parameters: &'static [ParameterDefinition],
    /// The pixel layouts that it takes.
    pub formats: &'static [PixelFormat],
    /// Whether it also runs on a GPU.
    pub cuda: bool,
    /// By how much, per sample, results may differ between processors.
    pub tolerance: u8,
    /// What it is in OpenCV, and where and why results differ from it; whose algorithm it is
    /// otherwise.
    pub notes: &'static str,
}

/// The kinds of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// What colours become.
    Colour,
    /// Less detail.
    Blur,
    /// Where brightness changes.
    Edges,
    /// More detail.
    Sharpen,
    /// Shapes grow and shrink.
    Morphology,
    /// Where pixels go.
    Geometry,
    /// How it looks.
    Effect,
    /// What may not be seen, and what is to be seen.
    Privacy,
    /// For models and analyses: they make a tensor beside the image, and end a chain.
    Tensor,
}

impl Family {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 9] = [
        Self::Colour,
        Self::Blur,
        Self::Edges,
        Self::Sharpen,
        Self::Morphology,
        Self::Geometry,
        Self::Effect,
        Self::Privacy,
        Self::Tensor,
    ];

    /// What it is called: lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Colour => "colour",
            Self::Blur => "blur",
            Self::Edges => "edges",
            Self::Sharpen => "sharpen",
            Self::Morphology => "morphology",
            Self::Geometry => "geometry",
            Self::Effect => "effect",
            Self::Privacy => "privacy",
            Self::Tensor => "tensor",
        }
    }
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
    /// Several finite numbers: with commas, semicolons or spaces between them.
    Numbers {
        /// How few.
        min_items: usize,
        /// How many.
        max_items: usize,
        /// They come in groups of that many.
        group: usize,
        /// The least that each may be.
        min: f64,
        /// The greatest that each may be.
        max: f64,
        /// What holds when it is not given.
        default: &'static [f64],
    },
    /// A colour: `#rrggbb` or `#rrggbbaa`, in hexadecimal.
    Color {
        /// What holds when it is not given.
        default: &'static str,
    },
    /// Text in a language of its own, which the description explains.
    Text {
        /// The most characters.
        max_chars: usize,
        /// What holds when it is not given.
        default: &'static str,
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
            Self::Numbers { min_items, max_items, group, min, max, .. } => {
                let groups =
                    if *group > 1 { format!(" in groups of {group}") } else { String::new() };
                vec![format!("{min_items}..={max_items} numbers{groups}, each {min}..={max}")]
            }
            Self::Color { .. } => vec!["#rrggbb".to_owned(), "#rrggbbaa".to_owned()],
            Self::Text { max_chars, .. } => vec![format!("at most {max_chars} characters")],
        }
    }
}

impl ParameterKind {
    /// What holds when it is not given, as a request would say it.
    #[must_use]
    pub fn default_text(&self) -> String {
        match self {
            Self::Select { default, .. } | Self::Color { default } | Self::Text { default, .. } => {
                (*default).to_owned()
            }
            Self::Integer { default, .. } => default.to_string(),
            Self::Number { default, .. } => default.to_string(),
            Self::Boolean { default } => default.to_string(),
            Self::Numbers { default, .. } => {
                default.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
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

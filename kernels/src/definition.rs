//! How a filter describes itself. Validation, the HTTP listing, the console's controls, the help of
//! the command line and the documentation are all generated from this.

use crate::PixelFormat;

/// Everything that users are told about a filter: its names, its parameters, and the images that it
/// accepts.
#[derive(Debug, PartialEq)]
pub struct FilterDefinition {
    /// The name of the filter in requests, in lower case.
    pub id: &'static str,
    /// The name of the filter in a user interface.
    pub name: &'static str,
    /// What the filter does, in one or two sentences.
    pub description: &'static str,
    /// The kind of filter, by which lists are grouped.
    pub family: Family,
    /// The parameters of the filter. Each of them has a default.
    pub parameters: &'static [ParameterDefinition],
    /// The pixel layouts that the filter accepts.
    pub formats: &'static [PixelFormat],
    /// Whether the filter also runs on a GPU.
    pub cuda: bool,
    /// By how many levels of 255 the results of different processors may differ, per sample.
    pub tolerance: u8,
    /// The equivalent in OpenCV, and where and why results differ from it; otherwise the source of
    /// the algorithm.
    pub notes: &'static str,
}

/// The kinds of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Filters that change colours and brightness.
    Colour,
    /// Filters that remove detail.
    Blur,
    /// Filters that show where brightness changes.
    Edges,
    /// Filters that emphasise detail.
    Sharpen,
    /// Filters that make shapes grow and shrink.
    Morphology,
    /// Filters that move pixels.
    Geometry,
    /// Filters that change the look of an image.
    Effect,
    /// Filters that hide parts of an image or draw over it.
    Privacy,
    /// Filters for models and analyses. They make a tensor beside the image and end a chain.
    Tensor,
}

impl Family {
    /// All families, in the order in which they are listed.
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

    /// The name of the family in requests, in lower case.
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
    /// The name of the parameter in requests, in lower case with underscores.
    pub id: &'static str,
    /// The name of the parameter in a user interface.
    pub name: &'static str,
    /// What the parameter changes, in one or two sentences.
    pub description: &'static str,
    /// The type, range and default of the parameter.
    pub kind: ParameterKind,
}

/// The type, range and default of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterKind {
    /// One option of a list.
    Select {
        /// The options that are allowed.
        options: &'static [&'static str],
        /// The option that is used if none is given.
        default: &'static str,
    },
    /// A whole number: `min`, `min + step` and so on up to `max`. Other numbers are refused.
    Integer {
        /// The lowest allowed value.
        min: i64,
        /// The highest allowed value.
        max: i64,
        /// The distance between allowed values.
        step: i64,
        /// The value that is used if none is given.
        default: i64,
    },
    /// Any finite number from `min` to `max`.
    Number {
        /// The lowest allowed value.
        min: f64,
        /// The highest allowed value.
        max: f64,
        /// The step of a control in a user interface; values in between are allowed.
        step: f64,
        /// The value that is used if none is given.
        default: f64,
    },
    /// A switch: `true` or `false`.
    Boolean {
        /// The value that is used if none is given.
        default: bool,
    },
    /// A list of finite numbers, separated by commas, semicolons or spaces.
    Numbers {
        /// The smallest allowed count of numbers.
        min_items: usize,
        /// The largest allowed count of numbers.
        max_items: usize,
        /// The count of numbers must be a multiple of this.
        group: usize,
        /// The lowest allowed value of each number.
        min: f64,
        /// The highest allowed value of each number.
        max: f64,
        /// The list that is used if none is given.
        default: &'static [f64],
    },
    /// A colour in hexadecimal: `#rrggbb` or `#rrggbbaa`.
    Color {
        /// The colour that is used if none is given.
        default: &'static str,
    },
    /// Text in a language of its own, which the description of the parameter explains.
    Text {
        /// The largest allowed number of characters.
        max_chars: usize,
        /// The text that is used if none is given.
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
    /// The default, as a request would spell it.
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
    /// The parameter with that id, if the filter has one.
    #[must_use]
    pub fn parameter(&self, id: &str) -> Option<&'static ParameterDefinition> {
        self.parameters.iter().find(|parameter| parameter.id == id)
    }
}

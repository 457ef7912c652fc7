//! The names that HTTP clients write for values, and the error for a name that is not known.

use ocelli_messages::{Failure, Named, v1};

/// The value of the parameter `format`: what the client wants back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// An image file.
    File(v1::ImageCodec),
    /// Pixels without a file around them.
    Raw,
}

const RAW: &str = "raw";

impl Format {
    /// Reads the value of the parameter `format`.
    ///
    /// # Errors
    /// `invalid_argument`, with all names, if it is neither a codec nor `raw`.
    pub(crate) fn parse(given: &str) -> Result<Self, Failure> {
        if given == RAW {
            return Ok(Self::Raw);
        }
        let codecs = v1::ImageCodec::NAMES.iter().flat_map(|(_, names)| names.iter().copied());
        let unknown = || unknown("format", given).allow(codecs.chain([RAW]));
        v1::ImageCodec::named(given).map(Self::File).ok_or_else(unknown)
    }
}

/// Reads the value of the parameter `field`, which is a name of the enumeration `T`.
///
/// # Errors
/// `invalid_argument`, with all names, if there is no such name.
pub(crate) fn parse<T: Named>(field: &'static str, given: &str) -> Result<T, Failure> {
    T::named(given).ok_or_else(|| unknown(field, given).allow(T::names()))
}

fn unknown(field: &'static str, given: &str) -> Failure {
    let given: String = given.chars().take(40).collect();
    Failure::invalid(field, format!("{given:?} is not allowed"))
}

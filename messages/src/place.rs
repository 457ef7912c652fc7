//! Parsed places in messages, such as `pipeline.steps[1].filter.id`, where an error occurred.

use std::fmt;

/// One part of a [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// The name of a field, or the key of an entry in a map.
    Name(&'a str),
    /// The position in a repeated field, counted from 0.
    Index(usize),
}

/// A place in a message, from the outermost field to the innermost. A protocol whose fields have
/// other names matches on the [segments](Self::segments) and renders a place of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    segments: Vec<Segment<'a>>,
}

impl<'a> Place<'a> {
    /// Parses a text. Every text is a place: whatever is not an index is part of a name, so
    /// displaying the place gives the text back.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let mut segments = Vec::new();
        for part in text.split('.') {
            match index(part) {
                Some((name, index)) => {
                    segments.extend([Segment::Name(name), Segment::Index(index)]);
                }
                None => segments.push(Segment::Name(part)),
            }
        }
        Self { segments }
    }

    /// The parts of the place, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[Segment<'a>] {
        &self.segments
    }
}

impl<'a> From<&[Segment<'a>]> for Place<'a> {
    fn from(segments: &[Segment<'a>]) -> Self {
        Self { segments: segments.to_vec() }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Name(name) if position == 0 => f.write_str(name)?,
                Segment::Name(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Splits `steps[1]` into its name and its index if the index is written without leading zeros or
/// signs.
fn index(part: &str) -> Option<(&str, usize)> {
    let (name, digits) = part.strip_suffix(']')?.rsplit_once('[')?;
    let index: usize = digits.parse().ok()?;
    (index.to_string() == digits).then_some((name, index))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        Segment::{Index, Name},
        *,
    };

    #[test]
    fn places_are_taken_apart() {
        for (text, segments) in [
            (
                "pipeline.steps[12].id",
                &[Name("pipeline"), Name("steps"), Index(12), Name("id")][..],
            ),
            ("frame", &[Name("frame")]),
            ("", &[Name("")]),
            ("a..b", &[Name("a"), Name(""), Name("b")]),
            ("a[01]", &[Name("a[01]")]),
            ("a[+1].b]", &[Name("a[+1]"), Name("b]")]),
        ] {
            assert_eq!(Place::parse(text).segments(), segments, "{text}");
        }
    }

    #[test]
    fn a_part_of_a_place_is_a_place() {
        let place = Place::parse("filter.parameters.regions[3]");
        assert_eq!(Place::from(&place.segments()[2..]).to_string(), "regions[3]");
    }

    proptest! {
        #[test]
        fn displaying_a_place_gives_the_text_back(text in r"([a-z_]{0,3}|[.\[\]]|[0-9]{1,2}|.){0,12}") {
            prop_assert_eq!(Place::parse(&text).to_string(), text);
        }
    }
}

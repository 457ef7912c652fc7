//! NATS subjects: built and parsed here, and nowhere else.

use std::{fmt, str::FromStr};

use crate::{StreamName, Tenant, TokenError};

const PREFIX: &str = "ocelli.v1.";

/// A subject that messages travel on.
///
/// `ocelli.v1.<tenant>.<family>.<noun>.<verb>[.<key>]`. The tenant comes first, so that the one
/// permission line `ocelli.v1.acme.>` isolates a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Request/reply: `ProcessRequest` → `ProcessResponse`.
    FilterProcess(Tenant),
    /// Request/reply: `ListFiltersRequest` → `ListFiltersResponse`.
    FilterList(Tenant),
    /// Live frames in: `ProcessRequest`.
    FrameIn(Tenant, StreamName),
    /// Live frames out: `ProcessResponse`.
    FrameOut(Tenant, StreamName),
}

/// Why a text is no subject of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// It has another shape.
    #[error("{0:?} is not a subject of Ocelli: ocelli.v1.<tenant>.<family>.<noun>.<verb>[.<key>]")]
    Shape(String),
    /// One of its names is not allowed.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl Subject {
    /// The subject of live frames without its names.
    pub const FRAME_IN_TEMPLATE: &'static str = "ocelli.v1.{tenant}.frame.in.{stream}";

    /// Matches the live frames of every stream of a tenant: `…frame.in.*`.
    #[must_use]
    pub fn all_frames_in(tenant: &Tenant) -> String {
        format!("{PREFIX}{tenant}.frame.in.*")
    }

    /// The subject without its names, for span names and metric labels: a closed list.
    #[must_use]
    pub const fn template(&self) -> &'static str {
        match self {
            Self::FilterProcess(_) => "ocelli.v1.{tenant}.req.filter.process",
            Self::FilterList(_) => "ocelli.v1.{tenant}.req.filter.list",
            Self::FrameIn(..) => Self::FRAME_IN_TEMPLATE,
            Self::FrameOut(..) => "ocelli.v1.{tenant}.frame.out.{stream}",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FilterProcess(tenant) => write!(f, "{PREFIX}{tenant}.req.filter.process"),
            Self::FilterList(tenant) => write!(f, "{PREFIX}{tenant}.req.filter.list"),
            Self::FrameIn(tenant, stream) => write!(f, "{PREFIX}{tenant}.frame.in.{stream}"),
            Self::FrameOut(tenant, stream) => write!(f, "{PREFIX}{tenant}.frame.out.{stream}"),
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let shape = || SubjectError::Shape(text.chars().take(300).collect());
        let (tenant, rest) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')).ok_or_else(shape)?;
        let subject = match rest {
            "req.filter.process" => Self::FilterProcess(tenant.parse()?),
            "req.filter.list" => Self::FilterList(tenant.parse()?),
            frame => {
                if let Some(stream) = frame.strip_prefix("frame.in.") {
                    Self::FrameIn(tenant.parse()?, stream.parse()?)
                } else if let Some(stream) = frame.strip_prefix("frame.out.") {
                    Self::FrameOut(tenant.parse()?, stream.parse()?)
                } else {
                    return Err(shape());
                }
            }
        };
        Ok(subject)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_subjects() {
        let tenant = Tenant::default();
        let stream: StreamName = "cam-1".parse().unwrap();
        for (subject, text) in [
            (Subject::FilterProcess(tenant.clone()), "ocelli.v1.default.req.filter.process"),
            (Subject::FilterList(tenant.clone()), "ocelli.v1.default.req.filter.list"),
            (Subject::FrameIn(tenant.clone(), stream.clone()), "ocelli.v1.default.frame.in.cam-1"),
            (Subject::FrameOut(tenant.clone(), stream), "ocelli.v1.default.frame.out.cam-1"),
        ] {
            assert_eq!(subject.to_string(), text);
            assert_eq!(text.parse(), Ok(subject));
        }
        assert_eq!(Subject::all_frames_in(&tenant), "ocelli.v1.default.frame.in.*");
    }

    proptest! {
        #[test]
        fn what_is_built_is_parsed_back(tenant in "[a-z0-9_-]{1,64}", stream in "[a-z0-9_-]{1,64}") {
            let tenant: Tenant = tenant.parse().unwrap();
            let stream: StreamName = stream.parse().unwrap();
            for subject in [
                Subject::FilterProcess(tenant.clone()),
                Subject::FilterList(tenant.clone()),
                Subject::FrameIn(tenant.clone(), stream.clone()),
                Subject::FrameOut(tenant, stream),
            ] {
                prop_assert!(subject.to_string().len() < 256);
                prop_assert_eq!(subject.to_string().parse(), Ok(subject));
            }
        }

        #[test]
        fn any_text_is_parsed_or_refused_and_never_read_differently(text in ".{0,80}") {
            if let Ok(subject) = text.parse::<Subject>() {
                prop_assert_eq!(subject.to_string(), text);
            }
        }

        #[test]
        fn no_name_smuggles_a_token_or_a_wildcard(name in "[a-z]{0,3}[.*> A-Z\u{e9}\r\n][a-z]{0,3}") {
            prop_assert!(name.parse::<Tenant>().is_err());
            prop_assert!(name.parse::<StreamName>().is_err());
        }
    }
}

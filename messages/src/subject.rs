//! NATS subjects are built, matched and parsed here, and nowhere else.
//!
//! The form is `ocelli.v1.<tenant>.<family>.<noun>.<verb>[.<key>]`. The tenant comes first, so that
//! a single permission, `ocelli.v1.acme.>`, isolates a tenant. Each kind of subject is one row of a
//! table made by [`subjects!`](crate::subjects!); a service may have a table of its own.

use std::fmt;

use crate::{StreamName, Tenant, Tenants, TokenError};

const PREFIX: &str = "ocelli.v1.";

/// A row of a subject table: what all subjects of one kind have in common.
#[derive(Debug, PartialEq, Eq)]
pub struct SubjectRow {
    path: &'static str,
    template: &'static str,
    payload: &'static str,
}

impl SubjectRow {
    /// The part after the tenant and before the key, e.g. `req.filter.process`.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// The subject with placeholders for its names, e.g. `ocelli.v1.{tenant}.frame.in.{stream}`. It
    /// is used in span names and documentation.
    #[must_use]
    pub const fn template(&self) -> &'static str {
        self.template
    }

    /// The protobuf messages sent on the subject, e.g. `ProcessRequest → ProcessResponse`.
    #[must_use]
    pub const fn payload(&self) -> &'static str {
        self.payload
    }

    /// Parses the tenant of a subject of this kind and ignores its key.
    ///
    /// # Errors
    /// If the text is not a subject of this kind.
    pub fn tenant(&self, text: &str) -> Result<Tenant, SubjectError> {
        match self.split(text)? {
            (tenant, rest) if rest.is_empty() || rest.starts_with('.') => Ok(tenant),
            _ => Err(self.mismatch(text)),
        }
    }

    fn mismatch(&self, text: &str) -> SubjectError {
        SubjectError::Shape { given: text.chars().take(300).collect(), wanted: self.template }
    }

    /// Splits a subject of this kind into its tenant and what follows the path.
    fn split<'a>(&self, text: &'a str) -> Result<(Tenant, &'a str), SubjectError> {
        let shape = || self.mismatch(text);
        let rest = text.strip_prefix(PREFIX).ok_or_else(shape)?;
        let (tenant, rest) = rest.split_once('.').ok_or_else(shape)?;
        let rest = rest.strip_prefix(self.path).ok_or_else(shape)?;
        Ok((tenant.parse()?, rest))
    }

    /// The patterns that match the subjects of this kind of the given tenants; `end` follows the
    /// path.
    fn patterns(&self, tenants: &Tenants, end: &str) -> Vec<String> {
        match tenants {
            Tenants::All => vec![format!("{PREFIX}*.{}{end}", self.path)],
            Tenants::Only(tenants) => tenants
                .iter()
                .map(|tenant| format!("{PREFIX}{tenant}.{}{end}", self.path))
                .collect(),
        }
    }
}

/// A kind of subject that names a tenant and nothing else.
#[derive(Debug, PartialEq, Eq)]
pub struct TenantSubject(SubjectRow);

impl TenantSubject {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(path: &'static str, template: &'static str, payload: &'static str) -> Self {
        Self(SubjectRow { path, template, payload })
    }

    /// The row of this kind in its table.
    #[must_use]
    pub const fn row(&self) -> &SubjectRow {
        &self.0
    }

    /// Builds the subject of a tenant.
    #[must_use]
    pub fn of(&'static self, tenant: &Tenant) -> Subject {
        Subject { row: &self.0, tenant: tenant.clone(), key: None }
    }

    /// The patterns to subscribe to: one for all tenants, or one for each tenant named.
    #[must_use]
    pub fn patterns(&self, tenants: &Tenants) -> Vec<String> {
        self.0.patterns(tenants, "")
    }

    /// Parses the tenant of a subject.
    ///
    /// # Errors
    /// If the text is not a subject of this kind.
    pub fn parse(&self, text: &str) -> Result<Tenant, SubjectError> {
        match self.0.split(text)? {
            (tenant, "") => Ok(tenant),
            _ => Err(self.0.mismatch(text)),
        }
    }
}

/// A kind of subject that names a tenant and a live stream.
#[derive(Debug, PartialEq, Eq)]
pub struct StreamSubject(SubjectRow);

impl StreamSubject {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(path: &'static str, template: &'static str, payload: &'static str) -> Self {
        Self(SubjectRow { path, template, payload })
    }

    /// The row of this kind in its table.
    #[must_use]
    pub const fn row(&self) -> &SubjectRow {
        &self.0
    }

    /// Builds the subject of one stream of a tenant.
    #[must_use]
    pub fn of(&'static self, tenant: &Tenant, stream: &StreamName) -> Subject {
        Subject { row: &self.0, tenant: tenant.clone(), key: Some(stream.clone()) }
    }

    /// The patterns that match every stream: one for all tenants, or one for each tenant named.
    #[must_use]
    pub fn patterns(&self, tenants: &Tenants) -> Vec<String> {
        self.0.patterns(tenants, ".*")
    }

    /// Parses the tenant and the stream of a subject.
    ///
    /// # Errors
    /// If the text is not a subject of this kind.
    pub fn parse(&self, text: &str) -> Result<(Tenant, StreamName), SubjectError> {
        let (tenant, rest) = self.0.split(text)?;
        let stream = rest.strip_prefix('.').ok_or_else(|| self.0.mismatch(text))?;
        Ok((tenant, stream.parse()?))
    }
}

/// The subject of a message. It is built by a row of a subject table, so it cannot be malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    row: &'static SubjectRow,
    tenant: Tenant,
    key: Option<StreamName>,
}

impl Subject {
    /// The subject with placeholders for its names. There is a fixed number of them, so they are
    /// safe as span names.
    #[must_use]
    pub const fn template(&self) -> &'static str {
        self.row.template
    }

    /// The tenant that the subject belongs to.
    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}.{}", self.tenant, self.row.path)?;
        match &self.key {
            Some(key) => write!(f, ".{key}"),
            None => Ok(()),
        }
    }
}

/// The reason why a text is not a subject of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// The text does not have the form of the expected subject.
    #[error("{given:?} is not a subject of the form {wanted}")]
    Shape {
        /// The text, truncated to 300 characters.
        given: String,
        /// The template of the expected subject.
        wanted: &'static str,
    },
    /// The tenant or the stream has a name that is not allowed.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// Defines a table of subjects with one row for each kind: `NAME: TenantSubject =
/// "family.noun.verb", "Request → Response";`, or `StreamSubject` for subjects that end with the
/// name of a live stream.
///
/// It expands to one static for each row, and `ALL`, which lists every row.
///
/// ```
/// ocelli_messages::subjects! {
///     /// Returns the text in upper case.
///     SHOUT: TenantSubject = "req.text.shout", "StringValue → StringValue";
/// }
/// assert_eq!(SHOUT.of(&Default::default()).to_string(), "ocelli.v1.default.req.text.shout");
/// ```
#[macro_export]
macro_rules! subjects {
    ($($(#[$doc:meta])* $name:ident: $kind:ident = $path:literal, $payload:literal;)*) => {
        $(
            $(#[$doc])*
            pub static $name: $crate::$kind =
                $crate::$kind::new($path, $crate::subjects!(@template $kind $path), $payload);
        )*

        /// Every row of this table.
        pub static ALL: &[&$crate::SubjectRow] = &[$($name.row(),)*];
    };
    (@template TenantSubject $path:literal) => { concat!("ocelli.v1.{tenant}.", $path) };
    (@template StreamSubject $path:literal) => {
        concat!("ocelli.v1.{tenant}.", $path, ".{stream}")
    };
}

/// The subjects that services share because one service sends what another receives.
pub mod subjects {
    crate::subjects! {
        /// Sends one frame through a pipeline of filters.
        FILTER_PROCESS: TenantSubject = "req.filter.process", "ProcessRequest → ProcessResponse";
        /// Lists the available filters.
        FILTER_LIST: TenantSubject = "req.filter.list", "ListFiltersRequest → ListFiltersResponse";
        /// Tells every worker that a caller no longer waits for the reply to a request.
        CANCEL: TenantSubject = "ctl.cancel", "CancelRequest";
        /// Carries live frames to the workers; the latest frame wins.
        FRAME_IN: StreamSubject = "frame.in", "ProcessRequest";
        /// Carries the results of live frames.
        FRAME_OUT: StreamSubject = "frame.out", "ProcessResponse";
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{subjects::*, *};

    #[test]
    fn the_documented_subjects() {
        let tenant = Tenant::default();
        let stream: StreamName = "cam-1".parse().unwrap();
        for (subject, text) in [
            (FILTER_PROCESS.of(&tenant), "ocelli.v1.default.req.filter.process"),
            (FILTER_LIST.of(&tenant), "ocelli.v1.default.req.filter.list"),
            (FRAME_IN.of(&tenant, &stream), "ocelli.v1.default.frame.in.cam-1"),
            (FRAME_OUT.of(&tenant, &stream), "ocelli.v1.default.frame.out.cam-1"),
        ] {
            assert_eq!(subject.to_string(), text);
            assert_eq!(*subject.tenant(), tenant);
        }
        let templates: Vec<_> = ALL.iter().map(|row| row.template()).collect();
        assert_eq!(templates[0], "ocelli.v1.{tenant}.req.filter.process");
        assert_eq!(templates[3], "ocelli.v1.{tenant}.frame.in.{stream}");
    }

    #[test]
    fn workers_subscribe_to_all_tenants_or_to_those_that_are_named() {
        let only = Tenants::Only(vec!["acme".parse().unwrap(), "b-2".parse().unwrap()]);
        assert_eq!(FILTER_LIST.patterns(&Tenants::All), ["ocelli.v1.*.req.filter.list"]);
        assert_eq!(FRAME_IN.patterns(&Tenants::All), ["ocelli.v1.*.frame.in.*"]);
        assert_eq!(
            FRAME_IN.patterns(&only),
            ["ocelli.v1.acme.frame.in.*", "ocelli.v1.b-2.frame.in.*"]
        );
    }

    #[test]
    fn a_subject_of_another_kind_is_refused_with_the_form_that_was_expected() {
        for text in [
            "",
            "ocelli.v1.default.req.filter.list",
            "ocelli.v1.default.req.filter.process.more",
            "ocelli.v1.default.req.filter.processed",
            "ocelli.v2.default.req.filter.process",
            "ocelli.v1.No.req.filter.process",
        ] {
            let error = FILTER_PROCESS.parse(text).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("req.filter.process") || text.contains("tenant"), "{text}");
        }
        assert!(FRAME_IN.parse("ocelli.v1.default.frame.in").is_err());
        assert!(FRAME_IN.parse("ocelli.v1.default.frame.in.a.b").is_err());
    }

    proptest! {
        #[test]
        fn what_is_built_is_parsed_back(tenant in "[a-z0-9_-]{1,64}", stream in "[a-z0-9_-]{1,64}") {
            let tenant: Tenant = tenant.parse().unwrap();
            let stream: StreamName = stream.parse().unwrap();
            let text = FILTER_PROCESS.of(&tenant).to_string();
            prop_assert!(text.len() < 256);
            prop_assert_eq!(FILTER_PROCESS.parse(&text), Ok(tenant.clone()));
            let text = FRAME_IN.of(&tenant, &stream).to_string();
            prop_assert!(text.len() < 256);
            prop_assert_eq!(FRAME_IN.parse(&text), Ok((tenant, stream)));
        }

        #[test]
        fn any_text_is_parsed_or_refused_and_never_read_differently(
            text in "(ocelli\\.v1\\.)?.{0,80}",
        ) {
            if let Ok((tenant, stream)) = FRAME_IN.parse(&text) {
                prop_assert_eq!(FRAME_IN.of(&tenant, &stream).to_string(), text);
            } else if let Ok(tenant) = FILTER_LIST.parse(&text) {
                prop_assert_eq!(FILTER_LIST.of(&tenant).to_string(), text);
            }
        }

        #[test]
        fn no_name_smuggles_a_token_or_a_wildcard(name in "[a-z]{0,3}[.*> A-Z\u{e9}\r\n][a-z]{0,3}") {
            prop_assert!(name.parse::<Tenant>().is_err());
            prop_assert!(name.parse::<StreamName>().is_err());
        }
    }
}

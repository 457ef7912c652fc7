//! The names that may be part of a subject.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// The length of the longest name, in bytes.
const MAX_LENGTH: usize = 64;

/// The reason why a text is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} is not allowed; use 1 to 64 characters from a-z, 0-9, '_' and '-'")]
pub struct TokenError {
    what: &'static str,
    given: String,
}

fn check(what: &'static str, text: &str) -> Result<Box<str>, TokenError> {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-';
    if (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.into())
    } else {
        // A name from a client may be megabytes long; its start is enough to recognise it.
        Err(TokenError { what, given: text.chars().take(80).collect() })
    }
}

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = TokenError;

            fn from_str(text: &str) -> Result<Self, TokenError> {
                check($what, text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

token!(
    /// The name of a tenant: 1 to 64 characters from `[a-z0-9_-]`. The default is `default`.
    Tenant,
    "tenant"
);
token!(
    /// The name of a live stream: 1 to 64 characters from `[a-z0-9_-]`.
    StreamName,
    "stream"
);

impl Default for Tenant {
    fn default() -> Self {
        Self("default".into())
    }
}

/// The tenants that a worker serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tenants {
    /// The worker serves every tenant of the broker.
    #[default]
    All,
    /// The worker serves only these tenants. This is needed if its broker account may not subscribe
    /// to `ocelli.v1.*`.
    Only(Vec<Tenant>),
}

impl Tenants {
    /// Parses a list of names; an empty list means all tenants, and a name counts once.
    ///
    /// # Errors
    /// The error of the first name that is not allowed.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, TokenError> {
        let tenants = names.into_iter().map(str::parse).collect::<Result<BTreeSet<Tenant>, _>>()?;
        let tenants = Vec::from_iter(tenants);
        Ok(if tenants.is_empty() { Self::All } else { Self::Only(tenants) })
    }
}

impl fmt::Display for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Only(tenants) => {
                let names: Vec<_> = tenants.iter().map(Tenant::as_str).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

//! Names that may stand in a subject.

use std::{fmt, str::FromStr};

/// The longest name, in bytes.
const MAX_LENGTH: usize = 64;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} is not allowed: 1 to 64 characters of a-z, 0-9, '_' and '-'")]
pub struct TokenError {
    what: &'static str,
    given: String,
}

fn check(what: &'static str, text: &str) -> Result<Box<str>, TokenError> {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-';
    if (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.into())
    } else {
        // A name from outside may be megabytes long; the start is enough to know it again.
        Err(TokenError { what, given: text.chars().take(80).collect() })
    }
}

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name.
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
    /// A tenant: 1 to 64 of `[a-z0-9_-]`. Without configuration it is `default`.
    Tenant,
    "tenant"
);
token!(
    /// A live stream: 1 to 64 of `[a-z0-9_-]`.
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
    /// Every tenant of the broker.
    #[default]
    All,
    /// Only these; a worker whose broker account may not subscribe to `ocelli.v1.*` needs it.
    Only(Vec<Tenant>),
}

impl Tenants {
    /// Reads a list of names; an empty list means all tenants.
    ///
    /// # Errors
    /// The first name that is not allowed.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, TokenError> {
        let tenants = names.into_iter().map(str::parse).collect::<Result<Vec<Tenant>, _>>()?;
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

//! Keys of buckets and names of objects: built and parsed here, and nowhere else.

use std::fmt;

use ocelli_messages::{Failure, Tenant};

/// The longest key, bytes, so that its subject stays below the 255 that NATS advises.
const MAX_LENGTH: usize = 200;
const ALLOWED: &str = "tokens of A-Z, a-z, 0-9, '_', '-', '=' and '/', separated by single dots";

/// A key: `<tenant>.<rest>`.
///
/// The tenant comes first, so that one permission line isolates a tenant's keys in every bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    text: String,
    tenant: Tenant,
}

impl Key {
    /// The key of a tenant. `rest` is one or more tokens of `[A-Za-z0-9_=/-]`, separated by dots;
    /// the whole key has at most 200 bytes.
    ///
    /// # Errors
    /// `invalid_argument` with what is allowed.
    pub fn new(tenant: &Tenant, rest: &str) -> Result<Self, Failure> {
        check(rest, is_plain)?;
        Self::of(tenant, rest)
    }

    /// Reads a key as it stands in a bucket.
    ///
    /// # Errors
    /// `invalid_argument` if it is not `<tenant>.<rest>`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let (tenant, rest) = text.split_once('.').ok_or_else(|| wrong(text))?;
        let tenant = tenant.parse().map_err(|_| wrong(text))?;
        Self::new(&tenant, rest)
    }

    fn of(tenant: &Tenant, rest: &str) -> Result<Self, Failure> {
        let text = format!("{tenant}.{rest}");
        if text.len() > MAX_LENGTH {
            let message =
                format!("the key is {} bytes long, at most {MAX_LENGTH} are allowed", text.len());
            return Err(Failure::invalid("key", message));
        }
        Ok(Self { text, tenant: tenant.clone() })
    }

    /// The whole key: `<tenant>.<rest>`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The tenant that the key belongs to.
    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The key without its tenant.
    #[must_use]
    pub fn rest(&self) -> &str {
        self.text.split_once('.').map_or("", |(_, rest)| rest)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Matches keys of one tenant. `*` stands for one token, a last `>` for one or more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyPattern(Key);

impl KeyPattern {
    /// A pattern for a tenant's keys, such as `cameras.*`.
    ///
    /// # Errors
    /// `invalid_argument` with what is allowed.
    pub fn new(tenant: &Tenant, rest: &str) -> Result<Self, Failure> {
        let last = rest.split('.').count();
        let mut position = 0;
        check(rest, |token| {
            position += 1;
            token == "*" || (token == ">" && position == last) || is_plain(token)
        })?;
        Key::of(tenant, rest).map(Self)
    }

    /// A pattern for all keys of a tenant.
    #[must_use]
    pub fn all(tenant: &Tenant) -> Self {
        Self(Key { text: format!("{tenant}.>"), tenant: tenant.clone() })
    }

    /// The whole pattern: `<tenant>.<rest>`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The tenant whose keys it matches.
    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        self.0.tenant()
    }
}

fn check(rest: &str, mut allowed: impl FnMut(&str) -> bool) -> Result<(), Failure> {
    if rest.split('.').all(&mut allowed) { Ok(()) } else { Err(wrong(rest)) }
}

fn is_plain(token: &str) -> bool {
    !token.is_empty()
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-=/".contains(&byte))
}

fn wrong(text: &str) -> Failure {
    let given: String = text.chars().take(80).collect();
    Failure::invalid("key", format!("{given:?} is not a key")).allow([ALLOWED])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant() -> Tenant {
        "acme".parse().unwrap()
    }

    #[test]
    fn a_key_begins_with_its_tenant() {
        let key = Key::new(&tenant(), "cameras.gate-1").unwrap();
        assert_eq!(key.as_str(), "acme.cameras.gate-1");
        assert_eq!(key.rest(), "cameras.gate-1");
        assert_eq!(Key::parse("acme.cameras.gate-1").unwrap(), key);
    }

    #[test]
    fn a_key_of_another_shape_is_refused() {
        for rest in ["", ".", "a.", ".a", "a..b", "a b", "a.*", ">", "ä", "a\r\n"] {
            let failure = Key::new(&tenant(), rest).unwrap_err();
            assert!(failure.message.contains("is not a key"), "{rest:?}: {failure}");
        }
        for text in ["acme", "", "Acme.a", "a*.b"] {
            assert!(Key::parse(text).is_err(), "{text:?}");
        }
        let long = "a".repeat(MAX_LENGTH);
        let failure = Key::new(&tenant(), &long).unwrap_err();
        assert!(failure.message.contains("at most 200"), "{failure}");
    }

    #[test]
    fn a_pattern_has_wildcards_for_whole_tokens_only() {
        assert_eq!(KeyPattern::all(&tenant()).as_str(), "acme.>");
        for rest in ["*", ">", "a.*.b", "a.>", "a.b"] {
            assert_eq!(KeyPattern::new(&tenant(), rest).unwrap().as_str(), format!("acme.{rest}"));
        }
        for rest in ["", "a*", ">.a", "a.>b", "a..b"] {
            assert!(KeyPattern::new(&tenant(), rest).is_err(), "{rest:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_built_is_parsed_back(tenant in "[a-z0-9_-]{1,20}", rest in "[A-Za-z0-9_=/-]{1,9}(\\.[A-Za-z0-9_=/-]{1,9}){0,4}") {
            let key = Key::new(&tenant.parse().unwrap(), &rest).unwrap();
            prop_assert_eq!(Key::parse(key.as_str()).unwrap(), key.clone());
            prop_assert_eq!((key.tenant().as_str(), key.rest()), (tenant.as_str(), rest.as_str()));
        }
    }
}

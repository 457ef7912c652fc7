//! Shows settings to people, without secrets.

use std::borrow::Cow;

use toml::Value;

use super::Settings;

/// The settings as TOML, with secrets and the credentials in URLs replaced by `***`.
#[must_use]
pub fn show(settings: &Settings) -> String {
    let mut shown = settings.as_toml().clone();
    shown.iter_mut().for_each(|(_, value)| redact(value));
    toml::to_string_pretty(&shown)
        .unwrap_or_else(|error| format!("# cannot be shown as TOML: {error}\n"))
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(hidden) = hide_credentials(text) {
                *text = hidden;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| redact(value)),
        _ => {}
    }
}

/// Replaces the credentials in a URL: `nats://user:password@host` becomes `nats://***@host`.
///
/// Everything up to the last `@` is hidden, because a password may hold any character, whether a URL
/// allows it or not, and so is the query, in which some services expect a token.
#[must_use]
pub fn hide_credentials(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else { return Cow::Borrowed(text) };
    let (before, host) = rest.rsplit_once('@').map_or(("", rest), |(_, host)| ("***@", host));
    let (host, mark) = match host.split_once(['?', '#']) {
        Some((host, _)) => (host, "?***"),
        None => (host, ""),
    };
    if before.is_empty() && mark.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{scheme}://{before}{host}{mark}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_urls_are_hidden() {
        for (text, shown) in [
            ("nats://user:pa@ss@host:4222", "nats://***@host:4222"),
            ("nats://user:pa/ss#@host", "nats://***@host"),
            ("nats://a:1,nats://user:pass@b:1", "nats://***@b:1"),
            ("nats://host:4222", "nats://host:4222"),
            ("http://host/v1?token=secret", "http://host/v1?***"),
            ("http://me:pass@host/v1?token=secret#x", "http://***@host/v1?***"),
            ("http://host/v1?token=sec@ret", "http://***@ret"),
            ("http://host/v1#secret", "http://host/v1?***"),
            ("someone@example.org", "someone@example.org"),
        ] {
            assert_eq!(hide_credentials(text), shown);
        }
    }
}

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
/// allows it or not.
#[must_use]
pub fn hide_credentials(text: &str) -> Cow<'_, str> {
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (_, host) = rest.rsplit_once('@')?;
        Some(format!("{scheme}://***@{host}"))
    });
    hidden.map_or(Cow::Borrowed(text), Cow::Owned)
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
            ("someone@example.org", "someone@example.org"),
        ] {
            assert_eq!(hide_credentials(text), shown);
        }
    }
}
